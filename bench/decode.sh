#!/usr/bin/env bash
# How fast models answer: `heed run` on the 1,000 lines of Multi30k's test set of 2016, greedy and with a beam of 5.
#
#   HEED_DATA=... bash bench/decode.sh MODEL...         MODEL: directories as `heed train` leaves them (recipes/multi30k)
#
# Environment: HEED_DATA with mt/multi30k/test_2016_flickr.de.gz (or INPUT, a text of one sentence a line), THREADS=2, BEAMS="1 5", ROUNDS=5 (in a round every
# model runs once with every beam; another round before them is not counted), HEED_BUILD=build.
# Prints Markdown; with RECORD=1 it also takes its place in docs/benchmarks.md. Opening a model is timed apart, as a run on no line, and taken off.
# A line of JSON a row goes to HEED_BUILD/bench/decode.jsonl.
set -eu
cd "$(dirname "$0")/.."
. bench/lib.sh
BUILD=${HEED_BUILD:-build} THREADS=${THREADS:-2} BEAMS=${BEAMS:-1 5} ROUNDS=${ROUNDS:-5}
HEED=$BUILD/heed
set_file=${HEED_DATA:-}/mt/multi30k/test_2016_flickr.de.gz
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export LC_ALL=C.UTF-8

run() {   # INPUT MODEL BEAM: seconds and the most memory in kB; the answers are in $folder/out
    local began=$EPOCHREALTIME ended
    "$HEED" run "$2" "$1" --beam "$3" --threads "$THREADS" >"$folder/out" &
    local pid=$!
    watch_memory "$pid" >"$folder/memory" &
    local watcher=$!
    wait "$pid"
    ended=$EPOCHREALTIME
    wait "$watcher"
    echo "$(awk -v a="$began" -v b="$ended" 'BEGIN { printf "%.4f", b - a }') $(cat "$folder/memory")"
}

measure() {   # ROUND NUMBER MODEL BEAM: a line "NUMBER BEAM LOAD SECONDS KB WORDS" unless the round warms up
    local load all
    load=$(run /dev/null "$3" "$4")
    all=$(run "$folder/in" "$3" "$4")
    say "round $1/$ROUNDS: $3, beam $4: ${all% *} s, of which ${load% *} s to open"
    [ "$1" = 0 ] || echo "$2 $4 ${load% *} $all $(wc -w <"$folder/out")" >>"$folder/rounds"
}

name_of() {   # MODEL: its folder's name, or that of the run around it
    local dir
    dir=$(cd "$1" && pwd)
    [ "${dir##*/}" != model ] || dir=${dir%/*}
    echo "${dir##*/}"
}

parameters() { "$HEED" inspect "$1" --json | grep -o '"parameters": *[0-9]*' | grep -o '[0-9]*$'; }

row() {   # NUMBER MODEL BEAM
    awk -v number="$1" -v beam="$3" -v name="$(name_of "$2")" -v weights="$(parameters "$2")" -v lines="$lines" -v threads="$THREADS" -v json="$BUILD/bench/decode.jsonl" '
        function median(list, n,   i, j, x) {
            for (i = 2; i <= n; i++) { x = list[i]; for (j = i - 1; j > 0 && list[j] > x; j--) list[j + 1] = list[j]; list[j + 1] = x }
            return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
        }
        $1 == number && $2 == beam { n++; load[n] = $3; work[n] = $4 - $3; if ($5 > most) most = $5; words = $6 }
        END {
            seconds = median(work, n)
            printf "| %s, %.2f million weights | %d | %.2f | %.2f | %.0f | %.1f | %.2f | %.0f |\n", name, weights / 1e6, beam, seconds, work[1], words / seconds,
                1000 * seconds / lines, median(load, n), most * 1.024 / 1000
            printf "{\"what\": \"answers\", \"shape\": \"%s, beam %d\", \"dtype\": \"f32\", \"threads\": %d, \"ours\": %.1f, \"peer\": null, \"peer_name\": null, \"peer_version\": null, ", name, beam, threads, words / seconds >>json
            printf "\"unit\": \"words/s\", \"peak\": null, \"fraction\": null, \"goal\": null, \"met\": null}\n" >>json
        }' "$folder/rounds"
}

report() {
    local number=0 model beam
    echo "| model | beam | seconds, median | least | output words/s | ms a line | seconds to open | MB |"
    echo "|---|---|---|---|---|---|---|---|"
    for model; do
        for beam in $BEAMS; do row "$number" "$model" "$beam"; done
        number=$((number + 1))
    done
    echo
    echo "$lines lines. $(processor), $THREADS threads, measured f32 peak $(sort -k 2 -g "$folder/peaks" |
        tail -n 1 | awk '{ printf "%.0f GF/s (%d bits)", $2, $1 }'), $(date +%Y-%m-%d)."
    echo "$("$HEED" --version | paste -s -d ' '). Rounds: $ROUNDS."
}

[ $# -gt 0 ] || { say "bench/decode: left out: name the directories of models, see recipes/multi30k"; exit 0; }
if [ -n "${INPUT:-}" ]; then cp "$INPUT" "$folder/in"
elif [ -e "$set_file" ]; then gzip -dc "$set_file" | head -n 1000 >"$folder/in"
else say "bench/decode: left out: set HEED_DATA to a folder with mt/multi30k/test_2016_flickr.de.gz"; exit 0
fi
lines=$(wc -l <"$folder/in")
for round in $(seq 0 "$ROUNDS"); do
    number=0
    [ "$round" = 0 ] || "$BUILD/bench/peak" "$THREADS" >>"$folder/peaks"
    for model; do
        for beam in $BEAMS; do measure "$round" "$number" "$model" "$beam"; done
        number=$((number + 1))
    done
done
: >"$BUILD/bench/decode.jsonl"
report "$@" >"$folder/report"
cat "$folder/report"
[ "${RECORD:-}" != 1 ] || record bench/decode "$folder/report"
