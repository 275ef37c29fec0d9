# No writable globals in the library but those named here, each set once: threads share nothing else.
# DW.ref.*: how a table of exceptions of C++ finds its types; written by the linker alone.
# Under a sanitizer the compiler adds globals of its own, so this looks at plain builds.
build=${HEED_BUILD:?}
allowed='^(DW[.]ref[.].*|once|chosen|tables|table_[a-z0-9]+|heed_kernels_[a-z0-9]+)$'
if nm "$build/lib/libheed_static.a" 2>/dev/null | grep -q '__[at]san_'; then
  echo "ok - globals: a sanitized build, looked at in the plain one"
  exit 0
fi
found=$(nm -f sysv "$build/lib/libheed_static.a" | awk -F '[ \t]*[|][ \t]*' -v allowed="$allowed" '
  /^Symbols from/ { sub(/.*\[/, ""); sub(/\].*/, ""); file = $0 }
  $4 ~ /^(OBJECT|TLS)$/ && $7 ~ /^[.](data|bss|tdata|tbss)([.]|$)/ && $7 !~ /rel[.]ro/ {
    name = $1
    sub(/[.][0-9]+$/, "", name)
    if (name !~ allowed) print file " " name
  }')
[ -z "$found" ] && echo "ok - globals: none that can be written" && exit 0
echo "$found"
echo "not ok - globals: none that can be written"
exit 1
