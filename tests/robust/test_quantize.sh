# heed quantize killed at random moments, on a disk that is full, and where it may not write: the new model is there as a whole or not at all.
. "$(dirname "$0")/lib.sh"
RANDOM=11
train -o run --set train.updates=1 --set model.encoder.width=300 --set model.decoder.width=300 >/dev/null
"$HEED" -q quantize run/model -o whole --to int8 >/dev/null

begun=0 finished=0 wrong=""
for i in $(seq 40); do
  "$HEED" -q quantize run/model -o killed --to int8 >/dev/null 2>errors &
  process=$!
  sleep "0.$(printf '%03d' $((RANDOM % 150)))"
  kill -9 $process 2>/dev/null
  wait $process 2>/dev/null
  [ -z "$(find . -maxdepth 1 -name 'killed.tmp-*')" ] || begun=$((begun + 1))
  if [ -e killed ]; then
    finished=$((finished + 1))
    cmp -s whole/model.safetensors killed/model.safetensors && "$HEED" inspect killed >/dev/null 2>errors || wrong="$wrong kill $i: $(tail -n 1 errors);"
  fi
  rm -rf killed killed.tmp-*
done 2>/dev/null
name="40 kills, $begun of them in a save, leave a whole model ($finished times) or none"
if [ -z "$wrong" ]; then pass; else fail "$wrong"; fi

mkdir held.tmp-1 held.tmp-x # of a process that lives, and of none
(exec sleep 0) & gone=$!
wait $gone
mkdir "held.tmp-$gone" && touch "held.tmp-$gone/config.json"
"$HEED" -q quantize run/model -o held --to int8 >/dev/null
left() { [ ! -e "held.tmp-$gone" ] && [ -d held.tmp-1 ] && [ -d held.tmp-x ] && [ -d held ]; }
check "the next removes what a killed one left, and no more" left
rm -rf held held.tmp-*

none() { [ ! -e none ] && nothing_left .; }
limited() { (ulimit -f 64; "$HEED" quantize run/model -o none --to bf16); } # KiB: enough for the settings, not for the weights
expect "a file that may not become so large" 1 "cannot be written: File too large" limited
check "leaves nothing" none
ln -s /proc/none none-at-all
expect "a place that cannot be made" 1 "none-at-all/model" "$HEED" quantize run/model -o none-at-all/model --to int8
printf x >file
expect "a place below a file" 1 "file/model" "$HEED" quantize run/model -o file/model --to int8
check "a place whose parents are missing is made" "$HEED" -q quantize run/model -o a/b/c --to int8
same "and is the same model" whole a/b/c config.json model.safetensors
