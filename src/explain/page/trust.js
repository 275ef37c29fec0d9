/* Whether a lens may be believed: what happens when that which it points at is taken away or put back, beside chance and beside the reverse order. */

const SHARES = [0.01, 0.05, 0.1, 0.2, 0.5].map(x => percent(x));

const measureOf = x => plain(x.trust.measure || 'ln p of the output');

function trustCharts(x, name, colours) {
  const t = x.trust, c = verdictOf(x, name), random = t.random || {}, reverse = t.reverse?.[name] || {};
  const chart = (kind, title, xlabel) => {
    const lines = [{name: 'this lens', ys: c[kind], look: 'main'}, {name: 'blanked, not taken out', ys: kind === 'deletion' ? c.blanking : null, look: 'thin'}, {name: 'random', ys: random[kind], look: 'faint'}, {name: 'reverse', ys: c['reverse_' + kind] || reverse['reverse_' + kind] || reverse[kind], look: 'other'}];
    const low = random[kind + '_low'] || (kind === 'deletion' ? random.low : null), high = random[kind + '_high'] || (kind === 'deletion' ? random.high : null);
    const there = lines.filter(l => Array.isArray(l.ys) && l.ys.length);
    return there.length ? lineChart({title, x: c.x, xlabel, ylabel: measureOf(x), percent: true, lines: there, band: Array.isArray(low) && Array.isArray(high) ? [low, high] : null}, colours) : null;
  };
  return [chart('deletion', 'Taken away, strongest first', 'share of the source taken away'), chart('insertion', 'Put back, strongest first', 'share of the source put back')].filter(Boolean);
}

function trustTable(x) {
  const t = x.trust, title = name => x.lenses.find(l => l.name === name)?.title || name, verdict = c => judged(c) === null ? '' : c.passed ? 'passed' : 'failed', pick = list => SHARES.map((_, i) => list?.[i] ?? null);
  const rows = (t.curves || []).map(c => [title(c.lens), verdict(c), ...pick(c.comprehensiveness), ...pick(c.sufficiency)]);
  if (t.random?.comprehensiveness) rows.push(['random', '', ...pick(t.random.comprehensiveness), ...pick(t.random.sufficiency)]);
  return {head: ['lens', 'here', ...SHARES.map(s => 'comprehensiveness ' + s), ...SHARES.map(s => 'sufficiency ' + s)], rows};
}

function trustHtml(x, now) {
  const data = trustTable(x), best = x.trust.recommended?.[0];
  const cell = v => typeof v === 'number' ? el('td', {}, number(v)) : el('td', {}, '\u2013');
  const body = data.rows.map((row, i) => {
    const c = x.trust.curves?.[i], lens = c && x.lenses.find(l => l.name === c.lens), passed = judged(c);
    return el('tr', {class: c && c.lens === now ? 'this' : null}, el('th', {scope: 'row'}, lens ? button(plain(row[0]), {class: 'link'}, () => setView(lens)) : plain(row[0]), c && c.lens === best ? el('span', {class: 'dim small'}, ' recommended') : null),
      el('td', {class: 'verdict'}, passed === null ? '' : el('span', {class: passed ? 'pass' : 'fail'}, (passed ? PASSED : FAILED) + ' ' + row[1])), row.slice(2).map(cell));
  });
  const node = table([], body, {class: 'numbers trust'}, `Comprehensiveness: what ${measureOf(x)} loses when the strongest symbols are taken away (more is better). Sufficiency: what it lacks when only they are kept (less is better).`);
  clear(node.querySelector('thead'), el('tr', {}, el('th', {rowspan: 2, scope: 'col'}, 'lens'), el('th', {rowspan: 2, scope: 'col'}, 'here'), el('th', {colspan: 5, scope: 'colgroup'}, 'comprehensiveness'), el('th', {colspan: 5, scope: 'colgroup'}, 'sufficiency')),
    el('tr', {}, [...SHARES, ...SHARES].map(s => el('th', {scope: 'col'}, s))));
  return node;
}

function agreementHtml(x) {
  const a = x.trust.agreement;
  if (!Array.isArray(a?.tau) || !Array.isArray(a.lenses)) return null;
  const title = name => plain(x.lenses.find(l => l.name === name)?.title || name), colours = pageColours(true);
  const body = a.tau.map((row, i) => el('tr', {}, el('th', {scope: 'row'}, title(a.lenses[i])), row.map(v => { const place = colours.place(finite(v) ? clamp(v, -1, 1) : NaN); return el('td', {style: {'background-color': place === STEPS ? '' : colours.css[place], color: colours.over[place]}}, fixed(v)); })));
  return el('details', {}, el('summary', {}, 'How far the lenses agree'), el('p', {class: 'dim'}, 'Kendall\u2019s \u03c4 of their orders. Agreement is no proof: lenses can share a mistake. Disagreement is a warning.'),
    table(['', ...a.lenses.map(title)], body, {class: 'numbers'}, 'Kendall\u2019s tau between lenses'));
}

function makeTrust() {
  const charts = el('div', {class: 'charts'}), text = el('p', {}), name = el('h3', {}), tables = el('div', {}), lastLens = () => state.view?.kind === 'lens' ? state.view.name : state.x.trust.curves[0]?.lens;
  const node = section('trust', 'Can it be believed?', text, name, charts, tables, exportMenu('trust', {svg: () => joinCharts(trustCharts(state.x, lastLens(), palette('light'))), table: () => trustTable(state.x), json: () => state.x.trust}));
  function draw() {
    const x = state.x, t = x.trust;
    node.hidden = !Array.isArray(t?.curves) || !t.curves.length;
    if (node.hidden) return;
    const lens = lastLens(), curve = verdictOf(x, lens), passed = judged(curve);
    text.textContent = plain(t.sentence || 'Symbols of the source are taken away, and put back, in the order of a lens. A lens that points at what matters makes a difference sooner than chance.');
    clear(name, plain(x.lenses.find(l => l.name === lens)?.title || lens || ''), ': ', passed === null ? null : el('span', {class: passed ? 'pass' : 'fail', 'aria-hidden': 'true'}, (passed ? PASSED : FAILED) + ' '), verdictText(curve).toLowerCase(),
      el('span', {class: 'why'}, ' ' + plain(curve?.why || '')));
    clear(charts, curve ? trustCharts(x, lens, pageColours()) : null);
    clear(tables, elsewhereHtml(x, lens), trustHtml(x, lens), agreementHtml(x));
  }
  whenIdle('item view theme', draw);
  return node;
}

/* Symbols written at which a lens puts another source symbol first than the lens that takes symbols away (than raw weights, if it is that lens itself): where to look closer. */
const MOST_ELSEWHERE = 12;
function elsewhereHtml(x, name) {
  const lens = x.lenses.find(l => l.name === name), other = x.lenses.find(l => l.name === (name === 'leave-one-out' ? 'weights' : 'leave-one-out'));
  if (!lens || !other || !x.source.symbols.length) return null;
  const first = (l, r) => {
    const row = l.matrix.values.subarray(r * l.matrix.cols, (r + 1) * l.matrix.cols);
    return x.source.symbols.reduce((best, s) => !s.special && row[s.index] > 0 && (best < 0 || row[s.index] > row[best]) ? s.index : best, -1);
  };
  const apart = x.target.symbols.map(s => ({s, here: first(lens, s.index), there: first(other, s.index)})).filter(a => a.here >= 0 && a.there >= 0 && a.here !== a.there);
  const label = i => x.source.symbols[i].label;
  const go = a => () => {
    setView(lens);
    const place = state.grid.rows.findIndex(u => u.members.includes(a.s.index));
    unpin();
    if (place >= 0) togglePin('rows', place);
    document.getElementById('matrix').scrollIntoView({block: 'start'});
  };
  return el('div', {class: 'trust-more'}, el('p', {}, apart.length ? `By \u201c${plain(other.title)}\u201d another source symbol comes first for ${apart.length} of ${plural(x.target.symbols.length, 'symbol')} written:` : `By \u201c${plain(other.title)}\u201d the same source symbol comes first for every symbol written.`),
    apart.slice(0, MOST_ELSEWHERE).map(a => button(`${shorten(a.s.label, 16)}: ${shorten(label(a.here), 16)} here, ${shorten(label(a.there), 16)} there`, {dir: 'auto', title: 'pin it in the matrix'}, go(a))), apart.length > MOST_ELSEWHERE ? ` and ${apart.length - MOST_ELSEWHERE} more` : null);
}

/* Charts side by side in one picture. */
function joinCharts(charts) {
  const width = sum(charts.map(c => +c.getAttribute('width') + 16)), height = Math.max(...charts.map(c => +c.getAttribute('height')));
  let at = 8;
  return paper(width, height + 16, charts.map(c => c.getAttribute('aria-label')).join('; '), charts.map(c => { const g = svg('g', {transform: `translate(${at} 8)`, 'font-size': 11}, ...c.childNodes); at += +c.getAttribute('width') + 16; return g; }));
}
