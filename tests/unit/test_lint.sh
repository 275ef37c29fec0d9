# tools/lint finds what it is for: one planted offence a line, each of which must be named, and nothing beside them.
source=${HEED_SOURCE:?}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir"/{src/base,src/kernels,src/odd,apps/heed,include/heed,tests/unit}

cat >"$dir/src/base/bad.c" <<'C'
/* exit( in a comment, "strcpy(" */
#include "tensor/tape.h"
#include "heed/nn.h"
#include <dnnl.h>
static const char *text = "exit(1) \" /* ";  // printf(
static int longer(int a)
{
#ifdef A
    k->exit(1);
#endif
    char c = '"', d = '\'', e = '{';
    strcpy(a, b);
    exit(1);
    fprintf(stderr, "x");
    snprintf(a, 1, "{{{");
C
for _ in $(seq 65); do echo '    f(a);'; done >>"$dir/src/base/bad.c"
echo '}' >>"$dir/src/base/bad.c"
for _ in $(seq 501); do echo; done >"$dir/src/kernels/long.c"
printf '#include "base/arena.h"\n#include "cmd.h"\n#include <heed/base.h>\n#include <heed.h>\n' >"$dir/apps/heed/main.c"
echo 'int x;' >"$dir/src/odd/a.c"
printf 'HEED_X(alpha, "a")\nHEED_X(beta, "b")\n' >"$dir/src/base/rows.def"
echo 'static void test_alpha__is(void) { system("x"); sprintf(a); }' >"$dir/tests/unit/test_x.c"
{ echo 'int fits(void)'; echo '{'; for _ in $(seq 68); do echo '    f();'; done; echo '}'; } >"$dir/src/base/good.c"

output=$(bash "$source/tools/lint" "$dir")
status=$?
failures=0
expect() { # WHAT PLACE TEXT
  if grep -qF "$2" <<<"$output" && grep -F "$2" <<<"$output" | grep -qF "$3"; then echo "ok - lint: $1"; else echo "not ok - lint: $1"; failures=1; fi
}
expect "a wrong layer" src/base/bad.c:2: tensor/tape.h
expect "a public header above its layer" src/base/bad.c:3: heed/nn.h
expect "a library of others" src/base/bad.c:4: dnnl.h
expect "conditional compilation in a function" src/base/bad.c:8: conditional
expect "a banned function" src/base/bad.c:12: strcpy
expect "exit in the library" src/base/bad.c:13: exit
expect "printing in the library" src/base/bad.c:14: stderr
expect "a long function" src/base/bad.c:81: "75 lines"
expect "a long file" src/kernels/long.c:1: "501 lines"
expect "an app that looks behind the wall" apps/heed/main.c:1: base/arena.h
expect "an app that includes a lower header" apps/heed/main.c:3: heed/base.h
expect "a folder that is no layer" src/odd/a.c:1: "no layer"
expect "a row without a test" src/base/rows.def:2: beta
expect "sprintf in a test" tests/unit/test_x.c:1: sprintf
expect "as many as were planted" "lint: " "lint: 14 found"
[ $status -eq 1 ] || { echo "not ok - lint: exit status $status"; failures=1; }
[ $failures -eq 0 ] || echo "$output"
exit $failures
