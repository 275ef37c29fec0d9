# Does what a page of docs/ tells: add_page.sh PAGE. Blocks of the page stand behind these marks:
#   <!-- file: PATH -->          the whole of a new file
#   <!-- row: PATH -->           to be added to a table
#   <!-- declaration: PATH -->   to be added to a header
#   <!-- run -->                 commands, of which build/tests/grad/PROGRAM ARGUMENT is run
# All happens in a copy; new files, and those that include the table, are compiled with warnings as errors and linked with the rest of the build. The
# program must pass; with a sign turned in the new file's way back it must fail.
set -u
. "${HEED_SOURCE:?}/tests/grad/build.sh"
page=$source/docs/$1
[ -f "$page" ] || { echo "$page is missing"; exit 1; }
tree=$work/tree; mkdir -p "$tree/tests"
cp -r "$source/include" "$source/src" "$tree" && cp -r "$tests" "$tree/tests" || exit 1

# blocks: writes N.text and N.mark for every marked block
awk -v to="$work" '
    /^<!-- (file|row|declaration): .* -->$/ || /^<!-- run -->$/ { mark = $0; gsub(/^<!-- | -->$/, "", mark); next }
    /^```/ && mark != "" && !inside { inside = 1; n++; print mark > (to "/" n ".mark"); next }
    /^```/ && inside { inside = 0; mark = ""; next }
    inside { print > (to "/" n ".text") }' "$page"

fresh=() program='' argument=''
for mark in "$work"/*.mark; do
    text=${mark%.mark}.text
    read -r kind path <"$mark"
    case $kind in
        file:) [ ! -e "$tree/$path" ] || { echo "$1: $path exists already"; exit 1; }
            cp "$text" "$tree/$path"; fresh+=("$path") ;;
        row:) cat "$text" >>"$tree/$path"
            while read -r user; do fresh+=("$user"); done < <(cd "$tree" && grep -lE "^#include \"([a-z]+/)?$(basename "$path")\"" src/*/*.c tests/grad/[!t]*.c) ;;
        declaration:) awk -v text="$(cat "$text")" '{ line[NR] = $0; if (/^#ifdef __cplusplus/) last = NR }
            END { for (i = 1; i <= NR; i++) { if (i == last) print text; print line[i] } }' "$tree/$path" >"$work/header" && cp "$work/header" "$tree/$path" ;;
        run) read -r program argument < <(sed -n 's|^build/tests/grad/||p' "$text") ;;
    esac
done
[ ${#fresh[@]} -gt 2 ] && [ -n "$program" ] || { echo "$1: blocks are missing"; exit 1; }

options=(-Wall -Wextra -Werror -I"$tree/include" -I"$tree/src" -I"$tree/tests/grad")
objects=()
for file in "${fresh[@]}" "tests/grad/$program.c"; do
    object=$work/$(echo "$file" | tr / _).o; objects+=("$object")
    compile "$tree/$file" "$object" "${options[@]}" || { echo "$1: $file does not compile"; exit 1; }
done
link "$work/$program" "${objects[@]}" || { echo "$1: does not link"; exit 1; }
"$work/$program" "$argument" >"$work/log" 2>&1 && grep -aq "OK.*$argument" "$work/log" || { echo "$1: the tests fail:"; cat "$work/log"; exit 1; }
passed=$(grep -ac "OK \]" "$work/log")

planted=${fresh[0]}
function=$(sed -nE 's/^static void ([a-z_]*(back|backward))\(.*/\1/p' "$tree/$planted")
awk -v name="$function" -v n=1 -f "$tests/plant.awk" "$tree/$planted" >"$work/planted.c" || { echo "$1: no place to plant an error"; exit 1; }
compile "$work/planted.c" "${objects[0]}" "${options[@]}" && link "$work/$program" "${objects[@]}" || exit 1
if "$work/$program" "$argument" >"$work/log" 2>&1; then echo "$1: a sign was turned and the tests pass"; exit 1; fi
echo "$1: does what it says; $passed tests passed, and failed with a sign turned"
