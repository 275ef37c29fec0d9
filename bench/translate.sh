#!/usr/bin/env bash
# How long a translation takes, beside CTranslate2: Transformer-Tiny (recipes/multi30k-en-de/tiny.yaml), greedy and with a beam of 5, on the lines of Multi30k's test
# set of 2016. Both sides have the same weights and read the same symbols, so they give the same answers.
#
#   make bench        or, once that has built it: HEED_DATA=... bash bench/translate.sh
#
# `forced`: the model after one update (made here, or RAW, a directory with such a model), every answer 24 symbols: equal work, whatever the answers. `trained`: TINY,
# a model directory that `heed train` left, with its own answers; without it that part is left out.
# Environment: PYTHON=python3 (with ctranslate2 4.8.5; without it heed's side is timed alone), THREADS=2, BEAMS="1 5", ROUNDS=10 (in a round each side runs once with
# every beam), LINES=1000, HEED_DATA with mt/multi30k, HEED_BUILD=build.
# CTranslate2 has what suits it best on this machine: for each type and beam one worker of all threads or workers of one thread, batches of 16, 32 or 64, whichever
# did best on 256 lines. Prints Markdown, the worst ratio for heed first, and leaves an object a row in build/bench/translate.jsonl; with RECORD=1 the table also
# takes its place in docs/benchmarks.md.
set -eu
cd "$(dirname "$0")/.."
. bench/lib.sh
PYTHON=${PYTHON:-python3} THREADS=${THREADS:-2} BEAMS=${BEAMS:-1 5} ROUNDS=${ROUNDS:-10} LINES=${LINES:-1000} BUILD=${HEED_BUILD:-build} SYMBOLS=24
set_file=${HEED_DATA:-}/mt/multi30k/test_2016_flickr.en.gz
folder=$(mktemp -d)
declare -A to from pid ready best
trap 'kill "${pid[@]}" 2>/dev/null || true; rm -rf "$folder"' EXIT
export LC_ALL=C.UTF-8

train_once() {   # any model of this size will do where every answer has the same length
    "$BUILD/heed" train recipes/multi30k-en-de/tiny.yaml -o "$folder/once" --set train.updates=1 --set train.average=0 --set 'data.valid=[]' \
        --set train.validate.metric=loss -q >/dev/null
}

open_sides() {   # MODEL [SYMBOLS]
    local type layout
    open_side heed "$BUILD/bench/translate" "$1" "$folder/in" "$THREADS" "$folder/out" "${@:2}"
    for type in $types; do
        for layout in $layouts; do
            open_side "$type.$layout" "$PYTHON" bench/translate_ct2.py "$1" "$type" "${layout%x*}" "${layout#*x}" "$folder/out" "${@:2}"
            [ "${ready[heed]%% *}" = "${ready[$type.$layout]%% *}" ] || { say "bench/translate: the models differ in size"; exit 1; }
        done
    done
}

close_sides() {
    local type layout last=
    for type in $types; do for layout in $layouts; do last="$type.$layout $last"; done; done
    for layout in $last heed; do close_side "$layout"; done
}

turn() {   # SIDE BEAM BATCH LINES: its answer; a pause first, in which the threads of the side before fall asleep
    sleep 0.3
    ask "$1" run "$2" "$3" "$4"
}

choose() {   # the layout and batch of each type and beam: best[TYPE BEAM]="SIDE BATCH"
    local type beam layout batch seconds least
    for type in $types; do
        for beam in $BEAMS; do
            least=
            for layout in $layouts; do
                turn "$type.$layout" "$beam" 32 32 >/dev/null
                for batch in 16 32 64; do
                    seconds=$(turn "$type.$layout" "$beam" "$batch" 256)
                    seconds=${seconds%% *}
                    [ -n "$least" ] && awk -v a="$seconds" -v b="$least" 'BEGIN { exit a < b }' && continue
                    least=$seconds best["$type $beam"]="$type.$layout $batch"
                done
            done
            say "CTranslate2 $type, beam $beam: ${best["$type $beam"]#*.} at a time is its best"
        done
    done
}

same() { awk 'NR == FNR { text[FNR] = $0; next } { n += text[FNR] == $0 } END { printf "%.1f", 100 * n / FNR }' "$folder/out" "$1"; }   # percent of the lines

# $folder/NAME.rounds, lines "SIDE BEAM SECONDS SYMBOLS MB SAME"
measure() {   # NAME
    local round beam type line
    for round in $(seq 0 "$ROUNDS"); do   # round 0 warms up
        [ "$round" = 0 ] || "$BUILD/bench/peak" "$THREADS" >>"$folder/peaks"
        for beam in $BEAMS; do
            for side in heed $types; do
                if [ "$side" = heed ]; then line="heed $beam $(turn heed "$beam" 0 0) 100"
                else line="$side $beam $(turn ${best["$side $beam"]% *} "$beam" ${best["$side $beam"]#* } 0) $(same "$folder/out.$side")"
                fi
                say "$1 $round/$ROUNDS: $line"
                [ "$1 $side" != "forced float32" ] || awk -v same="${line##* }" 'BEGIN { exit same < 95 }' || { say "bench/translate: the models differ"; exit 1; }
                [ "$round" = 0 ] || echo "$line" >>"$folder/$1.rounds"
            done
        done
    done
}

# The group's worst ratio before each row, in $folder/rows; an object a row in $objects.
tabulate() {   # NAME
    local beam type settings
    for beam in $BEAMS; do
        settings=
        for type in $types; do settings="$settings ${best["$type $beam"]#*.}"; done
        awk -v name="$1" -v beam="$beam" -v types="$types" -v settings="$settings" -v lines="$lines" -v threads="$THREADS" -v rounds="$ROUNDS" \
            -v versions="$versions" -v peak="$(peak)" -v objects="$objects" '
            function median(list, n,   i, j, x) {
                for (i = 2; i <= n; i++) { x = list[i]; for (j = i - 1; j > 0 && list[j] > x; j--) list[j + 1] = list[j]; list[j + 1] = x }
                return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
            }
            function row(side, type, layout, batch,   i, list, seconds, title) {
                for (i = 1; i <= n[side]; i++) list[i] = took[side, i]
                seconds = median(list, n[side])
                if (side == "heed") { ours = worst = seconds; ours_least = list[1] }
                else if (seconds < worst) worst = seconds
                title = side == "heed" ? side : "CTranslate2 " type ", " layout ", " batch " a batch"
                rows = rows sprintf("KEY | %s | %d | %s | %.3f | %.3f | %.0f | %s | %s | %d |\n", name, beam, title, seconds, list[1], symbols[side] / seconds,
                    side == "heed" ? "" : sprintf("%.2f", seconds / ours), side == "heed" ? "" : same[side] " %", most[side])
                printf "{\"bench\": \"translate\", \"answers\": \"%s\", \"beam\": %d, \"side\": \"%s\", \"type\": \"%s\", \"workers_x_threads\": \"%s\", \"batch\": %d, " \
                    "\"lines\": %d, \"threads\": %d, \"rounds\": %d, \"seconds\": %.4f, \"least_seconds\": %.4f, \"symbols\": %d, \"time_to_heed\": %.3f, " \
                    "\"same_lines\": %.3f, \"mb\": %d, \"peak\": \"%s\", \"versions\": \"%s\"}\n", name, beam, side == "heed" ? side : "CTranslate2", type, layout,
                    batch, lines, threads, rounds, seconds, list[1], symbols[side], seconds / ours, same[side] / 100, most[side], peak, versions >>objects
            }
            $2 != beam { next }
            { took[$1, ++n[$1]] = $3; symbols[$1] = $4; same[$1] = $6; if ($5 > most[$1]) most[$1] = $5 }
            END {
                count = split(types, type)
                split(settings, setting)
                row("heed", "float32", "1x" threads, 0)
                for (i = 1; i <= count; i++) row(type[i], type[i], setting[2 * i - 1], setting[2 * i])
                gsub(/KEY/, sprintf("%.3f", worst / ours), rows)
                printf "%s", rows
            }' "$folder/$1.rounds" >>"$folder/rows"
    done
}

peak() { sort -k 2 -g "$folder/peaks" | tail -n 1 | awk '{ printf "%.0f GF/s (%d bits)", $2, $1 }'; }

report() {
    echo "| answers | beam | side | seconds, median | least | output symbols/s | time : heed | same lines | MB |"
    echo "|---|---|---|---|---|---|---|---|---|"
    sort -s -g -k 1,1 "$folder/rows" | cut -d ' ' -f 2-
    echo
    echo "$lines lines. $(processor), $THREADS threads, measured f32 peak $(peak), $(date +%Y-%m-%d)."
    echo "${versions}. Rounds: $ROUNDS."
}

bench_model() {   # NAME MODEL [SYMBOLS]
    open_sides "${@:2}"
    [ -z "$types" ] || choose
    versions=${ready[heed]#* }
    [ -z "$types" ] || versions="$versions; ${ready[float32.${layouts%% *}]#* }"
    measure "$1"
    tabulate "$1"
    close_sides
}

[ -e "$set_file" ] || { say "bench/translate: left out: set HEED_DATA to a folder with mt/multi30k"; exit 0; }
gzip -dc "$set_file" | awk -v most="$LINES" 'NR <= most' >"$folder/in"
lines=$(wc -l <"$folder/in")
types="float32 int8" layouts="${THREADS}x1 1x$THREADS"
[ "$THREADS" != 1 ] || layouts=1x1
if ! "$PYTHON" -c 'import ctranslate2' 2>/dev/null; then
    types=
    say "bench/translate: $PYTHON has no CTranslate2, so heed's side is timed alone. To compare: pip install ctranslate2==4.8.5, then PYTHON=... make bench"
fi
objects=$BUILD/bench/translate.jsonl
rm -f "$objects"
if [ -z "${RAW:-}" ]; then
    train_once
    RAW=$folder/once/model
fi
bench_model forced "$RAW" "$SYMBOLS"
if [ -n "${TINY:-}" ]; then bench_model trained "$TINY"
else say "bench/translate: the trained model is left out: TINY=DIRECTORY of one that recipes/multi30k-en-de/tiny.yaml has made"
fi
report >"$folder/report"
cat "$folder/report"
[ "${RECORD:-}" != 1 ] || record bench/translate "$folder/report"
