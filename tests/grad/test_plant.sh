#!/bin/bash
# A sign error in any way back must turn the gradient tests red: plants one at every place where a sign can be turned in the functions NAME_back of
# src/ops, the row functions of the scores, the sums of weights' gradients, attention row by row and the scalar kernels; compiles the file, links it in place of the
# original, runs the tests of the family's gradients and demands that they fail. Unmodified, they must pass. What else these programs test, slopes of
# references above all, would cost most of the time and sees no such error.
set -u
. "${HEED_SOURCE:?}/tests/grad/build.sh"
options="-w -I$source/include -I$source/src -I$tests"
export options

# plant FILE FUNCTION PLACE PROGRAM SELECTION...: quiet when the tests turn red
plant() {
    local file=$1 function=$2 place=$3 program=$4; shift 4
    local id; id=$(basename "$file").$function.$place
    local own=$work/$id.d from=$source/src/kernels/isa_scalar.c to; mkdir -p "$own/kernels"
    to=$own/kernels/$(basename "$file")   # an .inc shadows the original for the file that includes it
    [[ $file == *.inc ]] || from=$to
    awk -v name="$function" -v n="$place" -f "$tests/plant.awk" "$file" >"$to"
    # shellcheck disable=SC2086
    compile "$from" "$own/planted.o" -I"$own" $options || { echo "$id: does not compile"; return 1; }
    link "$own/tests" "$work/$program.o" "$own/planted.o" || { echo "$id: does not link"; return 1; }
    if HEED_ISA=scalar "$own/tests" "$@" >"$own/log" 2>&1; then echo "$id: a sign was turned and the tests of '$*' pass"; return 1; fi
    grep -aq "FAILED TEST" "$own/log" || { echo "$id: the tests of '$*' did not run to their end:"; tail -n 5 "$own/log"; return 1; }
    rm -r "$own"
}
export -f plant

list=$work/list; : >"$list"
# every FILE FUNCTIONS PROGRAM SELECTION...: fails when no function of the file has a place
every() {
    local file=$1 functions=$2 found=0 function n i; shift 2
    for function in $functions; do
        n=$(awk -v name="$function" -v n=0 -f "$tests/plant.awk" "$file"); found=$((found + n))
        for ((i = 1; i <= n; i++)); do echo "$file $function $i $*" >>"$list"; done
    done
    [ $found -gt 0 ] || { echo "$file: no place to plant an error in: $functions"; exit 1; }
}
ways_back() { sed -nE 's/^(static )?void ([a-z_]*back)\(.*/\2/p' "$1"; }

cd "$source" || exit 1
for file in src/ops/*.c; do
    family=$(basename "$file" .c)
    case $family in
        among) continue ;;                # asked by searches alone
        embed) continue ;;                # it lists its gradient; the sum is made in collect.c
        activate | norm | rnn_step) continue ;;      # their ways back are kernels
        attend | attend_call) continue ;; # the ways back that they call are kernels
        distance) every "$file" "$(ways_back "$file")" test_attend '*gradients*'; continue ;;
    esac
    every "$file" "$(ways_back "$file")" test_ops "$family" '*gradients*'
done
every src/tensor/collect.c add_piece test_ops all '*gradients*'
for file in src/attn/score_*.c; do
    name=$(basename "$file" .c)
    if grep -q "^static void backward(" "$file"; then every "$file" backward test_attention "${name#score_}"; fi
done
every src/kernels/scalar.inc "kernel_tanh_back kernel_dropout_back" test_ops arith '*gradients*'
every src/kernels/scalar.inc "kernel_relu_back kernel_gelu_back kernel_glu_back" test_ops activate '*gradients*'
every src/kernels/norm_scalar.inc kernel_rotate_back test_ops position '*gradients*'
every src/kernels/norm_scalar.inc kernel_norm_back test_ops norm '*gradients*'
every src/kernels/scalar.inc "kernel_gru_back kernel_lstm_back" test_ops rnn_step '*gradients*'
every src/kernels/scalar.inc kernel_additive_back test_attention additive
every src/kernels/attention_backward_rows.c "values_back terms_back dot_back copies_back" test_attend '*gradients*'
every src/kernels/attention_backward_rows.c additive_back test_attention additive

for program in test_ops test_attend test_attention; do
    # shellcheck disable=SC2086
    compile "$tests/$program.c" "$work/$program.o" $options && link "$work/$program" "$work/$program.o" || exit 1
done
cut -d ' ' -f 4- "$list" | sort -u >"$work/selections"
while read -r program selection; do
    # shellcheck disable=SC2086
    (set -f; HEED_ISA=scalar "$work/$program" $selection) >"$work/log" 2>&1 && grep -aq '\[  PASSED  \] [1-9]' "$work/log" ||
        { echo "the unmodified tests of '$selection' fail:"; grep -a FAILED "$work/log"; exit 1; }
done <"$work/selections"
xargs -P "$(nproc)" -I{} bash -c 'plant {}' <"$list" || exit 1
echo "$(wc -l <"$list") sign errors planted, all found"
