#!/usr/bin/env bash
# Whether a corpus of millions of lines is streamed: the most memory and the processor's seconds of building vocabularies, of training, of `heed plan`, which
# passes a whole epoch through the shuffle buffer, and of `heed check`, on a corpus made by bench/corpus.c.
#
#   bash bench/stream.sh
#
# Environment: HEED=build/heed, CORPUS=build/bench/corpus, LINES_MADE=10000000, UPDATES=50, UNITS="words bpe unigram", STEPS="train plan check", LIMIT_MB=1000.
# Prints Markdown; a line of JSON a row goes to HEED_BUILD/bench/stream.jsonl (HEED_BUILD=build). Exit 1 when something took more than LIMIT_MB. Ten million lines take 0.7 GB of disk and some twenty minutes of a processor.
set -eu
cd "$(dirname "$0")/.."
. bench/lib.sh
HEED=$(realpath "${HEED:-build/heed}") CORPUS=$(realpath "${CORPUS:-build/bench/corpus}")
LINES_MADE=${LINES_MADE:-10000000} UPDATES=${UPDATES:-50} UNITS=${UNITS:-words bpe unigram} STEPS=${STEPS:-train plan check} LIMIT_MB=${LIMIT_MB:-1000}
json=$(realpath "${HEED_BUILD:-build}")/bench/stream.jsonl
: >"$json"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cpu_of() { awk -v hertz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); printf "%.0f", ($12 + $13) / hertz }' "/proc/$1/stat"; }   # PID: seconds so far
memory_of() { awk -v field="$2:" '$1 == field { print $2 }' "/proc/$1/status"; }   # PID VmHWM|VmRSS

# Watches a command until it ends. Its first line on standard error parts the beginning (a training: its vocabularies) from the rest.
measure() {   # COMMAND...: sets begun and rest to "most memory in kB, seconds", peak to the most of all
    local now high seconds start=0 most=0
    begun= rest= peak=0
    say "heed ${*:2}"
    "$@" >output 2>said &
    while kill -0 $! 2>/dev/null; do
        now=$(memory_of $! VmRSS 2>/dev/null) high=$(memory_of $! VmHWM 2>/dev/null) || true
        [ -n "$high" ] || break   # it has ended and is not waited for yet
        peak=$high seconds=$(cpu_of $!)
        if [ -z "$begun" ] && [ -s said ]; then begun="$peak $seconds" start=$seconds most=0; fi
        [ "$now" -le "$most" ] || most=$now
        rest="$most $((seconds - start))"
        sleep 0.2
    done
    wait $! || { say "bench/stream: $*: $(tail -n 3 said)"; exit 1; }
}

wrong=0
row() {   # WHAT KB SECONDS
    awk -v what="$1" -v kb="$2" -v seconds="$3" 'BEGIN { printf "| %s | %.0f | %d |\n", what, kb / 1024, seconds }'
    awk -v what="$1" -v kb="$2" -v seconds="$3" -v limit="$LIMIT_MB" -v lines="$LINES_MADE" 'BEGIN {
        gsub("`", "", what)
        printf "{\"what\": \"%s\", \"shape\": \"%d lines\", \"dtype\": \"f32\", \"threads\": 1, \"ours\": %.1f, \"peer\": null, \"peer_name\": null, \"peer_version\": null, \"unit\": \"MB\", ", what, lines, kb / 1024
        printf "\"peak\": null, \"fraction\": null, \"seconds\": %d, \"goal\": %d, \"met\": %s}\n", seconds, limit, (kb / 1024 > limit ? "false" : "true") }' >>"$json"
    [ "$2" -le $((LIMIT_MB * 1024)) ] || { say "bench/stream: $1: more than $LIMIT_MB MB"; wrong=1; }
}

say "making $LINES_MADE lines"
"$CORPUS" "$LINES_MADE" source target
cat >recipe.yaml <<'YAML'
data: {train: [source, target]}
text: {units: words, size: 16000}
model:
  encoder: {type: rnn, cell: gru, embed: 64, width: 128}
  attention: {score: additive}
  decoder: {type: rnn, cell: gru, embed: 64, width: 128}
train: {batch: {sentences: 64}, validate: {every: 1000000}}
YAML
echo "$LINES_MADE pairs, $(($(cat source target | wc -c) / 1000000)) MB:"
echo
echo "| what | most memory, MB | processor seconds |"
echo "|---|---|---|"
for units in $UNITS; do
    set=(--threads 1)
    [ "$units" = words ] || set+=(--set text.units=pieces --set "text.kind=$units")
    for step in $STEPS; do
        case $step in
            train)
                measure "$HEED" train recipe.yaml -o "run-$units" --max-updates "$UPDATES" "${set[@]}"
                row "vocabularies of $units" $begun
                row "training, $UPDATES updates" $rest ;;
            plan) measure "$HEED" plan recipe.yaml "${set[@]}"; row "\`heed plan\`, $units" "$peak" "${rest#* }" ;;
        esac
    done
done
case " $STEPS " in *" check "*) measure "$HEED" check source target; row '`heed check`' "$peak" "${rest#* }" ;; esac
echo
echo "$(processor), $("$HEED" --version | head -n 1), $(date +%Y-%m-%d)."
exit $wrong
