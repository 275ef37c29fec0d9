# examples/pronounce.c is built as a stranger would build it, from what is installed, and says what the program says.
. "$(dirname "$0")/toy.sh"
DESTDIR=$dir cmake --install "${HEED_BUILD:?}" --prefix /heed >log || cat log
export PKG_CONFIG_PATH=$dir/heed/lib/pkgconfig LD_LIBRARY_PATH=$dir/heed/lib

# shellcheck disable=SC2046
check "builds" "${CC:-cc}" -std=c11 -Wall -Wextra -Werror "$source/examples/pronounce.c" -o pronounce $(pkg-config --cflags --libs heed)
check "has 40 lines" [ "$(wc -l <"$source/examples/pronounce.c")" -le 40 ]
./pronounce 2>errors
check "says how to use it" is "$? $(cut -c 1-6 errors)" "2 usage:"
./pronounce nowhere word 2>errors
check "fails without a model" is "$? $(grep -c nowhere errors)" "1 1"

model=$source/models/g2p-en
if [ ! -d "$model" ]; then
  echo "skip - example: models/g2p-en is not here"
  exit $failures
fi
words=(attention heedful straightforwardly)
./pronounce "$model" "${words[@]}" >said
check "says what heed run says" cmp -s <(cut -f 2 said) <(printf '%s\n' "${words[@]}" | "$heed" run "$model")
check "and which letter made which sound" grep -qE '^attention	AH T EH N SH AH N	a:AH t:T e:EH n:N t:SH o:AH n:N$' said
exit $failures
