# kill -9 at 50 random moments, most of them in a save, since there is one every second update: the directory can be resumed each time, and the
# result is that of a run nobody killed.
. "$(dirname "$0")/lib.sh"
endless="--set train.updates=1000000 --set train.validate.every=2"
RANDOM=7

in_saves=0
unusable=""
for i in $(seq 50); do
  # shellcheck disable=SC2086
  "$HEED" train tiny.yaml --threads 1 -q -o killed --resume $endless >/dev/null 2>errors &
  process=$!
  sleep "0.$(printf '%03d' $((20 + RANDOM % 130)))"
  kill -9 $process 2>/dev/null
  wait $process 2>/dev/null
  status=$?
  [ $status -eq 137 ] || unusable="$unusable kill $i: exit $status, $(tail -n 1 errors);"
  [ -z "$(find killed -name '*.tmp*' 2>/dev/null)" ] || in_saves=$((in_saves + 1))
  [ ! -e killed/latest ] || "$HEED" inspect killed/latest >/dev/null 2>errors || unusable="$unusable kill $i: $(tail -n 1 errors);"
done 2>/dev/null
name="50 kills, $in_saves of them in a save, leave a directory that can be resumed"
if [ -z "$unusable" ]; then pass; else fail "$unusable"; fi

update=$(readlink killed/latest)
update=$((${update#step-} + 4))
check "it is resumed" train -o killed --resume --set train.updates=$update --set train.validate.every=2
check "and nothing half made is left" nothing_left killed
check "a run nobody killed" train -o whole --set train.updates=$update --set train.validate.every=2
same "has the same bits after $update updates" whole killed latest/model.safetensors latest/optimizer.safetensors best/model.safetensors model/model.safetensors film.jsonl
sed 's/"seconds": [^,]*, //; s/"tokens_per_second": [^,]*, //' whole/log.jsonl >whole.log
sed 's/"seconds": [^,]*, //; s/"tokens_per_second": [^,]*, //' killed/log.jsonl >killed.log
name="and the same log"
if cmp -s whole.log killed.log; then pass; else fail "$(diff whole.log killed.log | head -n 4)"; fi
