# A training that was stopped goes on as if it had not been: by a limit, by Ctrl-C, by SIGTERM, with other threads.
. "$(dirname "$0")/lib.sh"
files="latest/model.safetensors latest/optimizer.safetensors best/model.safetensors model/model.safetensors film.jsonl"

check "a training runs to its end" train -o whole
check "and prints nothing but its model" [ "$(cat output)" = whole/model ]
expect "an existing directory is refused" 2 "--resume" train -o whole
expect "a changed recipe is refused with its keys" 2 "train.optimizer.rate: 0.02, was 0.01" train -o whole --resume --set train.rate=0.02

train -o parts --max-updates 7 >/dev/null
train -o parts --max-updates 5 --resume >/dev/null
check "one that was cut twice goes on" train -o parts --resume
# shellcheck disable=SC2086
same "to the same bits" whole parts $files
train -o torn --max-updates 12 >/dev/null
printf '{"update": 15, "epoch": 2, "sentences": []}\n{"update": 20, "ep' >>torn/film.jsonl
check "frames after the checkpoint, and half a frame, are made again" train -o torn --resume
same "to the same film" whole torn film.jsonl
check "with two threads" train -o two --threads 2
# shellcheck disable=SC2086
same "to the same bits again" whole two $files

# Pieces that are drawn anew in every epoch are a function of seed, epoch and line.
drawn=(--set text.units=pieces --set text.size=30 --set text.dropout=0.2 --set data.shuffle_buffer=40 --set train.batch.sentences=10)
check "pieces with dropout" train -o drawn "${drawn[@]}"
train -o drawn-parts "${drawn[@]}" --max-updates 13 >/dev/null
check "go on where they were" train -o drawn-parts --threads 2 --resume "${drawn[@]}"
# shellcheck disable=SC2086
same "and meet the same pieces" drawn drawn-parts $files
expect "dropout says nothing of characters" 2 "text.dropout leaves out merges of units: pieces" train -o refused --set text.dropout=0.1
expect "nor of pieces of the other kind" 2 "set text.sampling" train -o refused "${drawn[@]}" --set text.kind=unigram

# Signals: the run is endless, so that only the signal ends it; what it had done is then done again without interruption.
for row in "INT 130" "TERM 143"; do
  signal=${row% *}
  code=${row#* }
  "$HEED" train tiny.yaml --threads 1 -q -o "by-$signal" --set train.updates=1000000 >/dev/null 2>errors &
  process=$!
  for _ in $(seq 200); do [ -e "by-$signal/best" ] && break; sleep 0.05; done
  kill -s "$signal" $process
  wait $process
  status=$?
  name="SIG$signal ends with exit $code"
  if [ $status -eq "$code" ]; then pass; else fail "exit $status" "$(cat errors)"; fi
  name="SIG$signal: says that it saved and how to go on"
  if grep -q "saved; go on with --resume" errors; then pass; else fail "$(cat errors)"; fi
  update=$(readlink "by-$signal/latest")
  update=$((${update#step-} + 3))
  train -o "by-$signal" --resume --set train.updates=$update >/dev/null
  rm -rf again
  train -o again --set train.updates=$update >/dev/null
  # shellcheck disable=SC2086
  same "SIG$signal and resumed: the same bits at update $update" again "by-$signal" $files
done

check "a run that is complete may be resumed" train -o whole --resume
check "and goes on when a limit grows" train -o whole --resume --set train.updates=35
name="to that limit"
if [ "$(readlink whole/latest)" = step-35 ]; then pass; else fail "latest is $(readlink whole/latest)"; fi
