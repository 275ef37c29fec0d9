#!/usr/bin/env bash
# Writes the first inputs of the fuzz targets of recipes, configs, vocabularies, pieces, safetensors, links, tables, films, items, questions, changes, shortlists, lines of explanations and calls of attention: good ones and broken ones. tests/fuzz/make_corpus.sh [DIRECTORY]
set -eu
cd "${1:-$(dirname "$0")/corpus}"
mkdir -p recipe config text pieces safetensors links table film item question what_if corpus shortlist attention

put() { printf '%s\n' "$2" >"$1"; } # FILE TEXT

put recipe/smallest.yaml 'data: {train: a.tsv}'
put recipe/usual.yaml 'task: transduce
data:
  root: pairs
  train: [train.a.gz, train.b.gz]
  valid: [valid.a, valid.b]
  test: {2016: [a, b], other: c.tsv}
  invalid_utf8: replace
text:
  source: {units: characters, lower: true}
  target: {units: symbols, min_count: 2, size: 500, nfkc: true}
model:
  encoder: {type: rnn, cell: lstm, layers: 2, directions: 2, embed: 32, width: 64, dropout: 0.1}
  attention: {score: general, align: window, width: 48, window: 5}
  decoder: {type: rnn, cell: lstm, layers: 2, order: luong, input_feeding: true, embed: 32, width: 64}
  tie: output
train:
  batch: {tokens: 4096}
  updates: 8000
  optimizer: {type: adamw, rate: 1e-3, betas: [0.9, 0.98], eps: 1e-9, weight_decay: 0.01}
  schedule: {type: inverse_sqrt, warmup: 400, from: 0.1}
  validate: {every: 250, metric: chrf, patience: 4}
  average: 3
  seed: 18446744073709551615
decode: {beam: 1, max_length: [1.5, 10]}'
put recipe/shorthands.yaml 'data: {train: [a, b], test: [c, d]}
text: {units: symbols, lower: true}
model: {attention: none}
train: {rate: .5, seconds: 60}'
put recipe/strange.yaml "data: {train: [\"\\t\\x7f\\u2028\\\"\\\\\", '- x', '---'], root: |
    block
  }"
put recipe/quotes.yaml "data:
  train: ['it''s', \"\\u00a0\\ufeff\\U0001F600\"]
  root: >
    folded

    text"
put recipe/anchor.yaml 'a: &x [*x, *x]'
put recipe/tag.yaml 'train: !!omap [a: b]'
put recipe/twice.yaml 'train: {epochs: 1, epochs: 2}'
put recipe/documents.yaml 'data: {train: a}
---
data: {train: b}'
put recipe/deep.yaml 'a: [[[[[[[[[[[[x]]]]]]]]]]]]'
put recipe/unknown.yaml 'train: {schedule: {warmup_updates: 4}}'
put recipe/types.yaml 'train: {epochs: [1, {a: b}], rate: nan, batch: 7}'
put recipe/open.yaml 'data: {train: [a'
put recipe/complex.yaml '? {a: b}
: c'
put recipe/set-rate 'train.optimizer.rate=1e-3'
put recipe/set-files 'data.train=[a.txt, b.txt.gz]'
put recipe/set-parts 'a.b.c.d.e.f.g.h.i=1'
printf 'data: {train: \xff}\n' >recipe/bytes.yaml
printf 'data: {train: "a\\0b"}\n' >recipe/zero.yaml
: >recipe/empty

head='"format": 1, "model_type": "heed"'
put config/smallest.json "{$head, \"model\": {}}"
put config/usual.json "{$head, \"task\": \"transduce\",
 \"text\": {\"source\": {\"units\": \"symbols\", \"min_count\": 2, \"lower\": true}, \"shared\": false},
 \"model\": {\"encoder\": {\"type\": \"rnn\", \"cell\": \"gru\", \"width\": 64, \"dropout\": 0.25},
  \"attention\": {\"score\": \"additive\", \"align\": \"softmax\"}, \"decoder\": {\"order\": \"bahdanau\"}, \"tie\": \"none\"},
 \"decode\": {\"beam\": 1, \"length_penalty\": 1.0, \"max_length\": [2, 50]}}"
put config/newer.json '{"format": 2, "model_type": "heed", "model": {}}'
put config/foreign.json '{"format": 1, "model_type": "other"}'
put config/unknown.json "{$head, \"model\": {\"encodre\": 1}}"
put config/types.json "{$head, \"task\": \"\\u00e4\\n\", \"model\": {\"encoder\": {\"width\": 1e400, \"layers\": -1, \"dropout\": \"x\"}}}"
put config/range.json "{$head, \"model\": {\"encoder\": {\"width\": 99999999999}}}"
put config/null.json "{$head, \"model\": {\"tie\": null}}"
put config/lists.json "{$head, \"model\": {\"tie\": [[1, true], {\"a\": 2.5}]}}"
put config/deep.json '[[[[[[[[[[[[]]]]]]]]]]]]'
put config/twice.json '{"format": 1, "format": 1}'
put config/cut.json "{$head, \"model\": {"
: >config/empty

vocabulary() { # FILE FORMAT UNITS THE REST
  put "text/$1.json" "{\"format\": $2, \"units\": \"$3\", \"lower\": true, \"nfkc\": true, $4}"
}
vocabulary characters 1 characters '"symbols": ["e", "\u00e9", " ", "1", "\ud83d\ude00"]'
vocabulary symbols 1 symbols '"symbols": ["AH", "</s>", "<unk>", "\u0301"]'
vocabulary words 2 words '"symbols": ["a", ",", "cup", "1990", "-", "\"", "(", ")"], "joints": {
 ",": [100, 98, 90, 100, 98, 90, 0, 0, 0, 60, 1, 30], "\"": [0, 1, 2, 100, 99, 98, 0, 2, 10, 100, 100, 100], "-": [90, 1, 0, 90, 1, 0, 0, 0, 0, 100, 100, 0]}'
vocabulary no-joints 2 words '"symbols": ["a"]'
vocabulary bad-joints 2 words '"symbols": ["a"], "joints": {".": [1, 2], "a": 1}'
vocabulary twice 1 symbols '"symbols": ["a", "a"]'
vocabulary space 1 symbols '"symbols": ["a b"]'
vocabulary none 1 symbols '"symbols": []'
vocabulary units 1 letters '"symbols": ["a"]'
vocabulary newer 9 symbols '"symbols": ["a"]'
put text/cut.json '{"format": 1, "units": "sym'
put text/list.json '[1, 2]'
printf '{"format": 1, "units": "symbols", "lower": true, "nfkc": true, "symbols": ["\xff"]}' >text/bytes.json
printf '{"format": 1, "units": "symbols", "lower": true, "nfkc": true, "symbols": ["a\\u0000b"]}' >text/zero.json
: >text/empty

part() { printf "\\x$(printf %02x "$1")\\x$(printf %02x $(printf "$2" | wc -c))$2"; }   # KEY BYTES : a part of a model, shorter than 128 bytes
piece() { # TEXT [TYPE [SCORE]]
  local text="\\x0a\\x$(printf %02x $(printf "$1" | wc -c))$1"
  part 10 "$text\\x15${3:-\\0\\0\\0\\277}${2:+\\x18\\x0$2}"
}
specials() { piece '<unk>' 2; piece '<s>' 3; piece '</s>' 3; }
letters() { local p; for p in '\xe2\x96\x81' a t h e '\xc3\xa9' ',' '\xe2\x96\x81t' '\xe2\x96\x81the' he aa; do piece "$p"; done; }
identity() { part 26 '\x0a\x08identity\x12\0'; }
{ specials; letters; part 18 '\x18\2'; identity; } >pieces/bpe
{ specials; letters; part 18 '\x18\1\xc0\2\0\xc8\2\1\xd0\2\2\xd8\2\xff\xff\xff\xff\xff\xff\xff\xff\xff\1'; identity; } >pieces/unigram
{ specials; piece a; part 18 ''; part 26 ''; part 42 '\x12\0'; } >pieces/smallest
{ specials; piece a; piece a; part 18 ''; identity; } >pieces/twice
{ specials; piece a 4; part 18 ''; identity; } >pieces/user-defined
{ specials; piece '<0x41>' 6; part 18 '\x98\2\1'; identity; } >pieces/bytes
{ specials; piece a 1 '\0\0\200\177'; part 18 ''; identity; } >pieces/infinity
{ specials; piece a; part 18 ''; part 26 '\x12\4\0\1\0\0'; } >pieces/charsmap
{ specials; piece a; part 18 ''; identity; part 34 '\x0a\0'; } >pieces/self-test
{ piece '<s>' 3; specials; piece a; part 18 ''; identity; } >pieces/order
{ specials; piece '<s>'; part 18 ''; identity; } >pieces/special-again
printf '\12\377\377\377\377\17' >pieces/length
printf '\13\14' >pieces/group
: >pieces/empty

tensors() { # FILE HEADER DATA : the length in eight bytes, the header, the data; printf reads the escapes of DATA
  local length=${#2}
  { printf "\\x$(printf %02x $((length % 256)))\\x$(printf %02x $((length / 256)))\\0\\0\\0\\0\\0\\0"
    printf '%s' "$2"
    printf "$3"; } >"safetensors/$1"
}
entry() { printf '"%s":{"dtype":"%s","shape":%s,"data_offsets":%s}' "$@"; } # NAME DTYPE SHAPE OFFSETS

float='\0\0\200\077'
tensors one "{$(entry a F32 '[1,1]' '[0,4]') }  " "$float"
tensors two "{\"__metadata__\":{\"format\":\"heed\"},$(entry b F32 '[2]' '[4,12]'),$(entry a F32 '[1]' '[0,4]')}  " "$float$float$float"
tensors none '{}      ' ''
tensors hole "{$(entry a F32 '[1]' '[4,8]')}   " "$float$float"
tensors overlap "{$(entry a F32 '[1]' '[0,4]'),$(entry b F32 '[1]' '[0,4]')}" "$float"
tensors beyond "{$(entry a F32 '[9]' '[0,36]')}   " "$float"
tensors large "{$(entry a F32 '[4611686018427387904,4]' '[0,9223372036854775807]')}" "$float"
tensors type "{$(entry a F16 '[2]' '[0,4]')}" "$float"
tensors bf16 "{$(entry a BF16 '[2]' '[0,4]')} " "$float"
tensors whole "{$(entry a.scale F32 '[1]' '[0,4]'),$(entry a I8 '[1,3]' '[4,7]')}      " "$float\201\0\177"
tensors widths "{$(entry c I8 '[1]' '[6,7]'),$(entry b BF16 '[1]' '[4,6]'),$(entry a F32 '[1]' '[0,4]')}" "$float\200\077\1"
tensors width "{$(entry a BF16 '[2]' '[0,8]')} " "$float$float"
tensors askew "{$(entry a I8 '[1]' '[0,1]'),$(entry b BF16 '[1]' '[1,3]')}     " "\1\200\077"
tensors rank "{$(entry a F32 '[1,1,1]' '[0,4]')}" "$float"
tensors twice "{$(entry a F32 '[1]' '[0,4]'),$(entry a F32 '[1]' '[0,4]')}" "$float"
tensors metadata '{"__metadata__":{"a":[1]}}' ''
tensors list '[1,2]' ''
tensors rest "{$(entry a F32 '[1]' '[0,4]')}   " "$float$float"
printf '\377\377\377\377\377\377\377\377{}' >safetensors/length
printf '\10\0\0' >safetensors/short
: >safetensors/empty

put links/usual '0-0 1-2 2-1 11-4'
put links/gold '1-1 2p3 2-3 12p5'
put links/unordered '2-1 0-0 2-1 1-1 1-2'
put links/outside '0-5'
put links/negative '-1-2'
put links/large '99999999999999999999-0'
put links/half '3-'
put links/joined '1-2-3'
printf '\t 0-0\r\n\v4-4 ' >links/spaces
printf '0-\xc3\xa9' >links/bytes
: >links/empty

T=$'\t'
put table/usual.tsv "model${T}words${T}wer${T}low${T}high
fixed${T}10${T}21.5${T}20.1${T}23
attention${T}10${T}7${T}${T}
fixed${T}20${T}44${T}41.9${T}46"
put table/bare.tsv "a${T}1${T}2

 a ${T} 2 ${T}1e-3"
put table/twice.tsv "a${T}1${T}2
a${T}1.0${T}3"
put table/many.tsv "$(for i in $(seq 31); do printf 'line %d\t1\t2\n' "$i"; done)"
put table/far.tsv "a${T}-1e100${T}1e100
a${T}1e100${T}-1e100"
put table/low.tsv "a${T}1${T}2${T}3${T}1"
put table/wide.tsv "a${T}1${T}2${T}3${T}4${T}5${T}6"
: >table/empty

shot='{"line": 3, "source": "ab", "reference": "A", "output": "B", "read": ["a", "b", "</s>"], "written": ["A", "</s>"], "weights": [1,0,0,0.3,0.3,0.4]}'
put film/usual.jsonl "{\"update\": 0, \"epoch\": 1, \"sentences\": [$shot]}
{\"update\": 10, \"epoch\": 1, \"valid_loss\": 1.5, \"metric\": null, \"metric_name\": \"wer\", \"sentences\": [$shot]}"
put film/two.jsonl "{\"update\": 5, \"epoch\": 1, \"sentences\": [$shot, $shot]}
{\"update\""
put film/backwards.jsonl "{\"update\": 5, \"epoch\": 1, \"sentences\": [$shot]}
{\"update\": 5, \"epoch\": 1, \"sentences\": [$shot]}"
put film/none.jsonl '{"update": 5, "epoch": 1, "sentences": []}'
put film/no-weights.jsonl '{"update": 5, "epoch": 1, "sentences": [{"line": 1, "source": "", "reference": "", "output": "", "read": ["a"], "written": ["b"]}]}'
put film/lines.jsonl '


'
: >film/empty

put what_if/mask 'mask:1'
put what_if/edit 'edit:0=x=y'
put what_if/leave 'edit:2='
put what_if/head 'head:cross.*.1=off'
put what_if/uniform 'head:encoder.0.*=uniform'
put what_if/row 'row:2=3'
put what_if/weights 'row:0=1,0.5,0,1e3'
put what_if/prefix 'prefix=A B'
put what_if/vector 'vector=ab'
put what_if/beyond 'head:decoder.99999999999999999999.0=off'
: >what_if/empty

put question/usual.json '{"text": "two red bird", "target": "a", "lenses": ["weights", "norms"], "what_if": ["mask:0", "edit:1=b"], "form": "json", "trust": true, "heads": false}'
put question/smallest.json '{"source":""}'
put question/null.json '{"text": "a \u00e9 \ud83d\ude00", "target": null, "lenses": null, "trust": null}'
put question/both.json '{"text": "a", "source": "a"}'
put question/unknown.json '{"text": "a", "lens": ["weights"]}'
put question/lists.json '{"text": "a", "lenses": [[], {}], "what_if": "c"}'
put question/many.json "{\"text\": \"a\", \"what_if\": [$(printf '"mask:0",%.0s' {1..70})\"mask:1\"]}"
put question/switch.json '{"text": "a", "heads": 1}'
put question/deep.json '{"text": [[[[[[[[[[]]]]]]]]]]}'
put question/zero.json '{"text": "a\u0000", "what_if": ["\u0000"]}'
put question/twice.json '{"text": "a", "text": "b"}'
put question/utf8.json "{\"text\": \"$(printf '\303')\"}"
put item/usual.json '{"source": "two red bird", "prefix": "a", "must": ["red cup", "b"], "never": ["hat"], "id": 3}'
put item/target.json '{"text": "a \u00e9 \ud83d\ude00", "target": "b", "must": null}'
put item/smallest.json '{"text":""}'
put item/both.json '{"source": "a", "target": "b", "never": ["c"]}'
put item/lists.json '{"source": "a", "must": [[], {}], "never": "c"}'
put item/deep.json '{"source": "a", "more": [[[[[[[[[[]]]]]]]]]]}'
put item/zero.json '{"source": "a\u0000", "must": ["\u0000"]}'
put item/twice.json '{"source": "a", "source": "b"}'
: >item/empty

put shortlist/usual $'\t</s> <unk> A\na\tA B\nb\tB \xC3\xA9\n<unk>\tC\n</s>\tC'
put shortlist/twice $'a\tA\na\tB'
put shortlist/ngram $'a b\tA B'
put shortlist/foreign $'a\tHaus'
put shortlist/begin $'a\t<s>'
put shortlist/no-tab 'a A'
put shortlist/spaces $'\t  A   B \r\n\n\r\nc\t'
: >shortlist/empty

# type score align window reach heads key-heads width value-width sequences has more, spans of queries and keys, then positions and values (fuzz_attention.c)
call() { local file=$1; shift; { for byte; do printf "\\x$(printf %02x "$byte")"; done; for i in $(seq 300); do printf "\\x$(printf %02x $((i * 37 % 245 + 11)))"; done; } >"attention/$file"; }
call everything 0 0 0 0 0 4 2 16 1 2 0 0 9 20 30 17
call causal 0 0 1 0 0 2 2 64 1 1 0 0 39 39
call window 0 0 2 5 0 3 1 20 1 2 0 0 30 0 30 12
call blocks 0 0 5 8 0 1 1 8 1 3 0 0 39 20 1 39 20 1
call local-p 0 0 4 6 0 2 1 12 1 2 0 0 9 20 30 17
call sparsemax 0 0 6 0 0 2 2 10 1 2 0 0 9 20 30 17
call entmax 0 1 7 0 0 2 2 10 1 2 0 0 9 20 30 17
call hard 0 0 8 0 0 2 2 10 1 2 0 0 9 20 30 17
call cosine 0 1 0 0 0 4 4 24 1 2 32 0 9 20 30 17
call additive 0 2 1 0 0 2 1 24 1 2 0 0 9 20 30 17
call terms 0 0 1 0 12 4 2 32 1 2 214 0 128 160 9 20 30 17
call dropped 0 0 0 0 0 2 2 32 1 2 8 0 3 9 20 30 17
call bf16 1 0 1 0 0 4 2 16 1 2 0 0 9 20 30 17
call wide-values 0 0 0 0 0 1 1 3 0 100 1 0 0 39 39
call none 0 0 0 0 0 0 0 1 1 0 0 0
call refused 2 3 9 255 255 255 3 0 1 2 255 7 10 10 10 10
: >attention/empty

# The first half is one file, the second another one where the size is odd.
explanation='{"model": {"name": "m"}, "source": "a b", "source_tokens": [{"text": "a", "start": 0, "end": 1}], "outputs": [{"text": "c", "tokens": []}]}'
put corpus/one.jsonl "$explanation"
put corpus/two.jsonl "$explanation
 $explanation"
put corpus/blank.jsonl "

$explanation
  "
put corpus/names.jsonl '{"model": 7, "source_tokens": [], "outputs": []}
{"model": "</script>", "source_tokens": [], "outputs": []}'
put corpus/other.jsonl '{"film": []}'
put corpus/torn.jsonl "${explanation%%outputs*}"
put corpus/twice.jsonl '{"source_tokens": [], "outputs": [], "outputs": []}'
: >corpus/empty
