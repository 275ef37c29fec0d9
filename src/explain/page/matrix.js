/* The matrix with its controls, its scale and its keys. */

function makeScaleBar() {
  const canvas = el('canvas', {width: 160, height: 1, class: 'shades', 'aria-hidden': 'true'}), low = el('span', {}), middle = el('span', {}), high = el('span', {});
  const node = el('div', {class: 'scale', role: 'img'}, el('div', {class: 'ticks'}, low, middle, high), canvas);
  const valueAt = (t, g) => state.byRow ? t : state.log ? Math.sign(t) * 10 ** ((Math.abs(t) - 1) * LOG_DECADES) * g.most : t * g.most;
  function draw() {
    const g = state.grid;
    if (!g) return;
    const colours = pageColours(g.signed), from = g.signed ? -1 : 0, ctx = canvas.getContext('2d');
    for (let i = 0; i < 160; i++) { ctx.fillStyle = colours.css[STEPS + Math.round((from + (1 - from) * (i + 0.5) / 160) * STEPS)]; ctx.fillRect(i, 0, 1, 1); }
    const texts = [from, (from + 1) / 2, 1].map(t => t === 0 && state.log && !g.signed ? '\u2264 ' + number(10 ** -LOG_DECADES * g.most) : number(t === 0 ? 0 : valueAt(t, g)));
    [low, middle, high].forEach((span, i) => { span.textContent = texts[i]; });
    node.setAttribute('aria-label', `scale from ${texts[0]} to ${texts[2]}${state.byRow ? ', as shares of the largest of each row' : ''}${state.log ? ', logarithmic' : ''}`);
  }
  listen('view display theme', draw);
  return node;
}

function makeControls(map) {
  const toggle = (label, key, letter, hint) => {
    const node = button(label, {class: 'toggle', 'aria-pressed': 'false', title: `${hint} (${letter})`, 'aria-keyshortcuts': letter}, () => setDisplay({[key]: !state[key]}));
    listen('display view item', () => node.setAttribute('aria-pressed', String(state[key])));
    return node;
  };
  const words = toggle('words', 'words', 'w', 'Words instead of symbols'), gold = toggle('gold', 'gold', 'g', 'Outline the links that people drew');
  const value = el('output', {class: 'value'}, '0'), slider = el('input', {type: 'range', min: 0, max: 100, value: 0, 'aria-label': 'Hide scores below a share of the largest', id: 'threshold'});
  slider.addEventListener('input', () => { setDisplay({threshold: slider.value / 100}); });
  listen('display view', () => {
    slider.value = Math.round(state.threshold * 100);
    value.textContent = state.threshold ? (state.byRow ? percent(state.threshold) : number(state.threshold * (state.grid?.most || 1))) : '0';
  });
  listen('item view', () => {
    const v = state.view;
    words.hidden = !state.x.source.hasWords && !state.x.target.hasWords;
    gold.hidden = !Array.isArray(state.x.gold) || !state.x.gold.length || v?.rows.side !== 'target' || v?.cols.side !== 'source';
  });
  const zoom = el('div', {class: 'group', role: 'group', 'aria-label': 'Zoom'}, button('\u2212', {title: 'Zoom out (-)', 'aria-label': 'Zoom out'}, () => map.zoomBy(1 / 1.5)), button('fit', {title: 'All of it (0)'}, () => map.zoomBy(0)),
    button('+', {title: 'Zoom in (+), or Ctrl and the wheel', 'aria-label': 'Zoom in'}, () => map.zoomBy(1.5)));
  return el('div', {class: 'controls', role: 'toolbar', 'aria-label': 'How the matrix is drawn'}, words, toggle('no ends', 'hideSpecial', 'h', 'Hide special symbols such as the end'), gold, toggle('log', 'log', 'l', 'Logarithmic scale'),
    toggle('row by row', 'byRow', 'r', 'Each row on a scale of its own'), el('label', {class: 'slider'}, 'hide below ', slider, value), zoom);
}

function makeMatrix() {
  const heat = new HeatMap(), holder = el('div', {class: 'holder', tabindex: 0, role: 'application', 'aria-roledescription': 'heat map', 'aria-describedby': 'matrix-keys'}, heat.node);
  const title = el('h2', {id: 'matrix-title'}, 'Matrix'), note = el('p', {class: 'dim small'}), scaleBar = makeScaleBar();
  const map = {zoomBy, redraw};
  const node = el('div', {class: 'matrix'}, el('div', {class: 'heading'}, title, scaleBar), makeControls(map), holder, note,
    el('p', {class: 'away', id: 'matrix-keys'}, 'Arrow keys move from cell to cell, Enter pins the row, Shift and Enter the column, plus and minus zoom, 0 shows all, Escape lets go.'), makeGridTable(),
    exportMenu(() => `${state.view?.name || state.view?.kind || 'matrix'}-${state.x.source.text}`, {svg: () => gridSvg(state.grid, state.x), table: () => gridTable(state.grid), json: () => gridJson(state.grid),
      pharaoh: () => gridPharaoh(state.grid), tex: () => gridTex(state.grid)}));

  function redraw() {
    const g = state.grid;
    node.hidden = !g;
    if (!g) return;
    heat.lay(g, Math.max(240, holder.clientWidth), clamp(window.innerHeight * 0.72, 300, 720));
    heat.paint(state.x, pageColours(g.signed));
    holder.classList.toggle('zoomed', heat.zoom > 1);
    heat.mark(state.pins, state.hover);
  }
  function zoomBy(factor, px, py) {
    if (factor) heat.scale(factor, px, py); else heat.zoom = 1;
    redraw();
  }
  let planned = false;
  const plan = call => { if (!planned) { planned = true; requestAnimationFrame(() => { planned = false; call(); }); } };

  listen('view', () => {
    const g = state.grid;
    heat.zoom = 1;
    heat.x = heat.y = 0;
    redraw();
    if (!g) return;
    title.textContent = viewTitle(g.view);
    const v = g.view, parts = [`${plural(g.R, 'row')} \u00d7 ${plural(g.C, 'column')}`, v.target && `target: ${v.target}`, v.method && `method: ${v.method}`, v.baseline && v.baseline !== 'none' && `baseline: ${v.baseline}`, v.note];
    if (state.words) parts.push(v.signed ? 'words: sums of their symbols' : 'words: a word read has the sum of its symbols, a word written the mean of its rows');
    if (state.hideSpecial) parts.push('ends hidden, what is left is not scaled up');
    if (g.undefinedCells) parts.push(`grey: ${plural(g.undefinedCells, 'cell')} where it is not defined`);
    note.textContent = parts.filter(Boolean).map(plain).join(' \u00b7 ');
    holder.setAttribute('aria-label', `${viewTitle(v)}, ${plural(g.R, 'row')} by ${plural(g.C, 'column')}`);
  });
  listen('display theme', redraw);
  listen('look', () => { if (state.grid && heat.grid === state.grid) heat.mark(state.pins, state.hover); });
  new ResizeObserver(() => { if (holder.clientWidth && Math.abs(holder.clientWidth - (heat.seen || 0)) > 1) { heat.seen = holder.clientWidth; plan(redraw); } }).observe(holder);

  const placeOf = event => { const box = heat.over.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
  let drag = null;
  heat.over.addEventListener('pointermove', event => {
    const [px, py] = placeOf(event);
    if (drag) {
      if (heat.zoom > 1 && (drag.moved || Math.hypot(px - drag.px, py - drag.py) > 4)) {
        drag.moved = true;
        heat.x = drag.x - (px - drag.px) / heat.cw;
        heat.y = drag.y - (py - drag.py) / heat.ch;
        return plan(redraw);
      }
      if (event.pointerType === 'touch') return undefined;
    }
    const at = heat.cellAt(px, py);
    return setHover(at.row, at.col);
  });
  heat.over.addEventListener('pointerleave', () => { drag = null; setHover(-1, -1); });
  heat.over.addEventListener('pointerdown', event => {
    const [px, py] = placeOf(event);
    drag = {px, py, x: heat.x, y: heat.y, moved: false};
    if (heat.zoom > 1) heat.over.setPointerCapture(event.pointerId);
  });
  heat.over.addEventListener('pointerup', event => {
    const was = drag, at = heat.cellAt(...placeOf(event));
    drag = null;
    if (!was || was.moved) return;
    if (at.row >= 0) togglePin('rows', at.row); else if (at.col >= 0) togglePin('cols', at.col);
    if (event.pointerType === 'touch') setHover(at.row, at.col);
  });
  heat.over.addEventListener('wheel', event => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoomBy(Math.exp(-event.deltaY / 300), ...placeOf(event));
  }, {passive: false});
  heat.over.addEventListener('dblclick', event => zoomBy(2, ...placeOf(event)));
  holder.addEventListener('blur', () => setHover(-1, -1));
  holder.addEventListener('keydown', event => {
    const g = state.grid, h = state.hover || {row: 0, col: 0}, row = Math.max(0, h.row), col = Math.max(0, h.col), page = 10, first = !state.hover;
    const move = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], PageUp: [-page, 0], PageDown: [page, 0], Home: [0, -g.C], End: [0, g.C]}[event.key];
    if (move && !event.altKey && !event.ctrlKey && !event.metaKey) {
      const to = first ? [row, col] : [clamp(row + move[0], 0, g.R - 1), clamp(col + move[1], 0, g.C - 1)];
      if (heat.reveal(...to)) redraw();
      setHover(to[0], to[1], true);
    } else if (event.key === 'Enter' || event.key === ' ') togglePin(event.shiftKey ? 'cols' : 'rows', event.shiftKey ? col : row);
    else if (event.key === '+' || event.key === '=') zoomBy(1.5);
    else if (event.key === '-') zoomBy(1 / 1.5);
    else if (event.key === '0') zoomBy(0);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return node;
}
