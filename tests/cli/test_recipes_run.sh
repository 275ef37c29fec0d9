# recipes/run: trains the arms of a table, goes on where it was cut off, and prints the table.
. "$(dirname "$0")/toy.sh"
make_toy
export HEED=$heed
mkdir -p recipes/toys && cp "$source/recipes/run" recipes/ && cp toy.yaml recipes/toys/
cat >recipes/toys/make-data <<'SH'
#!/usr/bin/env bash
mkdir -p "$1" && cp sources targets "$1" && echo made >>made
SH
chmod +x recipes/toys/make-data
sed -i -e 's|\[sources, targets\]|[data/sources, data/targets]|g' -e 's/validate: .*/validate: {every: 20, patience: 0}/' recipes/toys/toy.yaml
cat >recipes/toys/arms <<'ARMS'
# arm     recipe     settings
first     toy.yaml   train.updates=40 seeds=1,2
tuned     toy.yaml   train.updates=20 train.init_from={out}/first-2/model

ARMS
row() { grep "^| $1 |" table | tr -d ' '; }

recipes/run toys -o out >table 2>log
check "it runs" is $? 0
check "data are made once" is "$(cat made)" made
check "a row for each arm, with its seeds" is "$(cut -d '|' -f 2,3 table | tr -d ' ')" 'arm|seeds
---|---
first|1,2
tuned|1'
mean=$(for s in 1 2; do head -1 out/first-$s/figures.tsv | cut -f 2; done | awk '{ s += $1 } END { printf "%.4f", s / 2 }')
check "a figure is the mean over seeds" is "$(row first | cut -d '|' -f 6)" "$mean"
check "which differ" [ "$(cut -f 2 out/first-1/figures.tsv | head -1)" != "$(cut -f 2 out/first-2/figures.tsv | head -1)" ]
check "an arm begins where another ended" grep -q '"init_from": ".*out/first-2/model"' out/tuned-1/model/attn.json

cp table before
touch -d '1 hour ago' out/*/model/attn.json
recipes/run toys -o out >table 2>log
check "again: the same table" cmp -s before table
check "and nothing was trained" is "$(find out -name attn.json -path '*/model/*' -mmin -30)" ""

rm -r out/tuned-1 out/first-1/figures.tsv
"$heed" -q train recipes/toys/toy.yaml -o out/tuned-1 --set train.updates=20 --set "train.init_from=$PWD/out/first-2/model" --set train.seed=1 --max-updates 10 >/dev/null
recipes/run toys tuned -o out >table 2>log
check "what was cut off goes on, of the arm named alone" is "$(ls out/tuned-1/figures.tsv out/first-1/figures.tsv 2>/dev/null)" out/tuned-1/figures.tsv
check "to the same figures" is "$(row tuned | cut -d '|' -f 6-)" "$(grep '^| tuned |' before | tr -d ' ' | cut -d '|' -f 6-)"

recipes/run nothing 2>log
check "an unknown table is refused" is $? 2
check "with those there are" grep -q 'one of: toys' log
HEED=nowhere/heed recipes/run toys 2>log
check "so is a program that is not there" is $? 2
exit $failures
