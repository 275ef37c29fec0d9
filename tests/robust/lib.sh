# Sourced by the scripts of this folder: a scratch directory with tiny data and a recipe, and ways to say what holds.
: "${HEED:?the program under test}"
export OMP_WAIT_POLICY=passive   # the machine may be shared: threads that wait shall sleep
scratch=$(mktemp -d) || exit 1
trap leave EXIT
cd "$scratch" || exit 1
failures=0

leave() {
  local status=$?
  [ -z "${mounted:-}" ] || umount "$mounted"
  chmod -R u+rwx "$scratch"
  rm -rf "$scratch"
  [ $status -ne 0 ] || [ "$failures" -eq 0 ] || exit 1
}

pass() { echo "ok - $name"; }
fail() { # WHY...
  echo "not ok - $name"
  printf '  %s\n' "$@" | cut -c 1-600
  failures=$((failures + 1))
}
skip() { echo "skip - $1: $2"; } # NAME WHY

check() { # NAME COMMAND...
  name=$1
  shift
  if "$@" >output 2>&1; then pass; else fail "$* failed:" "$(tail -n 3 output)"; fi
}

expect() { # NAME EXIT TEXT COMMAND...: the exit status, and a text on standard error
  local code=$2 text=$3 status
  name=$1
  shift 3
  "$@" >output 2>errors </dev/null
  status=$?
  if [ $status -ne "$code" ]; then fail "exit $status instead of $code: $*" "$(tail -n 3 errors)"; return; fi
  if ! grep -qF -- "$text" errors; then fail "no \"$text\" on standard error:" "$(tail -n 3 errors)"; return; fi
  pass
}

same() { # NAME A B FILES...: the files are the same in both directories
  local a=$2 b=$3 file
  name=$1
  shift 3
  for file; do cmp -s "$a/$file" "$b/$file" || { fail "$a/$file and $b/$file differ or are missing"; return; }; done
  pass
}

nothing_left() { # DIR: no half-made file or directory in it
  local left
  left=$(find "$1" -name '*.tmp*')
  [ -z "$left" ] || { echo "left behind: $left"; return 1; }
}

words() { # LINES SEED: words of letters a to f, and again
  awk -v lines="$1" -v x="$2" 'BEGIN {
    for (i = 0; i < lines; i++) {
      x = (x * 1103515245 + 12345) % 2147483648; n = 1 + int(x / 65536) % 8; word = ""
      for (j = 0; j < n; j++) { x = (x * 1103515245 + 12345) % 2147483648; word = word substr("abcdef", 1 + int(x / 65536) % 6, 1) }
      print word "\t" word
    } }'
}

train() { "$HEED" train tiny.yaml --threads 1 -q "$@"; }

words 250 1 >train.tsv
words 40 2 >valid.tsv
cat >tiny.yaml <<'YAML'
data: {train: train.tsv, valid: valid.tsv, shuffle_buffer: 100}
model:
  encoder: {cell: gru, embed: 12, width: 16, dropout: 0.2}
  decoder: {cell: gru, embed: 12, width: 16, dropout: 0.2}
train:
  batch: {sentences: 30}
  updates: 30
  optimizer: {rate: 0.01}
  validate: {every: 5, patience: 0}
  keep: 3
YAML
