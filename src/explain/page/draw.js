/* A grid as pixels and as SVG. */

/* Cells r0..r1 x c0..c1 on w x h pixels, at most one a cell; where a pixel holds several, the strongest shows, so that nothing is lost from afar. */
function gridPixels(grid, colours, [r0, r1, c0, c1], w, h) {
  const image = new ImageData(w, h), words = new Uint32Array(image.data.buffer), C = grid.C, values = grid.values;
  const starts = Int32Array.from({length: w + 1}, (_, x) => c0 + Math.floor(x * (c1 - c0) / w));
  const simple = !state.log && state.threshold === 0, none = colours.words[2 * STEPS + 1];
  for (let y = 0; y < h; y++) {
    const from = r0 + Math.floor(y * (r1 - r0) / h), to = Math.max(from + 1, r0 + Math.floor((y + 1) * (r1 - r0) / h));
    for (let x = 0; x < w; x++) {
      let best = NaN, bestSize = -1, bestMost = grid.most;
      for (let r = from; r < to; r++) {
        const most = state.byRow ? grid.tops[r] || 1 : grid.most;
        for (let k = r * C + starts[x], end = r * C + Math.max(starts[x] + 1, starts[x + 1]); k < end; k++) {
          const v = values[k], size = (v < 0 ? -v : v) / most;
          if (size > bestSize) { best = v; bestSize = size; bestMost = most; }
        }
      }
      words[y * w + x] = bestSize < 0 || bestSize === Infinity ? none : colours.words[STEPS + Math.round((simple ? best / bestMost : shadeOf(best, bestMost)) * STEPS)];
    }
  }
  return image;
}

const scratch = el('canvas', {width: 1, height: 1});
/* The same on a canvas of its own, which drawImage() stretches. */
function gridCanvas(grid, colours, window, w, h) {
  const canvas = el('canvas', {width: w, height: h});
  canvas.getContext('2d').putImageData(gridPixels(grid, colours, window, w, h), 0, 0);
  return canvas;
}

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Noto Sans", "DejaVu Sans", sans-serif';
const ruler = scratch.getContext('2d');
const widths = new Map();
function textWidth(text, size) {
  const key = size + text;
  if (!widths.has(key)) {
    if (widths.size > 20000) widths.clear();
    ruler.font = `${size}px ${FONT}`;
    widths.set(key, ruler.measureText(text).width);
  }
  return widths.get(key);
}
/* The text cut to so many pixels. */
function fitText(text, size, room) {
  if (text.length < 200 && textWidth(text, size) <= room) return text;
  const parts = split(text.slice(0, 400));
  let low = 0, high = parts.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (textWidth(parts.slice(0, middle).join('') + '\u2026', size) <= room) low = middle; else high = middle - 1;
  }
  return parts.slice(0, low).join('') + '\u2026';
}

/* 1, 2 or 5 times a power of ten, so that labels stand at least `room` pixels apart. */
function labelStep(pixels, room) {
  for (let power = 1; ; power *= 10) for (const f of [1, 2, 5]) if (f * power * pixels >= room) return f * power;
}

function paper(width, height, title, ...children) {
  return svg('svg', {xmlns: SVG, viewBox: `0 0 ${width} ${height}`, width, height, 'font-family': FONT, 'font-size': 12, fill: SCALES.light.ink, role: 'img'},
    svg('title', {}, title), svg('rect', {width: '100%', height: '100%', fill: SCALES.light.ground}), children);
}

/* What is written into a cell: nothing where its digits would all be 0. */
function cellText(v, grid) {
  const text = fixed(v, grid.most < 0.1 ? 3 : grid.most < 100 ? 2 : 0);
  return /[1-9]/.test(text) ? text : '';
}

const MOST_SVG_CELLS = 20000;
/* A heat map with real text. Of more cells than a viewer can handle one by one, the cells are a picture inside. */
function gridSvg(grid, x) {
  const colours = palette('light', grid.signed), room = side => Math.min(170, Math.max(8, ...side.slice(0, 3000).map(u => textWidth(shorten(u.label, 30), 12)))) + 6;
  const cw = grid.C > 120 ? Math.max(1, Math.floor(1400 / grid.C)) : grid.C > 60 ? 12 : 30, ch = grid.R > 120 ? Math.max(1, Math.floor(1400 / grid.R)) : grid.R > 60 ? 12 : 24;
  const named = [cw >= 12, ch >= 12], upright = room(grid.cols) <= 30 && cw >= 30, left = 56 + (named[1] ? room(grid.rows) : 0), top = 74 + (named[0] ? (upright ? 18 : room(grid.cols)) : 0) + 14;
  const wide = grid.C * cw, tall = grid.R * ch, width = left + Math.max(wide, 360) + 90, height = top + Math.max(tall, 120) + 40, text = (props, t) => svg('text', props, t);
  const parts = [text({x: 16, y: 26, 'font-size': 15, 'font-weight': 600}, fitText(plain(x.source.text), 15, width - 32)), text({x: 16, y: 46, fill: colours.dim}, fitText('\u2192 ' + plain(x.output.text), 12, width - 32)),
    text({x: 16, y: 64, fill: colours.dim}, fitText(viewTitle(grid.view) + (grid.view.method ? ' \u00b7 ' + grid.view.method : ''), 12, width - 32))];
  const stepX = labelStep(cw, 22), stepY = labelStep(ch, 12);
  grid.cols.forEach((u, c) => {
    const at = left + c * cw + cw / 2;
    if (u.place % stepX === 0) parts.push(text({x: at, y: top - 4, 'font-size': 9, fill: colours.dim, 'text-anchor': 'middle'}, u.place));
    if (named[0]) parts.push(upright ? text({x: at, y: top - 18, 'text-anchor': 'middle'}, u.label) : text({transform: `translate(${at + 4} ${top - 18}) rotate(-90)`}, fitText(u.label, 12, 166)));
  });
  grid.rows.forEach((u, r) => {
    const at = top + r * ch + ch / 2;
    if (u.place % stepY === 0) parts.push(text({x: left - 4, y: at + 3, 'font-size': 9, fill: colours.dim, 'text-anchor': 'end'}, u.place));
    if (named[1]) parts.push(text({x: left - 26, y: at + 4, 'text-anchor': 'end'}, fitText(u.label, 12, 166)));
  });
  parts.push(svgCells(grid, colours, {left, top, cw, ch}), svg('rect', {x: left, y: top, width: wide, height: tall, fill: 'none', stroke: colours.edge}), svgGold(grid, x, colours, {left, top, cw, ch}),
    svgScale(grid, colours, left + Math.max(wide, 360) + 16, top));
  return paper(width, height, `${plain(x.source.text)} \u2192 ${plain(x.output.text)}: ${viewTitle(grid.view)}`, parts);
}

function svgCells(grid, colours, {left, top, cw, ch}) {
  if (grid.R * grid.C > MOST_SVG_CELLS)
    return svg('image', {x: left, y: top, width: grid.C * cw, height: grid.R * ch, preserveAspectRatio: 'none', 'image-rendering': 'pixelated',
      href: gridCanvas(grid, colours, [0, grid.R, 0, grid.C], grid.C, grid.R).toDataURL('image/png')});
  const cells = svg('g', {'shape-rendering': 'crispEdges'}), numbers = svg('g', {'font-size': 10, 'text-anchor': 'middle', 'pointer-events': 'none'});
  for (let r = 0; r < grid.R; r++)
    for (let c = 0; c < grid.C; c++) {
      const v = grid.at(r, c), place = colours.place(shadeOf(v, mostOf(grid, r)));
      if (place === STEPS) continue;
      cells.append(svg('rect', {x: left + c * cw, y: top + r * ch, width: cw, height: ch, fill: colours.css[place]}, svg('title', {}, `${grid.cols[c].label} \u2192 ${grid.rows[r].label}: ${number(v)}`)));
      if (cw >= 30 && Math.abs(place - STEPS) > 24) numbers.append(svg('text', {x: left + c * cw + cw / 2, y: top + r * ch + ch / 2 + 4, fill: colours.over[place]}, cellText(v, grid)));
    }
  return [cells, numbers];
}

const svgGold = (grid, x, colours, {left, top, cw, ch}) => !state.gold ? [] : goldCells(grid, x).map(([r, c]) =>
  svg('rect', {x: left + c * cw + 1.5, y: top + r * ch + 1.5, width: Math.max(1, cw - 3), height: Math.max(1, ch - 3), fill: 'none', stroke: colours.gold, 'stroke-width': 2}, svg('title', {}, 'gold')));

function svgScale(grid, colours, x, y) {
  const tall = 120, low = grid.signed ? -1 : 0, value = t => state.byRow ? t : state.log ? Math.sign(t) * 10 ** ((Math.abs(t) - 1) * LOG_DECADES) * grid.most : t * grid.most;
  const at = t => y + tall * (1 - (t - low) / (1 - low));
  return [range(60).map(i => svg('rect', {x, y: y + tall * i / 60, width: 12, height: tall / 60 + 0.3, fill: colours.css[STEPS + Math.round((1 - (i + 0.5) / 60 * (1 - low)) * STEPS)]})),
    svg('rect', {x, y, width: 12, height: tall, fill: 'none', stroke: colours.edge}), [low, (low + 1) / 2, 1].map(t => svg('text', {x: x + 17, y: at(t) + 4, 'font-size': 10}, number(value(t))))];
}
