# The same commands and options stand in the program's help, in the man page and in the completions of three shells; what is mistyped is
# answered with the nearest name.
. "$(dirname "$0")/toy.sh"
completions=$source/apps/heed/completions

commands=$(sed -n 's/^CLI_COMMAND(\(.*\))$/\1/p' "$source/apps/heed/commands.def")
check "there are commands" [ -n "$commands" ]
for command in $commands; do
  "$heed" "$command" --help >help 2>errors
  check "$command --help is on standard output" [ -s help -a ! -s errors ]
  check "help $command says the same" cmp -s help <("$heed" help "$command")
  check "$command is in the overview" grep -q "^  $command " <("$heed" --help)
  check "$command is in the man page" grep -q "^\.SS \"heed $command" "$source/docs/heed.1"
  for option in $(sed -nE '/^options$/,$ s/^  (-[a-z-]+).*/\1/p' help); do
    bare=${option##*-}
    [[ $option == --* ]] && bare=${option#--} fish="-l $bare" || fish="-[so] $bare"
    check "$command $option is in the man page" grep -qF -e "${option//-/\\-}" "$source/docs/heed.1"
    check "$command $option is in the completion of bash" grep -qE -e "(^|[ '\"])$option([ '\")]|$)" "$completions/heed.bash"
    check "$command $option is in the completion of zsh" grep -qF -e "$option[" "$completions/_heed"
    check "$command $option is in the completion of fish" grep -qE -e " $fish( |$)" "$completions/heed.fish"
  done
done

# shellcheck disable=SC1091
. "$completions/heed.bash"
complete_words() { COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _heed; echo "${COMPREPLY[*]}"; }
check "bash completes a command" is "$(complete_words heed tr)" train
check "bash completes an option" is "$(complete_words heed run --ali)" --align
check "bash completes a value" is "$(complete_words heed run --align sy)" symbols

usage() { # WHAT EXIT TEXT ARGUMENT...
  local what=$1 exit=$2 text=$3 status
  shift 3
  "$heed" "$@" >out 2>errors </dev/null
  status=$?
  check "$what: exit $exit" is "$status" "$exit"
  check "$what: says so" grep -qF -e "$text" errors
  check "$what: nothing on standard output" [ ! -s out ]
}
usage "nothing at all" 2 "usage: heed COMMAND"
usage "an unknown command" 2 'did you mean explain?' explian
usage "an unknown option" 2 'did you mean --scores?' run model --score
usage "an option of a later version" 2 "unknown option --voice;" run model --voice 5
usage "no beam at all" 2 "--beam takes 1 to 64, not 0" run model --beam 0
usage "no best" 2 "--nbest takes 1 to 64, not 0" run model --nbest 0
usage "a beam and draws" 2 "give one of them" run model --sample --beam 2
usage "a target and draws" 2 "give one of them" run model --sample --target lines
usage "draws not asked for" 2 "need --sample" run model --top-k 3
usage "no temperature" 2 "are above 0" run model --sample --temperature 0
usage "a share above all" 2 "--top-p is 1 at most" run model --sample --top-p 1.5
usage "two beginnings" 2 "exclude each other" run model --prefix a --prefixes b
usage "words and draws" 2 "need a search" run model --must a --sample
usage "words and a target" 2 "go with what the model writes" run model --never a --target lines
usage "words that are none" 2 "not a blank" run model --must ' '
usage "words of JSON in a file" 2 'stand in its object' run model --input json --constraints file
usage "no alternatives" 2 "--alternatives takes 1 to 1000" run model --alternatives 0
usage "a place alone" 2 "--at needs --alternatives" run model --at 3
usage "a place and several answers" 2 "goes without --nbest" run model --at 3 --alternatives 2 --nbest 2
usage "a mean of another kind" 2 "--ensemble-mean takes arithmetic|geometric" eval model --ensemble-mean harmonic
usage "an option before the command" 2 "unknown option --trheads; did you mean --threads?" --trheads 2 run
usage "a value that is missing" 2 "--svg needs a value: --svg FILE" explain model text --svg
usage "a value too many" 2 "--scores takes no value" run model --scores=yes
usage "a word that is none of the few" 2 "--align takes pharaoh|soft|symbols" run model --align hard
usage "a number that is none" 2 "--threads takes a whole number" run model --threads two
usage "a number that is too large" 2 "--updates takes a whole number" demo --updates 99999999999999999999
usage "edges that fall" 2 "--by-length takes" eval model --by-length=20,10
usage "an argument too many" 2 '"c" is one argument too many' explain a b c
usage "a help topic" 2 "did you mean metrics?" help metric
usage "a metric" 2 "expected one of: bleu " score blue a b
usage "a setting without a key" 2 "heed: " train no.yaml --set x
for command in train run eval score explain inspect quantize check plan bench; do
  usage "$command without arguments" 2 "usage: heed $command " "$command"
done
check "-- ends the options" grep -q "no such model" <("$heed" run -- --scores 2>&1)
exit $failures
