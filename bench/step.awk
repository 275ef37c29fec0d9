# The report of bench/step.sh from the facts that it wrote down: Markdown to the standard output, lines of JSON to the file `json`.
#   side heed|torch, peak: bench/facts.awk
#   run ROUND MODEL heed|torch NUMBERS UPDATES SECONDS SYMBOLS GFLOP LOSS MB
# Round 0 warmed up and is not read, but for what it held.

BEGIN {
  # How many times as fast as PyTorch: f32 as its f32, bf16 as the faster of its two.
  goal["tiny", "f32"] = 3; goal["tiny", "bf16"] = 4.5
  goal["base", "f32"] = 2.7; goal["base", "bf16"] = 2.5
  goal["words", "f32"] = 2.2; goal["words", "bf16"] = 3.6
  MEMORY = 0.4   # at most this share of what PyTorch holds with the same numbers
}

$1 == "run" {
  key = $3 SUBSEP $4 SUBSEP $5
  if (!($3 in known)) { known[$3]; models[++model_count] = $3 }
  memory[key] = $11; last[key] = $10
  if ($2 == 0) next
  measured[key, ++count[key]] = $8 / $7; gflop[key] += $9; symbols[key] += $8
}

function marked(value, met) { return value == "" ? "" : met == "false" ? "**" value "**" : value }

function compare(model, numbers,   key, ours, peer, type, theirs, ratio, share, met, fits, top, fraction) {
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
  add_row(ratio == "" ? 1e9 : ratio / goal[model, numbers] < MEMORY / share ? ratio / goal[model, numbers] : MEMORY / share, sprintf("| %s | %s | %.0f | %s | %s | %s | %s | %.1f | %.0f | %s | %s | %s | %.3f | %s |", model, numbers, ours, fraction == "" ? "" : sprintf("%.0f %%", 100 * fraction),
    theirs == "" ? "" : sprintf("%.0f (%s)", theirs, type), marked(ratio == "" ? "" : sprintf("%.2f", ratio), met), met == "null" ? "" : met == "true" ? "yes" : "no", goal[model, numbers],
    memory[key], theirs == "" ? "" : sprintf("%.0f", memory[peer]), marked(share == "" ? "" : sprintf("%.2f", share), fits), MEMORY, last[key], theirs == "" ? "" : sprintf("%.3f", last[peer])))
  object("train", model, numbers, threads, ours, theirs, theirs == "" ? "" : "PyTorch " type, theirs == "" ? "" : about["torch"], "symbols/s", top, fraction, ratio, goal[model, numbers], met)
  object("train memory", model, numbers, threads, memory[key], theirs == "" ? "" : memory[peer], theirs == "" ? "" : "PyTorch", theirs == "" ? "" : about["torch"], "MB", "", "", share, MEMORY, fits)
}

END {
  for (i = 1; i <= model_count; i++) { compare(models[i], "f32"); compare(models[i], "bf16") }
  print "| model | numbers | heed, symbols/s | of the peak | PyTorch's best, symbols/s | times as fast | met | goal | heed, MB | PyTorch, MB | share | goal: at most | last loss | PyTorch's |"
  print "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"
  print_sorted()
  print_circumstances("torch")
}
