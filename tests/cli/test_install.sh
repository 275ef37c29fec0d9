# What `make install` gives: the library alone behind its map, a program that runs from where it was put, headers and pkg-config by which a
# program of somebody else is built, man page, completions, the data of the demo.
source=${HEED_SOURCE:?}
build=${HEED_BUILD:?}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failures=0
check() { # WHAT COMMAND...
  local what=$1
  shift
  if "$@"; then echo "ok - install: $what"; else echo "not ok - install: $what"; failures=1; fi
}

DESTDIR=$dir cmake --install "$build" --prefix /opt/heed >"$dir/log" || cat "$dir/log"
root=$dir/moved
mv "$dir/opt/heed" "$root"

check "the program runs where it was moved to" "$root/bin/heed" --version
for file in include/heed.h share/man/man1/heed.1 share/bash-completion/completions/heed share/zsh/site-functions/_heed \
  share/fish/vendor_completions.d/heed.fish share/heed/cmudict share/heed/g2p-en share/doc/heed/LICENSE; do
  check "$file" [ -e "$root/$file" ]
done

cat >"$dir/user.c" <<'C'
#include <heed.h>
int main(void) { return heed_status_name(HEED_OK)[0] == 'o' ? 0 : 1; }
C
export PKG_CONFIG_PATH=$root/lib/pkgconfig
# shellcheck disable=SC2046
check "a program is built through pkg-config" "$CC" "$dir/user.c" -o "$dir/user" $(pkg-config --cflags --libs heed)
check "and runs" env LD_LIBRARY_PATH="$root/lib" "$dir/user"

library=$(readlink -f "$root/lib/libheed.so")
strange=$(nm -D --defined-only "$library" | awk '$2 != "A" && $3 !~ /^heed_/ {print $3}')
check "the library shows names of ours only $strange" [ -z "$strange" ]
grep -hoE 'heed_[a-z0-9_]+\(' "$root"/include/heed.h "$root"/include/heed/*.h | tr -d '(' | sort -u >"$dir/declared"
unknown=$(nm -D --defined-only "$library" | awk '$2 != "A" {sub(/@.*/, "", $3); print $3}' | sort -u | comm -23 - "$dir/declared")
check "every name it shows stands in a header $unknown" [ -z "$unknown" ]
check "no place of the build is in the library" [ "$(grep -caF "$source" "$library")" -eq 0 ]
check "no place of the build is in the program" [ "$(grep -caF "$source" "$root/bin/heed")" -eq 0 ]
exit $failures
