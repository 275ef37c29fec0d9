# On a terminal there is colour and one living line; elsewhere neither; NO_COLOR is honoured.
. "$(dirname "$0")/toy.sh"
make_toy
on_terminal() { TERM=xterm script -qec "$1" /dev/null </dev/null; }
escape=$'\033'

"$heed" explain $model 'two red bird' >plain
check "no colour into a file" [ "$(grep -c "$escape" plain)" -eq 0 ]
on_terminal "'$heed' explain $model 'two red bird'" >coloured
check "colour on a terminal" grep -q "$escape\[48;2;" coloured
NO_COLOR=1 on_terminal "'$heed' explain $model 'two red bird'" >uncoloured
check "no colour with NO_COLOR" [ "$(grep -c "$escape" uncoloured)" -eq 0 ]
TERM=dumb script -qec "'$heed' explain $model 'two red bird'" /dev/null </dev/null >dumb
check "no colour on a dumb terminal" [ "$(grep -c "$escape" dumb)" -eq 0 ]

"$heed" train toy.yaml -o a --set train.updates=600 >result 2>log
check "no motion into a file" [ "$(grep -c $'\r' log)" -eq 0 ]
check "a plain line with loss, validation and speed" grep -qE '^update 600/600  100 %  loss [0-9.]+  valid [0-9.]+  wer [0-9.]+  [0-9.kM]+ tokens/s' log
check "what to type next" grep -q '^next  heed run a/model' log
check "the path alone on standard output" is "$(cat result)" a/model
on_terminal "'$heed' train toy.yaml -o b --set train.updates=1500" >living
check "a living line on a terminal" grep -q $'\r'"$escape"'\[Kupdate ' living
check "with a bar" grep -q '━' living
"$heed" -q train toy.yaml -o c >result 2>log
check "-q is quiet" is "$(cat result log)" c/model
exit $failures
