#!/usr/bin/env bash
# How long an update of training takes, beside PyTorch: both sides on the same batches from the same initial weights, in turns.
#
#   make bench        or, once that has built it: bash bench/train.sh [MODEL...], or MODELS="..." in the environment; demo and the ladder when none is named, since
#                     bench/step.sh holds words, tiny and base to their goals
#
# MODEL: demo, words, tiny, base; lstm, gru, additive, conv, transformer: the ladder of recipes/multi30k-ladder; `ladder`: all five of them.
# Environment: PYTHON=python3 (with torch 2.13.0; without it heed's side is timed alone), THREADS=2, ROUNDS=10 (in a round each side runs once),
# HEED_DATA with mt/multi30k/train.{de,en}.gz for all but `demo` (without it `demo` alone), HEED_BUILD=build.
# Prints Markdown; with RECORD=1 it also takes its place in docs/benchmarks.md, where the ladder has a table of its own. A line of JSON a model goes to
# HEED_BUILD/bench/ladder.jsonl. Where an update takes more than a second there are three rounds.
set -eu
cd "$(dirname "$0")/.."
. bench/lib.sh
PYTHON=${PYTHON:-python3} THREADS=${THREADS:-2} ROUNDS=${ROUNDS:-10} BUILD=${HEED_BUILD:-build} TORCH=2.13.0
folder=$(mktemp -d)
declare -A to from pid ready
trap 'kill "${pid[@]}" 2>/dev/null || true; rm -rf "$folder"' EXIT

LADDER="lstm gru additive conv transformer"
is_of_ladder() { case " $LADDER " in *" $1 "*) ;; *) return 1 ;; esac; }

write_batches() {   # NAME: false when its data are not here
    local pairs=${HEED_DATA:-}/mt/multi30k
    if [ "$1" = demo ]; then
        "$BUILD/bench/batches" demo data/cmudict/cmudict.tsv.gz "$folder/demo"
    elif [ ! -e "$pairs/train.de.gz" ]; then
        say "bench/train: $1 is left out: set HEED_DATA to a folder with mt/multi30k/train.de.gz and train.en.gz"
        return 1
    elif is_of_ladder "$1"; then
        "$BUILD/bench/batches" "recipes/multi30k-ladder/$1.yaml" "$folder/$1"
    elif [ "$1" = words ]; then
        "$BUILD/bench/batches" "$1" "$pairs/train.de.gz" "$pairs/train.en.gz" "$folder/$1"
    else
        "$BUILD/bench/batches" "$1" "$pairs/train.en.gz" "$pairs/train.de.gz" "$folder/$1"
    fi
}

# Both sides must be one model: as many weights, and the same losses in updates without dropout, which differ by rounding alone; it grows with time.
check() {   # NAME UPDATES
    local side
    for side in $sides; do start "$side" "$1" 0; done
    [ "${ready[heed]%% *}" = "${ready[torch]%% *}" ] || { say "bench/train: the models differ in size"; exit 1; }
    for side in $sides; do echo "$side $(ask "$side" run "$2")"; done >"$folder/first"
    say "$1 without dropout, losses of $2 updates: $(awk '{ printf "%s %s  ", $1, $5 }' "$folder/first")"
    awk '{ loss[NR] = $5 } END { d = loss[1] - loss[2]; exit d * d > 1e-6 }' "$folder/first" || { say "bench/train: the models differ"; exit 1; }
    stop
}

start() {   # SIDE NAME [DROPOUT]
    case $1 in
        heed) open_side heed "$BUILD/bench/train" "$folder/$2" "$THREADS" "$folder/weights" "${@:3}" ;;
        torch) open_side torch "$PYTHON" bench/train_torch.py "$folder/$2" "$THREADS" "$folder/weights" "${@:3}" ;;
    esac
}

stop() {
    [ "$sides" = heed ] || close_side torch
    close_side heed
}

measure() {   # NAME UPDATES: $folder/NAME.rounds, lines "peak BITS GF/S" and "SIDE UPDATES SECONDS SYMBOLS OPERATIONS LOSS MB"
    local side round=0 line rounds=$ROUNDS
    for side in $sides; do start "$side" "$1"; done
    for ((round = 0; round <= rounds; round++)); do   # round 0 warms up
        echo "peak $("$BUILD/bench/peak" "$THREADS")" >>"$folder/$1.rounds"
        for side in $sides; do
            line="$side $2 $(ask "$side" run "$2")"
            say "$1 $round/$rounds: $line"
            [ "$rounds" -le 3 ] || ! echo "$line" | awk '{ exit $3 <= $2 }' || rounds=3
            [ "$round" = 0 ] || echo "$line" >>"$folder/$1.rounds"
        done
    done
    stop
}

# A batch's operations are told by heed's side alone; the batches are the same.
tabulate() {   # NAME: rows of the table
    awk -v name="$1" -v weights="${ready[heed]%% *}" -v threads="$THREADS" -v version="${ready[torch]+${ready[torch]#* }}" -v json="$json" '
        function sorted(list, n,   i, j, x) { for (i = 2; i <= n; i++) { x = list[i]; for (j = i - 1; j > 0 && list[j] > x; j--) list[j + 1] = list[j]; list[j + 1] = x } }
        function median(list, n) { sorted(list, n); return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2 }
        function column(side, table, out,   i) { for (i = 1; i <= n[side]; i++) out[i] = table[side, i]; return n[side] }
        function row(side, title,   k, speed, least) {
            k = column(side, ms, list); speed = median(list, k); least = list[1]
            k = column(side, tokens, list); rate[side] = median(list, k)
            printf "| %s, %.2f million weights | %s | %.1f | %.1f | %d | %.0f | %.0f %% | %.3f | %d |\n", name, weights / 1e6, title, speed, least, rate[side],
                work * rate[side], 100 * work * rate[side] / peak, last[side], memory[side]
        }
        $1 == "peak" { if ($3 > peak) peak = $3; next }
        { i = ++n[$1]; ms[$1, i] = 1000 * $3 / $2; tokens[$1, i] = $4 / $3; last[$1] = $6; memory[$1] = $7; all[$1] += $4; operations += $5 }
        END {
            work = operations / all["heed"]
            row("heed", "heed")
            if (n["torch"]) { row("torch", "PyTorch"); printf "| | **heed : PyTorch** | | | **%.2f** | | | | |\n", rate["heed"] / rate["torch"] }
            printf "{\"what\": \"update of training\", \"shape\": \"%s\", \"dtype\": \"f32\", \"threads\": %d, \"ours\": %.1f, \"peer\": %s, \"peer_name\": %s, \"peer_version\": %s, \"unit\": \"symbols/s\", ", name, threads,
                rate["heed"], n["torch"] ? sprintf("%.1f", rate["torch"]) : "null", n["torch"] ? "\"PyTorch\"" : "null", n["torch"] ? "\"" version "\"" : "null" >>json
            printf "\"peak\": %.1f, \"fraction\": %.4f, \"goal\": null, \"met\": null}\n", peak, work * rate["heed"] / peak >>json
        }' "$folder/$1.rounds"
}

peak_of() { awk '$1 == "peak" && $3 > most { most = $3; bits = $2 } END { printf "%.0f GF/s (%d bits)", most, bits }' "$folder"/*.rounds; }

report() {   # ROWS
    echo "| model | side | ms an update, median | least | symbols/s, median | GF/s | of the f32 peak | last loss | MB |"
    echo "|---|---|---|---|---|---|---|---|---|"
    cat "$1"
    echo
    echo "$(processor), $THREADS threads, measured f32 peak $(peak_of), $(date +%Y-%m-%d)."
    echo "${versions}. Rounds: $ROUNDS, three where an update takes more than a second."
}

sides="heed torch"
if ! "$PYTHON" -c 'import torch' 2>/dev/null; then
    sides=heed
    say "bench/train: $PYTHON has no PyTorch, so heed's side is timed alone. To compare: pip install torch==$TORCH, then PYTHON=... make bench"
fi
[ $# -gt 0 ] || set -- ${MODELS:-demo ladder}
json=$BUILD/bench/ladder.jsonl
: >"$json"
names=
for name in "$@"; do
    [ "$name" != ladder ] || name=$LADDER
    case " demo words tiny base $LADDER " in
        *" $name "*) names="$names $name" ;;
        *) say "bench/train: there is no model \"$name\"; there are demo, words, tiny, base, and the ladder: $LADDER"; exit 2 ;;
    esac
done
for name in $names; do
    write_batches "$name" || continue
    case $name in demo) updates=30 first=30 ;; base) updates=1 first=2 ;; *) updates=4 first=3 ;; esac
    [ "$sides" = heed ] || check "$name" "$first"
    measure "$name" "$updates"
    versions="${ready[heed]#* }${ready[torch]+; ${ready[torch]#* }}"
    if is_of_ladder "$name"; then table=ladder; else table=train; fi
    tabulate "$name" >>"$folder/rows.$table"
done
for table in train ladder; do
    [ -s "$folder/rows.$table" ] || continue
    report "$folder/rows.$table" | tee "$folder/report"
    [ "${RECORD:-}" != 1 ] || record "bench/$table" "$folder/report"
done
