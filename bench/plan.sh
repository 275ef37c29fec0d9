#!/usr/bin/env bash
# Whether what `heed plan` foretells comes true: speed and memory of plan and training, in turns, since machines are never equally busy.
#
#   bash bench/plan.sh [RECIPE...]          without one: the demo's
#
# Environment: HEED=build/heed, THREADS=2, UPDATES=200 (of each training; the speed is that of every hundred but the first), ROUNDS=3, HEED_DATA.
# A line of JSON a forecast goes to HEED_BUILD/bench/plan.jsonl (HEED_BUILD=build).
# Prints Markdown: of each round the forecast, what came, and their ratio. Exit 1 when the median ratio of a recipe is off by more than 20 %.
set -eu
cd "$(dirname "$0")/.."
. bench/lib.sh
HEED=${HEED:-build/heed} THREADS=${THREADS:-2} UPDATES=${UPDATES:-200} ROUNDS=${ROUNDS:-3}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

field() { grep -o "\"$1\": [^,}]*" | tail -n 1 | cut -d ' ' -f 2; }   # NAME: the last such number of JSON lines

peak_of() {   # COMMAND...: runs it, prints the most memory it held in bytes
    local most
    "$@" >/dev/null &
    most=$(watch_memory $!)
    wait $!
    echo $((most * 1024))
}

measure() {   # RECIPE: lines "forecast-speed speed forecast-memory memory"
    local told peak speed
    told=$("$HEED" plan "$1" --threads "$THREADS" --json)
    rm -rf "$folder/run"
    peak=$(peak_of "$HEED" train "$1" -o "$folder/run" -q --threads "$THREADS" --max-updates "$UPDATES" --set "train.validate.every=$UPDATES")
    speed=$(grep -v valid_loss "$folder/run/log.jsonl" | tail -n +2 | grep -o '"tokens_per_second": [^,}]*' | cut -d ' ' -f 2 | median)
    echo "$(echo "$told" | field tokens_per_second) $speed $(echo "$told" | field peak_bytes) $peak"
}

if [ $# -eq 0 ]; then
    "$HEED" demo --data-only -o "$folder/demo" -q >/dev/null
    set -- "$folder/demo/attention.yaml"
fi
[ "$UPDATES" -ge 200 ] || { say "bench/plan: UPDATES: at least 200, since the log tells the speed of every hundred"; exit 2; }
echo "| recipe | symbols/s foretold | trained | ratio | MB foretold | taken | ratio |"
echo "|---|---|---|---|---|---|---|"
wrong=0 json=${HEED_BUILD:-build}/bench/plan.jsonl
: >"$json"
for recipe; do
    : >"$folder/rounds"
    for round in $(seq "$ROUNDS"); do
        say "$recipe: round $round of $ROUNDS"
        measure "$recipe" | tee -a "$folder/rounds" | awk -v name="${recipe#"$folder"/}" '{ printf "| %s | %.0f | %.0f | %.2f | %.0f | %.0f | %.2f |\n", name, $1, $2, $1 / $2, $3 / 1e6, $4 / 1e6, $3 / $4 }'
    done
    for pair in '$1 / $2' '$3 / $4'; do
        ratio=$(awk "{ print $pair }" "$folder/rounds" | median)
        awk -v pair="$pair" -v ratio="$ratio" -v name="${recipe#"$folder"/}" -v threads="$THREADS" 'BEGIN {
            printf "{\"what\": \"forecast of %s\", \"shape\": \"%s\", \"dtype\": \"f32\", \"threads\": %d, \"ours\": %.4f, \"peer\": 1, \"peer_name\": \"what came\", \"peer_version\": null, ", (pair ~ /1/ ? "speed" : "memory"), name, threads, ratio
            printf "\"unit\": \"times what came\", \"peak\": null, \"fraction\": null, \"goal\": 1, \"within\": 0.2, \"met\": %s}\n", (ratio < 0.8 || ratio > 1.2 ? "false" : "true") }' >>"$json"
        awk -v ratio="$ratio" 'BEGIN { exit ratio < 0.8 || ratio > 1.2 }' || { say "bench/plan: $recipe: a median ratio of $ratio"; wrong=1; }
    done
done
echo
echo "$(processor), $THREADS threads, $("$HEED" --version | head -n 1), $(date +%Y-%m-%d)."
exit $wrong
