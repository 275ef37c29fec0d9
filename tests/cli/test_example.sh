# The examples are built as a stranger would build them, from what is installed. pronounce.c says what the program says, engine.c uses the kernels alone.
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

# shellcheck disable=SC2046
check "an engine of one's own builds" "${CC:-cc}" -std=c11 -Wall -Wextra -Werror "$source/examples/engine.c" -o engine $(pkg-config --cflags --libs heed) -lm
./engine 2>errors
check "says how to use it" is "$? $(cut -c 1-6 errors)" "2 usage:"
check "attends, and asks for a row of weights" grep -q 'of 1.0000$' <(./engine 300)
printf '#include <heed/attention.h>\nint main() { return HEED_ATTENTION_DOT; }\n' >engine.cc
# shellcheck disable=SC2046
check "attention.h is C++ too" "${CXX:-c++}" -std=c++17 -pedantic -Wall -Wextra -Werror -fsyntax-only $(pkg-config --cflags heed) engine.cc

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
