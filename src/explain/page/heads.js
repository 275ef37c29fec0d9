/* Every head as a small map with its entropy and the share that its favourite symbol takes. */

const THUMB = 92;

function headGrid(head) {
  const before = [state.words, state.hideSpecial];
  [state.words, state.hideSpecial] = [false, false];
  const grid = makeGrid(head);
  [state.words, state.hideSpecial] = before;
  return grid;
}

/* Entropy in nats, a mean over rows, and the column that gets most: as given, else counted. */
function headFigures(head) {
  if (finite(head.entropy) && finite(head.sink)) return {entropy: head.entropy, sink: head.sink, symbol: head.sink_symbol};
  const {rows, cols, values} = head.matrix, given = new Float64Array(cols);
  let entropy = 0;
  for (let k = 0; k < rows * cols; k++) {
    const p = values[k];
    if (p > 0) { entropy -= p * Math.log(p) / rows; given[k % cols] += p / rows; }
  }
  const top = given.indexOf(Math.max(...given));
  return {entropy, sink: given[top], symbol: head.cols.symbols[top]?.text};
}

function drawThumb(canvas, head) {
  const grid = headGrid(head), ratio = Math.min(2, window.devicePixelRatio || 1), w = canvas.width = THUMB * ratio, h = canvas.height = Math.max(16, Math.min(THUMB * 1.4, THUMB * grid.R / Math.max(grid.C, 1))) * ratio;
  canvas.style.height = h / ratio + 'px';
  if (!grid.R || !grid.C) return;
  const colours = pageColours(false), ctx = canvas.getContext('2d');
  ctx.imageSmoothingEnabled = false;
  ctx.drawImage(gridCanvas(grid, colours, [0, grid.R, 0, grid.C], Math.min(w, grid.C), Math.min(Math.ceil(h), grid.R)), 0, 0, w, h);
}

function makeHeads() {
  const groups = el('div', {class: 'sites'}), sorts = [['place', 'by place'], ['entropy', 'sharpest first'], ['sink', 'strongest sink first']];
  let sort = 'place', drawn = 0;
  const order = choice('Order of heads', sorts.map(([, name]) => ({content: name})), i => { sort = sorts[i][0]; order.mark(i); build(); });
  order.mark(0);
  const figures = () => state.x.heads.map(head => ({head, ...headFigures(head)}));
  const dataTable = () => ({head: ['site', 'layer', 'head', 'entropy', 'sink', 'sink symbol'], rows: figures().map(f => [f.head.site, f.head.layer, f.head.head, f.entropy, f.sink, f.symbol])});
  const node = section('heads', 'All heads', el('p', {class: 'dim'}, 'Entropy in nats, low where a head looks at few symbols; sink: the share of all its weight that one symbol takes. Choose a head to see it above.'), order.node, groups,
    exportMenu('heads', {svg: () => headsSvg(figures()), table: dataTable, json: () => dataTable().rows.map(r => ({site: r[0], layer: r[1], head: r[2], entropy: r[3], sink: r[4], sink_symbol: r[5]}))}));

  function card(f) {
    const canvas = el('canvas', {width: THUMB, height: THUMB, 'aria-hidden': 'true'}), name = `layer ${f.head.layer}, head ${f.head.head}`, sinkName = f.symbol === undefined ? '' : ` on ${shorten(visible(f.symbol), 8)}`;
    const b = button([canvas, el('span', {class: 'name'}, `${f.head.layer}.${f.head.head}`), el('span', {class: 'figures'}, fixed(f.entropy), ' \u00b7 ', percent(f.sink))],
      {class: 'head', 'aria-pressed': 'false', title: `${name}: entropy ${fixed(f.entropy)}, sink ${percent(f.sink)}${sinkName}`, 'aria-label': `${name}, entropy ${fixed(f.entropy)}, sink ${percent(f.sink)}${sinkName}`},
      () => { setView(f.head); document.getElementById('matrix').scrollIntoView({block: 'start'}); });
    return {button: b, canvas, head: f.head};
  }
  let cards = [];
  function build() {
    const x = state.x;
    node.hidden = !x.heads.length;
    clear(groups);
    cards = [];
    if (node.hidden) return;
    const all = figures();
    if (sort !== 'place') all.sort((a, b) => sort === 'entropy' ? a.entropy - b.entropy : b.sink - a.sink);
    const sites = [...new Set(x.heads.map(h => h.site))].sort((a, b) => (b === 'cross') - (a === 'cross'));
    for (const site of sites) {
      const these = all.filter(f => f.head.site === site).map(card), perRow = Math.max(...these.map(c => c.head.head)) + 1;
      cards.push(...these);
      groups.append(el('div', {class: 'site'}, el('h3', {}, SITES[site] || plain(site)), el('div', {class: 'thumbs' + (sort === 'place' ? ' placed' : ''), style: {'--heads': perRow}}, these.map(c => c.button))));
    }
    mark();
    drawSome(++drawn, 0);
  }
  function drawSome(turn, from) {
    const until = performance.now() + 12;
    while (from < cards.length && performance.now() < until) { drawThumb(cards[from].canvas, cards[from].head); from++; }
    if (from < cards.length) setTimeout(() => { if (turn === drawn) drawSome(turn, from); }, 0);
  }
  const mark = () => cards.forEach(c => c.button.setAttribute('aria-pressed', String(c.head === state.view)));
  whenIdle('item theme', build);
  listen('view', mark);
  return node;
}

function headsSvg(figures) {
  const colours = palette('light', false), size = 96, per = Math.max(...figures.map(f => f.head.head)) + 1, parts = [], sites = [...new Set(figures.map(f => f.head.site))];
  let y = 16;
  for (const site of sites) {
    const these = figures.filter(f => f.head.site === site), layers = [...new Set(these.map(f => f.head.layer))];
    parts.push(svg('text', {x: 16, y: y + 12, 'font-weight': 600}, SITES[site] || plain(site)));
    for (const f of these) {
      const grid = headGrid(f.head), at = {x: 16 + f.head.head * (size + 16), y: y + 24 + layers.indexOf(f.head.layer) * (size + 40)};
      if (!grid.R || !grid.C) continue;
      parts.push(svg('image', {...at, width: size, height: size, preserveAspectRatio: 'none', 'image-rendering': 'pixelated', href: gridCanvas(grid, colours, [0, grid.R, 0, grid.C], Math.min(grid.C, 192), Math.min(grid.R, 192)).toDataURL()}),
        svg('rect', {...at, width: size, height: size, fill: 'none', stroke: colours.edge}), svg('text', {x: at.x, y: at.y + size + 13, 'font-size': 10}, `${f.head.layer}.${f.head.head}  H ${fixed(f.entropy)}  sink ${percent(f.sink)}`));
    }
    y += 40 + layers.length * (size + 40);
  }
  return paper(32 + per * (size + 16), y, 'All heads', parts);
}
