# The report of bench/step.sh from the facts that it wrote down: Markdown to the standard output, lines of JSON to the file `json`.
#   side heed|torch ABOUT      peak BITS F32 BF16
#   run ROUND MODEL heed|torch NUMBERS UPDATES SECONDS SYMBOLS GFLOP LOSS MB
# Round 0 warmed up and is not read, but for what it held.

BEGIN {
  # How many times as fast as PyTorch: f32 as its f32, bf16 as the faster of its two.
  goal["tiny", "f32"] = 2; goal["tiny", "bf16"] = 3.5
  goal["base", "f32"] = 1.5; goal["base", "bf16"] = 2
  goal["words", "f32"] = 1.6; goal["words", "bf16"] = 2.8
  MEMORY = 0.4   # at most this share of what PyTorch holds with the same numbers
}

function median(key,   n, i, j, x, list) {
  n = count[key]
  for (i = 1; i <= n; i++) {
    x = rate[key, i]
    for (j = i - 1; j > 0 && list[j] > x; j--) list[j + 1] = list[j]
    list[j + 1] = x
  }
  return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

$1 == "side" { who = $2; $1 = $2 = ""; sub(/^ +/, ""); about[who] = $0 }
$1 == "peak" { bits = $2; if ($3 > peak["f32"]) peak["f32"] = $3; if ($4 > peak["bf16"]) peak["bf16"] = $4 }
$1 == "run" {
  key = $3 SUBSEP $4 SUBSEP $5
  if (!($3 in known)) { known[$3]; models[++model_count] = $3 }
  memory[key] = $11; last[key] = $10
  if ($2 == 0) next
  rate[key, ++count[key]] = $8 / $7; gflop[key] += $9; symbols[key] += $8
}

function text_or_null(text) { gsub(/["\\]/, "", text); return text == "" ? "null" : "\"" text "\"" }
function number_or_null(x, format) { return x == "" ? "null" : sprintf(format, x) }
function marked(value, met) { return value == "" ? "" : met == "false" ? "**" value "**" : value }

function object(what, model, numbers, ours, peer, name, unit, top, fraction, ratio, wanted, met) {
  printf "{\"what\": \"%s\", \"shape\": \"%s\", \"dtype\": \"%s\", \"threads\": %d, \"ours\": %.1f, \"peer\": %s, \"peer_name\": %s, \"peer_version\": %s, \"unit\": \"%s\", ", what, model,
    numbers, threads, ours, number_or_null(peer, "%.1f"), text_or_null(name), text_or_null(peer == "" ? "" : about["torch"]), unit >json
  printf "\"peak\": %s, \"fraction\": %s, \"ratio\": %s, \"goal\": %s, \"met\": %s}\n", number_or_null(top, "%.1f"), number_or_null(fraction, "%.4f"), number_or_null(ratio, "%.3f"), wanted, met >json
}

function compare(model, numbers,   key, ours, peer, type, theirs, ratio, share, met, fits, top, fraction, n) {
  key = model SUBSEP "heed" SUBSEP numbers
  if (!count[key]) return
  ours = median(key)
  type = "f32"
  if (numbers == "bf16" && count[model, "torch", "bf16"] && median(model SUBSEP "torch" SUBSEP "bf16") > median(model SUBSEP "torch" SUBSEP "f32")) type = "bf16"
  peer = model SUBSEP "torch" SUBSEP type
  met = fits = "null"
  if (count[peer]) {
    theirs = median(peer); ratio = ours / theirs
    met = ratio >= goal[model, numbers] ? "true" : "false"
    if (count[model, "torch", numbers]) peer = model SUBSEP "torch" SUBSEP numbers
    share = memory[key] / memory[peer]
    fits = share <= MEMORY ? "true" : "false"
  }
  top = peak[numbers]
  fraction = top ? gflop[key] / symbols[key] * ours / top : ""
  n = ++rows
  order[n] = ratio == "" ? 1e9 : ratio / goal[model, numbers] < MEMORY / share ? ratio / goal[model, numbers] : MEMORY / share
  row[n] = sprintf("| %s | %s | %.0f | %s | %s | %s | %s | %.1f | %.0f | %s | %s | %s | %.3f | %s |", model, numbers, ours, fraction == "" ? "" : sprintf("%.0f %%", 100 * fraction),
    theirs == "" ? "" : sprintf("%.0f (%s)", theirs, type), marked(ratio == "" ? "" : sprintf("%.2f", ratio), met), met == "null" ? "" : met == "true" ? "yes" : "no", goal[model, numbers],
    memory[key], theirs == "" ? "" : sprintf("%.0f", memory[peer]), marked(share == "" ? "" : sprintf("%.2f", share), fits), MEMORY, last[key], theirs == "" ? "" : sprintf("%.3f", last[peer]))
  object("train", model, numbers, ours, theirs, theirs == "" ? "" : "PyTorch " type, "symbols/s", top, fraction, ratio, goal[model, numbers], met)
  object("train memory", model, numbers, memory[key], theirs == "" ? "" : memory[peer], theirs == "" ? "" : "PyTorch", "MB", "", "", share, MEMORY, fits)
}

END {
  printf "" >json
  for (i = 1; i <= model_count; i++) { compare(models[i], "f32"); compare(models[i], "bf16") }
  print "| model | numbers | heed, symbols/s | of the peak | PyTorch's best, symbols/s | times as fast | met | goal | heed, MB | PyTorch, MB | share | goal: at most | last loss | PyTorch's |"
  print "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"
  for (i = 2; i <= rows; i++) {
    x = order[i]; y = row[i]
    for (j = i - 1; j > 0 && order[j] > x; j--) { order[j + 1] = order[j]; row[j + 1] = row[j] }
    order[j + 1] = x; row[j + 1] = y
  }
  for (i = 1; i <= rows; i++) print row[i]
  printf "\n%s, %d threads, measured peak f32 %.0f GF/s (%d bits)%s, %s.\n", processor, threads, peak["f32"], bits, peak["bf16"] ? sprintf(", bf16 %.0f GF/s", peak["bf16"]) : "", date
  printf "%s%s. Rounds: %d.\n", about["heed"], about["torch"] == "" ? "" : "; " about["torch"], rounds
}
