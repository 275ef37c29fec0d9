#!/usr/bin/env bash
# An update of training against its goals, beside PyTorch: two Transformers and the recurrent model of the classics, in f32 and in bf16, the same batches from the
# same initial weights on both sides, in turns; speed and memory. In under five minutes.
#
#   make bench        or, once that has built it: HEED_DATA=... bash bench/step.sh [MODEL...]
#
# MODEL: tiny, base, words (docs/benchmarks.md says what they are); all three when none is named.
# Environment: PYTHON=python3 (with torch 2.13.0; without it heed's side is timed alone), THREADS=2, ROUNDS=3 (in a round each side runs once), HEED_DATA with
# mt/multi30k/train.{de,en}.gz, HEED_BUILD=build.
# Prints Markdown, first what missed its goal by most, and leaves a line of JSON a row in HEED_BUILD/bench/train.jsonl; with RECORD=1 the table also takes its place in
# docs/benchmarks.md.
set -eu
cd "$(dirname "$0")/.."
. bench/lib.sh
PYTHON=${PYTHON:-python3} THREADS=${THREADS:-2} ROUNDS=${ROUNDS:-3} BUILD=${HEED_BUILD:-build} TORCH=2.13.0
pairs=${HEED_DATA:-}/mt/multi30k
folder=$(mktemp -d)
declare -A to from pid ready
trap 'kill "${pid[@]}" 2>/dev/null || true; rm -rf "$folder"' EXIT
facts=$folder/facts   # what was measured, a fact a line; bench/step.awk reads them

start() {   # SIDE MODEL [DROPOUT]: SIDE is heed.NUMBERS or torch.NUMBERS
    case $1 in
        heed.*) open_side "$1" "$BUILD/bench/train" "$folder/$2" "$THREADS" "$folder/weights" "${3:--1}" "${1#*.}" ;;
        torch.*) open_side "$1" "$PYTHON" bench/train_torch.py "$folder/$2" "$THREADS" "$folder/weights" "${3:--1}" "${1#*.}" ;;
    esac
    echo "side ${1%.*} ${ready[$1]#* }" >>"$facts"
}

stop() { local side; for side in $(echo "$@" | tr ' ' '\n' | tac); do close_side "$side"; done; }

# Both sides must be one model: the same loss in an update without dropout, which differs by rounding alone.
check() {   # MODEL
    local side
    for side in heed.f32 torch.f32; do start "$side" "$1" 0; done
    [ "${ready[heed.f32]%% *}" = "${ready[torch.f32]%% *}" ] || { say "bench/step: the models differ in size"; exit 1; }
    for side in heed.f32 torch.f32; do ask "$side" run 1; done >"$folder/first"
    say "$1 without dropout, losses of an update: $(awk '{ printf "%s ", $4 }' "$folder/first")"
    awk '{ loss[NR] = $4 } END { d = loss[1] - loss[2]; exit d * d > 1e-6 }' "$folder/first" || { say "bench/step: the models differ"; exit 1; }
    stop heed.f32 torch.f32
}

bench_model() {   # MODEL UPDATES
    local side round answer opened=
    [ -z "$peers" ] || check "$1"
    for side in $ours $peers; do
        [ "$1 $side" != "words torch.bf16" ] || continue   # PyTorch's recurrent cells have no bf16 that is faster
        start "$side" "$1"
        opened="$opened $side"
    done
    for round in $(seq 0 "$ROUNDS"); do   # round 0 warms up
        [ "$round" = 0 ] || echo "peak $("$BUILD/bench/peak" "$THREADS")" >>"$facts"
        for side in $opened; do
            sleep 0.2   # the threads of the side before fall asleep
            answer=$(ask "$side" run "$2")
            [ -n "$answer" ] || { say "bench/step: $side has left"; exit 1; }
            say "$1 $round/$ROUNDS: $side $answer"
            echo "run $round $1 ${side/./ } $2 $answer" >>"$facts"
        done
    done
    stop $opened
}

[ -e "$pairs/train.de.gz" ] || { say "bench/step: left out: set HEED_DATA to a folder with mt/multi30k"; exit 0; }
ours=heed.f32 peers="torch.f32 torch.bf16"
[ "$("$BUILD/bench/peak" 1 | cut -d ' ' -f 3)" = 0.0 ] && say "bench/step: this processor has no instructions for bf16: left out" || ours="heed.f32 heed.bf16"
if ! "$PYTHON" -c 'import torch' 2>/dev/null; then
    peers=
    say "bench/step: $PYTHON has no PyTorch, so heed's side is timed alone. To compare: pip install torch==$TORCH, then PYTHON=... make bench"
fi
[ $# -gt 0 ] || set -- tiny base words
for model in "$@"; do
    case $model in
        words) "$BUILD/bench/batches" words "$pairs/train.de.gz" "$pairs/train.en.gz" "$folder/words" && bench_model words 2 ;;
        tiny) "$BUILD/bench/batches" tiny "$pairs/train.en.gz" "$pairs/train.de.gz" "$folder/tiny" && bench_model tiny 4 ;;
        base) "$BUILD/bench/batches" base "$pairs/train.en.gz" "$pairs/train.de.gz" "$folder/base" && bench_model base 1 ;;
        *) say "bench/step: there is no model \"$model\"; there are tiny, base, words"; exit 2 ;;
    esac
done
awk -v json="$BUILD/bench/train.jsonl" -v threads="$THREADS" -v rounds="$ROUNDS" -v processor="$(processor)" -v date="$(date +%Y-%m-%d)" -f bench/facts.awk -f bench/step.awk "$facts" >"$folder/report"
cat "$folder/report"
[ "${RECORD:-}" != 1 ] || record bench/step "$folder/report"
