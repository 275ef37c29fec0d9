# For scripts that compile one file anew and link it in place of the one in the build: sourced by test_plant.sh and add_page.sh.
source=${HEED_SOURCE:?}; build=${HEED_BUILD:?}; tests=$source/tests/grad
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT

cached() { sed -n "s/^$1:[^=]*=//p" "$build/CMakeCache.txt"; }
case $(cached HEED_SANITIZE) in
    address) flags="-fsanitize=address,undefined" ;;
    thread) flags="-fsanitize=thread" ;;
    *) flags="" ;;
esac
flags="$flags -fopenmp"
# An archive's member is taken only for names that no object before it has, so a file compiled anew stands in for its old self.
libraries="$(find "$build" -name libheed_test_grad.a) $(find "$build" -name libheed_static.a) $(cached DNNL_LIBRARY)"
libraries="$libraries $(pkg-config --libs cmocka jansson yaml-0.1 libutf8proc zlib libmd sentencepiece) -lstdc++ -lm"
export source build tests work flags libraries

# compile FILE OBJECT OPTION...
# shellcheck disable=SC2086
compile() { local file=$1 object=$2; shift 2; ${CC:-cc} -std=gnu17 -O1 -ffp-contract=off $flags "$@" -c "$file" -o "$object"; }
# link PROGRAM OBJECT...
# shellcheck disable=SC2086
link() { local program=$1; shift; ${CC:-cc} $flags "$@" $libraries -o "$program"; }
export -f compile link
