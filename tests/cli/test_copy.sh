# Names that no training has seen are copied from where attention looks; without copying they cannot be written.
. "$(dirname "$0")/toy.sh"

# names FROM COUNT FILE: sentences about two people each, none of whom occurs twice
names() {
  awk -v from="$1" -v n="$2" -v file="$3" '
    function name(i,  s, k) {
      for (k = 0; k < 4; k++) { s = s substr("bdfglmnprstvz", i % 13 + 1, 1) substr("aeiou", (i + k) % 5 + 1, 1); i = int(i / 13) }
      return s
    }
    function say(source, target) { print source >(file ".source"); print target >(file ".target") }
    BEGIN {
      for (i = 0; i < n; i++) {
        a = name(7919 * (from + 2 * i) % 28561); b = name(7919 * (from + 2 * i + 1) % 28561)
        if (i % 3 == 0) say("today " a " saw " b, b " was seen by " a " today")
        else if (i % 3 == 1) say(a " and " b " met", "met " b " and " a)
        else say(a " saw " b, b " was seen by " a)
      }
    }'
}
names 0 300 train
names 10000 60 test
cat >names.yaml <<'YAML'
data: {train: [train.source, train.target]}
text: {shared: true, units: symbols}
model:
  encoder: {embed: 16, width: 32, dropout: 0}
  attention: {score: additive, copy: true}
  decoder: {embed: 16, width: 32, dropout: 0}
train:
  batch: {sentences: 16}
  updates: 200
  optimizer: {type: adam, rate: 1e-2}
YAML
# right SETTING...: how many of the 60 are written as they should be
right() {
  rm -rf names
  "$heed" -q train names.yaml "$@" -o names >log 2>&1 || cat log
  "$heed" run names/model <test.source >said
  paste -d '|' said test.target | awk -F '|' '$1 == $2' | wc -l
}
check "new names are copied, each to its place" is "$(right)" 60
check "a beam copies them as well" is "$("$heed" run names/model --beam 4 <test.source | paste -d '|' - test.target | awk -F '|' '$1 == $2' | wc -l)" 60
check "a prefix keeps its unknown symbols" is "$(printf 'gibabebi saw lofapose\n' | "$heed" run names/model --prefix "never" | cut -d ' ' -f 1)" "<unk>"
check "with coverage too" is "$(right --set model.attention.coverage=true)" 60
check "without copying none can be written" is "$(right --set model.attention.copy=false)" 0
exit $failures
