#!/usr/bin/env bash
# Every benchmark that needs no trained model, one after the other, and how long each took: what `make bench` runs. In under twenty minutes.
#
#   make bench        or, once that has built it: bash bench/all.sh [PART...]
#
# PART: attention, step, train, plan, translate, stream; all of them when none is named. Of train.sh the small model and the ladder (step.sh has the others), of
# stream.sh a corpus of 300,000 lines. The environment is that of the parts: PYTHON, HEED_DATA, RECORD=1, THREADS ..
set -eu
cd "$(dirname "$0")/.."
. bench/lib.sh
[ $# -gt 0 ] || set -- attention step train plan translate stream
took= failed=
for part; do
    began=$SECONDS
    case $part in
        train) ROUNDS=${ROUNDS:-5} bash bench/train.sh ${MODELS:-demo ladder} ;;
        stream) LINES_MADE=${LINES_MADE:-300000} UNITS=${UNITS:-words} bash bench/stream.sh ;;
        *) bash "bench/$part.sh" ;;
    esac || failed="$failed $part"
    took="$took$part $((SECONDS - began)) s, "
done
say "bench: $took$(awk -v s="$SECONDS" 'BEGIN { printf "%.1f", s / 60 }') minutes together"
[ -z "$failed" ] || { say "bench: failed:$failed"; exit 1; }
