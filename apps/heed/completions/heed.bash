# Completion of heed for bash.
_heed() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command= i
  local commands='train run eval score compare align explain faithful serve chart inspect quantize shortlist check plan bench demo help' everywhere='--threads -q --help' options= words=
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ " $commands " == *" ${COMP_WORDS[i]} "* ]] && command=${COMP_WORDS[i]} && break
  done
  COMPREPLY=()
  case $before in
    --input) words='text json' ;;
    --align) words='pharaoh soft symbols' ;;
    --ensemble-mean) words='arithmetic geometric' ;;
    --shift | --empty) words='0 1' ;;
    --precision) words='f32 bf16 int8' ;;
    --to) words='int8 bf16' ;;
    --direction) words='forward reverse both' ;;
    --symmetrise) words='grow-diag-final-and grow-diag intersect union agree' ;;
    --length-unit) words='symbols words' ;;
    --tok) words='13a intl char zh words none rouge unicode' ;;
    --smooth) words='exp floor add-k none' ;;
    --test)
      [ "$command" = compare ] || { COMPREPLY=($(compgen -f -- "$word")); return; }
      words='bootstrap randomisation' ;;
    --metric) words='loss perplexity bleu bleu-words chrf chrf++ ter wer cer accuracy rouge1 rouge2 rougeL rougeLsum rouge1-stem rouge2-stem rougeL-stem rougeLsum-stem' ;;
    --threads | --max-seconds | --max-updates | --digits | --layer | --head | --threshold | --agreement | --lines | --beam | --best | --frequent | --nbest | --prefix | --must | --never | --alternatives | --at | --temperature | --top-k | --top-p | --seed | --samples | --updates | --phrases | --set | --set-name | --title | --x | --y | --sentence) return ;;
    -o | --data | --init-from | --svg | --ref | --prefixes | --valid | --gold | --reverse | --shortlist) COMPREPLY=($(compgen -f -- "$word")); return ;;
    --target) [ "$command" = run ] && COMPREPLY=($(compgen -f -- "$word")); return ;;
    score) words='bleu bleu-words chrf chrf++ ter wer cer accuracy rouge1 rouge2 rougeL rougeLsum rouge1-stem rouge2-stem rougeL-stem rougeLsum-stem aer' ;;
    help) words="$commands tasks recipes parts scores metrics lenses" ;;
  esac
  if [ -n "$words" ]; then
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    return
  fi
  case $command in
    '') options="--version $everywhere" words=$commands ;;
    train) options="-o --resume --set --init-from --max-seconds --max-updates --data $everywhere" ;;
    run) options="--set --precision --shortlist --input --scores --align --json --weights --target --beam --nbest --prefix --prefixes --must --never --constraints --alternatives --at --ensemble --ensemble-mean --sample --temperature --top-k --top-p --seed --keep-going --layer --head --shift --threshold --empty $everywhere" ;;
    eval) options="--set --precision --shortlist --ensemble --ensemble-mean --set-name --by-length --length-unit --intervals --samples --seed --metric --beam --data --digits --json $everywhere" ;;
    score) options="--ref -lc --tok --smooth --by-line --gold-base --digits --json $everywhere" ;;
    compare) options="--metric --ref --test --samples --seed -lc --tok --smooth --digits --json $everywhere" ;;
    align) options="--soft --json -o --gold --swap-gold --lines --calibrate --layer --head --shift --threshold --empty --reverse --statistical --direction --symmetrise --agreement --set --precision $everywhere" ;;
    explain) options="--film --corpus --sentence --set --precision --svg --json --steps --target -o --lens --csv --tex --npy --heads --trust --what-if --layer --head --shift --threshold --empty $everywhere" ;;
    faithful) options="--own --truth --lens --baseline --pairs --symbols --no-store --attention --other --json --set --precision $everywhere" ;;
    serve) options="--listen --host --text --body --connections --queue --deadline --set --precision $everywhere" ;;
    chart) options="-o --title --x --y --log-x $everywhere" ;;
    inspect) options="--json $everywhere" ;;
    quantize) options="-o --to $everywhere" ;;
    shortlist) options="-o --best --frequent $everywhere" ;;
    check) options="--valid --test --strict --set --data --json $everywhere" ;;
    plan) options="--set --init-from --data --json $everywhere" ;;
    bench) options="--updates --set --init-from --data --json $everywhere" ;;
    demo) options="-o --seed --updates --phrases --data-only $everywhere" ;;
    help) options=$everywhere ;;
  esac
  case $word in
    -*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
    *) if [ -n "$words" ]; then COMPREPLY=($(compgen -W "$words" -- "$word")); else COMPREPLY=($(compgen -f -- "$word")); fi ;;
  esac
}
complete -o filenames -F _heed heed
