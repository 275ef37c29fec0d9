/* The search as a tree: steps from left to right, the path that won on the top row, others in the nearest row below that is free. */

const BEAM = {row: 24, gap: 26, pad: 6, font: 12};
const MOST_NODES = 3000;
const STATE_SAYS = {best: 'on the winning path', kept: 'kept', dropped: 'dropped', ended: 'ended'};

function layTree(list) {
  const nodes = (Array.isArray(list) ? list : []).filter(n => n && n.id !== undefined).map(n => ({...n, label: n.parent < 0 && !n.text ? 'start' : visible(n.text === '</s>' ? '\u220e' : n.text ?? ''), children: [], row: 0}));
  const byId = new Map(nodes.map(n => [n.id, n])), roots = [];
  for (const n of nodes) {
    const parent = byId.get(n.parent);
    n.column = finite(n.step) ? Math.max(0, n.step) : 0;
    if (parent && parent !== n && parent.column < n.column) { n.up = parent; parent.children.push(n); } else roots.push(n);
  }
  const order = (a, b) => (b.state === 'best') - (a.state === 'best') || (b.score ?? 0) - (a.score ?? 0), taken = [];   /* taken[row]: columns */
  const free = (row, from, to) => { for (let c = from; c <= to; c++) if (taken[row]?.has(c)) return false; return true; };
  const reach = n => n.children.length ? reach([...n.children].sort(order)[0]) : n.column;
  const place = (n, least) => {
    let row = least;
    const end = reach(n);
    while (!free(row, n.column, end)) row++;
    for (let at = n, others = []; at;) {
      at.row = row;
      (taken[row] ||= new Set()).add(at.column);
      const [next, ...rest] = at.children.sort(order);
      others.push(...rest);
      if (!next) { others.reverse().forEach(o => place(o, row + 1)); break; }
      at = next;
    }
  };
  roots.sort(order).forEach(r => place(r, 0));
  const columns = Math.max(0, ...nodes.map(n => n.column)) + 1, wide = new Array(columns).fill(0);
  nodes.forEach(n => { n.short = shorten(n.label, 16); n.wide = textWidth(n.short, BEAM.font) + 2 * BEAM.pad; wide[n.column] = Math.max(wide[n.column], n.wide); });
  const starts = [8];
  wide.forEach((w, i) => starts.push(starts[i] + w + BEAM.gap));
  return {nodes, roots, starts, rows: Math.max(0, ...nodes.map(n => n.row)) + 1};
}

function treeSvg(tree, colours) {
  const width = tree.starts.at(-1) + 8, height = 24 + tree.rows * BEAM.row + 8, X = n => tree.starts[n.column], Y = n => 24 + n.row * BEAM.row + BEAM.row / 2;
  const looks = {best: {fill: colours.accent, 'font-weight': 600}, kept: {fill: colours.ink}, ended: {fill: colours.ink}, dropped: {fill: colours.dim}};
  const lines = tree.nodes.filter(n => n.up).sort((a, b) => (a.state === 'best') - (b.state === 'best')).map(n => {
    const x0 = X(n.up) + n.up.wide, x1 = X(n), y0 = Y(n.up), y1 = Y(n), middle = x1 - BEAM.gap / 2, best = n.state === 'best';
    return svg('path', {d: y0 === y1 ? `M${x0} ${y0}H${x1}` : `M${x0} ${y0}H${middle - 6}Q${middle} ${y0} ${middle} ${y0 + 6}V${y1 - 6}Q${middle} ${y1} ${middle + 6} ${y1}H${x1}`, fill: 'none', stroke: best ? colours.accent : colours.edge,
      'stroke-width': best ? 2 : 1, 'stroke-dasharray': n.state === 'dropped' ? '2 3' : null});
  });
  const names = tree.nodes.map((n, i) => {
    const says = `${n.label}, step ${n.column}, ln p ${fixed(n.logp)}, in all ${fixed(n.score)}, ${STATE_SAYS[n.state] || visible(n.state ?? '')}`;
    return n.node = svg('g', {class: 'node', 'data-index': i, role: 'treeitem', 'aria-label': says, tabindex: i ? -1 : 0, 'aria-level': n.column + 1}, svg('title', {}, says),
      svg('rect', {x: X(n), y: Y(n) - 10, width: n.wide, height: 20, rx: 3, fill: colours.ground, stroke: n.state === 'ended' ? colours.edge : 'none'}),
      svg('text', {x: X(n) + BEAM.pad, y: Y(n) + 4, 'font-size': BEAM.font, ...(looks[n.state] || looks.kept)}, n.short));
  });
  const steps = range(tree.starts.length - 1), every = steps.length > 60 ? 5 : 1;
  return svg('svg', {xmlns: SVG, viewBox: `0 0 ${width} ${height}`, width, height, class: 'tree', role: 'tree', 'aria-label': 'Hypotheses of the search', 'font-family': FONT, 'font-size': 12, fill: colours.ink},
    steps.filter(s => s % every === 0).map(s => svg('text', {x: tree.starts[s] + BEAM.pad, y: 12, 'font-size': 9.5, fill: colours.dim}, s)), lines, names);
}

function makeBeam() {
  const holder = el('div', {class: 'scroll wide'}), told = el('p', {class: 'dim small', role: 'status'}, '');
  const treeTable = () => ({head: ['id', 'parent', 'step', 'text', 'ln p', 'score', 'state'], rows: (state.x.beams.nodes || []).map(n => [n.id, n.parent, n.step, n.text, n.logp, n.score, n.state])});
  const asTable = el('details', {class: 'as-table'}, el('summary', {}, 'As a table'));
  const node = section('search', 'How it was found', el('p', {class: 'dim'}, 'The hypotheses of the search: blue won; dashed lines were dropped, boxes had ended. Arrow keys walk the tree.'), holder, told, asTable,
    exportMenu('search', {svg: () => { const t = treeSvg(layTree(state.x.beams.nodes.slice(0, MOST_NODES)), palette('light')), w = t.getAttribute('width'), h = t.getAttribute('height'); t.prepend(svg('rect', {width: w, height: h, fill: '#ffffff'})); return t; }, table: treeTable, json: () => state.x.beams}));
  let tree = null;
  asTable.addEventListener('toggle', () => {
    while (asTable.childNodes.length > 1) asTable.lastChild.remove();
    if (!asTable.open) return;
    const data = treeTable();
    asTable.append(table(data.head, data.rows.slice(0, 2000).map(r => el('tr', {}, r.map((v, i) => el('td', {}, i === 3 || i === 6 ? visible(v ?? '') : i > 3 ? fixed(v) : String(v))))), {class: 'numbers'}, 'Hypotheses of the search'));
  });
  const tellOf = n => { told.textContent = `${n.node.getAttribute('aria-label')} \u2014 ${pathOf(n).map(p => p.label).join(' ')}`; };
  const pathOf = n => n ? [...pathOf(n.up), n] : [];
  const found = event => { const g = event.target.closest?.('.node'); return g ? tree.nodes[+g.dataset.index] : null; };
  holder.addEventListener('pointerover', event => { const n = found(event); if (n) tellOf(n); });
  holder.addEventListener('focusin', event => { const n = found(event); if (n) tellOf(n); });
  holder.addEventListener('keydown', event => {
    const n = found(event);
    if (!n) return;
    const near = tree.nodes.filter(o => o.column === n.column).sort((a, b) => a.row - b.row), at = near.indexOf(n);
    const to = {ArrowRight: n.children[0], ArrowLeft: n.up, ArrowDown: near[at + 1], ArrowUp: near[at - 1], Home: tree.roots[0]}[event.key];
    if (!to) return;
    event.preventDefault();
    n.node.setAttribute('tabindex', -1);
    to.node.setAttribute('tabindex', 0);
    to.node.focus();
  });
  whenIdle('item theme', () => {
    const list = state.x.beams?.nodes;
    node.hidden = !Array.isArray(list) || !list.length;
    asTable.open = false;
    told.textContent = list?.length > MOST_NODES ? `The first ${thousands(MOST_NODES)} of ${thousands(list.length)} symbols tried.` : '';
    if (node.hidden) return;
    tree = layTree(list.slice(0, MOST_NODES));
    clear(holder, treeSvg(tree, pageColours()));
  });
  return node;
}
