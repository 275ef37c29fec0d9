# Gold links and pairs that are none: exit 4, the file, the line, the place; nothing is stored in the model.
. "$(dirname "$0")/lib.sh"
train -o run >/dev/null
model=run/model
cp $model/attn.json attn.json
printf 'ab cd\nef\n\nabc\n' >source
printf 'ab\nef cd\n\nabc\n' >target
printf '1-1 2p1\n1-2\n\n1-1\n' >gold
check "gold as it should be" "$HEED" align $model source target --gold gold

bad() { # NAME TEXT CONTENT: a gold file
  printf -- "$3" >bad
  for calibrate in '' --calibrate; do
    expect "$1${calibrate:+, calibrating}" 4 "$2" "$HEED" align $model source target --gold bad $calibrate
    name="$1 leaves the model as it was"
    if cmp -s attn.json $model/attn.json; then pass; else fail "attn.json was changed"; fi
  done
}
bad "a link outside the source" 'bad: line 1: link 2, "3-1"' '1-1 3-1\n1-2\n\n1-1\n'
bad "a link outside the target" 'bad: line 2: link 1, "1-3"' '1-1\n1-3\n\n1-1\n'
bad "a possible link outside" 'bad: line 2: link 2, "1p9"' '1-1\n1-1 1p9\n\n1-1\n'
bad "words counted from 0" 'bad: line 1: link 1, "0-0"' '0-0\n1-2\n\n1-1\n'
bad "a link of a line without words" 'bad: line 3: has links' '1-1\n1-2\n1-1\n1-1\n'
bad "what is no link" 'bad: line 4: link 1, "1:1"' '1-1\n1-2\n\n1:1\n'
bad "half a link" 'bad: line 1: link 1, "1-"' '1-\n1-2\n\n1-1\n'
bad "a number beyond all" 'bad: line 1: link 1, "99999999999999999999-1"' '99999999999999999999-1\n1-2\n\n1-1\n'
bad "a number below 0" 'bad: line 1: link 1, "-1-1"' '-1-1\n1-2\n\n1-1\n'
bad "bytes that are no text" 'bad: line 2' '1-1\n1-2\377\n\n1-1\n'
bad "a zero byte" 'bad: line 2' '1-1\n1\0-2\n\n1-1\n'
bad "a line too few" 'bad ends after line 3' '1-1\n1-2\n\n'
bad "a line too many" 'goes on' '1-1\n1-2\n\n1-1\n1-1\n'
bad "an empty file" 'bad' ''
expect "gold that is missing" 4 "nowhere" "$HEED" align $model source target --gold nowhere
expect "gold that is a folder" 4 "run" "$HEED" align $model source target --gold run
expect "lines beyond the last" 4 "has 4 lines" "$HEED" align $model source target --gold gold --lines 3-5
expect "lines beyond the last, calibrating" 4 "has 4 lines" "$HEED" align $model source target --gold gold --lines 3-5 --calibrate
expect "no sure link to choose by" 4 "no sure link on lines 3 to 3" "$HEED" align $model source target --gold gold --lines 3-3 --calibrate
printf 'ab\nef cd\n' >short
expect "sides of different length" 4 "short ends after line 2" "$HEED" align $model source short
printf 'ab\n\377\n\nabc\n' >latin
expect "a side that is no text" 4 "latin: line 2: byte 0xFF" "$HEED" align $model source latin
head -c 20000 /dev/zero | tr '\0' a >long
echo >>long
expect "a line too long" 5 "long: line 1: 20000 symbols" "$HEED" align $model long long
cp -r $model cut
sed -i 's/"format": 1,/"format": 1, "alignment": {"layer": 7, "head": 0, "shift": 1},/' cut/attn.json
expect "a choice that the model has not" 3 "cut/attn.json: \"alignment\" names no layer" "$HEED" align cut source target
