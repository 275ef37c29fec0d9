# What the reports of bench/step.sh and bench/translate.sh have in common: awk -f bench/facts.awk -f bench/REPORT.awk FACTS. Facts of both are
#   side WHO ABOUT      peak BITS F32 BF16
# and what was measured of a key is measured[key, 1 .. count[key]]. json: the file of lines of JSON; threads, processor, date, rounds as the scripts give them.

$1 == "side" { who = $2; $1 = $2 = ""; sub(/^ +/, ""); about[who] = $0 }
$1 == "peak" { bits = $2; if ($3 > peak["f32"]) peak["f32"] = $3; if ($4 > peak["bf16"]) peak["bf16"] = $4 }

function median(key,   n, i, j, x, list) {
  n = count[key]
  for (i = 1; i <= n; i++) {
    x = measured[key, i]
    for (j = i - 1; j > 0 && list[j] > x; j--) list[j + 1] = list[j]
    list[j + 1] = x
  }
  return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

function text_or_null(text) { gsub(/["\\]/, "", text); return text == "" ? "null" : "\"" text "\"" }
function number_or_null(x, format) { return x == "" ? "null" : sprintf(format, x) }

# A line of JSON. met: "true", "false", "null".
function object(what, shape, numbers, workers, ours, peer, name, version, unit, top, fraction, ratio, goal, met) {
  printf "{\"what\": \"%s\", \"shape\": \"%s\", \"dtype\": \"%s\", \"threads\": %d, \"ours\": %.2f, \"peer\": %s, \"peer_name\": %s, \"peer_version\": %s, ", what, shape, numbers,
    workers, ours, number_or_null(peer, "%.2f"), text_or_null(name), text_or_null(version) >json
  printf "\"unit\": \"%s\", \"peak\": %s, \"fraction\": %s, \"ratio\": %s, \"goal\": %s, \"met\": %s}\n", unit, number_or_null(top, "%.1f"), number_or_null(fraction, "%.4f"),
    number_or_null(ratio, "%.3f"), number_or_null(goal, "%.2f"), met >json
}

# A line of the table, and how near it came to its goal: what missed it by most is printed first.
function add_row(nearness, text) { order[++rows] = nearness; row[rows] = text }

function print_sorted(   i, j, x, y) {
  for (i = 2; i <= rows; i++) {
    x = order[i]; y = row[i]
    for (j = i - 1; j > 0 && order[j] > x; j--) { order[j + 1] = order[j]; row[j + 1] = row[j] }
    order[j + 1] = x; row[j + 1] = y
  }
  for (i = 1; i <= rows; i++) print row[i]
}

function print_circumstances(peer) {
  printf "\n%s, %d threads, measured peak f32 %.0f GF/s (%d bits)%s, %s.\n", processor, threads, peak["f32"], bits, peak["bf16"] ? sprintf(", bf16 %.0f GF/s", peak["bf16"]) : "", date
  printf "%s%s. Rounds: %d.\n", about["heed"], about[peer] == "" ? "" : "; " about[peer], rounds
}

BEGIN { printf "" >json }
