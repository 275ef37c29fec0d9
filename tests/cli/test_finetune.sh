# heed train --init-from: vocabularies and weights of another model, weights frozen by pattern, what is refused.
. "$(dirname "$0")/toy.sh"
make_toy
sed -E 's/(.*) (.*) (.*)/\U\1 \2 \3/' sources >straight
sed -e '/^text:/,/target:/d' -e 's/targets/straight/g' -e 's/updates: 120/updates: 60/' toy.yaml >fine.yaml   # says nothing of text

# The bytes of a tensor.
tensor() { # FILE NAME
  local size from to
  size=$(od -An -t u8 -N 8 "$1" | tr -d ' ')
  read -r from to < <(head -c $((8 + size)) "$1" | tail -c "$size" | grep -oE "\"$2\":\{[^}]*\}" | sed -E 's/.*data_offsets":\[([0-9]+),([0-9]+)\].*/\1 \2/')
  tail -c +$((9 + size + from)) "$1" | head -c $((to - from))
}
same() { # NAME MODEL MODEL
  tensor "$2/model.safetensors" "$1" >a && tensor "$3/model.safetensors" "$1" >b && [ -s a ] && cmp -s a b
}

"$heed" train fine.yaml -o fine --init-from $model --set 'train.freeze=[encoder.*]' >result 2>log
check "a model is fine-tuned" is "$(cat result)" fine/model
check "it learnt the new order" is "$(echo 'two red bird' | "$heed" run fine/model)" "TWO RED BIRD"
check "what it begins from is said" grep -q "; begins from toy/model; .* weights frozen; " log
check "and kept" grep -q '"init_from": "toy/model"' fine/model/attn.json
check "the vocabularies are the other's" cmp -s toy/model/source.vocab.json fine/model/source.vocab.json
for name in encoder.embedding encoder.0.forward.hidden.weight encoder.0.backward.input.bias; do
  check "$name kept its bits" same $name toy/model fine/model
done
differs() { ! same "$@"; }
check "head.weight did not" differs head.weight toy/model fine/model
"$heed" -q train fine.yaml -o parts --init-from $model --set 'train.freeze=[encoder.*]' --max-updates 25 >result 2>log
"$heed" -q train fine.yaml -o parts --resume --set 'train.freeze=[encoder.*]' >result 2>log
check "cut in two, the same bits" cmp -s fine/model/model.safetensors parts/model/model.safetensors

refused() { # EXIT TEXT ARGUMENTS...
  local code=$1 text=$2
  shift 2
  "$heed" -q train fine.yaml -o refused "$@" >result 2>log
  is $? "$code" && grep -qF -- "$text" log && [ ! -e refused ]
}
check "other settings of text are refused" refused 2 "text.source.lower: true, was false" --init-from $model --set text.lower=true
check "another shape is refused" refused 2 "model.decoder.width: 40, was 32" --init-from $model --set model.decoder.width=40
check "a pattern without a weight is refused" refused 2 'did you mean "attention.*"?' --init-from $model --set 'train.freeze=[atention.*]'
check "a model that is not there is refused" refused 3 "nowhere: no such model directory" --init-from nowhere

check "a model can be evaluated with hard alignment" "$heed" -q eval $model sources targets --set model.attention.align=hard --metric wer
"$heed" run $model sources --set model.encoder.layers=2 2>log
check "settings of weights cannot be set on a model" is $? 2
exit $failures
