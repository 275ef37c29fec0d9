# The documents say what is there: generated parts are fresh, links lead somewhere, the example recipe trains, and the code of docs/add-a-metric.md
# and docs/add-a-task.md compiles and does what the pages say.
source=${HEED_SOURCE:?}
build=${HEED_BUILD:?}
heed=${HEED:?}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failures=0
check() { # WHAT COMMAND...
  local what=$1
  shift
  if "$@" >"$dir/log" 2>&1; then echo "ok - docs: $what"; else echo "not ok - docs: $what"; head -n 20 "$dir/log"; failures=1; fi
}

# Prints code block number N (from 1) of a language in a page.
block() { # PAGE LANGUAGE N
  awk -v language="$2" -v wanted="$3" '
    /^```/ { if (inside) { inside = 0; next } inside = 1; seen = ($0 == "```" language); if (seen) n++; next }
    inside && seen && n == wanted' "$source/docs/$1"
}

check "parts made from the code's tables are fresh" "$source/tools/docs" --check "$build"

links() {
  local page target status=0
  for page in "$source"/README.md "$source"/docs/*.md "$source"/recipes/*.md "$source"/recipes/*/README.md; do
    while read -r target; do
      [ -e "$(dirname "$page")/$target" ] || { echo "$page: leads to $target, which is not there"; status=1; }
    done < <(grep -oE '\]\([^)#]+' "$page" | cut -c3- | grep -vE '^[a-z]+:')
  done
  return $status
}
check "links lead to files" links

# Every option that a page gives to the program stands in the help of that command. docs/contract.md is executed as a whole elsewhere.
options() {
  local page line command option status=0
  for page in "$source"/README.md "$source"/docs/*.md "$source"/recipes/*/README.md; do
    [ "$page" != "$source/docs/contract.md" ] || continue
    while read -r line; do
      command=$(printf '%s\n' "$line" | awk '{print $2}')
      "$heed" "$command" --help >"$dir/help" 2>&1 || { echo "$page: heed $command: there is no such command"; status=1; continue; }
      for option in $(printf '%s\n' "$line" | sed 's/[#|>].*//' | grep -oE ' --?[a-z][a-z-]*' | sort -u); do
        grep -qE -- "(^|[ ,])$option([ ,=]|\$)" "$dir/help" || { echo "$page: heed $command has no option $option"; status=1; }
      done
    done < <(grep -oE '(^|[ `|])(build/)?heed (train|run|eval|score|align|explain|serve|chart|inspect|quantize|shortlist|check|plan|bench|demo) [^`]*' "$page" | sed 's/^[ `|]*//')
  done
  return $status
}
check "options in the pages are options of the program" options

mkdir "$dir/example" "$dir/example/build"
cd "$dir/example" || exit 1
ln -s "$heed" build/heed
block recipes.md sh 1 >make.sh
sh make.sh && block recipes.md yaml 1 >roman/recipe.yaml
train() { block recipes.md sh 2 | sed '1s/$/ --max-updates 5/' >train.sh; grep -q max-updates train.sh && sh -e train.sh; }
check "the example recipe trains, is measured, runs and is explained" train
settings() { block recipes.md sh 3 | sed 's/$/ --max-updates 2/' >train.sh; grep -q -- --set train.sh && sh -e train.sh; }
check "its settings from the command line are taken" settings
film() { block recipes.md sh 4 | sed '/ train /s/$/ --max-updates 2/' >film.sh; grep -q -- --film film.sh && sh -e film.sh && [ -s film.svg ]; }
check "its film is made and drawn" film

finetune() {
  block finetune.md sh 1 >make.sh && sh -e make.sh && block finetune.md yaml 1 >additive/recipe.yaml
  block finetune.md sh 2 | sed '/ train /s/$/ --max-updates 2/' >train.sh
  grep -q -- --init-from train.sh && sh -e train.sh
}
check "the example of fine-tuning trains and is measured" finetune

alignment() {
  for i in 1 2 3 4 5 6; do block alignment.md sh $i | sed '/ train /s/$/ --max-updates 20/' >align-$i.sh; done
  bash -e align-1.sh && block alignment.md yaml 1 >order/recipe.yaml && cat align-[2-6].sh >align.sh && grep -q -- --reverse align.sh && bash -e align.sh
}
check "the example of word alignment trains and is aligned" alignment
guided() {
  for i in 1 2; do block guided.md sh $i; done | sed '/ train /s/$/ --max-updates 100/' >guided.sh && bash -e guided.sh
  grep -q guided_loss runs/order-guided/log.jsonl && grep -q '"empty": true' runs/order-empty/model/attn.json
}
check "the example of guided alignment goes on from there" guided

from_c() {
  block ../README.md c 1 >pronounce.c
  "$CC" -Wall -Wextra -Werror -I"$source/include" pronounce.c -L"$build/lib" -lheed -Wl,-rpath,"$build/lib" -o pronounce || return 1
  [ ! -d "$source/models/g2p-en" ] || (cd "$source" && "$dir/example/pronounce" | grep -q .)
}
check "the C program of README.md compiles and runs" from_c
decoding() {
  {
    printf '#include <heed.h>\n#include <string.h>\nint main(void)\n{\nheed_error err;\n'
    echo 'heed_model *first = heed_model_open("models/g2p-en", NULL, &err), *second = first;'
    block decoding.md c 1
    printf 'return !r || o->unmet_count || strstr(o->text, "AH") || !o->choices || !o->alternative_count;\n}\n'
  } >decoding.c
  "$CC" -Wall -Wextra -Werror -I"$source/include" decoding.c -L"$build/lib" -lheed -Wl,-rpath,"$build/lib" -o decoding || return 1
  [ ! -d "$source/models/g2p-en" ] || (cd "$source" && "$dir/example/decoding")
}
check "the lines of C of decoding.md compile and do what they say" decoding

# A copy of a folder of src/ with the row and the file of a page added, compiled against the library as it is.
extended() { # FOLDER TABLE PAGE FILE
  mkdir -p "$dir/new" && cp -r "$source/src/$1" "$dir/new/$1" || return 1
  block "$3" c 1 >>"$dir/new/$1/$2"
  block "$3" c 2 >"$dir/new/$1/$4"
  cat >"$dir/user.c"
  # shellcheck disable=SC2046
  "$CC" -std=gnu17 -Wall -Wextra -Werror -fopenmp -I"$dir/new" -I"$source/include" -I"$source/src" "$dir/user.c" "$dir/new/$1"/*.c \
    "$build"/lib/libheed_static.a $(pkg-config --libs jansson yaml-0.1 libutf8proc zlib libmd sentencepiece) -lstdc++ -ldnnl -lm -o "$dir/user" && "$dir/user"
}
metric() {
  extended metric metrics.def add-a-metric.md length.c <<'C'
#include <stdio.h>
#include "metric/metric.h"
int main(void)
{
    heed_error err;
    const char *references[] = {"four words stand here", "three words here"};
    heed_metric *m = heed_metric_new("length", NULL, &err);
    if (!m || heed_metric_add(m, "two words", references, 2, &err)) return puts(err.text), 1;
    if (heed_metric_add(m, "one", references, 1, &err)) return puts(err.text), 1;
    printf("%f\n", heed_metric_value(m));
    return heed_metric_value(m) < 42.857 || heed_metric_value(m) > 42.858;   /* 3 of 7 */
}
C
}
check "the metric of add-a-metric.md compiles and counts" metric
task() {
  extended task tasks.def add-a-task.md judge.c <<'C'
#include <stdio.h>
#include <string.h>
#include "task/task.h"
static int fail(const heed_error *err) { puts(err->text); return 1; }
int main(void)
{
    heed_error err = {0};
    const heed_task *plain = heed_task_find("transduce"), *judge = heed_task_find("judge");
    heed_model *m = heed_model_load("runs/roman/model", NULL, 0, &err);
    heed_tape *t = heed_tape_new(&(heed_tape_options){0}, &err);
    heed_arena *arena = heed_arena_new(0);
    if (!m || !t || !arena || !plain || !judge) return fail(&err);
    const heed_item given = {.text = "1984", .target = "MCMLXXXIV"}, forgotten = {.text = "1984"}, *items[] = {&given, &forgotten};
    const uint64_t numbers[2] = {0, 1};
    const heed_decode greedy = {.beam = 1, .nbest = 1, .temperature = 1, .top_p = 1};
    heed_output out[3] = {{0}}, *outputs[] = {&out[0], &out[1]}, *alone = &out[2];
    if (judge->run(&(heed_job){.model = m, .tape = t, .arena = arena, .items = items, .outputs = outputs, .numbers = numbers, .count = 2, .decode = greedy}, &err)) return fail(&err);
    if (plain->run(&(heed_job){.model = m, .tape = t, .arena = arena, .items = items, .outputs = &alone, .numbers = numbers, .count = 1, .decode = greedy}, &err)) return fail(&err);
    printf("%g %g %s\n", out[0].score, alone->score, out[1].error ? out[1].error : "");
    return out[0].status || out[0].score != alone->score || strcmp(out[0].text, given.target) || out[1].status != HEED_E_USAGE;
}
C
}
check "the task of add-a-task.md compiles and judges" task
exit $failures
