# Data that are missing, empty, uneven, not UTF-8 or far too long, and recipes that cannot be: the file, the line, what was found, what to do.
. "$(dirname "$0")/lib.sh"
n=0
bad() { # NAME EXIT TEXT SETTINGS...: a training that must be refused and leave no directory
  local name=$1 code=$2 text=$3 set=()
  shift 3
  for setting; do set+=(--set "$setting"); done
  n=$((n + 1))
  expect "$name" "$code" "$text" train -o "run-$n" "${set[@]}"
  [ ! -e "run-$n" ] || { name="$name leaves no directory"; fail "run-$n is there"; }
}
good() { # NAME SETTINGS...
  local name=$1 set=()
  shift
  for setting; do set+=(--set "$setting"); done
  n=$((n + 1))
  check "$name" "$HEED" train tiny.yaml --threads 1 -o "run-$n" --max-updates 3 "${set[@]}"
}

cut -f 1 train.tsv >source.txt
cut -f 2 train.tsv >target.txt
head -n 200 target.txt >short.txt
: >empty.txt
printf '\n\n\n' >blank.txt
gzip -c source.txt >source.txt.gz
head -c 300 source.txt.gz >cut.txt.gz
sed '17s/^./\xC3/' source.txt >latin.txt
sed '17s/$/\textra/' train.tsv >three.tsv
mkdir folder

bad "a file that is missing" 4 "nowhere.txt" "data.train=[nowhere.txt,target.txt]"
bad "a missing file says where it was looked for" 4 "looked at" "data.train=nowhere.tsv"
bad "a validation file that is missing" 4 "nowhere.tsv" data.valid=nowhere.tsv
bad "a folder instead of a file" 4 "folder" data.train=folder
bad "an empty file" 4 "empty.txt" "data.train=[empty.txt,empty.txt]"
bad "blank lines only" 4 "blank.txt" "data.train=[blank.txt,blank.txt]"
bad "sides of different length" 4 "200" "data.train=[source.txt,short.txt]"
check "say which ends where" grep -q "short.txt" errors
bad "a line that is not UTF-8" 4 "0xC3" "data.train=[latin.txt,target.txt]"
check "says file, line, column and remedy" grep -qE "latin.txt: line 17: .*column 1 .*(data.invalid_utf8|fix)" errors
good "it is replaced when that is asked for" "data.train=[latin.txt,target.txt]" data.invalid_utf8=replace
good "or left out" "data.train=[latin.txt,target.txt]" data.invalid_utf8=skip
bad "a TSV with a column too many" 4 "17" data.train=three.tsv
bad "gzip that is cut off" 4 "cut.txt.gz" "data.train=[cut.txt.gz,target.txt]"
good "gzip that is whole" "data.train=[source.txt.gz,target.txt]"

# --- a line of a million symbols ---------------------------------------------------------------------------------------------------------------
million() { head -c 1000000 /dev/zero | tr '\0' a; }
{ cat train.tsv; million; printf '\tb\n'; } >million.tsv
good "a line of a million symbols is left out" data.train=million.tsv data.max_length=250 train.epochs=1 train.updates=0
train -o million --set data.train=million.tsv --max-updates 5 >/dev/null 2>&1
check "training says so" sh -c '"$HEED" train tiny.yaml --threads 1 -o told --set data.train=million.tsv --max-updates 12 2>&1 | grep "1 longer than data.max_length"'
{ cat valid.tsv; million; printf '\t'; million; echo; } >million-valid.tsv
good "and left out of validation" data.valid=million-valid.tsv
million >line.txt
echo >>line.txt
name="a model is not brought down by one"
timeout 60 "$HEED" run million/model line.txt >output 2>errors
status=$?
if [ $status -eq 5 ] || [ $status -eq 4 ]; then pass; else fail "exit $status" "$(tail -n 2 errors)"; fi

# --- recipes ---------------------------------------------------------------------------------------------------------------------------------
bad "an unknown key" 2 "did you mean" train.rat=1
bad "a value of the wrong type" 2 "train.updates" train.updates=many
bad "a value out of range" 2 "model.encoder.dropout" model.encoder.dropout=2
bad "nothing to learn from" 2 "data.train is missing" "data.train=[]"
bad "an unknown metric" 2 "metric" train.validate.metric=beauty
expect "no recipe" 2 "nowhere.yaml" "$HEED" train nowhere.yaml
bad "an unknown task" 2 "unknown task \"transduze\"; there is: transduce" task=transduze
