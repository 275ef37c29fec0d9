# heed explain with lenses: files appear whole or not at all, forms that do not go together are refused, and the quantized, the copying and the page say the same.
. "$(dirname "$0")/toy.sh"
make_toy
text='two red bird'

refused() { # WHAT EXIT WORD ARGUMENT...
  local what=$1 exit=$2 word=$3 status
  shift 3
  "$heed" explain "$@" >out 2>errors
  status=$?
  check "$what" is "$status $(grep -cF -- "$word" errors)" "$exit 1"
}

# --- forms -------------------------------------------------------------------------------------------------------------------------------------
refused "two forms" 2 "ask for one at a time" $model "$text" --csv --tex
refused "steps and lenses" 2 "it takes no lens and no -o" $model "$text" --steps --lens weights
refused "heads without a place for them" 2 "they go with --json" $model "$text" --heads --csv
refused "a film and lenses" 2 "--film was made while the model learnt" --film toy --lens weights
refused "a mistyped lens" 2 "did you mean rollout?" $model "$text" --lens rolout
refused "what if in a table" 2 "on a terminal, in JSON and on a page only" $model "$text" --csv --what-if mask:0
refused "several models" 2 "lenses look into one model" $model "$text" --lens weights --ensemble $model
for form in html json csv tex npy txt; do
  check "-o x.$form" "$heed" -q explain $model "$text" -o "x.$form"
  check "it is not empty" [ -s "x.$form" ]
done
check "-o x.svg" "$heed" explain $model "$text" -o x.svg --lens rollout
"$heed" explain $model "$text" --csv >shown
check "--csv prints what -o x.csv writes" cmp shown x.csv
"$heed" explain $model "$text" --csv -o table >/dev/null
check "a form that is named needs no ending" cmp table x.csv

if command -v pdflatex >/dev/null; then
  "$heed" explain $model "$text" --tex --lens all --target 'STONE RED TWO' >all.tex
  pdflatex -interaction=nonstopmode -halt-on-error all.tex >log 2>&1
  check "pdflatex compiles the document" is $? 0
  check "into a page for each lens" grep -q '(8 pages' log
fi

# --- files ---------------------------------------------------------------------------------------------------------------------------------------
echo before >kept.csv
refused "a change that is none" 2 "the text has the symbols 0 to 2" $model "$text" -o kept.json --what-if mask:7
check "a file is not begun for it" [ ! -e kept.json ] && check "nor half made" [ ! -e kept.json.part ]
refused "a lens that is none" 2 "no lens" $model "$text" -o kept.csv --lens x-ray
check "what stood there still does" is "$(cat kept.csv)" before
refused "a place that may not be written" 1 "cannot be written" $model "$text" -o nowhere/x.csv
if [ -e /dev/full ]; then
  refused "a full disk" 1 "cannot be written: No space left on device" $model "$text" -o /dev/full --json
  check "a device is not replaced by a file" [ -c /dev/full ]
fi

# --- numbers -------------------------------------------------------------------------------------------------------------------------------------
"$heed" -q quantize $model -o int8 --to int8 >/dev/null
check "a quantized model has slopes too" "$heed" -q explain int8 "$text" --lens gradient-x-input --csv -o int8.csv
check "with one thread and with two the same bits" cmp <("$heed" explain $model "$text" --lens all --csv --threads 1) <("$heed" explain $model "$text" --lens all --csv --threads 2)
"$heed" run $model <<<"$text" >first
"$heed" explain $model "$text" --lens all >/dev/null
"$heed" run $model <<<"$text" | cmp - first
check "explaining changes no model" cmp first <("$heed" run $model <<<"$text")
if command -v script >/dev/null; then
  script -qec "'$heed' explain $model '$text' --npy" /dev/null </dev/null >out
  check "an array is nothing for a terminal" grep -q "an array is nothing for a terminal" out
fi
exit $failures
