# heed bench: its parts are all there and add up to the update, in words and in JSON; what it cannot do it says.
. "$(dirname "$0")/toy.sh"
printf '%s\n' {one,two,three,four}' '{red,green,blue,white}' '{cup,hat,bird,stone} >sources
sed -E 's/(.*) (.*) (.*)/\U\3 \2 \1/' sources >targets
cat >toy.yaml <<'YAML'
task: transduce
data: {train: [sources, targets], valid: [sources, targets]}
text: {source: {units: symbols}, target: {units: symbols}}
model:
  encoder: {type: transformer, layers: 1, width: 32, heads: 4, inner: 48}
  attention: {score: scaled}
  decoder: {type: transformer, layers: 1, width: 32, heads: 4, inner: 48}
train: {batch: {sentences: 32}, accumulate: 2, updates: 1, optimizer: {rate: 1e-3}}
YAML

within() { awk -v a="$1" -v b="$2" -v share="$3" 'BEGIN { d = a - b; if (d < 0) d = -d; if (d > share * b) { print "    " a " and " b; exit 1 } }'; }
refused() { # EXIT PATTERN ARGUMENTS...
  local exit=$1 pattern=$2
  shift 2
  "$heed" -q bench "$@" >out 2>err
  is $? "$exit" && grep -q -- "$pattern" err && [ ! -s out ]
}

"$heed" --threads 2 bench toy.yaml --updates 20 >table 2>said
check "it runs" is $? 0
check "it says beforehand what it does" grep -q 'toy.yaml: .* to warm up' said
for part in products attention loss element-wise optimizer data waiting other; do
  check "a part is $part" grep -qE "^$part .* [0-9.]+ +[0-9.]+( |\$)" table
done
check "products are named by shape and way" is "$(grep -cE '^  48 x 32, (forward|data|weight) ' table)" 3
# Of each part, indented rows: their milliseconds stand behind the calls.
rows=$(awk '/^  / { split(substr($0, 39), field, " "); sum += field[2] } END { print sum }' table)
update=$(sed -n 's/^an update *\([0-9.]*\) ms.*/\1/p' table)
parts=$(awk '/^$/ { exit } /^[a-z-]+ +[0-9]/ { sum += $2 } END { print sum }' table)
check "rows add up to the update" within "$rows" "$update" 0.03
check "so do the sums of the parts" within "$parts" "$update" 0.03
ceiling=$(sed -n 's/^the ceiling *\([0-9.]*\) ms.*/\1/p' table)
check "the ceiling is below the update" awk -v a="$ceiling" -v b="$update" 'BEGIN { exit !(a > 0 && a < b) }'
check "nothing was written" is "$(ls | LC_ALL=C sort | tr '\n' ' ')" "said sources table targets toy.yaml "

"$heed" -q --threads 1 bench toy.yaml --updates 7 --json >json 2>err
check "it runs for JSON" is $? 0
check "with -q there is nothing but the result" [ ! -s err ]
check "one object of one line" is "$(wc -l <json)" 1
value='(null|-?[0-9.]+(e[-+]?[0-9]+)?)'
part="\\{\"part\": \"[a-z-]+\", \"what\": \"[^\"]+\", \"calls\": $value, \"seconds\": $value, \"flop\": $value, \"bytes\": $value, \"peak\": (null|\"[a-z0-9 ]+\"), \"of_peak\": $value, \"limit_seconds\": $value\\}"
reads="\\{\"bytes\": [0-9]+, \"gbytes_per_second\": $value\\}"
head="\\{\"threads\": 1, \"updates\": 7, \"seconds\": $value, \"symbols\": $value, \"tokens_per_second\": $value, \"ceiling_seconds\": $value, \"ceiling_tokens_per_second\": $value, \"peak_bytes\": [0-9]+"
peaks="\"peaks\": \\{\"f32_gflops\": $value, \"bf16_gflops\": $value, \"reads\": \\[$reads, $reads, $reads\\]\\}"
check "whose every figure is a number" grep -qE "^$head, $peaks, \"parts\": \\[$part(, $part)*\\]\\}\$" json
seconds=$(sed -E 's/.*"updates": 7, "seconds": ([^,]*),.*/\1/' json)
parts=$(grep -oE '"calls": [^,]*, "seconds": [^,]*' json | awk '{ sum += $4 } END { print sum }')
check "its parts add up to the update" within "$parts" "$seconds" 0.03
symbols=$(sed -E 's/.*"symbols": ([^,]*),.*/\1/' json)
# Two layers with inner 48 and width 32 see every symbol of a side once there; a multiply-add is two.
for way in forward data weight; do
  flop=$(grep -oE "\"what\": \"48 x 32, $way\", \"calls\": [^,]*, \"seconds\": [^,]*, \"flop\": [^,]*" json | sed 's/.* //')
  check "operations of a product are counted, $way" within "$flop" "$(awk -v n="$symbols" 'BEGIN { print 2 * 48 * 32 * n }')" 1e-5
done

check "a recipe that is not there" refused 2 'no.yaml: cannot be read' no.yaml
check "a recipe without its data" refused 4 'nowhere' toy.yaml --set data.train=nowhere
check "a key that is not known" refused 2 'did you mean' toy.yaml --set train.batch.sentence=3
check "no updates" refused 2 '--updates takes 1 or more' toy.yaml --updates 0
check "updates that are no number" refused 2 '--updates takes a whole number' toy.yaml --updates many
check "updates below none" refused 2 '--updates takes a whole number' toy.yaml --updates=-3
exit $failures
