/* Line charts as SVG; lines differ in dash and weight as well as in colour. */

function ticksOf(low, high, wanted) {
  const raw = (high - low) / wanted || 1, power = 10 ** Math.floor(Math.log10(raw)), f = raw / power, step = (f < 1.5 ? 1 : f < 3.5 ? 2 : f < 7.5 ? 5 : 10) * power;
  return range(Math.floor(high / step + 1e-9) - Math.ceil(low / step - 1e-9) + 1).map(i => +((Math.ceil(low / step - 1e-9) + i) * step).toPrecision(12));
}

const tickText = t => minus(Math.abs(t) >= 1e5 ? t.toExponential(1) : String(t));
const linePath = (xs, ys, X, Y) => xs.map((x, i) => finite(ys[i]) ? `${i && finite(ys[i - 1]) ? 'L' : 'M'}${X(x).toFixed(1)} ${Y(ys[i]).toFixed(1)}` : '').join('');

const LOOKS = c => ({main: {stroke: c.accent, 'stroke-width': 2.2}, thin: {stroke: c.accent, 'stroke-width': 1.2}, faint: {stroke: c.dim, 'stroke-width': 1.3, 'stroke-dasharray': '5 3'}, other: {stroke: c.other, 'stroke-width': 1.7, 'stroke-dasharray': '1.5 3', 'stroke-linecap': 'round'}});

/* Which line is which, in a row under the title; a single line needs none. */
function chartLegend(c, looks, colours, y) {
  if (c.lines.length < 2) return [];
  let at = 0;
  return c.lines.map(l => {
    const parts = [svg('line', {x1: at, x2: at + 20, y1: y - 4, y2: y - 4, ...looks[l.look]}), svg('text', {x: at + 26, y, fill: colours.ink}, l.name)];
    at += 26 + textWidth(l.name, 11) + 16;
    return parts;
  });
}

/* c: {title, x, xlabel, ylabel, percent, lines: [{name, ys, look: 'main'|'thin'|'other'|'faint'}], band: [low, high]} */
function lineChart(c, colours, width = 420, height = 250) {
  const all = [...c.lines.flatMap(l => l.ys), ...(c.band || []).flat()].filter(finite);
  if (!all.length) return null;
  const looks = LOOKS(colours), low = Math.min(...all), high = Math.max(...all), pad = (high - low) * 0.04 || 1, ticks = ticksOf(low, high, 4), many = c.lines.length > 1;
  const box = {left: 14 + Math.max(...ticks.map(t => textWidth(tickText(t), 11))), right: width - 22, top: many ? 62 : 44, bottom: height - 36};
  const x0 = Math.min(...c.x), x1 = Math.max(...c.x), X = x => box.left + (x - x0) / (x1 - x0 || 1) * (box.right - box.left), Y = y => box.bottom - (y - low + pad) / (high - low + 2 * pad) * (box.bottom - box.top);
  const picture = svg('svg', {xmlns: SVG, viewBox: `0 0 ${width} ${height}`, width, height, class: 'chart', role: 'img', 'aria-label': c.title, 'font-family': FONT, 'font-size': 11, fill: colours.ink},
    svg('title', {}, c.title), svg('text', {x: 0, y: 13, 'font-size': 13, 'font-weight': 600}, c.title), chartLegend(c, looks, colours, 32), svg('text', {x: 0, y: box.top - 12, fill: colours.dim}, c.ylabel));
  ticks.forEach(t => picture.append(svg('line', {x1: box.left, x2: box.right, y1: Y(t), y2: Y(t), stroke: colours.rule}), svg('text', {x: box.left - 6, y: Y(t) + 4, 'text-anchor': 'end', fill: colours.dim}, tickText(t))));
  const marks = c.percent ? [0, 0.2, 0.5, 1].filter(t => t >= x0 && t <= x1) : ticksOf(x0, x1, 4);
  marks.forEach(t => picture.append(svg('text', {x: X(t), y: box.bottom + 16, 'text-anchor': 'middle', fill: colours.dim}, c.percent ? percent(t) : thousands(t))));
  picture.append(svg('text', {x: (box.left + box.right) / 2, y: height - 3, 'text-anchor': 'middle', fill: colours.dim}, c.xlabel));
  if (c.band) {
    const up = c.band[1], down = c.band[0], order = range(c.x.length).filter(i => finite(up[i]) && finite(down[i]));
    picture.append(svg('path', {fill: colours.band, d: 'M' + [...order.map(i => `${X(c.x[i]).toFixed(1)} ${Y(up[i]).toFixed(1)}`), ...order.reverse().map(i => `${X(c.x[i]).toFixed(1)} ${Y(down[i]).toFixed(1)}`)].join('L') + 'Z'}));
  }
  for (const l of [...c.lines].reverse()) picture.append(svg('path', {d: linePath(c.x, l.ys, X, Y), fill: 'none', 'stroke-linejoin': 'round', ...looks[l.look]}));
  c.lines.filter(l => l.look === 'main').forEach(l => c.x.forEach((x, i) => finite(l.ys[i]) && picture.append(svg('circle', {cx: X(x), cy: Y(l.ys[i]), r: 2.4, fill: colours.accent}, svg('title', {}, `${c.percent ? percent(x) : number(x)}: ${number(l.ys[i])}`)))));
  return picture;
}
