#!/usr/bin/env bash
# How long an update of training takes, beside PyTorch: both sides on the same batches from the same initial weights, in turns.
#
#   make bench        or, once that has built it: bash bench/train.sh [demo] [words] [tiny] [base]
#
# Environment: PYTHON=python3 (with torch 2.13.0; without it heed's side is timed alone), THREADS=2, ROUNDS=10 (in a round each side runs once),
# HEED_DATA with mt/multi30k/train.{de,en}.gz for all but `demo` (without it `demo` alone), HEED_BUILD=build.
# Prints Markdown; with RECORD=1 it also takes its place in docs/benchmarks.md.
set -eu
cd "$(dirname "$0")/.."
. bench/lib.sh
PYTHON=${PYTHON:-python3} THREADS=${THREADS:-2} ROUNDS=${ROUNDS:-10} BUILD=${HEED_BUILD:-build} TORCH=2.13.0
folder=$(mktemp -d)
declare -A to from pid ready
trap 'kill "${pid[@]}" 2>/dev/null || true; rm -rf "$folder"' EXIT

write_batches() {   # NAME: false when its data are not here
    local pairs=${HEED_DATA:-}/mt/multi30k
    case $1 in
        demo) "$BUILD/bench/batches" demo data/cmudict/cmudict.tsv.gz "$folder/demo"; return ;;
        words) set -- "$1" de en ;;
        tiny | base) set -- "$1" en de ;;
        *) say "bench/train: there is no model \"$1\"; there are demo, words, tiny and base"; exit 2 ;;
    esac
    if [ -e "$pairs/train.de.gz" ]; then
        "$BUILD/bench/batches" "$1" "$pairs/train.$2.gz" "$pairs/train.$3.gz" "$folder/$1"
    else
        say "bench/train: $1 is left out: set HEED_DATA to a folder with mt/multi30k/train.de.gz and train.en.gz"
        return 1
    fi
}

open_side() {   # SIDE COMMAND...
    local in out word
    rm -f "$folder/in" "$folder/out"
    mkfifo "$folder/in" "$folder/out"
    "${@:2}" <"$folder/in" >"$folder/out" &
    pid[$1]=$!
    exec {in}>"$folder/in" {out}<"$folder/out"
    to[$1]=$in from[$1]=$out
    read -r word ready[$1] <&"$out" && [ "$word" = ready ] || { say "bench/train: $1 did not start"; exit 1; }
    say "$1: ${ready[$1]}"
}

close_side() {   # SIDE
    local in=${to[$1]} out=${from[$1]}
    exec {in}>&- {out}<&-
    wait "${pid[$1]}"
    unset "pid[$1]"
}

ask() {   # SIDE UPDATES: seconds, symbols, 1e9 operations, loss, MB
    local answer
    echo "run $2" >&"${to[$1]}"
    read -r answer <&"${from[$1]}"
    echo "$answer"
}

# Both sides must be one model: as many weights, and the same losses where no dropout makes them differ (by rounding, which grows with time).
check_sizes() { [ "${ready[heed]%% *}" = "${ready[torch]%% *}" ] || { say "bench/train: the models differ in size"; exit 1; }; }
check_losses() { awk '{ loss[NR] = $6 } END { d = loss[1] - loss[2]; exit d * d > 1e-6 }' "$folder/first" || { say "bench/train: the models differ: $(cat "$folder/first")"; exit 1; }; }

measure() {   # NAME UPDATES: $folder/NAME.rounds, lines "peak BITS GF/S" and "SIDE UPDATES SECONDS SYMBOLS OPERATIONS LOSS MB"
    local side round line
    open_side heed "$BUILD/bench/train" "$folder/$1" "$THREADS" "$folder/weights"
    [ "$sides" = heed ] || open_side torch "$PYTHON" bench/train_torch.py "$folder/$1" "$THREADS" "$folder/weights"
    [ "$sides" = heed ] || check_sizes
    : >"$folder/first"
    for round in $(seq 0 "$ROUNDS"); do   # round 0 warms up
        echo "peak $("$BUILD/bench/peak" "$THREADS")" >>"$folder/$1.rounds"
        for side in $sides; do
            line="$side $2 $(ask "$side" "$2")"
            say "$1 $round/$ROUNDS: $line"
            if [ "$round" = 0 ]; then echo "$line" >>"$folder/first"; else echo "$line" >>"$folder/$1.rounds"; fi
        done
        [ "$round$1$sides" != "0demoheed torch" ] || check_losses
    done
    [ "$sides" = heed ] || close_side torch   # first: it holds heed's pipes too
    close_side heed
}

# A batch's operations are told by heed's side alone; the batches are the same.
tabulate() {   # NAME: rows of the table
    awk -v name="$1" -v weights="${ready[heed]%% *}" '
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
        }' "$folder/$1.rounds"
}

peak_of() { awk '$1 == "peak" && $3 > most { most = $3; bits = $2 } END { printf "%.0f GF/s (%d bits)", most, bits }' "$folder"/*.rounds; }

report() {
    echo "| model | side | ms an update, median | least | symbols/s, median | GF/s | of the f32 peak | last loss | MB |"
    echo "|---|---|---|---|---|---|---|---|---|"
    cat "$folder/rows"
    echo
    echo "$(processor), $THREADS threads, measured f32 peak $(peak_of), $(date +%Y-%m-%d)."
    echo "${versions}. Rounds: $ROUNDS."
}

sides="heed torch"
if ! "$PYTHON" -c 'import torch' 2>/dev/null; then
    sides=heed
    say "bench/train: $PYTHON has no PyTorch, so heed's side is timed alone. To compare: pip install torch==$TORCH, then PYTHON=... make bench"
fi
[ $# -gt 0 ] || set -- demo words tiny base
for name in "$@"; do
    write_batches "$name" || continue
    case $name in demo) updates=30 ;; base) updates=1 ;; *) updates=4 ;; esac
    measure "$name" "$updates"
    versions="${ready[heed]#* }${ready[torch]+; ${ready[torch]#* }}"
    tabulate "$name" >>"$folder/rows"
done
[ -s "$folder/rows" ] || exit 0
report >"$folder/report"
cat "$folder/report"
[ "${RECORD:-}" != 1 ] || record bench/train "$folder/report"
