# Model directories that were cut off, altered, or put together from two: exit 3, the file and what is wrong with it; never a crash, never an answer.
. "$(dirname "$0")/lib.sh"

train -o run >/dev/null
{ cat train.tsv; printf 'abc\tg\n'; } >more.tsv   # one symbol more
train -o other --max-updates 5 --set data.train=more.tsv >/dev/null

damage() { # a fresh copy
  rm -rf copy
  cp -r run/model copy
}
answer() { echo abc | "$HEED" run "$1" 2>errors; }
refused() { # NAME TEXT [FILE]
  name=$1
  local status
  echo abc >input
  "$HEED" run copy <input >output 2>errors
  status=$?
  if [ $status -ne 3 ]; then fail "exit $status instead of 3:" "$(tail -n 2 errors)"; return; fi
  if [ -s output ]; then fail "it answered: $(cat output)"; return; fi
  if ! grep -qF -- "$2" errors || ! grep -qF -- "copy${3:+/$3}" errors; then fail "no \"$2\" or no \"copy${3:+/$3}\" in:" "$(tail -n 2 errors)"; return; fi
  pass
}
overwrite() { # FILE OFFSET-FROM-END BYTES(octal escapes)
  printf "$3" | dd of="$1" bs=1 seek=$(($(stat -c %s "$1") - $2)) conv=notrunc status=none
}

damage
check "the model answers before it is damaged" answer copy
for file in attn.json config.json source.vocab.json target.vocab.json model.safetensors; do
  damage
  rm "copy/$file"
  refused "$file is missing" "cannot be read: No such file" "$file"
done
for file in attn.json config.json target.vocab.json; do
  damage
  truncate -s -20 "copy/$file"
  refused "$file is cut off" ":" "$file"
done
damage
truncate -s -100 copy/model.safetensors
refused "weights that are cut off" "truncated copy?" model.safetensors
damage
: >copy/model.safetensors
refused "weights without a byte" "" model.safetensors
damage
overwrite copy/model.safetensors 4 '\000\000\300\177'
refused "a weight that is NaN" "NaN or infinity" model.safetensors
damage
overwrite copy/model.safetensors 4 '\000\000\200\077'
refused "a weight that was altered" "sha256" model.safetensors
damage
printf '\377\377\377\377\377\377\377\177' | dd of=copy/model.safetensors bs=1 conv=notrunc status=none
refused "a header of astronomical length" "" model.safetensors
damage
cp other/model/target.vocab.json copy/target.vocab.json
refused "a vocabulary that does not fit the model" "the vocabularies make it" model.safetensors
damage
sed -i 's/"width": 16/"width": 17/' copy/config.json
refused "settings that do not fit the weights" "" model.safetensors
damage
sed -i 's/"format": 1/"format": 999/' copy/attn.json
refused "a newer format" "newer" attn.json
damage
rm -rf copy
refused "no model at all" "no such model directory"

# Pieces: the models of SentencePiece are members like the others, and a run with them goes on as well.
train -o pieces --max-updates 5 --set text.units=pieces --set text.size=60 >/dev/null
damage() { rm -rf copy; cp -r pieces/model copy; }
damage
check "a model of pieces answers before it is damaged" answer copy
rm copy/target.spm.model
refused "pieces are missing" "cannot be read: No such file" target.spm.model
damage
sed -i 's/identity/identitx/' copy/target.spm.model
refused "pieces that were altered" "sha256" target.spm.model
damage
truncate -s -5 copy/source.spm.model
refused "pieces that are cut off" "cut off" source.spm.model
check "a training with pieces goes on" train -o pieces --resume --max-updates 10 --set text.units=pieces --set text.size=60

# The same in a checkpoint that is to be resumed.
cp -r run damaged
overwrite damaged/latest/model.safetensors 4 '\000\000\300\177'
expect "NaN in the weights of a checkpoint" 3 "NaN or infinity" train -o damaged --resume --set train.updates=40
rm -rf damaged
cp -r run damaged
truncate -s -100 damaged/latest/optimizer.safetensors
expect "an optimizer that is cut off" 3 "optimizer.safetensors" train -o damaged --resume --set train.updates=40
ln -sfn step-25 damaged/latest
check "an older checkpoint is taken when latest points at it" train -o damaged --resume --set train.updates=30
same "and gives the same bits" run damaged latest/model.safetensors latest/optimizer.safetensors
