# heed align: links of two files, against gold, in bounded memory; the look that is found is stored, and taken by run and explain.
. "$(dirname "$0")/toy.sh"
make_toy
sed 's/.*/1-3 2-2 3-1/' sources >gold
sed 's/.*/0-2 1-1 2-0/' sources >links

"$heed" align $model sources targets >found
check "a line a pair" is "$(wc -l <found)" 64
check "links of which each has a place" is "$(grep -cE '^[0-2]-[0-2]( [0-2]-[0-2])*$' found)" 64
check "the same with one thread" cmp -s found <("$heed" align $model sources targets --threads 1)
check "the links of run, by source word" is "$(sed -n 22p found)" \
  "$(sed -n 22p targets >one; sed -n 22p sources | "$heed" run $model --target one --align pharaoh | cut -f 2 | tr ' ' '\n' | sort | tr '\n' ' ' | sed 's/ $//')"
check "the weights of run" cmp -s <("$heed" align $model sources targets --soft) <("$heed" run $model sources --target targets --align soft | cut -f 2)
check "the objects of run, but for the order of links" cmp -s <("$heed" align $model sources targets --json | sed 's/"align".*//') \
  <("$heed" run $model sources --target targets --beam 1 --json | sed 's/"align".*//')
"$heed" align $model sources targets -o file >out.txt
check "-o writes there, and nothing elsewhere" is "$(cmp found file && wc -c <out.txt)" 0
printf 'two red bird\n\n  \n' >some
printf 'BIRD RED TWO\n\nCUP\n' >others
"$heed" align $model some others >out.txt
check "a side without words has no links" is "$(sed -n '2,3p' out.txt | tr '\n' '|')" "||"

"$heed" align $model sources targets --gold gold >figures
check "three figures" is "$(cut -f 1 figures | tr '\n' ' ')" "aer precision recall "
check "and no links" is "$("$heed" align $model sources targets --gold gold -o file | cmp - figures; cmp file found)" ""
check "gold the other way round" cmp -s figures <("$heed" align $model sources targets --gold <(sed 's/.*/3-1 2-2 1-3/' sources) --swap-gold)
check "as JSON" is "$("$heed" align $model sources targets --gold gold --json | grep -c '^{"aer": .*"lines": 64, "sure": 192, ')" 1
check "of some lines" is "$("$heed" align $model sources targets --gold gold --lines 3-12 --json | grep -c '"lines": 10, "sure": 30, ')" 1

# The order is reversed: where the model wrote a word it looked at the word that it stands for.
sed -i 's/dropout: 0}/dropout: 0, heads: 2}/; s/type: rnn, cell: gru, layers: 1, directions: 2, embed: 16, width: 32/type: transformer, layers: 2, width: 32, inner: 64/
  s/type: rnn, cell: gru, layers: 1, embed: 16, width: 32/type: transformer, layers: 2, width: 32, inner: 64/; s/score: additive/score: scaled, heads: 4/; s/120/300/; s/1e-2/3e-3/' toy.yaml
"$heed" -q train toy.yaml -o many >/dev/null || exit 1
"$heed" align many/model sources targets >before
grep -v '"alignment"' many/model/attn.json | grep sha -A 8 >sums
"$heed" align many/model sources targets --gold gold --lines 1-20 --calibrate >chosen 2>table
check "a calibration says what it chose and how it does" is "$(cut -f 1 chosen | tr '\n' ' ')" "layer head shift threshold empty aer precision recall default aer "
aer() { awk -F '\t' '$1 == "aer" {print $2}' "$1"; }
check "which is near to perfect ($(aer chosen))" awk -v aer="$(aer chosen)" 'BEGIN { exit !(aer < 5) }'
check "it lists others" is "$(sed -n 1p table)" "layer  head  shift  threshold  empty  AER on 20 lines, and on the rest"
check "the choice is in the model" grep -q '"alignment"' many/model/attn.json
check "whose files are vouched for as before" is "$(grep -cF -f <(sed 's/,$//' sums | grep -o '"[0-9a-f]\{64\}"') many/model/attn.json)" 5
"$heed" align many/model sources targets --gold gold >figures
"$heed" align many/model sources targets --gold gold --lines 21-64 >rest
check "and is used" is "$(cat rest)" "$(sed -n '6,8p' chosen)"
read -r layer head shift threshold empty < <(cut -f 2 chosen | head -n 5 | tr '\n' ' ')
[ "$head" = mean ] || choice=(--head "$head")
check "by run too" cmp -s <("$heed" run many/model sources --align soft) <("$heed" run many/model sources --align soft --layer "$layer" "${choice[@]}" --shift "$shift" --empty "$empty")
check "which can be told otherwise" cmp -s before <("$heed" align many/model sources targets --layer 1)
check "explain names it" grep -qE "layer $layer of 0-1, (head $head|mean)" <("$heed" explain many/model 'two red bird')
check "as JSON there are all" is "$("$heed" align many/model sources targets --gold gold --calibrate --json | grep -o '"tuned"' | wc -l)" $((2 + 2 * 5 * 2 * 9))

sed -E 's/(.*) (.*) (.*)/\L\3 \2 \1/' targets | cmp - sources || exit 1
sed 's/\[sources, targets\]/[targets, sources]/g' toy.yaml >back.yaml
"$heed" -q train back.yaml -o back >/dev/null || exit 1
"$heed" align many/model sources targets --reverse back/model --gold gold >both
check "two directions are told beside their joining" is "$(cut -f 1 both | tr '\n' '|')" "aer|precision|recall|forward aer|reverse aer|"
for how in intersect union grow-diag grow-diag-final-and; do "$heed" align many/model sources targets --reverse back/model --symmetrise $how >$how; done
subset() { awk 'NR == FNR { a[FNR] = " " $0 " "; next } { for (i = 1; i <= NF; i++) if (!index(a[FNR], " " $i " ")) bad = 1 } END { exit bad }' "$2" "$1"; }
check "what both have is in all" eval 'subset intersect grow-diag && subset grow-diag grow-diag-final-and && subset grow-diag-final-and union'
agreed() { "$heed" align many/model sources targets --reverse back/model --symmetrise agree --agreement "$1"; }
agreed 1e-9 >loose
agreed 0.4 >firm
agreed 1 >sure
check "the more they must agree, the less they link" eval 'subset sure firm && subset firm loose && ! cmp -s firm loose && ! cmp -s sure firm'
check "grow-diag-final-and is the usual" cmp -s grow-diag-final-and <("$heed" align many/model sources targets --reverse back/model)

# Rows of weights that sum to less than 1, and to more.
sums() { "$heed" align many/model sources targets --layer 1 --soft "$@" | tr ' ' '\n' | awk -F , '{ s = 0; for (i = 1; i <= NF; i++) s += $i; low += s < 0.99; high += s > 1.01 } END { print (low > 0), (high > 0) }'; }
check "weights of words sum to 1" is "$(sums)" "0 0"
check "or to less, where the rest is the empty word's" is "$(sums --empty 1)" "1 0"
"$heed" align many/model sources targets --layer 1 --head 1 >more
"$heed" align many/model sources targets --layer 1 --head 1 --empty 1 >fewer
check "which links nothing else" subset fewer more

"$heed" align --statistical sources targets >learnt
check "without a model, learnt from the files themselves" cmp -s learnt links
check "the same with one thread" cmp -s learnt <("$heed" align --statistical sources targets --threads 1)
check "against gold, both directions" is "$("$heed" align --statistical sources targets --gold gold | tr '\n\t' '| ')" \
  "aer 0.00|precision 100.00|recall 100.00|forward aer 0.00|reverse aer 0.00|"
check "and one" is "$("$heed" align --statistical sources targets --gold gold --direction reverse | tr '\n\t' '| ')" "aer 0.00|precision 100.00|recall 100.00|"
head -n 3 sources >few
head -n 3 targets >few.targets
check "from more files" cmp -s <(head -n 3 links) <("$heed" align --statistical few few.targets sources targets)
check "its words have places" is "$("$heed" align --statistical few few.targets sources targets --json | head -n 1 | grep -o '"words": .*')" \
  '"words": [{"text": "CUP", "start": 0, "end": 3}, {"text": "RED", "start": 4, "end": 7}, {"text": "ONE", "start": 8, "end": 11}], "align": [[0, 2], [1, 1], [2, 0]]}]}'
check "beside a calibration" is "$("$heed" align many/model sources targets --gold gold --lines 1-20 --calibrate --statistical -q | tail -n 3 | tr '\n\t' '| ')" \
  "statistical aer 0.00|statistical forward aer 0.00|statistical reverse aer 0.00|"

refused() { # EXIT TEXT ARGUMENTS...
  local code=$1 text=$2
  shift 2
  "$heed" align "$@" >out.txt 2>errors
  is $? "$code" && grep -qF -- "$text" errors || { cat errors; return 1; }
}
check "no target" refused 2 "align: TARGET is missing" $model sources
check "a file too many" refused 2 "for --statistical" $model sources targets gold
check "lines that are no range" refused 2 '--lines takes a range' $model sources targets --gold gold --lines 5
check "lines without gold" refused 2 "--lines needs --gold" $model sources targets --lines 1-5
check "a calibration without gold" refused 2 "--calibrate needs --gold" $model sources targets --calibrate
check "a calibration by a look" refused 2 "--calibrate finds out" $model sources targets --gold gold --calibrate --head 1
check "a direction of a model" refused 2 "--direction is of --statistical" $model sources targets --direction reverse
check "half a pair to learn from" refused 2 "come in twos" --statistical sources targets sources
check "a look at statistics" refused 2 "no model to set or to look into" --statistical sources targets --head 1
check "weights of statistics" refused 2 "--soft goes with one model" --statistical sources targets --soft
check "a joining of one" refused 2 "--symmetrise joins two" $model sources targets --symmetrise union
check "an agreement without two" refused 2 "there is no reverse one" --statistical sources targets --symmetrise agree
check "an agreement of links" refused 2 "with symmetrise agree" $model sources targets --reverse back/model --agreement 0.5
check "an agreement above 1" refused 2 "a weight above 0, to 1" $model sources targets --reverse back/model --symmetrise agree --agreement 2
check "a head that is not there" refused 2 "head 7: this model has head 0 only" $model sources targets --head 7
check "an empty word that is neither" refused 2 '--empty takes 0|1, not "2"' $model sources targets --empty 2
check "the empty word of statistics" refused 2 "no model to set or to look into" --statistical sources targets --empty 1
check "a threshold above 1" refused 2 "from 0 to 1, not 2" $model sources targets --threshold 2
check "a file that cannot be written" refused 1 "nowhere/x: cannot be written" $model sources targets -o nowhere/x

# Bounded memory: pairs are read as they are aligned.
mkfifo in out
for ((i = 0; i < 100; i++)); do cat sources; done >from
for ((i = 0; i < 100; i++)); do cat targets; done >to
"$heed" align $model in out >/dev/null &
pid=$!
exec 3>in 4>out
peak() { awk '/VmHWM/ {print $2}' /proc/$pid/status; }
feed() { cat from >&3 & cat to >&4; wait $!; }
feed
sleep 0.5
before=$(peak)
for ((i = 0; i < 5; i++)); do feed; done
sleep 0.5
after=$(peak)
exec 3>&- 4>&-
wait $pid
check "32,000 pairs more take no more memory ($before, then $after kB)" [ "$after" -lt $((before + before / 4 + 4096)) ]
exit $failures
