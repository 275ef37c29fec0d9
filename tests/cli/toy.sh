# For test scripts of the program: a directory of its own with a model of a toy language (two red bird -> BIRD RED TWO), and `check`.
source=${HEED_SOURCE:?}
heed=${HEED:?}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
unset HEED_DATA NO_COLOR
subject=$(basename "$0" .sh)
subject=${subject#test_}
failures=0

check() { # WHAT COMMAND...
  local what=$1
  shift
  if "$@"; then echo "ok - $subject: $what"; else echo "not ok - $subject: $what"; failures=1; fi
}
is() { [ "$1" = "$2" ] || { printf '    wanted: %s\n    got:    %s\n' "$2" "$1"; return 1; }; }

make_toy() {
  printf '%s\n' {one,two,three,four}' '{red,green,blue,white}' '{cup,hat,bird,stone} >sources
  sed -E 's/(.*) (.*) (.*)/\U\3 \2 \1/' sources >targets
  cat >toy.yaml <<'YAML'
task: transduce
data: {train: [sources, targets], valid: [sources, targets], test: {all: [sources, targets]}}
text:
  source: {units: symbols}
  target: {units: symbols}
model:
  encoder: {type: rnn, cell: gru, layers: 1, directions: 2, embed: 16, width: 32, dropout: 0}
  attention: {score: additive}
  decoder: {type: rnn, cell: gru, layers: 1, embed: 16, width: 32, dropout: 0}
train:
  batch: {sentences: 16}
  updates: 120
  optimizer: {type: adam, rate: 1e-2}
  validate: {every: 60, metric: wer, patience: 0}
YAML
  "$heed" -q train toy.yaml -o toy >/dev/null || { echo "not ok - $subject: the toy model cannot be trained"; exit 1; }
  model=toy/model
}
