# Plants a sign error: prints the file with the sign turned at the n-th place of the function's way back where one can be turned; exit 3: it has
# no such place. -v name=FUNCTION -v n=PLACE; of place 0 it prints how many there are.
$0 ~ "^(static )?void " name "\\(" { inside = 1 }
inside && /^}/ { inside = 0 }
inside && turn() { places++; if (places == n) $0 = turned }
n { print }
END { if (!n) print places + 0; if (places < n) exit 3 }

# What a line adds: a factor of axpy, scale or product, a sum, what is stored in an array, a gradient handed on.
function turn() {
    turned = $0
    if (sub(/(axpy|scale)\([^,]*, /, "&-", turned)) return sub(/, --/, ", ", turned) || 1
    if (turned ~ /product\(/ && match(turned, /, [^,]*, true\)/)) return negate(RSTART + 2)
    if (sub(/\] \+= /, "] -= ", turned)) return 1
    if (sub(/, ds\[j\]/, ", -ds[j]", turned)) return 1
    if (match(turned, /\] = [^=;]*;/)) return negate(RSTART + 4)
    return 0
}

function negate(at) {
    turned = substr(turned, 1, at - 1) "-" substr(turned, at)
    return 1
}
