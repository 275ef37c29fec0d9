# tools/setup on a machine where nothing is installed and nothing may be: it says what is missing, prints one line to type and fails.
source=${HEED_SOURCE:?}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
for command in bash dirname mktemp rm; do ln -s "$(command -v $command)" "$dir/$command"; done
printf '#!/bin/sh\necho 1000\n' >"$dir/id"
printf '#!/bin/sh\nexit 1\n' >"$dir/sudo"
printf '#!/bin/sh\necho called; exit 1\n' >"$dir/apt-get"
chmod +x "$dir"/{id,sudo,apt-get}

failures=0
check() { # WHAT COMMAND...
  local what=$1
  shift
  if "$@"; then echo "ok - setup: $what"; else echo "not ok - setup: $what"; failures=1; fi
}
run() { PATH=$dir CI=true "$dir/bash" "$source/tools/setup" "$1"; }
output=$(run check)
status=$?
check "fails where it may not install" [ $status -eq 1 ]
check "prints one line to type" [ "$(grep -c 'sudo apt-get install' <<<"$output")" -eq 1 ]
check "names the packages of the core" grep -q 'gcc.*cmake.*libdnnl-dev.*libmd-dev' <<<"$output"
check "names what the tests need" grep -q libcmocka-dev <<<"$output"
check "does not try" [ "$(grep -c called <<<"$output")" -eq 0 ]
check "asks for nothing of the tests for the core" [ "$(run core | grep -c cmocka)" -eq 0 ]
check "finds nothing missing where this was built" bash "$source/tools/setup" check
[ $failures -eq 0 ] || echo "$output"
exit $failures
