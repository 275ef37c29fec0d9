#!/usr/bin/env bash
# How fast attention is: heed's kernels beside PyTorch and ONNX Runtime, on the same inputs, in turns, as fractions of this machine's own peak.
#
#   make bench, make bench-quick or make bench-full; or, once one of them has built it: bash bench/attention.sh [quick|bench|full]
#   bash bench/attention.sh long KIND TOKENS       memory and time of one forward and backward pass of one head of 64 alone: KIND causal, window1024 ..
#
# Environment: PYTHON=python3 (with torch 2.13.0, and onnx 1.23.2 and onnxruntime 1.31.1; who is missing is left out), THREADS="1 2", ROUNDS=10 (in a round every side
# runs once; 3 where a call takes more than a second), ONLY=REGEX (of lines of bench/attention.cells), MEMORY=1 (0: leave it out), AS_INTEL=1 (MKL, which PyTorch uses,
# leaves out its AVX-512 code where the processor is not Intel's; it is told that it is), HEED_BUILD=build.
# A side's results are held against float64 before it is timed; one that computes something else ends the run. Prints Markdown, what missed its goal first; with
# RECORD=1 it also takes its place in docs/benchmarks.md. A line of JSON a row goes to HEED_BUILD/bench/attention.jsonl.
set -eu
cd "$(dirname "$0")/.."
. bench/lib.sh
PYTHON=${PYTHON:-python3} THREADS=${THREADS:-1 2} ROUNDS=${ROUNDS:-10} ONLY=${ONLY:-.} MEMORY=${MEMORY:-1} BUILD=${HEED_BUILD:-build} SET=${1:-bench}
folder=$(mktemp -d)
declare -A to from pid ready calls
trap 'kill "${pid[@]}" 2>/dev/null || true; rm -rf "$folder"' EXIT
rows=$folder/rows   # what was measured, a fact a line; bench/attention.awk reads them
WRONG=16            # a side whose error is so many times the naive form's computes something else

cells_of_grid() {   # all shapes whose pairs are at most 2e9
    local type pass kind heads group d length
    for type in f32 bf16; do for pass in forward both; do for kind in everything causal window256; do for heads in "1 1" "1 2" "1 8" "8 8"; do for d in 64 128; do
        for length in "32 32" "128 128" "512 512" "1024 1024" "4096 4096" "16384 16384" "32 512" "128 4096"; do
            case "$kind $length" in causal*"32 512" | causal*"128 4096" | window*"32 512" | window*"128 4096") continue ;; esac
            echo "full $type $pass $kind $heads ${heads#* } $length $d - 0.97 -"
        done
    done; done; done; done; done | awk '$5 * $6 * $8 * $9 <= 2e9'
    for type in f32 bf16 int8; do for heads in "1 1" "1 2" "1 8" "8 8"; do for group in 1 4 8; do for d in 64 128; do for length in 64 512 4096 32768; do
        echo "full $type decode everything ${heads% *} $((${heads#* } * group)) ${heads#* } 1 $length $d - $([ "$type" = int8 ] && echo - || echo 0.97) -"
    done; done; done; done; done
}

cells() {   # those of the set and of an ISA, "TYPE PASS KIND B H HK TQ TK D GOAL RATIO"
    { grep -v '^#' bench/attention.cells; [ "$SET" != full ] || cells_of_grid; } | tr -s ' ' | grep -E "$ONLY" |
        awk -v set="$SET" -v isa="$1" '$NF == isa && (set != "quick" || $1 == "quick") && !seen[$2, $3, $4, $5, $6, $7, $8, $9, $10]++ { $1 = $NF = ""; print }'
}

has() { "$PYTHON" -c "import $1" 2>/dev/null; }

start() {   # SIDE THREADS [ISA]
    case $1 in
        heed) HEED_ISA=${3:-} open_side heed "$BUILD/bench/attention" "$2" "$folder" ;;
        plain) open_side plain "$BUILD/bench/attention" "$2" "$folder" plain ;;
        torch) LD_PRELOAD=$intel open_side torch "$PYTHON" bench/attention_torch.py "$2" "$folder" ;;
        ort) open_side ort "$PYTHON" bench/attention_ort.py "$2" "$folder" ;;
    esac
}

stop() { local side; for side in "$@"; do close_side "$side"; done; }   # the last that was opened first

# --- one cell ------------------------------------------------------------------------------------------------------------------------------

check() {   # ID SIDE: false when it computes something else
    local answer
    answer=$(ask "$2" write)
    [ "$answer" = done ] || { echo "no $1 $2 ${answer#no }" >>"$rows"; return 1; }
    [ "$2" != plain ] || return 0
    answer=$(ask heed check "$2")
    echo "error $1 $2 $answer" >>"$rows"
    rm -f "$folder/$2"
    echo "$answer" | awk -v wrong=$WRONG '{ exit !($1 <= wrong * $2) }' || { say "bench/attention: $2: error $answer (its own, the naive form's): another function"; exit 1; }
}

calibrate() {   # SIDE: how many calls make a turn of some hundredths of a second; the second of two, since the first one warms up
    local seconds
    ask "$1" run 1 >/dev/null
    seconds=$(ask "$1" run 1)
    calls[$1]=$(awk -v s="$seconds" 'BEGIN { n = int(0.05 / (s + 1e-9)); print (n < 1 ? 1 : n > 2000 ? 2000 : n) }')
    [ "${calls[$1]}" -lt 20 ] || calls[$1]=$(awk -v s="$(ask "$1" run "$((calls[$1] / 10))")" -v n="$((calls[$1] / 10))" 'BEGIN { print int(0.05 * n / s) + 1 }')
    awk -v s="$seconds" 'BEGIN { exit !(s > 1) }' && rounds=3 || true
}

measure() {   # ID SIDES...: a line "time ID SIDE SECONDS" a round and side
    local id=$1 round side answer
    rounds=$ROUNDS
    for side in "${@:2}"; do calibrate "$side"; done
    for round in $(seq "$rounds"); do
        for side in "${@:2}"; do
            answer=$(ask "$side" run "${calls[$side]}")
            awk -v s="$answer" -v n="${calls[$side]}" -v id="$id" -v side="$side" 'BEGIN { printf "time %s %s %.9f\n", id, side, s / n }' >>"$rows"
        done
    done
}

cell() {   # ID THREADS ISA WORDS: TYPE PASS KIND B H HK TQ TK D GOAL RATIO
    local words=${*:4:9} answer side chosen=heed answer_of_heed
    answer=$(ask heed cell "$words") answer_of_heed=$answer
    echo "cell $1 $2 $3 ${*:4}" >>"$rows"
    case $answer in "no "*) echo "no $1 heed ${answer#no }" >>"$rows"; say "$words: ${answer#no }"; return ;; esac
    echo "work $1 $answer" >>"$rows"
    check "$1" heed || { say "$words: heed has no answer"; return; }
    case "$3 $5 $6" in *weights* | *additive) peers=plain ;; avx2*) peers= ;; *) peers=$others ;; esac
    [ "${14}" != - ] || peers=
    [ -z "$peers" ] || [ "$(ask heed give)" = done ]
    for side in $peers; do
        answer=$(ask "$side" cell "$words")
        case $answer in "no "*) continue ;; esac
        check "$1" "$side" && chosen="$chosen $side"
    done
    measure "$1" $chosen
    [ "$5" != decode ] || echo "reads $1 $(ask heed reads "$(awk -v gb="${answer_of_heed%% *}" -v n="$2" 'BEGIN { printf "%.0f", 1e9 * gb / n }')")" >>"$rows"
    echo "peak $2 $3 $(ask heed peak)" >>"$rows"
    say "$2 thread(s)${3/-/}, $words: $(awk -v id="$1" '$2 == id && $1 == "time" { if (!($3 in least) || $4 < least[$3]) least[$3] = $4 }
        END { for (s in least) printf "%s %.3f ms  ", s, 1000 * least[s] }' "$rows")"
}

# --- all of them ---------------------------------------------------------------------------------------------------------------------------

id=0
all_cells() {   # THREADS ISA SIDES...: those behind heed are its peers
    local words side
    cells "$2" >"$folder/cells.$2"
    [ -s "$folder/cells.$2" ] || return 0
    others=${*:4}
    others=${others/plain/}
    for side in "${@:3}"; do start "$side" "$1" "${2/-/}"; echo "side $side ${ready[$side]}" >>"$rows"; done
    while read -r words <&3; do id=$((id + 1)); cell "$id" "$1" "$2" $words; done 3<"$folder/cells.$2"
    stop $(printf '%s\n' "${@:3}" | tac)
}

memory() {   # SIDE LIMIT CELL: in a process of its own; a line "memory SIDE LIMIT CELL: SECONDS GROWTH MOST"
    local answer
    start heed "$most_threads"
    answer=$(ask heed cell "$3")
    case $answer in "no "*) echo "memory $1 $2 $3: $answer" >>"$rows"; stop heed; return ;; esac
    if [ "$1" != heed ]; then
        answer=$(ask heed give)
        start "$1" "$most_threads"
        ask "$1" cell "$3" >/dev/null
    fi
    answer=$(ask "$1" memory)
    echo "memory $1 $2 $3: $answer" >>"$rows"
    say "memory, $1, $3: $answer"
    [ "$1" = heed ] || stop "$1"
    stop heed
}

intel=
if [ "${AS_INTEL:-}" = 1 ]; then
    intel=$folder/intel.so
    echo 'int mkl_serv_intel_cpu_true(void) { return 1; }' | "${CC:-cc}" -shared -fPIC -x c - -o "$intel"
fi
if [ "$SET" = long ]; then
    for most_threads in $THREADS; do memory heed - "f32 both ${2:?KIND} 1 1 1 ${3:?TOKENS} $3 64"; done
    exit
fi
peers=
! has torch || peers="$peers torch"
! has onnxruntime || ! has onnx || peers="$peers ort"
[ -n "$peers" ] || say "bench/attention: $PYTHON has neither torch nor onnxruntime, so heed is timed alone. To compare: pip install torch==2.13.0 onnx==1.23.2 onnxruntime==1.31.1"
available=$peers
for threads in $THREADS; do most_threads=$threads; all_cells "$threads" - heed plain $available; done
for threads in $THREADS; do all_cells "$threads" avx2 heed; done
if [ "$MEMORY" = 1 ] && [ "$SET" != quick ]; then
    for side in heed ${available/ort/}; do memory "$side" - "f32 both everything 1 1 1 16384 16384 64"; done
    memory heed 2300 "f32 both window1024 1 1 1 1000000 1000000 64"
fi
awk -v json="$BUILD/bench/attention.jsonl" -f bench/attention.awk "$rows" >"$folder/report"
printf '\n%s, %s threads, rounds: %s, %s.\n' "$(processor)" "${THREADS// / and }" "$ROUNDS" "$(date +%Y-%m-%d)" >>"$folder/report"
cat "$folder/report"
[ "${RECORD:-}" != 1 ] || record bench/attention "$folder/report"
