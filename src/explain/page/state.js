/* What is shown, what is pinned and where the pointer is; parts listen to `item`, `view`, `display`, `look` and `theme`. */

const state = {items: [], item: -1, x: null, view: null, words: false, hideSpecial: false, log: false, byRow: false, gold: true, threshold: 0, theme: 'auto',
  pins: {rows: new Set(), cols: new Set()}, hover: null, grid: null};

const listeners = {};
const listen = (names, call) => names.split(' ').forEach(name => (listeners[name] ||= []).push(call));
const tell = (name, ...more) => (listeners[name] || []).forEach(call => call(...more));

const darkWish = window.matchMedia('(prefers-color-scheme: dark)');
const themeName = () => state.theme === 'auto' ? (darkWish.matches ? 'dark' : 'light') : state.theme;
const pageColours = signed => palette(themeName(), signed);

const unitsOf = axis => (state.words && axis.hasWords ? axis.words.units : axis.units);

/* Rows and columns as shown: symbols or words, without the special ones if so wished. A word read has the sum of its symbols; a word written their sum where scores
 * are parts of ln p, their mean where rows are shares. */
function makeGrid(view) {
  const pick = axis => unitsOf(axis).map((unit, place) => ({...unit, place})).filter(unit => !(state.hideSpecial && unit.special));
  const rows = pick(view.rows), cols = pick(view.cols), R = rows.length, C = cols.length, width = view.matrix.cols, all = view.matrix.values;
  let values = all;
  if (R !== view.matrix.rows || C !== width) {
    values = new Float32Array(R * C);
    for (let r = 0; r < R; r++) {
      const share = view.signed ? 1 : 1 / rows[r].members.length;
      for (let c = 0; c < C; c++) {
        let total = 0;
        for (const i of rows[r].members) for (const j of cols[c].members) total += all[i * width + j];
        values[r * C + c] = total * share;
      }
    }
  }
  const tops = new Float32Array(R);
  let low = Infinity, high = -Infinity, undefinedCells = 0;
  for (let r = 0; r < R; r++) {
    let top = 0;
    for (let k = r * C; k < (r + 1) * C; k++) {
      const v = values[k];
      if (v - v !== 0) { undefinedCells++; continue; }
      if (v < low) low = v;
      if (v > high) high = v;
      const size = v < 0 ? -v : v;
      if (size > top) top = size;
    }
    tops[r] = top;
  }
  const most = tops.reduce((a, b) => Math.max(a, b), 0);
  return {view, rows, cols, R, C, values, tops, undefinedCells, most: most || 1, low, high, signed: Boolean(view.signed) || low < 0, at: (r, c) => values[r * C + c]};
}

const LOG_DECADES = 4;
/* The shade of a value, from -1 to 1; NaN stays. */
function shadeOf(v, most) {
  const sign = v < 0 ? -1 : 1, part = sign * v / most;
  if (part < state.threshold) return 0;
  if (!state.log) return v / most;
  return part > 0 ? sign * Math.max(0, 1 + Math.log10(part) / LOG_DECADES) : part;
}
const mostOf = (grid, r) => state.byRow ? grid.tops[r] || 1 : grid.most;

function regrid() {
  const before = state.grid;
  state.grid = state.view ? makeGrid(state.view) : null;
  const same = before && state.grid && ['rows', 'cols'].every(side => before.view[side] === state.grid.view[side] && before[side].length === state.grid[side].length);
  if (!same) for (const side of ['rows', 'cols']) state.pins[side].clear();
  state.hover = null;
}

function setView(view) { state.view = view; regrid(); tell('view'); tell('look'); }
function setDisplay(change) {
  const before = [state.words, state.hideSpecial];
  Object.assign(state, change);
  if (state.words !== before[0] || state.hideSpecial !== before[1]) { regrid(); tell('view'); } else tell('display');
  tell('look');
}
function setHover(row, col, spoken) {
  const now = row < 0 && col < 0 ? null : {row, col, spoken};
  if (now?.row === state.hover?.row && now?.col === state.hover?.col) return;
  state.hover = now;
  tell('look');
}
function togglePin(side, place) {
  const pins = state.pins[side];
  if (!pins.delete(place)) pins.add(place);
  tell('look');
}
function unpin() { state.pins.rows.clear(); state.pins.cols.clear(); state.hover = null; tell('look'); }

function showItem(index) {
  state.item = index;
  const json = state.items[index];
  state.x = readExplanation(json);
  state.view = null;
  tell('item');
  setView(firstView(state.x));
}
/* The lens that the page trusts most, here or over a corpus; else the first. */
function firstView(x) {
  for (const name of x.trust?.recommended || []) {
    const lens = x.lenses.find(l => l.name === name);
    if (lens) return lens;
  }
  return x.lenses[0] || x.heads[0] || null;
}

/* Scores that the pointer, else the pins, give to the units of a side: sums over the rows or columns chosen. Null where nothing is chosen. */
function scoresFor(side) {
  const g = state.grid, other = side === 'cols' ? 'row' : 'col', hovered = state.hover?.[other] ?? -1;
  if (!g) return null;
  const chosen = state.hover ? (hovered >= 0 ? [hovered] : []) : [...state.pins[other + 's']];
  if (!chosen.length) return null;
  const n = side === 'cols' ? g.C : g.R, scores = new Float64Array(n);
  for (const k of chosen) for (let i = 0; i < n; i++) scores[i] += side === 'cols' ? g.values[k * g.C + i] : g.values[i * g.C + k];
  return {chosen, scores, most: (side === 'cols' && chosen.length === 1 ? mostOf(g, chosen[0]) : g.most) * chosen.length};
}

/* Gold links as cells of the grid. */
function goldCells(grid, x) {
  if (grid.view.rows.side !== 'target' || grid.view.cols.side !== 'source' || !Array.isArray(x.gold)) return [];
  const wordly = unit => unit.members;
  const places = (units, axis) => {
    const map = new Map();
    units.forEach((unit, place) => { for (const i of wordly(unit)) { const w = axis.words.count ? axis.words.at[i] : i; if (!map.has(w)) map.set(w, []); if (map.get(w).at(-1) !== place) map.get(w).push(place); } });
    map.delete(-1);
    return map;
  };
  const rows = places(grid.rows, x.target), cols = places(grid.cols, x.source);
  return x.gold.filter(Array.isArray).flatMap(([s, t]) => (rows.get(t) || []).flatMap(r => (cols.get(s) || []).map(c => [r, c])));
}
