# The report of bench/attention.sh from the facts that it wrote down: Markdown to the standard output, lines of JSON to the file `json`.
#   cell ID THREADS ISA TYPE PASS KIND B H HK TQ TK D GOAL RATIO      work ID GFLOP KERNEL       side SIDE ABOUT      no ID SIDE REASON
#   reads ID GB/S      time ID SIDE SECONDS      error ID SIDE ERROR NAIVE      peak THREADS ISA F32 BITS BF16      memory SIDE LIMIT CELL: SECONDS GROWTH MOST

function median_of(id, side,   n, i, j, x, list) {
  n = count[id, side]
  for (i = 1; i <= n; i++) {
    x = times[id, side, i]
    for (j = i - 1; j > 0 && list[j] > x; j--) list[j + 1] = list[j]
    list[j + 1] = x
  }
  least[id, side] = list[1]
  return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

function tail(from,   i, text) {
  for (i = from; i <= NF; i++) text = text (i > from ? " " : "") $i
  return text
}

$1 == "cell" { id = $2; if ($3 > most_threads) most_threads = $3; ids[++rows] = id; threads[id] = $3; isa[id] = $4; type[id] = $5; pass[id] = $6; kind[id] = $7; goal[id] = $14; wanted[id] = $15
               shape[id] = "B" $8 " H" $9 ($10 != $9 ? " Hk" $10 : "") " " ($11 != $12 ? $11 "x" $12 : $11) " D" $13 }
$1 == "work" { work[$2] = $3; kernel[$2] = tail(4) }
$1 == "side" && !($2 in about) { about[$2] = tail(3); version[$2] = $0; sub(/^side [a-z]+ /, "", version[$2]) }
$1 == "no" { reason[$2, $3] = tail(4) }
$1 == "time" { times[$2, $3, ++count[$2, $3]] = $4 }
$1 == "reads" { reads[$2] = $3 }
$1 == "error" { error[$2, $3] = $4; naive[$2] = $5 }
$1 == "peak" { if ($4 > peak[$2, $3, "f32"]) { peak[$2, $3, "f32"] = $4; bits[$2, $3] = $5 } if ($3 == "-" && $6 > peak[$2, $3, "bf16"]) peak[$2, $3, "bf16"] = $6 }
$1 == "memory" { memories++; memory_side[memories] = $2; limit[memories] = $3; sub(/^memory [a-z]+ [-0-9]+ /, ""); memory[memories] = $0 }

function judge(id,   side, i) {
  ours[id] = count[id, "heed"] ? median_of(id, "heed") : 0
  best[id] = ""
  for (i = 1; i <= 3; i++) {
    side = substr("torch ort   plain", 6 * i - 5, 5)
    sub(/ +$/, "", side)
    if (!count[id, side]) continue
    peers[id, side] = median_of(id, side)
    if (best[id] == "" || peers[id, side] < peers[id, best[id]]) best[id] = side
  }
  top[id] = pass[id] == "decode" ? reads[id] : peak[threads[id], isa[id], type[id]]
  fraction[id] = ours[id] && top[id] ? work[id] / ours[id] / top[id] : 0
  ratio[id] = ours[id] && best[id] != "" ? peers[id, best[id]] / ours[id] : 0
  slower[id] = !ours[id] || (ratio[id] && wanted[id] != "-" && ratio[id] < wanted[id])
  below[id] = goal[id] != "-" && 100 * fraction[id] < goal[id]
  inexact[id] = error[id, "heed"] > 2 * naive[id]
  missed[id] = slower[id] || below[id] || inexact[id]
}

function name_of(side) { return side == "torch" ? "PyTorch" : side == "ort" ? "ONNX Runtime" : pass_is_weights ? "its forward" : "plain vectors" }

function ms(seconds) { return seconds ? sprintf((seconds < 0.001 ? "%.4f" : seconds < 0.1 ? "%.3f" : "%.1f"), 1000 * seconds) : "" }

function what(id) { return pass[id] (kind[id] == "everything" ? "" : ", " kind[id]) (isa[id] == "-" ? "" : ", " isa[id]) }

function print_row(id,   others) {
  others = ms(peers[id, "plain"])
  if (others != "") others = others (pass[id] == "weights" ? " (its forward)" : " (plain)")
  if (!ours[id]) { printf "| %s | %s | %s | %s | | | | %s | %s | %s | | |\n", what(id), type[id], threads[id], shape[id], goal[id] == "-" ? "" : goal[id] " %", reason[id, "heed"], ""; return }
  printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", what(id), type[id], threads[id], shape[id], ms(ours[id]), ms(least[id, "heed"]),
    work[id] && top[id] ? sprintf((below[id] ? "**%.1f %%**" : "%.1f %%"), 100 * fraction[id]) : "", goal[id] == "-" ? "" : goal[id] " %",
    ms(peers[id, "torch"]) others, ms(peers[id, "ort"]), ratio[id] ? sprintf((slower[id] ? "**%.2f**" : "%.2f"), ratio[id]) : "",
    naive[id] ? sprintf((inexact[id] ? "**%.2f**" : "%.2f"), error[id, "heed"] / naive[id]) : ""
}

function quoted(text) { gsub(/["\\]/, "", text); return "\"" text "\"" }

function print_json(id,   p) {
  p = best[id]
  pass_is_weights = pass[id] == "weights"
  printf "{\"what\": %s, \"shape\": %s, \"dtype\": \"%s\", \"threads\": %d, \"ours\": %.6f, \"ours_least\": %.6f, \"peer\": %s, \"peer_name\": %s, \"peer_version\": %s, \"unit\": \"ms\", ",
    quoted(what(id)), quoted(shape[id]), type[id], threads[id], 1000 * ours[id], 1000 * least[id, "heed"], p == "" ? "null" : sprintf("%.6f", 1000 * peers[id, p]),
    p == "" ? "null" : quoted(name_of(p)), p == "" ? "null" : quoted(version[p]) >json
  printf "\"%s\": %.6f, \"peak\": %.1f, \"fraction\": %.4f, \"goal\": %s, \"ratio\": %.4f, \"ratio_goal\": %s, \"error\": %s, \"naive_error\": %s, \"kernel\": %s, \"reason\": %s, \"met\": %s}\n",
    pass[id] == "decode" ? "gbyte" : "gflop", work[id], top[id], fraction[id], goal[id] == "-" ? "null" : goal[id] / 100, ratio[id], wanted[id] == "-" ? "null" : wanted[id], error[id, "heed"] != "" ? error[id, "heed"] : "null",
    naive[id] != "" ? naive[id] : "null", quoted(kernel[id]), reason[id, "heed"] != "" ? quoted(reason[id, "heed"]) : "null", missed[id] ? "false" : "true" >json
}

# Medians over cells of the ratio to the best peer.
function print_median(title, types, passes, kinds, want,   i, id, n, j, list, m) {
  for (i = 1; i <= rows; i++) {
    id = ids[i]
    if (type[id] != types || pass[id] != passes || (kinds != "" && kind[id] != kinds) || (best[id] != "torch" && best[id] != "ort")) continue
    for (j = n++; j > 0 && list[j] > ratio[id]; j--) list[j + 1] = list[j]
    list[j + 1] = ratio[id]
  }
  if (!n) return
  m = n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
  printf "{\"what\": %s, \"shape\": \"median of %d rows\", \"dtype\": \"%s\", \"threads\": null, \"ours\": %.4f, \"peer\": 1, \"peer_name\": \"the best peer of each row\", \"peer_version\": null, ", quoted(title), n, types, m >json
  printf "\"unit\": \"times as fast\", \"peak\": null, \"fraction\": null, \"goal\": %s, \"least\": %.4f, \"met\": %s}\n", want, list[1], (m < want ? "false" : "true") >json
  printf "| %s | %d | %.2f | %s | %.2f |\n", title, n, list[1], m < want ? sprintf("**%.2f**", m) : sprintf("%.2f", m), want
}

function print_memory_json(i, cell, figure,   word) {
  split(cell, word, " ")
  printf "{\"what\": \"memory of %s, %s\", \"shape\": \"B%d H%d %d D%d\", \"dtype\": \"%s\", \"threads\": %d, \"ours\": %s, \"peer\": null, \"peer_name\": null, \"peer_version\": null, ", word[2], word[3], word[4], word[5],
    word[7], word[9], word[1], most_threads, figure[3] >json
  printf "\"side\": %s, \"unit\": \"MB\", \"peak\": null, \"fraction\": null, \"grew\": %s, \"seconds\": %s, \"goal\": %s, \"met\": %s}\n", quoted(about[memory_side[i]]), figure[2], figure[1], (limit[i] == "-" ? "null" : limit[i]),
    (limit[i] != "-" && figure[3] > limit[i] + 0 ? "false" : "true") >json
}

function print_memory(   i, part, figure) {
  print "\n| forward and backward in a process of its own | side | seconds | MB it grew by | MB in all | at most |"
  print "|---|---|---|---|---|---|"
  for (i = 1; i <= memories; i++) {
    split(memory[i], part, ": ")
    split(part[2], figure, " ")
    if (figure[1] == "no") { figure[1] = part[2]; figure[2] = figure[3] = "" }
    else print_memory_json(i, part[1], figure)
    printf "| %s | %s | %s | %s | %s | %s |\n", part[1], memory_side[i], figure[1], figure[2], (limit[i] != "-" && figure[3] > limit[i] + 0 ? "**" figure[3] "**" : figure[3]), limit[i] == "-" ? "" : limit[i]
  }
}

END {
  for (i = 1; i <= rows; i++) judge(ids[i])
  print "| what | type | threads | shape | ms, median | least | of the peak | goal | PyTorch, ms | ONNX Runtime, ms | times the best peer | error : naive |"
  print "|---|---|---|---|---|---|---|---|---|---|---|---|"
  for (class = 0; class < 3; class++)   # slower than a peer, below a goal, all others
    for (i = 1; i <= rows; i++) if ((slower[ids[i]] ? 0 : missed[ids[i]] ? 1 : 2) == class) print_row(ids[i])
  for (i = 1; i <= rows; i++) { misses += missed[ids[i]]; print_json(ids[i]) }
  printf "\n%d of %d rows miss a goal, an equal peer or the bound of errors (twice the naive form's); those stand first, what was missed in bold.\n\n", misses, rows
  print "| times the best peer | rows | least | median | goal |"
  print "|---|---|---|---|---|"
  print_median("forward, f32", "f32", "forward", "", 1.3)
  print_median("forward, causal, f32", "f32", "forward", "causal", 1.5)
  print_median("forward, bf16", "bf16", "forward", "", 2)
  print_median("forward and backward, f32", "f32", "both", "", 1.3)
  print_median("forward and backward, bf16", "bf16", "both", "", 1.7)
  print_median("decode, f32", "f32", "decode", "", 3)
  print_median("decode, bf16", "bf16", "decode", "", 10)
  if (memories) print_memory()   # its bound too is a goal
  print ""
  for (k in peak) { split(k, part, SUBSEP); line[part[1] + (part[2] == "-" ? 0 : 100) + (part[3] == "bf16" ? 50 : 0)] = sprintf("%s on %d thread%s%s %.0f GF/s%s", part[3], part[1], part[1] > 1 ? "s" : "",
      part[2] == "-" ? "" : " (" part[2] ")", peak[k], part[3] == "f32" ? " (" bits[part[1], part[2]] " bits)" : "") }
  text = ""
  for (i = 0; i < 200; i++) if (i in line && line[i] !~ / 0 GF/) text = text (text == "" ? "" : ", ") line[i]
  print "Measured peaks: " text "."
  text = about["heed"]
  if ("torch" in about) text = text "; " about["torch"]
  if ("ort" in about) text = text "; " about["ort"]
  printf "%s.\n", text
}
