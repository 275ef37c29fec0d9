# The part of tools/lint that reads C: includes, functions, banned calls. Comments and strings are taken out first.

BEGIN {
  # who may include whom: a layer, itself and those before it
  allow["base"] = "base"
  allow["kernels"] = allow["base"] " kernels"
  allow["tensor"] = allow["kernels"] " tensor"
  allow["ops"] = allow["tensor"] " ops"
  allow["nn"] = allow["ops"] " nn"
  allow["attn"] = allow["nn"] " attn"
  allow["data"] = allow["tensor"] " data"
  allow["decode"] = allow["tensor"] " decode"
  allow["align"] = allow["tensor"] " data align"
  allow["metric"] = allow["tensor"] " align metric"
  allow["model"] = allow["attn"] " data decode align metric model"
  allow["train"] = allow["model"] " train"
  allow["explain"] = allow["model"] " explain"
  allow["task"] = allow["model"] " train explain task"
  allow["api"] = allow["task"] " api"

  # which of include/heed/ a layer may include; heed.h itself is for those who serve it and those outside the wall
  public["base"] = "base"
  public["kernels"] = "base aligns attention"
  public["tensor"] = public["data"] = public["decode"] = public["align"] = public["metric"] = "base tensor"
  public["ops"] = "base tensor ops aligns attention"
  public["nn"] = "base tensor ops aligns attention nn"
  public["attn"] = public["model"] = public["train"] = public["explain"] = public["task"] = public["api"] = public["nn"] " blocks"

  serves = "align train explain task api"

  # include/heed/: each those to its left
  left["base"] = ""
  left["explain"] = "base"
  left["faithful"] = "base"
  left["aligns"] = ""
  left["tensor"] = "base"
  left["ops"] = "base tensor aligns attention"
  left["nn"] = "base tensor ops"
  left["blocks"] = "base tensor ops nn"
  left["attention"] = "base aligns"

  # who may know a library of others
  knows["dnnl.h"] = knows["dnnl_types.h"] = "^src/kernels/(gemm|onednn)"
  knows["jansson.h"] = "^src/(data|model|train|explain|task|api)/"
  knows["yaml.h"] = "^src/model/"
  knows["zlib.h"] = "^src/(base|data|model)/"
  knows["utf8proc.h"] = "^src/(base|data|metric)/"
  knows["sha2.h"] = "^src/base/"
  knows["sentencepiece_processor.h"] = knows["sentencepiece_trainer.h"] = "^src/data/pieces_shim"
  knows["microhttpd.h"] = "^apps/serve/"
  knows["cmocka.h"] = "^tests/"

  everywhere = "strcpy|strcat|sprintf|vsprintf|gets|alloca|strtok|atoi|atol|atoll|atof|rand|srand"
  outside_tests = "system|popen"
  in_library = "exit|_exit|_Exit|abort|printf|vprintf|puts|putchar|perror"
  before = "(^|[^A-Za-z0-9_.>])("
  after = ")[ \t]*\\("
}

function say(text) { print FILENAME ":" FNR ": " text }
function among(word, list) { return index(" " list " ", " " word " ") > 0 }

FNR == 1 {
  split(FILENAME, path, "/")
  top = path[1]
  layer = top == "src" ? path[2] : ""
  in_comment = depth = in_function = wrapped = 0
  signature = ""
  if (layer != "" && !(layer in allow)) say("src/" layer " is no layer; tools/lint.awk lists them")
}

# The line without comments and with empty strings; in_comment carries over lines.
function code_of(line,   out, at, c) {
  out = ""
  while (line != "") {
    if (in_comment) {
      at = index(line, "*/")
      if (!at) return out
      line = substr(line, at + 2)
      in_comment = 0
      out = out " "
      continue
    }
    if (!match(line, /["']|\/\*|\/\//)) return out line
    out = out substr(line, 1, RSTART - 1)
    c = substr(line, RSTART, RLENGTH)
    line = substr(line, RSTART + RLENGTH)
    if (c == "//") return out
    if (c == "/*") {
      in_comment = 1
      continue
    }
    while (line != "") {   # to the end of the string or character
      if (!match(line, /["'\\]/)) { line = ""; break }
      at = substr(line, RSTART, 1)
      line = substr(line, RSTART + (at == "\\" ? 2 : 1))
      if (at == c) break
    }
    out = out c c
  }
  return out
}

function include_ours(name,   part, folder, stem) {
  split(name, part, "/")
  folder = index(name, "/") ? part[1] : ""
  stem = index(name, "/") ? part[2] : name
  sub(/\.[a-z]+$/, "", stem)
  if (top == "apps" || top == "examples" || top == "bindings") {
    if (folder != "") say("includes \"" name "\"; outside the wall there is <heed.h> only")
    return
  }
  if (top == "include") {
    if (FILENAME == "include/heed.h") {
      if (folder != "heed" || !among(stem, "base explain faithful")) say("heed.h includes \"" name "\"; it may include heed/base.h and its own parts, heed/explain.h and heed/faithful.h")
      return
    }
    sub(/\.h$/, "", path[3])
    if (folder != "heed" || !among(stem, left[path[3]])) say("includes \"" name "\"; " path[3] " may include: " left[path[3]])
    return
  }
  if (layer == "") return
  if (name == "heed.h") {
    if (!among(layer, serves)) say("includes heed.h; within the wall that is for: " serves)
  } else if (folder == "heed") {
    if (!among(stem, public[layer])) say("includes \"" name "\"; of include/heed, " layer " may include: " public[layer])
  } else if (folder != "" && !among(folder, allow[layer])) say("includes \"" name "\"; " layer " may include: " allow[layer])
}

function include_others(name) {
  if (name in knows && (layer != "" || top == "apps" || top == "include" || top == "examples") && FILENAME !~ knows[name])
    say("includes <" name ">; that is for files that match " knows[name])
  if (name == "heed/attention.h" && top == "examples") return   # the kernels stand alone, for engines of other people
  if (name ~ /^heed\// && top != "include" && top != "tests" && top != "bench") say("includes <" name ">; outside the wall there is <heed.h> only")
}

function banned(code) {
  if (match(code, before everywhere after)) say("banned function: " substr(code, RSTART, RLENGTH) ")")
  if (top != "tests" && match(code, before outside_tests after)) say("banned function: " substr(code, RSTART, RLENGTH) ")")
  if (top == "src" && (match(code, before in_library after) || match(code, /fprintf[ \t]*\([ \t]*std(err|out)/)))
    say("nothing in src/ prints or exits: " substr(code, RSTART, RLENGTH))
}

function open_brace(   text) {
  if (depth == 0) {
    text = signature
    gsub(/__attribute__[ \t]*\(\([^)]*(\([^)]*\))?[^)]*\)\)/, "", text)
    gsub(/[ \t]+$/, "", text)
    if (text ~ /extern ""$/) { wrapped++; signature = ""; return }
    if (text ~ /\)$/ && text !~ /=/) {
      in_function = FNR
      name = text
      sub(/[ \t]*\(.*/, "", name)
      sub(/.*[ \t*]/, "", name)
    }
  }
  depth++
}

function close_brace() {
  if (depth == 0) { if (wrapped) wrapped--; signature = ""; return }
  depth--
  if (depth > 0) return
  if (in_function && FNR - in_function + 1 > 70) say("function " name " has " (FNR - in_function + 1) " lines; at most 70")
  in_function = 0
  signature = ""
}

function braces(code,   at, c) {
  while (match(code, /[{};]/)) {
    c = substr(code, RSTART, 1)
    if (depth == 0) signature = signature " " substr(code, 1, RSTART - 1)
    code = substr(code, RSTART + 1)
    if (c == "{") open_brace()
    else if (c == "}") close_brace()
    else if (depth == 0) signature = ""
  }
  if (depth == 0) signature = signature " " code
}

{
  if (/TODO|FIXME|(^|[^X])XXX([^X]|$)/) say("an open end: finish it, or say it where plans are kept")
  was_comment = in_comment
  code = code_of($0)
  if (continued || (!was_comment && code ~ /^[ \t]*#/)) {
    if (!continued && code ~ /^[ \t]*#[ \t]*include[ \t]*""/) { split($0, quoted, "\""); include_ours(quoted[2]) }
    if (!continued && code ~ /^[ \t]*#[ \t]*include[ \t]*</) { split($0, quoted, /[<>]/); include_others(quoted[2]) }
    if (in_function && code ~ /^[ \t]*#[ \t]*(if|ifdef|ifndef|elif|else)/) say("conditional compilation inside a function")
    continued = code ~ /\\$/
    banned(code)
    next
  }
  banned(code)
  if (FILENAME !~ /\.def$/) braces(code)
}
