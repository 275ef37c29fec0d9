# Executes docs/contract.md: every command of its console blocks, in one empty directory, against the output that stands there. The rules of the
# page are its first paragraph's. Prints the differences of what fails.
source=${HEED_SOURCE:?}
heed=${HEED:?}
page=${1:-$source/docs/contract.md}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/bin" "$dir/work"
printf '#!/bin/sh\nexec "%s" "$@"\n' "$heed" >"$dir/bin/heed"
chmod +x "$dir/bin/heed"
[ -d "$source/models" ] && ln -s "$source/models" "$dir/work/models"
export PATH=$dir/bin:$PATH LC_ALL=C.UTF-8
unset HEED_DATA NO_COLOR
cd "$dir/work" || exit 1
failures=0

# Whether the lines of `got` from $1 on match those of `wanted` from $2 on.
matches() {
  local g=$1 w=$2
  while [ "$w" -lt ${#wanted[@]} ]; do
    if [ "${wanted[w]}" = ... ]; then
      for ((; g <= ${#got[@]}; g++)); do matches "$g" $((w + 1)) && return 0; done
      return 1
    fi
    [ "$g" -lt ${#got[@]} ] || return 1
    if [[ ${wanted[w]} == *'[..]'* ]]; then
      resembles "${got[g]}" "${wanted[w]}" || return 1
    elif [ "${got[g]}" != "${wanted[w]}" ]; then
      return 1
    fi
    g=$((g + 1))
    w=$((w + 1))
  done
  [ "$g" -eq ${#got[@]} ]
}

# Whether text $1 is $2, whose [..] stand for any characters.
resembles() {
  local text=$1 rest=$2 part
  part=${rest%%\[..\]*}
  [[ $text == "$part"* ]] || return 1
  text=${text#"$part"}
  rest=${rest#*\[..\]}
  while [[ $rest == *'[..]'* ]]; do
    part=${rest%%\[..\]*}
    rest=${rest#*\[..\]}
    [[ $text == *"$part"* ]] || return 1
    text=${text#*"$part"}
  done
  [[ $text == *"$rest" ]]
}

run_command() { # LINE COMMAND, wanted[]
  local line=$1 command=$2 exit=0 status
  if [[ $command =~ ^(.*)\ \#\ exit\ ([0-9]+)$ ]]; then
    command=${BASH_REMATCH[1]}
    exit=${BASH_REMATCH[2]}
  fi
  if [[ $command == *models/* ]] && [ ! -d models/g2p-en ]; then
    echo "skip - contract: line $line: $command: the model is not here"
    return
  fi
  bash -c "$command" >"$dir/out" 2>&1 </dev/null
  status=$?
  mapfile -t got <"$dir/out"
  if [ $status -eq "$exit" ] && matches 0 0; then
    echo "ok - contract: line $line: $command"
    return
  fi
  failures=1
  echo "not ok - contract: line $line: $command"
  echo "    exit $status, wanted $exit"
  printf '    wanted: %s\n' "${wanted[@]}"
  printf '    got:    %s\n' "${got[@]}"
}

flush() {
  [ -n "$command" ] && run_command "$at" "$command"
  command=
  wanted=()
}

block= command= at=0 number=0 wanted=()
while IFS= read -r text; do
  number=$((number + 1))
  case $block in
  '')
    case $text in
    '```console') block=console ;;
    '```'[a-z]*' '*) block=file file=${text#* } && : >"$file" ;;
    '```'*) block=other ;;
    esac
    continue ;;
  esac
  if [ "$text" = '```' ]; then
    flush
    block=
  elif [ $block = file ]; then
    printf '%s\n' "$text" >>"$file"
  elif [ $block = console ]; then
    if [[ $text == '$ '* ]]; then
      flush
      command=${text#\$ } at=$number
    else
      wanted+=("$text")
    fi
  fi
done <"$page"
[ -z "$block" ] || { echo "not ok - contract: the block before line $number has no end"; failures=1; }
exit $failures
