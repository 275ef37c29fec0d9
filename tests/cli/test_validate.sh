# train.validate.beam: how wide the search is while a metric is measured, whatever decode.beam says of answers.
. "$(dirname "$0")/toy.sh"
make_toy
metric() { sed -n 's/.*"metric": \([0-9.]*\).*/\1/p' "$1/log.jsonl" | tail -1; }   # of the last validation
eval_by() { # BEAM: rounded as metric_of is
  "$heed" -q eval learnt/model sources targets --metric chrf --beam "$1" --digits 6 | cut -f 2
}
"$heed" -q train toy.yaml -o learnt --set train.updates=12 --set train.validate.every=12 --set train.validate.metric=chrf --set decode.beam=4 \
  --set train.validate.beam=1 >/dev/null
check "it is trained" is $? 0
check "validation searched with its own beam" is "$(printf '%.6f' "$(metric learnt)")" "$(eval_by 1)"
check "which is not that of answers" [ "$(eval_by 1)" != "$(eval_by 4)" ]
"$heed" -q train toy.yaml -o wide --set train.updates=12 --set train.validate.every=12 --set train.validate.metric=chrf --set decode.beam=4 >/dev/null
check "without one it is that of answers" is "$(printf '%.6f' "$(metric wide)")" "$(eval_by 4)"
"$heed" train toy.yaml -o refused --set train.validate.beam=40 2>log
check "one wider than the vocabulary is refused" is $? 2
check "with its name" grep -q 'train.validate.beam: 40 hypotheses, but the target vocabulary has 15 symbols' log
exit $failures
