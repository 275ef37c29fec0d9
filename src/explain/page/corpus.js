/* Many explanations: a table with the worst first, what the heads do over all of them, which lens to trust, two models beside each other. */

const modelOf = (json, models) => models.length && Number.isInteger(json.place) ? models[json.place] : typeof json.model === 'number' ? models[json.model] ?? `model ${json.model}` : typeof json.model === 'string' ? json.model : String(json.model?.name ?? models[0] ?? '');
function itemFigures(json) {
  const output = json.outputs?.[0] || {}, tokens = output.tokens?.length || 0, metric = Object.entries(json.metrics || {}).find(([, v]) => finite(v)), curves = json.trust?.curves || [];
  return {metric: metric ? metric[1] : null, metricName: metric ? metric[0] : null, perSymbol: finite(output.score) && tokens ? output.score / tokens : null, symbols: tokens, tested: curves.length, passed: curves.filter(c => c.passed).length};
}

/* One row a sentence; of two models, both and their difference. */
function corpusRows(items, models) {
  const rows = new Map();
  items.forEach((json, index) => {
    const model = modelOf(json, models), place = Math.max(0, models.indexOf(model));
    let key = `${json.id ?? ''} ${json.source}`;
    while (rows.get(key)?.runs[place]) key += ' again';      /* of the same model: another sentence, whatever its number */
    if (!rows.has(key)) rows.set(key, {id: json.id ?? index, source: plain(json.source ?? ''), runs: []});
    rows.get(key).runs[place] = {index, json, model, ...itemFigures(json)};
  });
  return [...rows.values()].map(row => {
    const runs = row.runs.filter(Boolean), score = r => r?.metric ?? r?.perSymbol;
    return {...row, first: runs[0], worst: Math.min(...runs.map(score).filter(finite)), difference: row.runs[0] && row.runs[1] ? score(row.runs[1]) - score(row.runs[0]) : null};
  });
}

const PAGE_ROWS = 50;
function makeCorpus(data) {
  const models = (data.models || []).map(String), names = models.length ? models : [...new Set(data.items.map(json => modelOf(json, [])))], rows = corpusRows(data.items, names), two = rows.some(r => r.runs.filter(Boolean).length > 1);
  const metric = rows.map(r => r.first.metricName).find(Boolean) || 'ln p per symbol', score = run => run?.metric ?? run?.perSymbol ?? null;
  const briefly = name => { const last = n => n.replace(/\/+$/, '').split('/').pop(); return plain(names.filter(n => last(n) === last(name)).length > 1 ? name : last(name)); };
  const columns = [['sentence', r => r.source, 1], ...names.slice(0, 2).map((name, i) => [two ? `${metric}, ${briefly(name)}` : metric, r => score(r.runs[i]), 1]), ...(two ? [['difference', r => r.difference, 1]] : []),
    ['symbols', r => r.first.symbols, -1], ['lenses passed', r => r.first.tested ? r.first.passed / r.first.tested : null, 1]].filter(([, of]) => rows.some(r => of(r) !== null)), judged = columns[1] && columns[1][0] !== 'symbols';
  let by = judged ? 1 : 0, direction = 1, page = 0;
  const holder = el('div', {}), open = el('p', {class: 'dim', role: 'status'}), beside = el('div', {class: 'both'});
  const tableData = () => ({head: ['id', ...columns.map(c => c[0])], rows: sorted().map(r => [String(r.id), ...columns.map(c => c[1](r))])});
  const links = () => sorted().map(r => pharaoh((r.first.json.outputs?.[0]?.align || []).filter(Array.isArray))).join('');
  const node = section('corpus', 'All sentences', open, holder, beside, exportMenu('corpus', {svg: () => corpusSvg(), table: tableData, json: () => tableData().rows.map(r => Object.fromEntries(r.map((v, i) => [tableData().head[i], v]))), pharaoh: links}));
  const summary = summaryHtml(data, names);
  if (summary.childNodes.length) node.insertBefore(summary, node.lastChild);

  const value = r => { const v = columns[by][1](r); return v === null || Number.isNaN(v) ? null : v; };
  const sorted = () => rows.slice().sort((a, b) => { const x = value(a), y = value(b); return x === null || y === null ? (x === null) - (y === null) : direction * (typeof x === 'string' ? x.localeCompare(y) : x - y); });
  function build() {
    const order = sorted(), shown = order.slice(page * PAGE_ROWS, (page + 1) * PAGE_ROWS), cell = v => typeof v === 'number' ? (finite(v) ? number(v) : '\u2013') : '\u2013';
    const heads = columns.map(([name], i) => [button(name, {class: 'sort', 'aria-label': `${name}, order by it`}, () => { direction = by === i ? -direction : columns[i][2]; by = i; page = 0; build(); holder.querySelectorAll('.sort')[i].focus(); }), by === i ? (direction > 0 ? ' \u2191' : ' \u2193') : '']);
    const list = shown.map(r => el('tr', {class: r.runs.some(run => run?.index === state.item) ? 'this' : null}, el('th', {scope: 'row', dir: 'auto'}, button(shorten(r.source, 90) || '(empty)', {class: 'link'}, () => choose(r))), columns.slice(1).map(c => el('td', {}, c[0] === 'lenses passed' ? percent(c[1](r)) : cell(c[1](r))))));
    const node = table(heads, list, {class: 'numbers corpus'}, null);
    node.querySelectorAll('th[scope=col]').forEach((th, i) => th.setAttribute('aria-sort', by === i ? (direction > 0 ? 'ascending' : 'descending') : 'none'));
    const pages = Math.ceil(rows.length / PAGE_ROWS);
    clear(holder, node, pages > 1 ? el('div', {class: 'pager'}, button('\u2039', {'aria-label': 'sentences before', disabled: page === 0}, () => { page--; build(); }), el('span', {}, `${page * PAGE_ROWS + 1}\u2013${Math.min(rows.length, (page + 1) * PAGE_ROWS)} of ${thousands(rows.length)}`), button('\u203a', {'aria-label': 'sentences after', disabled: page + 1 >= pages}, () => { page++; build(); })) : null);
    open.textContent = `${plural(rows.length, 'sentence')}${two ? ` of two models` : ''}${judged ? ', worst first' : ''}; choose one to see it below.`;
  }
  const card = (r, run) => el('div', {class: 'run'}, el('h3', {}, plain(run.model)), el('p', {dir: 'auto'}, plain(run.json.outputs?.[0]?.text ?? run.json.error ?? '')), el('p', {class: 'dim small'}, `${metric} ${number(score(run))} \u00b7 ${run.tested ? `${run.passed} of ${run.tested} lenses passed` : 'lenses not tested'}`),
    button(state.item === run.index ? 'shown below' : 'show below', {'aria-pressed': String(state.item === run.index)}, () => { showItem(run.index); choose(r); }));
  function choose(r) {
    if (!r.runs.some(run => run?.index === state.item)) showItem(r.first.index);
    const runs = r.runs.filter(Boolean);
    clear(beside, runs.length > 1 ? runs.map(run => card(r, run)) : null);
    build();
  }
  function corpusSvg() {
    const order = sorted().slice(0, 60), values = order.map(r => names.slice(0, 2).map((_, i) => score(r.runs[i]))), all = values.flat().filter(finite), low = Math.min(0, ...all), high = Math.max(0, ...all), scale = x => 330 + (x - low) / (high - low || 1) * 330;
    return paper(720, 60 + order.length * 18, 'All sentences', svg('text', {x: 16, y: 26, 'font-weight': 600}, `${metric}: ${names.map(plain).join(' (blue), ')}${two ? ' (orange)' : ''}`),
      order.map((r, i) => [svg('text', {x: 320, y: 56 + i * 18, 'text-anchor': 'end', 'font-size': 10}, fitText(r.source, 10, 300)), values[i].map((v, k) => finite(v) ? svg('circle', {cx: scale(v), cy: 52 + i * 18, r: 4, fill: k ? SCALES.light.other : SCALES.light.accent}) : null)]));
  }
  return {node, start() { choose(sorted()[0]); }};
}

/* What heed faithful found of a model, as explanations of it bring it along. */
function faithfulHtml(data, names, name) {
  const x = data.items.find(json => modelOf(json, names) === name && Array.isArray(json.trust?.faithful)), whole = l => Array.isArray(l?.gain) && l.gain.length === 3 && l.gain.every(finite);
  const lenses = (x?.trust.faithful || []).filter(whole), top = Math.max(...lenses.map(l => l.gain[2]), 1e-9), title = l => x.lenses?.find?.(own => own?.name === l.lens)?.title || l.lens;
  if (!lenses.length) return null;
  const bar = ([, low, high]) => el('td', {class: 'interval'}, el('span', {style: {left: 100 * Math.max(0, low) / top + '%', width: Math.max(1, 100 * (Math.max(0, high) - Math.max(0, low)) / top) + '%'}}));
  const rows = lenses.map(l => el('tr', {}, el('th', {scope: 'row'}, plain(title(l))), el('td', {}, number(l.gain[0])), el('td', {}, `${number(l.gain[1])} to ${number(l.gain[2])}`), bar(l.gain),
    el('td', {class: 'verdict'}, el('span', {class: l.passed ? 'pass' : 'fail'}, l.passed ? PASSED + ' passed' : FAILED + ' failed'))));
  const node = table(['lens', 'gain', '95 %', '', 'verdict'], rows, {class: 'numbers'}, `By heed faithful, over ${plural(finite(lenses[0].pairs) ? lenses[0].pairs : 0, 'pair')}: gain is how much better than random orders a lens does.`);
  return [el('h3', {}, names.length > 1 ? `Which lens to trust for ${plain(name)}` : 'Which lens to trust for this model'), node];
}

/* Which lens to trust, with intervals, and what heads do on average. */
function summaryHtml(data, names) {
  const node = el('div', {class: 'summary'});
  for (const name of names) node.append(...(faithfulHtml(data, names, name) || []));
  if (data.summary?.note) node.append(el('p', {class: 'dim small'}, plain(data.summary.note)));
  const heads = headMeans(data);
  if (heads.length) node.append(el('details', {}, el('summary', {}, 'Heads over all sentences'), table(['head', 'entropy', 'spread', 'sink'], heads.map(h => el('tr', {}, el('th', {scope: 'row'}, `${h.site} ${h.layer}.${h.head}`), el('td', {}, fixed(h.entropy)), el('td', {}, finite(h.spread) ? '\u00b1 ' + fixed(h.spread) : '\u2013'), el('td', {}, percent(h.sink)))), {class: 'numbers'}, 'Means over all sentences of one model; spread is the standard deviation of the entropy')));
  return node;
}
function headMeans(data) {
  if (Array.isArray(data.summary?.heads)) return data.summary.heads;
  const groups = new Map();
  for (const json of data.items) for (const h of json.heads || []) {
    const key = `${modelOf(json, data.models || [])} ${h.site} ${h.layer}.${h.head}`;
    if (finite(h.entropy)) (groups.get(key) || groups.set(key, []).get(key)).push(h);
  }
  return [...groups.entries()].map(([key, list]) => { const m = mean(list.map(h => h.entropy)); return {site: key.replace(/ [^ ]*$/, ''), layer: list[0].layer, head: list[0].head, entropy: m, spread: Math.sqrt(mean(list.map(h => (h.entropy - m) ** 2))), sink: mean(list.map(h => h.sink))}; });
}
