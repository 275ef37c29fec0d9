/* The two lines above all else: what was read and what was written, each symbol shaded by what the other side's chosen symbols give it; and, in words and numbers, what is chosen. */

const isSelf = view => view.site === 'encoder' || view.site === 'decoder';

function makeStrip() {
  const lines = el('div', {class: 'lines'}), node = el('section', {class: 'strip', 'aria-label': 'Read and written'}, lines);
  let sides = [];

  const gridPlace = (side, unit) => state.grid ? state.grid[side].findIndex(u => u.place === unit) : -1;
  function line(side, axis, label, note) {
    const holder = el('div', {class: 'line'}), shown = {...axis, title: label};
    const touch = {
      hover(unit, spoken) { const at = unit < 0 ? -1 : gridPlace(side, unit); setHover(side === 'rows' ? at : -1, side === 'cols' ? at : -1, spoken); },
      pin(unit) { const at = gridPlace(side, unit); if (at >= 0) togglePin(side, at); },
    };
    const renderer = renderers[axis.kind || 'text'] || renderers.text;
    lines.append(el('div', {class: 'label'}, label), el('div', {class: 'body'}, holder, note ? el('div', {class: 'note dim'}, note) : null));
    return {side, axis, drawn: renderer(holder, shown, touch)};
  }

  function build() {
    const x = state.x, v = state.view;
    clear(lines);
    sides = [];
    if (!v) return lines.append(el('div', {class: 'label'}, 'Read'), el('div', {class: 'body plain', dir: 'auto'}, plain(x.source.text) || 'nothing'), el('div', {class: 'label'}, 'Wrote'),
      el('div', {class: 'body plain', dir: 'auto'}, x.error ? plain(x.error) : plain(x.output.text) || 'nothing'));
    const self = isSelf(v), score = finite(x.output.score) ? `ln p ${fixed(x.output.score)} \u00b7 ${plural(x.target.symbols.length, 'symbol')}` : '';
    sides.push(line('cols', v.cols, self ? 'Looked at' : 'Read', null), line('rows', v.rows, self ? 'Looking' : 'Wrote', v.rows.side === 'target' && score));
    const reference = x.json.reference;
    if (reference && plain(reference) !== plain(x.output.text)) lines.append(el('div', {class: 'label'}, 'Reference'), el('div', {class: 'body plain', dir: 'auto'}, plain(reference)));
  }

  function look() {
    const g = state.grid;
    for (const {side, drawn} of sides) {
      const given = scoresFor(side), colours = pageColours(g.signed), units = g[side], whole = units.length === unitsOf(g.view[side]).length;
      let scores = given?.scores;
      if (scores && !whole) { scores = []; units.forEach((u, i) => { scores[u.place] = given.scores[i]; }); }
      drawn.shade(scores || null, given?.most || 1, colours);
      const at = state.hover ? state.hover[side === 'rows' ? 'row' : 'col'] : -1;
      drawn.mark(new Set(Array.from(state.pins[side], i => units[i].place)), at >= 0 ? units[at].place : -1);
    }
  }
  listen('item view', build);
  listen('view look display theme', () => { if (sides.length) look(); });
  return node;
}

const TOP = 8;
/* Places of the largest sizes, largest first. */
function strongest(scores, count) {
  const best = [];
  for (let i = 0; i < scores.length; i++) {
    const size = Math.abs(scores[i]);
    if (!(size <= Infinity) || (best.length === count && size <= Math.abs(scores[best[count - 1]]))) continue;
    let at = best.length;
    while (at > 0 && size > Math.abs(scores[best[at - 1]])) at--;
    best.splice(at, 0, i);
    if (best.length > count) best.pop();
  }
  return best;
}
/* What the chosen symbols look at, strongest first. */
function makeReading() {
  const head = el('h3', {}, ''), list = el('ol', {class: 'bars'}), rest = el('p', {class: 'dim small'}), more = el('p', {class: 'dim small'}), loud = el('div', {class: 'away', role: 'status', 'aria-live': 'polite'});
  const empty = el('p', {class: 'dim small'}, 'Point at a symbol or a cell to see its own; click to pin it, click others to add them. Escape lets go.');
  const node = el('div', {class: 'reading'}, head, list, rest, more, empty, loud);
  const name = u => `\u201c${shorten(u.label, 24)}\u201d`;
  const rows = range(TOP).map(() => {
    const parts = {label: el('bdi', {class: 'who'}), bar: el('span', {class: 'bar'}), value: el('span', {class: 'value'})};
    return {...parts, node: el('li', {}, parts.label, el('span', {class: 'track'}, parts.bar), parts.value)};
  });
  list.append(...rows.map(r => r.node));

  function describe() {
    const g = state.grid, h = state.hover, self = g && isSelf(g.view);
    if (!g) return null;
    const side = h ? (h.row >= 0 ? 'cols' : 'rows') : state.pins.rows.size ? 'cols' : 'rows', given = scoresFor(side);
    if (!given) return whole(g);
    const from = side === 'cols' ? g.rows : g.cols, chosen = given.chosen.map(i => from[i]), wrote = from === g.rows;
    const verb = g.signed ? (wrote ? 'rests on' : 'adds to') : self ? (wrote ? 'looks at' : 'is looked at by') : wrote ? 'looked at' : 'was looked at by';
    const who = chosen.length === 1 ? `${name(chosen[0])} ${verb}` : `${plural(chosen.length, 'symbol')} together ${g.signed && wrote ? 'rest on' : verb}`;
    return {side, given, chosen, wrote, who, order: strongest(given.scores, TOP), units: g[side], cell: h && h.row >= 0 && h.col >= 0 ? {row: g.rows[h.row], col: g.cols[h.col], value: g.at(h.row, h.col)} : null};
  }

  /* Nothing chosen: all rows together. */
  function whole(g) {
    const scores = new Float64Array(g.C), share = g.signed ? 1 : 1 / g.R;
    for (let r = 0; r < g.R; r++) for (let c = 0; c < g.C; c++) scores[c] += g.values[r * g.C + c] * share;
    return {side: 'cols', given: {scores}, chosen: [], wrote: false, who: g.signed ? 'All together rest on' : 'On the whole, shares go to', order: strongest(scores, TOP), units: g.cols, cell: null, all: true};
  }

  function look() {
    const d = describe(), g = state.grid;
    empty.hidden = Boolean(d && !d.all);
    for (const part of [head, list, rest, more]) part.hidden = !d;
    if (!d) return;
    head.textContent = d.who;
    const colours = pageColours(g.signed), top = Math.abs(d.given.scores[d.order[0]]) || 1;
    rows.forEach((row, k) => {
      const i = d.order[k], v = d.given.scores[i];
      row.node.hidden = i === undefined;
      if (i === undefined) return;
      row.label.textContent = shorten(d.units[i].label, 18);
      row.value.textContent = g.signed ? (v > 0 ? '+' : '') + number(v) : number(v);
      row.bar.style.width = Math.max(1, 100 * Math.abs(v) / top) + '%';
      row.bar.style.backgroundColor = v < 0 ? colours.other : colours.accent;
      row.node.classList.toggle('this', Boolean(d.cell) && d.units[i] === (d.side === 'cols' ? d.cell.col : d.cell.row));
    });
    const others = d.given.scores.length - d.order.length;
    rest.textContent = others > 0 && d.order.length === TOP ? `and ${plural(others, 'other')}: ${number(d.given.scores.reduce((all, v) => finite(v) ? all + v : all, 0) - sum(d.order.map(i => d.given.scores[i])))} in all` : '';
    const only = d.chosen.length === 1 ? d.chosen[0] : null;
    more.textContent = [d.cell ? `row ${d.cell.row.place}, column ${d.cell.col.place}: ${number(d.cell.value)}` : '',
      only && finite(only.logp) && d.wrote ? `ln p ${fixed(only.logp)} (${percent(Math.exp(only.logp), 1)})` : '', only && d.wrote ? alternatives(only) : ''].filter(Boolean).join(' \u00b7 ');
    if (state.hover?.spoken) loud.textContent = d.cell ? `${d.cell.row.label}, ${d.cell.col.label}: ${number(d.cell.value)}` : `${d.who}: ${d.order.slice(0, 3).map(i => `${d.units[i].label} ${number(d.given.scores[i])}`).join(', ')}`;
  }
  const alternatives = unit => {
    const others = unit.members.length === 1 ? (state.x.target.symbols[unit.members[0]]?.alternatives || []).filter(a => visible(a.text) !== unit.label).slice(0, 3) : [];
    return others.length ? 'else ' + others.map(a => `${visible(a.text)} ${percent(Math.exp(a.logp), 1)}`).join(', ') : '';
  };
  listen('look view display theme', look);
  return node;
}
