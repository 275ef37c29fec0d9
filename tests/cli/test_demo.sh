# heed demo from end to end with a handful of updates: it waits for nothing, writes its tables and pictures, and replaces only what is its own.
. "$(dirname "$0")/toy.sh"
export HEED_SHARE=$source/data
demo() { "$heed" demo "$@" </dev/null; }

timeout 120 "$heed" demo --updates 20 --phrases 5 -o d 'Attention Please' </dev/null >out 2>log
check "ends well and waits for nothing" is $? 0
for row in '^words  *1  *2  *3  *4  *6$' '^one fixed vector( +[0-9]+\.[0-9]){5}$' '^additive attention( +[0-9]+\.[0-9]){5}$' '^read    attention please$' '^word .*dictionary$'; do
  check "prints $row" grep -qE -e "$row" out
done
for file in learning-curves length-curve alignment; do
  check "$file.svg is a picture" grep -q '</svg>' d/$file.svg
done
check "the page is one, with a verdict on each lens" [ "$(grep -o '"passed": ' d/page.html | wc -l)" -eq 8 ]
check "says where the page is" grep -q '^page      d/page.html ' out
check "says which lens to trust, and stores it" [ "$(grep -c '^which lens to trust' out) $(grep -c '"lens": "rollout"' d/attention/model/attn.json)" = '1 1' ]
check "both curves have points" [ "$(grep -c 'class="mark"' d/learning-curves.svg)" -ge 10 ]
check "says what to type next" grep -q 'heed run d/attention/model' log
check "no colour, no motion" [ "$(cat out log | grep -c $'[\r\033]')" -eq 0 ]
check "its recipe is a recipe" is "$("$heed" -q train d/attention.yaml -o again --max-updates 1)" again/model
check "the model runs" is "$(echo hello | "$heed" run d/attention/model | wc -l)" 1

echo mine >d/notes
demo -q --updates 2 --phrases 2 -o d >out 2>log
check "a demo is replaced" is "$? $(cat log)" "0 "
check "with what a user put there kept" is "$(cat d/notes)" mine
mkdir other
demo -o other >out 2>log
check "another directory is refused" is "$? $(ls -A other)" "2 "
mkdir lonely
cp "$heed" lonely/heed
HEED_SHARE='' LD_LIBRARY_PATH=${HEED_BUILD:?}/lib lonely/heed demo --updates 2 -o e >out 2>log </dev/null
check "without a dictionary it ends with 4" is $? 4
check "says where it looked" grep -q 'HEED_SHARE' log
check "and leaves no directory behind" [ ! -e e ]

"$heed" demo --updates 1000000 --phrases 2 -o f </dev/null >out 2>log &
pid=$!
sleep 3
kill -INT $pid 2>/dev/null
kill -TERM $pid
wait $pid
status=$?
check "a signal ends it" [ $status -eq 143 -o $status -eq 130 ]
exit $failures
