/* The object in the page, made even: what today's and yesterday's heed wrote, with or without lenses. What is damaged is left out and named in `faults`. */

const faults = [];
const fault = text => { if (faults.length < 20) faults.push(text); };

const HALF = (() => {
  let table = null;
  return () => {
    if (table) return table;
    table = new Float32Array(65536);
    for (let code = 0; code < 65536; code++) {
      const power = code >> 10 & 31, part = code & 1023;
      const size = power === 0 ? part * 2 ** -24 : power === 31 ? (part ? NaN : Infinity) : (1 + part / 1024) * 2 ** (power - 15);
      table[code] = code & 32768 ? -size : size;
    }
    return table;
  };
})();

function bytesOf(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const letters = atob(text), bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

function floatsOf(bytes, half, count) {
  if (half) {
    const codes = new Uint16Array(bytes.buffer, bytes.byteOffset, count), table = HALF(), values = new Float32Array(count);
    for (let i = 0; i < count; i++) values[i] = table[codes[i]];
    return values;
  }
  return new Float32Array(bytes.buffer, bytes.byteOffset, count);
}

const KEPT_NUMBERS = 1 << 24;
const kept = new Set();   /* of decoded matrices, the one used last at the end */

/* Numbers of rows x cols, decoded when they are first wanted and let go when others need the room. Damaged ones are not defined. */
class Matrix {
  constructor(rows, cols, source, half) { Object.assign(this, {rows, cols, source, half, numbers: null}); }
  decode() {
    const count = this.rows * this.cols;
    try { return floatsOf(bytesOf(this.source), this.half, count); } catch { return new Float32Array(count).fill(NaN); }
  }
  get values() {
    if (Array.isArray(this.source) || this.source instanceof Float32Array) return this.numbers ||= Float32Array.from(this.source, x => x === null ? NaN : x);
    kept.delete(this);
    kept.add(this);
    if (!this.numbers) {
      this.numbers = this.decode();
      let all = sum(Array.from(kept, m => m.numbers.length));
      for (const old of kept) {
        if (all <= KEPT_NUMBERS || old === this) break;
        all -= old.numbers.length;
        old.numbers = null;
        kept.delete(old);
      }
    }
    return this.numbers;
  }
}

function readMatrix(json, what) {
  const rows = json && json.rows, cols = json && (json.cols ?? json.columns), data = json && json.data;
  if (!Number.isInteger(rows) || !Number.isInteger(cols) || rows < 0 || cols < 0) return fault(`${what}: no matrix`);
  const size = rows * cols, half = json.type === 'f16';
  const held = Array.isArray(data) ? data.length : typeof data === 'string' ? Math.floor((data.length - (data.endsWith('==') ? 2 : data.endsWith('=') ? 1 : 0)) * 3 / 4) / (half ? 2 : 4) : -1;
  if (held !== size) return fault(`${what}: ${thousands(size)} numbers are due, ${held < 0 ? 'none' : thousands(held)} are there`);
  return new Matrix(rows, cols, data, half);
}

const SPECIAL = /^<\/?(s|pad|unk|bos|eos|mask|cls|sep)>$/i;
const isSpecial = s => (s.start === s.end && (s.text === '' || SPECIAL.test(s.text))) || /^<\/?(s|pad)>$/.test(s.text);
const isEnd = s => s.start === s.end && s.text === '</s>';

function readSymbols(list) {
  return (Array.isArray(list) ? list : []).map((json, i) => {
    const s = {text: String(json.text ?? ''), start: json.start, end: json.end, logp: finite(json.logp) ? json.logp : null, alternatives: json.alternatives || []};
    return Object.assign(s, {index: i, special: isSpecial(s), label: isEnd(s) ? '\u220e' : visible(s.text)});
  });
}

/* Words as sets of symbols: those whose bytes they share. A symbol of no word stands alone. */
function readWords(ranges, symbols, text) {
  const pairs = (Array.isArray(ranges) ? ranges : []).map(r => Array.isArray(r) ? r : [r.start, r.end]);
  const bytes = new TextEncoder().encode(text), word = new Int32Array(symbols.length).fill(-1), decode = new TextDecoder();
  let at = 0;
  for (const s of symbols) {
    while (at < pairs.length && pairs[at][1] <= s.start) at++;
    if (at < pairs.length && s.end > s.start && s.end > pairs[at][0]) word[s.index] = at;
  }
  const units = [], of = new Map();
  for (const s of symbols) {
    const w = word[s.index];
    if (w >= 0 && of.has(w)) units[of.get(w)].members.push(s.index);
    else {
      if (w >= 0) of.set(w, units.length);
      units.push({members: [s.index], special: s.special, label: w < 0 ? s.label : visible(decode.decode(bytes.subarray(pairs[w][0], pairs[w][1]))), word: w, start: s.start});
    }
  }
  return {units, at: word, unitOf: of, count: pairs.length};
}

function makeAxis(side, text, symbols, ranges) {
  const axis = {side, text: String(text ?? ''), symbols: readSymbols(symbols)};
  axis.units = axis.symbols.map(s => ({members: [s.index], special: s.special, label: s.label, logp: s.logp, start: s.start, end: s.end}));
  axis.words = readWords(ranges, axis.symbols, axis.text);
  for (const unit of axis.words.units) {
    const logps = unit.members.map(i => axis.symbols[i].logp).filter(finite);
    Object.assign(unit, {logp: logps.length ? sum(logps) : null, end: axis.symbols[unit.members.at(-1)].end});
  }
  axis.hasWords = axis.words.count > 0 && axis.words.units.length < axis.units.length;
  return axis;
}

const fits = (matrix, rows, cols, what) => {
  if (matrix && matrix.rows === rows.symbols.length && matrix.cols === cols.symbols.length) return true;
  if (matrix) fault(`${what}: ${matrix.rows} x ${matrix.cols} numbers for ${rows.symbols.length} x ${cols.symbols.length} symbols`);
  return false;
};

function meanOf(matrices) {
  const all = new Float32Array(matrices[0].rows * matrices[0].cols);
  for (const m of matrices) m.values.forEach((x, i) => { all[i] += x / matrices.length; });
  return new Matrix(matrices[0].rows, matrices[0].cols, all, false);
}

const RAW = 'Where the decoder looked while it wrote each symbol. Shows what was mixed in, not what decided: a symbol can be looked at and have no effect.';

/* What a decoder reads of itself: <s>, and all that was written but the last. */
const readAxis = (output, target, ranges) => makeAxis('target', target.text, [{text: '<s>', start: 0, end: 0}, ...(output.tokens || []).slice(0, -1)], ranges);

function readHeads(json, output, source, target) {
  const listed = json.heads || (output.weights || []).map(w => ({site: 'cross', layer: w.layer, head: w.head, matrix: w}));
  const itself = listed.some(h => h.site === 'decoder') ? readAxis(output, target, output.words || json.target_words) : target;
  return listed.flatMap(h => {
    const site = h.site || 'cross', what = `head ${h.layer}.${h.head} (${site})`, matrix = readMatrix(h.matrix, what);
    const rows = site === 'encoder' ? source : target, cols = site === 'decoder' ? itself : source;
    return matrix && fits(matrix, rows, cols, what) ? [{...h, site, rows, cols, matrix, kind: 'head', signed: false, name: `${site}-${h.layer}-${h.head}`}] : [];
  });
}

function readLenses(json, heads, source, target) {
  const lenses = (json.lenses || []).flatMap(l => {
    const matrix = readMatrix(l.matrix, `lens ${l.name}`);
    return matrix && fits(matrix, target, source, `lens ${l.name}`) ? [{...l, title: l.title || l.name, matrix, rows: target, cols: source, kind: 'lens'}] : [];
  });
  const cross = heads.filter(h => h.site === 'cross');
  if (lenses.length || !cross.length) return lenses;
  const last = Math.max(...cross.map(h => h.layer)), these = cross.filter(h => h.layer === last);
  return [{name: 'weights', title: 'Weights', sentence: RAW, signed: false, kind: 'lens', rows: target, cols: source, matrix: meanOf(these.map(h => h.matrix)),
    method: these.length > 1 ? `mean of the ${these.length} heads of layer ${last}` : 'attention as it was'}];
}

function readExplanation(json) {
  const outputs = (json.outputs || []).map(o => ({...o, axis: makeAxis('target', o.text, o.tokens, o.words || json.target_words)}));
  const output = outputs[0] || {text: '', tokens: [], axis: makeAxis('target', '', [])};
  const source = makeAxis('source', json.source, json.source_tokens, json.source_words), target = output.axis;
  source.kind = json.source_kind || 'text';
  source.content = json.source_content;
  const heads = readHeads(json, output, source, target);
  return {json, id: json.id, model: Object(json.model), error: json.error, source, target, outputs, output, heads, lenses: readLenses(json, heads, source, target),
    gold: json.gold, links: output.align || [], trust: json.trust, beams: json.beams, whatIf: json.what_if || [], film: json.film};
}

/* Items stand model by model, so many of each. */
function countModels(json) {
  let at = 0;
  (json.counts || []).forEach((count, place) => { for (let i = 0; i < count && json.items[at]; i++) json.items[at++].place = place; });
  return json;
}

/* The film of a training (heed explain --film --json) as explanations of its sentences, each as the last frame saw it. */
function readFilm(json) {
  const symbols = (texts, whole) => {
    let at = 0;
    return texts.map((text, i) => {
      const found = i === texts.length - 1 ? -1 : whole.indexOf(text, at), start = found < 0 ? at : found;
      at = found < 0 ? at : found + text.length;
      return {text, start, end: at};
    });
  };
  const items = json.sentences.map(s => {
    const read = s.read || [], written = s.written || [];
    const frames = json.frames.flatMap(f => (f.looks || []).filter(look => look.sentence === s.sentence && look.weights).map(look => ({...f, entropy: look.entropy, matrix: {rows: written.length, cols: read.length, data: look.weights}})));
    return {id: s.line, source: s.source, source_tokens: symbols(read, s.source || ''), outputs: [{text: s.reference, tokens: symbols(written, s.reference || '')}], film: {frames},
      lenses: frames.length ? [{name: 'weights', title: 'Weights', sentence: RAW, signed: false, method: `the reference read along, update ${thousands(frames.at(-1).update)}`, matrix: frames.at(-1).matrix}] : []};
  });
  return items.length ? {items, single: items.length === 1, models: [json.film || 'film']} : 'This film holds no sentence.';
}

/* The object of the page; a text says why there is none. */
function readPage() {
  const text = document.getElementById('data')?.textContent || '';
  if (!text.trim()) return 'This page was opened without its data. heed explain MODEL TEXT -o page.html writes both into one file.';
  let json;
  try { json = JSON.parse(text); } catch (e) { return `The data of this page cannot be read (${e.message}). Was the file cut off when it was copied? Write it again with heed explain -o.`; }
  if (Array.isArray(json.items)) return json.items.length ? countModels(json) : 'This corpus holds no explanation.';
  if (Array.isArray(json.sentences) && Array.isArray(json.frames)) return readFilm(json);
  if (json.heed && json.heed !== 'explanation') return `This page shows explanations; its data are of another kind (${plain(json.heed)}).`;
  if (json.version > 1) return `These data are version ${json.version}; this page reads version 1. Make it again with the heed that wrote them.`;
  return {items: [json], single: true};
}
