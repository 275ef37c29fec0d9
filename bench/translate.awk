# The report of bench/translate.sh from the facts that it wrote down: Markdown to the standard output, lines of JSON to the file `json`.
#   side heed|ct2, peak: bench/facts.awk
#   memory SIZE BEAM BATCH heed|ct2 NUMBERS MB
#   run ROUND SIZE BEAM BATCH WORKERS heed|ct2 NUMBERS LAYOUT SECONDS SYMBOLS MB GFLOP SAME-LINES SAME-SYMBOLS
# A cell is "SIZE BEAM BATCH WORKERS", a side "WHO NUMBERS LAYOUT". Round 0 warmed up and is not read.

BEGIN {
  # How many times as fast as CTranslate2 with the same numbers: beam 1 batch 32, 5 32, 1 1, 5 1, and 1 1 of one worker.
  wanted("tiny int8", "2 3.5 2.2 3 2.2"); wanted("tiny f32", "2.5 2.5 2 2.2 -")
  wanted("base int8", "1.7 2.5 3.5 3.2 3.8"); wanted("base f32", "1.9 1.8 1.7 2.1 -")
  # Share of CTranslate2's memory, beam 5 batch 32.
  memory_goal["int8"] = 0.6; memory_goal["f32"] = 0.8
  INSIDE = 0.97   # two threads for one sentence are never slower than one, but for the noise of such short runs
}

function wanted(name, list,   part) {
  split(list, part, " ")
  goals[name, 1, 32] = part[1]; goals[name, 5, 32] = part[2]; goals[name, 1, 1] = part[3]; goals[name, 5, 1] = part[4]; goals[name, 1, 1, "alone"] = part[5]
}

function goal_of(size, numbers, beam, batch, alone,   g) {
  g = alone ? goals[size " " numbers, beam, batch, "alone"] : goals[size " " numbers, beam, batch]
  return g == "-" ? "" : g
}

$1 == "memory" { held[$2, $5, $6] = $7; if (!(($2, $3, $4) in holds)) { holds[$2, $3, $4]; held_by[++sizes] = $2; held_shape[sizes] = "beam " $3 " batch " $4 } }
$1 == "run" {
  cell = $3 " " $4 " " $5 " " $6; key = cell " " $7 " " $8 " " $9
  if (!(cell in known)) { known[cell]; cells[++cell_count] = cell }
  if (!((cell, $7, $8, $9) in layout_known)) { layout_known[cell, $7, $8, $9]; layouts[cell, $7, $8] = layouts[cell, $7, $8] " " $9 }
  if ($2 == 0) next
  measured[key, ++count[key]] = $10; symbols[key] = $11; work[key] = $13; same_lines[key] = $14; same_symbols[key] = $15
}

function best_layout(cell, numbers,   n, i, part, key, best) {   # the one that CTranslate2 went on with
  n = split(layouts[cell, "ct2", numbers], part, " ")
  for (i = 1; i <= n; i++) if (count[key = cell " ct2 " numbers " " part[i]]) best = key
  return best
}

function percents(key) { return count[key] ? same_lines[key] " %" (same_symbols[key] == "-" ? "" : ", " same_symbols[key] " %") : "" }

function shown(ratio, goal, met) { return ratio == "" ? "" : sprintf(goal != "" && met == "false" ? "**%.2f**" : "%.2f", ratio) }

# One line of the table; peer: a key, or "".
function compare(cell, numbers, layout, peer, goal,   part, key, ours, theirs, top, fraction, ratio, met, type, name) {
  split(cell, part, " ")
  key = cell " heed " numbers " " layout
  ours = median(key)
  theirs = peer == "" ? "" : median(peer)
  ratio = peer == "" ? "" : theirs / symbols[peer] * symbols[key] / ours
  met = goal == "" || ratio == "" ? "null" : ratio >= goal ? "true" : "false"
  split(peer, type, " ")
  name = peer == "" ? "" : (type[5] == "heed" ? "heed " : "CTranslate2 ") type[6] ", " type[7]
  top = peak["bf16"] ? (numbers == "int8" ? 2 * peak["bf16"] : peak[numbers]) : numbers == "f32" ? peak["f32"] : ""
  if (top) top *= (layout == "1x1" ? 1 / threads : 1)
  fraction = top ? work[key] / ours / top : ""
  add_row(ratio == "" ? 1e9 : ratio / (goal == "" ? 1 : goal), sprintf("| %s | %s | %s | %s | %s | %.3f | %.0f | %s | %s | %s | %s | %s | %s | %s | %s |", part[1], numbers, part[2], part[3], layout, ours, symbols[key] / ours,
    fraction == "" ? "" : sprintf("%.0f %%", 100 * fraction), name, theirs == "" ? "" : sprintf("%.3f", theirs), theirs == "" ? "" : sprintf("%.0f", symbols[peer] / theirs),
    shown(ratio, goal, met), goal, percents(key), type[5] == "ct2" ? percents(peer) : ""))
  object("translate", part[1] " beam " part[2] " batch " part[3] " layout " layout, numbers, layout == "1x1" ? 1 : threads, symbols[key] / ours, theirs == "" ? "" : symbols[peer] / theirs,
    name, type[5] == "ct2" ? about["ct2"] : about["heed"], "symbols/s", top, fraction, ratio, goal, met)
}

function compare_memory(size, shape, numbers,   ours, theirs, ratio, goal, met) {
  ours = held[size, "heed", numbers]; theirs = held[size, "ct2", numbers]
  if (ours == "") return
  if (shape == "beam 5 batch 32" && threads == 2) goal = memory_goal[numbers]
  if (theirs != "") ratio = ours / theirs
  met = ratio == "" || goal == "" ? "null" : ratio <= goal ? "true" : "false"
  printf "| %s | %s | %s | %.0f | %s | %s | %s |\n", size, numbers, shape, ours, theirs == "" ? "" : sprintf("%.0f", theirs), shown(ratio, goal, met), goal
  object("translate memory", size " " shape, numbers, threads, ours, theirs, theirs == "" ? "" : "CTranslate2 " numbers, about["ct2"], "MB above an idle process", "", "", ratio, goal, met)
}

function compare_cell(cell,   part, type, types, i, n, numbers, peer, other) {
  split(cell, part, " ")
  types = split("f32 bf16 int8", type, " ")
  for (i = 1; i <= types; i++) {
    numbers = type[i]
    n = part[4] "x1"
    if (!count[cell " heed " numbers " " n]) continue
    peer = best_layout(cell, numbers)
    if (numbers == "bf16" && (peer = best_layout(cell, "f32")) != "" && (other = best_layout(cell, "int8")) != "" && median(other) < median(peer)) peer = other
    compare(cell, numbers, n, peer, goal_of(part[1], numbers, part[2], part[3], part[4] == 1 && threads > 1))
    if (part[4] == 1 && threads > 1) compare(cell, numbers, "1x" threads, cell " heed " numbers " 1x1", INSIDE)
  }
}

END {
  for (i = 1; i <= cell_count; i++) compare_cell(cells[i])
  print "| model | numbers | beam | batch | heed, workers x threads | seconds | symbols/s | of the peak | beside | seconds | symbols/s | times as fast | goal | as heed's f32: lines, symbols | CTranslate2's: lines |"
  print "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"
  print_sorted()
  print "\n| model | numbers | work | heed, MB | CTranslate2, MB | share | goal: at most |\n|---|---|---|---|---|---|---|"
  for (i = 1; i <= sizes; i++) for (j = 1; j <= 3; j++) compare_memory(held_by[i], held_shape[i], j == 1 ? "f32" : j == 2 ? "bf16" : "int8")
  print_circumstances("ct2")
}
