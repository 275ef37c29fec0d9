# For the benchmarks: sourced by train.sh, decode.sh, translate.sh and plan.sh from the top of the project.
say() { printf '%s\n' "$*" >&2; }

median() { sort -g | awk '{ x[NR] = $1 } END { print NR % 2 ? x[(NR + 1) / 2] : (x[NR / 2] + x[NR / 2 + 1]) / 2 }'; }   # of numbers, one a line

processor() { awk -F ': *' '/^model name/ { print $2; exit }' /proc/cpuinfo; }

watch_memory() {   # PID: the most it held in kB, until it ends
    local most=0 now
    while [ -d "/proc/$1" ]; do
        now=$(awk '$1 == "VmHWM:" { print $2 }' "/proc/$1/status" 2>/dev/null) || true
        most=${now:-$most}
        sleep 0.05
    done
    echo "$most"
}

record() {   # NAME REPORT: the report takes its place between the markers of the page
    local page
    page=$(mktemp)
    awk -v name="$1" -v report="$2" '
        $0 == "<!-- " name ": begin -->" { print; while ((getline line < report) > 0) print line; skip = 1 }
        $0 == "<!-- " name ": end -->" { skip = 0 }
        !skip' docs/benchmarks.md >"$page"
    cp "$page" docs/benchmarks.md
    rm "$page"
}

# --- sides: programs that say "ready ..." and then answer each line with a line. They need $folder, and `declare -A to from pid ready` -----------------

open_side() {   # SIDE COMMAND...
    local in out word
    rm -f "$folder/asked" "$folder/told"
    mkfifo "$folder/asked" "$folder/told"
    "${@:2}" <"$folder/asked" >"$folder/told" &
    pid[$1]=$!
    exec {in}>"$folder/asked" {out}<"$folder/told"
    to[$1]=$in from[$1]=$out
    read -r word ready[$1] <&"$out" && [ "$word" = ready ] || { say "$0: $1 did not start"; exit 1; }
    say "$1: ${ready[$1]}"
}

close_side() {   # SIDE: those opened after it hold its pipes too, so the last one first
    local in=${to[$1]} out=${from[$1]}
    exec {in}>&- {out}<&-
    wait "${pid[$1]}"
    unset "pid[$1]"
}

ask() {   # SIDE WORDS...: its answer
    local answer
    echo "${@:2}" >&"${to[$1]}"
    read -r answer <&"${from[$1]}"
    echo "$answer"
}
