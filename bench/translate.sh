#!/usr/bin/env bash
# How long a translation takes, beside CTranslate2, which has the same weights and reads the same symbols: Transformers of two sizes with the numbers f32, bf16 and
# int8, greedy and with a beam of 5, in batches of at most 32 lines and a line at a time, on the lines of Multi30k's test set of 2016.
#
#   make bench        or, once that has built it: HEED_DATA=... bash bench/translate.sh
#
# `tiny` (recipes/multi30k-en-de/tiny.yaml: 4+4 layers of 128, 10,000 pieces) and `base` (6+6 of 512, 8 heads, inner 2,048, 32,000 pieces): models after one update,
# made here once and kept in HEED_BUILD/bench; every answer is cut at 24 symbols and may not end before. `trained`: TINY, a model directory that `heed train` left,
# with its own answers.
# Environment: SIZES="tiny base", PRECISIONS="f32 bf16 int8", BEAMS="1 5", BATCHES="1 32", ROUNDS=5 (in a round each side runs every cell once), LINES=1000 (at most;
# slow cells have fewer), THREADS=2, PYTHON=python3 (with ctranslate2 4.8.5; without it heed's side is timed alone), HEED_DATA with mt/multi30k, HEED_BUILD=build.
# CTranslate2 has what suits it best: in the first round, which warms up, it runs each cell both with one worker of all threads and with workers of one thread, and
# goes on with the faster. Prints Markdown, first what missed its goal by most, and leaves a line of JSON a row in HEED_BUILD/bench/translate.jsonl; with RECORD=1 the
# tables also take their place in docs/benchmarks.md.
set -eu
cd "$(dirname "$0")/.."
. bench/lib.sh
SIZES=${SIZES:-tiny base} PRECISIONS=${PRECISIONS:-f32 bf16 int8} BEAMS=${BEAMS:-1 5} BATCHES=${BATCHES:-1 32} ROUNDS=${ROUNDS:-5} LINES=${LINES:-1000}
PYTHON=${PYTHON:-python3} THREADS=${THREADS:-2} BUILD=${HEED_BUILD:-build} SYMBOLS=24
set_file=${HEED_DATA:-}/mt/multi30k/test_2016_flickr.en.gz
folder=$(mktemp -d)
declare -A to from pid ready best
trap 'kill "${pid[@]}" 2>/dev/null || true; rm -rf "$folder"' EXIT
export LC_ALL=C.UTF-8
facts=$folder/facts   # what was measured, a fact a line; bench/translate.awk reads them

# --- models ----------------------------------------------------------------------------------------------------------------------------------

train_once() {   # SIZE DIRECTORY: any model of this size will do where every answer has the same length
    local side settings=()
    if [ "$1" = base ]; then
        settings=(--set text.size=32000 --set train.batch.tokens=512 --set train.accumulate=1)
        for side in encoder decoder; do settings+=(--set "model.$side.layers=6" --set "model.$side.width=512" --set "model.$side.heads=8" --set "model.$side.inner=2048"); done
    fi
    rm -rf "$2"
    "$BUILD/heed" train recipes/multi30k-en-de/tiny.yaml -o "$2" "${settings[@]}" --set train.updates=1 --set train.average=0 --set 'data.valid=[]' \
        --set train.validate.metric=loss -q >/dev/null
}

model_of() {   # SIZE: its directory
    local made=$BUILD/bench/translate-$1
    [ "$1" != trained ] || { echo "$TINY"; return; }
    [ "$made/model/config.json" -nt "$BUILD/heed" ] || train_once "$1" "$made"
    echo "$made/model"
}

# --- sides and cells -------------------------------------------------------------------------------------------------------------------------

cells() {   # "BEAM BATCH WORKERS"; one worker alone greedily and a line at a time
    local beam batch
    for batch in $BATCHES; do for beam in $BEAMS; do
        [ "$beam $batch $THREADS" = "1 1 1" ] || { [ "$beam $batch" = "1 1" ] && echo "1 1 1"; }
        echo "$beam $batch $THREADS"
    done; done
}

lines_of() {   # SIZE BEAM BATCH: enough work to time, little enough to repeat
    local most
    case "$1 $2 $3" in
        "base 1 1") most=16 ;; "base "*" 1") most=12 ;; "base "*) most=64 ;;
        *" 1 1") most=200 ;; *" 1") most=64 ;; *" 1 "*) most=1000 ;; *) most=320 ;;
    esac
    echo $((most < LINES ? most : LINES))
}

open_sides() {   # MODEL [SYMBOLS]
    local numbers type layout
    sides=
    for numbers in $PRECISIONS; do
        open_side "$numbers" "$BUILD/bench/translate" "$1" "$folder/in" "$numbers" "$folder/out" "${@:2}"
        sides="$numbers $sides"
        echo "side heed $(echo "${ready[$numbers]}" | cut -d ' ' -f 3-)" >>"$facts"
    done
    for type in $types; do
        rm -rf "$folder/$type"
        "$PYTHON" bench/translate_ct2.py convert "$1" "$type" "$folder/$type"
        for layout in $layouts; do
            open_side "$type.$layout" "$PYTHON" bench/translate_ct2.py "$folder/$type" "$type" "${layout%x*}" "${layout#*x}" "$folder/out" "${@:2}"
            sides="$type.$layout $sides"
            [ "${ready[${PRECISIONS%% *}]%% *}" = "${ready[$type.$layout]%% *}" ] || { say "bench/translate: the models differ in size"; exit 1; }
            echo "side ct2 $(echo "${ready[$type.$layout]}" | cut -d ' ' -f 3-)" >>"$facts"
        done
    done
}

layouts_of() {   # WORKERS: CTranslate2's, of all it may have
    if [ "$THREADS" = 1 ]; then echo 1x1; else echo "$1x1 1x$THREADS"; fi
}

same() {   # FILE: percent of the lines and of the symbols (-: unknown) that are those of the first of our sides
    awk -F '\t' 'NR == FNR { line[FNR] = $0; next }
        { lines++; n = split(line[FNR], a); good += a[1] == $1; if (NF > 1) for (i = 2; i <= NF || i <= n; i++) { all++; equal += a[i] == $i } }
        END { printf "%.1f %s", 100 * good / lines, all ? sprintf("%.1f", 100 * equal / all) : "-" }' "$folder/out.${PRECISIONS%% *}" "$1"
}

# --- measuring -------------------------------------------------------------------------------------------------------------------------------

turn() {   # ROUND SIZE "CELL" WHO NUMBERS LAYOUT SIDE FILE: a fact; a pause first, in which the threads of the side before fall asleep
    local beam batch answer
    read -r beam batch _ <<<"$3"
    sleep 0.2
    answer=$(ask "$7" run "$beam" "$batch" "$(lines_of "$2" "$beam" "$batch")" "${6%x*}" "${6#*x}")
    [ -n "$answer" ] || { say "bench/translate: $7 has left"; exit 1; }
    set -- "$1 $2 $3 $4 $5 $6" "$answer" "$(same "$folder/out.$8")"
    echo "run $1 $(echo "$2 -" | cut -d ' ' -f 1-4) $3" >>"$facts"
    say "$1: $2 ($3)"
    seconds=${2%% *}
}

turns() {   # ROUND SIZE "CELL": every side once
    local numbers type layout workers=${3##* } least
    for numbers in $PRECISIONS; do
        turn "$1" "$2" "$3" heed "$numbers" "${workers}x1" "$numbers" "$numbers"
        [ "$workers" != 1 ] || [ "$THREADS" = 1 ] || turn "$1" "$2" "$3" heed "$numbers" "1x$THREADS" "$numbers" "$numbers"
    done
    for type in $types; do
        least=
        for layout in $([ "$1" = 0 ] && layouts_of "$workers" || echo "${best["$type $3"]}"); do
            turn "$1" "$2" "$3" ct2 "${type/loat/}" "$layout" "$type.$layout" "$type"
            [ -n "$least" ] && awk -v a="$seconds" -v b="$least" 'BEGIN { exit a < b }' && continue
            least=$seconds best["$type $3"]=$layout
        done
        [ "$2 $type" != "tiny float32" ] || [ "${PRECISIONS%% *}" != f32 ] || tail -n 1 "$facts" | awk '{ exit $(NF - 1) < 95 }' ||
            { say "bench/translate: the models differ"; exit 1; }
    done
}

bench_size() {   # SIZE
    local round cell model symbols=$SYMBOLS
    model=$(model_of "$1")
    [ "$1" != trained ] || symbols=
    open_sides "$model" $symbols
    for round in $(seq 0 "$ROUNDS"); do   # round 0 warms up
        [ "$round" = 0 ] || echo "peak $(ask "${PRECISIONS%% *}" peak "$THREADS")" >>"$facts"
        while read -r cell <&3; do turns "$round" "$1" "$cell"; done 3< <(cells)
    done
    for cell in $sides; do close_side "$cell"; done
    hold_all "$1" "$model" $symbols
}

hold() {   # SIZE SIDE COMMAND...: what a process of its own holds that runs the greatest work, once; a fact
    local answer beam=${BEAMS##* } batch=${BATCHES##* }
    open_side memory "${@:3}"
    answer=$(ask memory run "$beam" "$batch" "$(lines_of "$1" "$beam" "$batch")" "$THREADS" 1)
    close_side memory
    echo "memory $1 $beam $batch $2 $(echo "$answer" | cut -d ' ' -f 3)" >>"$facts"
}

hold_all() {   # SIZE MODEL [SYMBOLS]: models are stored in the numbers that are multiplied, as CTranslate2's are
    local numbers type model
    for numbers in $PRECISIONS; do
        model=$2
        if [ "$numbers" != f32 ]; then
            model=$folder/stored
            rm -rf "$model"
            "$BUILD/heed" quantize "$2" -o "$model" --to "$numbers" >/dev/null 2>&1
        fi
        hold "$1" "heed $numbers" "$BUILD/bench/translate" "$model" "$folder/in" "$numbers" "$folder/out" "${@:3}"
    done
    for type in $types; do hold "$1" "ct2 ${type/loat/}" "$PYTHON" bench/translate_ct2.py "$folder/$type" "$type" "$THREADS" 1 "$folder/out" "${@:3}"; done
}

supported() {   # those of PRECISIONS that this processor has instructions for
    local numbers
    for numbers in $PRECISIONS; do
        "$BUILD/bench/translate" "$1" "$folder/in" "$numbers" "$folder/out" </dev/null | awk -v n="$numbers" '{ exit $3 != n }' && echo "$numbers" ||
            say "bench/translate: this processor has no instructions for $numbers: left out"
    done
}

[ -e "$set_file" ] || { say "bench/translate: left out: set HEED_DATA to a folder with mt/multi30k"; exit 0; }
gzip -dc "$set_file" | awk -v most="$LINES" 'NR <= most' >"$folder/in"
[ -z "${TINY:-}" ] || SIZES="$SIZES trained"
PRECISIONS=$(supported "$(model_of "${SIZES%% *}")" | tr '\n' ' ') PRECISIONS=${PRECISIONS% }
types="float32 int8" layouts="${THREADS}x1 1x$THREADS 1x1"
[ "$THREADS" != 1 ] || layouts=1x1
if ! "$PYTHON" -c 'import ctranslate2' 2>/dev/null; then
    types=
    say "bench/translate: $PYTHON has no CTranslate2, so heed's side is timed alone. To compare: pip install ctranslate2==4.8.5, then PYTHON=... make bench"
fi
for size in $SIZES; do bench_size "$size"; done
awk -v json="$BUILD/bench/translate.jsonl" -v threads="$THREADS" -v rounds="$ROUNDS" -v processor="$(processor)" -v date="$(date +%Y-%m-%d)" -f bench/facts.awk -f bench/translate.awk "$facts" >"$folder/report"
cat "$folder/report"
[ "${RECORD:-}" != 1 ] || record bench/translate "$folder/report"
