# Models in fewer bits: quantised to a directory, or chosen at load. Their sizes, answers and figures; where the processor cannot, words and floats.
. "$(dirname "$0")/toy.sh"
make_toy
floats=$("$heed" run $model sources)

for to in int8 bf16; do
  check "to $to: prints where" is "$("$heed" quantize $model -o toy-$to --to $to 2>said)" toy-$to
  check "to $to: says how large" grep -qE "^$model: 0\.[0-9]+ MB of weights, as $to 0\.[0-9]+ MB$" said
  check "to $to: leaves nothing beside it" is "$(echo toy*)" "$(ls -d toy toy-* toy.yaml | tr '\n' ' ' | sed 's/ $//')"
  check "to $to: answers as before" is "$("$heed" -q run toy-$to sources)" "$floats"
  check "to $to: links as before" cmp -s <("$heed" -q align toy-$to sources targets) <("$heed" align $model sources targets)
  check "--precision $to answers as before" is "$("$heed" -q run $model sources --precision $to)" "$floats"
  check "--precision $to is --set decode.precision" cmp -s <("$heed" -q run $model sources --scores --precision $to) <("$heed" -q run $model sources --scores --set decode.precision=$to)
  for threads in 1 3; do
    "$heed" -q run toy-$to sources --scores --align soft --beam 3 --threads $threads >threads-$threads
  done
  check "to $to: the same bits with three threads" cmp -s threads-1 threads-3
  check "to $to: the same bits in another company" is "$(sed -n 7p sources | "$heed" -q run toy-$to --scores --align soft --beam 3)" "$(sed -n 7p threads-1)"
  "$heed" -q inspect toy-$to >parts
  check "to $to: inspect tells" grep -q "^numbers     matrices kept as $to, products of " parts
  check "to $to: nothing more to say about its origin" grep -q "\"quantized_from\": \"$model\"" toy-$to/attn.json
  check "to $to: its test set is found" grep -q "^wer.0\.00.records:64" <("$heed" -q eval toy-$to)
done
size() { stat -c %s "$1/model.safetensors"; }
check "bf16 takes about a half" [ $(($(size toy-bf16) * 100)) -lt $(($(size $model) * 60)) ]
check "int8 takes less" [ $(($(size toy-int8) * 100)) -lt $(($(size $model) * 45)) ]

# Where the answers are right all the same, ln p tells: the loss changes by less than half of what it is.
loss() { "$heed" -q eval "$@" sources targets --metric loss --digits 6 | cut -f 2; }
near() { awk -v a="$1" -v b="$2" 'BEGIN { d = a - b; exit !(d < b / 2 && d > -b / 2) }'; }
exact=$(loss $model)
check "the loss of bf16 is near" near "$(loss toy-bf16)" "$exact"
check "the loss of int8 is near" near "$(loss toy-int8)" "$exact"
check "floats of an int8 model are near both" near "$(loss toy-int8 --precision f32)" "$(loss toy-int8)"

# A processor without AVX-512, which any that runs these tests can be.
HEED_ISA=avx2 "$heed" run toy-int8 sources --threads 1 >answers 2>said
check "a processor that cannot goes on in floats" is "$? $(cat answers)" "0 $floats"
check "and says so" is "$(cat said)" "heed: toy-int8: this processor has no instructions for int8; products are f32"
check "-q does not" is "$(HEED_ISA=avx2 "$heed" -q run toy-int8 sources 2>&1)" "$floats"
check "of every model of an ensemble" is "$(HEED_ISA=avx2 "$heed" eval $model sources targets --metric wer --precision bf16 --ensemble $model,toy-int8 2>&1 >/dev/null | grep -c 'no instructions for bf16')" 3
check "inspect says so" grep -q 'products of f32: this processor has no instructions for int8' <(HEED_ISA=avx2 "$heed" inspect toy-int8)
check "what is stored does not depend on it" cmp -s toy-int8/model.safetensors <(HEED_ISA=avx2 "$heed" -q quantize $model -o toy-elsewhere --to int8 >/dev/null && cat toy-elsewhere/model.safetensors)
rm -rf toy-elsewhere

# Training knows train.precision only, and begins from such a model as from any other.
train() { "$heed" -q train toy.yaml -o "$@" --set train.updates=20 --set 'train.validate.every=20' 2>said; }
check "a training begins from int8" is "$(train from --init-from toy-int8)" from/model
check "and stores floats" grep -q '"dtype":"F32"' <(head -c 400 from/model/model.safetensors)
check "and no scales" is "$(head -c 20000 from/model/model.safetensors | grep -c '\.scale"')" 0
train plain >out
train other --set decode.precision=int8 >out
check "decode.precision does not change what is learnt" cmp -s plain/model/model.safetensors other/model/model.safetensors
check "but is the model's" grep -q '"precision": "int8"' other/model/config.json
check "and a training that goes on learns in floats" is "$("$heed" -q train toy.yaml -o other --resume --set decode.precision=int8 --set train.updates=40 --set train.validate.every=20 2>&1)" other/model

refused() { # WHAT EXIT TEXT ARGUMENT...
  local what=$1 exit=$2 text=$3 status
  shift 3
  "$heed" "$@" >out 2>said </dev/null
  status=$?
  check "$what: exit $exit" is "$status" "$exit"
  check "$what: says so" grep -qF -e "$text" said
  check "$what: nothing on standard output" [ ! -s out ]
}
refused "a place that is taken" 2 "toy-bf16: exists; give another place with -o, or remove it" quantize $model -o toy-bf16 --to int8
refused "twice" 2 "its matrices are int8 already; quantise the model that it was made from ($model)" quantize toy-int8 -o again --to bf16
refused "no place" 2 "-o DIR, the place of the new model, is missing" quantize $model --to int8
refused "no numbers" 2 "--to int8 or --to bf16 is missing" quantize $model -o again
refused "other numbers" 2 "--to takes int8|bf16, not \"f16\"" quantize $model -o again --to f16
refused "no model" 3 "no such model directory" quantize none -o again --to int8
refused "a precision that there is not" 2 "--precision takes f32|bf16|int8, not \"int4\"" run $model --precision int4
refused "a setting that there is not" 2 'decode.precision: expected f32, bf16 or int8, found "int4"; did you mean "int8"?' run $model --set decode.precision=int4
refused "a precision of no model" 2 "--statistical has no model to set" align --statistical sources targets --precision int8
refused "a precision of a film" 2 "--film was made while the model learnt" explain --film toy --precision int8
check "refusals leave nothing" [ ! -e again ]
exit $failures
