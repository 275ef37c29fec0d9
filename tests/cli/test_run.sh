# heed run as a filter: in order, as it comes, in bounded memory, with the same bits however it is run.
. "$(dirname "$0")/toy.sh"
make_toy

check "learns the toy language" is "$(echo 'two red bird' | "$heed" run $model)" "BIRD RED TWO"
"$heed" run $model sources >answers
check "one line for each line, in order" cmp -s answers targets

formats=(--scores --align soft)
"$heed" run $model sources --threads 1 "${formats[@]}" >one
check "the same bits with two threads" cmp -s one <("$heed" run $model sources --threads 2 "${formats[@]}")
check "the same bits in another company" cmp -s <(sed -n 7p one) <(sed -n 7p sources | "$heed" run $model "${formats[@]}")
check "the same bits from a pipe in pieces" cmp -s one <({ head -c 301 sources; sleep 0.2; tail -c +302 sources; } | "$heed" run $model "${formats[@]}")
check "several files are one input" cmp -s <(cat answers answers) <("$heed" run $model sources - <sources)
check "a last line without an end is a line" is "$(printf 'two red bird' | "$heed" run $model)" "BIRD RED TWO"
check "a carriage return belongs to the end of a line" is "$(printf 'two red bird\r\n' | "$heed" run $model)" "BIRD RED TWO"
check "no line gives no line" is "$(printf '' | "$heed" run $model | wc -l)" 0
check "blank lines give empty lines" is "$(printf '\n  \n' | "$heed" run $model | tr '\n' '|')" "||"
check "tabs and braces are ordinary" is "$(printf '{"source": 1}\t\n' | "$heed" run $model | wc -l)" 1

check "weights of a word sum to 1" awk '
  { for (i = 1; i <= split($0, field, "\t"); i++) text = field[i]
    n = split(text, word, " ")
    for (i = 1; i <= n; i++) { m = split(word[i], w, ","); sum = 0; for (j = 1; j <= m; j++) sum += w[j]; if (m != 3 || sum < 0.999 || sum > 1.001) bad = 1 } }
  END { exit bad }' one
check "links name every word once" is "$(echo 'two red bird' | "$heed" run $model --align pharaoh | cut -f 2 | tr ' ' '\n' | cut -d - -f 2 | tr '\n' ' ')" "0 1 2 "
check "symbols are words here" is "$(echo 'two red bird' | "$heed" run $model --align symbols)" "$(echo 'two red bird' | "$heed" run $model --align pharaoh)"

# A person at the other end waits for each answer before he writes on.
options=(--constraints words --scores --keep-going)
for ((i = 0; i < 40; i++)); do printf -- '-RED\n+ONE TWO\n\n-BIRD\t+CUP\t-TWO\n'; done | head -n "$(wc -l <sources)" >words
"$heed" -q run $model sources "${options[@]}" --threads 1 >one
check "words for each line: the same bits with two threads" cmp -s one <("$heed" -q run $model sources "${options[@]}" --threads 2)
check "words for each line are its own" is "$(awk 'NR % 4 == 1 && /RED/ || NR % 4 == 2 && !/ONE TWO/ || NR % 4 == 0 && (/BIRD/ || /TWO/ || !/CUP/)' one | wc -l)" 0
check "a line without words is as it was" is "$(sed -n 3p one)" "$("$heed" run $model sources --scores | sed -n 3p)"
printf -- '-RED\n' >words
"$heed" run $model sources --constraints words >out.txt 2>errors
check "words that end early" is $? 4
check "are counted" grep -q 'words ends after line 1, but sources goes on with line 2' errors
check "-q leaves the answer" is "$(echo 'two red bird' | "$heed" -q run $model --must nothing 2>&1)" "BIRD RED TWO"

mkfifo in out
"$heed" run $model <in >out &
exec 3>in 4<out
echo 'two red bird' >&3
read -r -t 20 answer <&4
check "an answer comes before the input ends" is "$answer" "BIRD RED TWO"
exec 3>&-
check "and the end is the end" is "$(cat <&4)" ""
exec 4<&-
wait

"$heed" run $model <in >/dev/null &
pid=$!
exec 3>in
peak() { awk '/VmHWM/ {print $2}' /proc/$pid/status; }
for ((i = 0; i < 300; i++)); do cat sources; done >many
cat many >&3
sleep 0.5
before=$(peak)
for ((i = 0; i < 8; i++)); do cat many; done >&3
sleep 0.5
after=$(peak)
exec 3>&-
wait
check "150,000 lines more take no more memory ($before, then $after kB)" [ "$after" -lt $((before + before / 4 + 4096)) ]

printf 'two red bird\n\nfour \377 hat\none blue cup\n' >bad
"$heed" run $model bad >out.txt 2>errors
check "a bad record ends the run with 4" is $? 4
check "what came before is printed" is "$(tr '\n' '|' <out.txt)" "BIRD RED TWO||"
check "its line is named" grep -q '^heed: bad: line 3: byte 0xFF' errors
"$heed" run $model bad --keep-going >out.txt 2>errors
check "--keep-going ends with 4 too" is $? 4
check "--keep-going prints an empty line for it" is "$(tr '\n' '|' <out.txt)" "BIRD RED TWO|||CUP BLUE ONE|"
check "--keep-going reports at the end" grep -q '1 of 4 records' errors
printf 'one\0two\n' >zero
"$heed" run $model zero >out.txt 2>errors
check "a zero byte is refused" is $? 4
for json in '{"source": 1}' '[]' '{}' '{"source": "a", "source": "b"}' '{"source": "a"' '{"source": "a\u0000b"}' 'x'; do
  echo "$json" | "$heed" run $model --input json >out.txt 2>errors
  check "JSON that is no record: $json" is "$? $(wc -l <out.txt)" "4 0"
done
check "JSON forces its target" is "$(echo '{"text": "two red bird", "target": "CUP", "id": 9}' | "$heed" run $model --input json)" CUP
echo 'two red bird' | "$heed" run $model --json --weights >object
check "one object a record" is "$(grep -c '^{"id": 0, .*}$' object)" 1

printf 'one\ntwo\n' >short
"$heed" run $model sources --target short >out.txt 2>errors
check "targets that end early" is $? 4
check "are counted" grep -q 'short ends after line 2, but sources goes on with line 3' errors
exit $failures
