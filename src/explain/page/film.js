/* How the alignment was learnt: a map for each moment of the training, and its entropy over time. */

function makeFilm() {
  const reel = el('div', {class: 'thumbs reel'}), curve = el('div', {class: 'charts'});
  const node = section('film', 'How it was learnt', el('p', {class: 'dim'}, 'The same sentence during the training. Choose a frame to see it above.'), reel, curve, exportMenu('film', {svg: () => reelSvg(), table: () => filmTable(), json: () => state.x.film}));
  let frames = [], cards = [];
  function read(x) {
    if (!Array.isArray(x.film?.frames)) return [];
    const film = x.film, source = film.source_tokens ? makeAxis('source', film.source, film.source_tokens, film.source_words) : x.source, target = film.target_tokens ? makeAxis('target', film.target, film.target_tokens, film.target_words) : x.target;
    return film.frames.flatMap((f, i) => {
      const what = `frame ${i} of the film`, matrix = readMatrix(f.matrix, what);
      return matrix && fits(matrix, target, source, what) ? [{...f, entropy: finite(f.entropy) ? f.entropy : headFigures({matrix, cols: source}).entropy, matrix, rows: target, cols: source, kind: 'frame', signed: false, title: `Update ${thousands(f.update)}`, name: `update-${f.update}`,
        sentence: 'Attention at this moment of the training, not of the model as it is now.'}] : [];
    });
  }
  const filmTable = () => ({head: ['update', 'entropy', 'metric'], rows: frames.map(f => [f.update, f.entropy, f.metric ?? null])});
  const chart = colours => lineChart({title: 'How spread it looks', x: frames.map(f => f.update), xlabel: 'update', ylabel: 'entropy, nats', lines: [{name: 'entropy', ys: frames.map(f => f.entropy), look: 'main'}]}, colours, 480);
  function reelSvg() {
    const size = 130, per = 6;
    return paper(24 + Math.min(per, frames.length) * (size + 16), 30 + Math.ceil(frames.length / per) * (size + 40), 'How it was learnt', frames.map((f, i) => {
      const at = {x: 16 + i % per * (size + 16), y: 30 + Math.floor(i / per) * (size + 40)}, g = headGrid(f);
      return [svg('image', {...at, width: size, height: size, preserveAspectRatio: 'none', 'image-rendering': 'pixelated', href: gridCanvas(g, palette('light', false), [0, g.R, 0, g.C], Math.min(g.C, 256), Math.min(g.R, 256)).toDataURL()}),
        svg('rect', {...at, width: size, height: size, fill: 'none', stroke: SCALES.light.edge}), svg('text', {x: at.x, y: at.y - 5, 'font-size': 11}, `update ${thousands(f.update)}`)];
    }));
  }
  whenIdle('item', () => { frames = read(state.x); build(); });
  function build() {
    node.hidden = !frames.length;
    cards = frames.map((f, i) => {
      const canvas = el('canvas', {'aria-hidden': 'true'}), figure = finite(f.metric) ? `${plain(f.metric_name || '')} ${number(f.metric)}` : `H ${fixed(f.entropy)}`;
      drawThumb(canvas, f);
      return button([canvas, el('span', {class: 'name'}, thousands(f.update)), el('span', {class: 'figures'}, figure)], {class: 'head', 'aria-pressed': 'false', tabindex: i ? -1 : 0, 'aria-label': `update ${f.update}, entropy ${fixed(f.entropy)}`}, () => setView(f));
    });
    clear(reel, cards);
    clear(curve, frames.length > 2 ? chart(pageColours()) : null);
    mark();
  }
  const mark = () => cards.forEach((c, i) => c.setAttribute('aria-pressed', String(frames[i] === state.view)));
  reel.addEventListener('keydown', event => {
    const at = cards.indexOf(document.activeElement), to = {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: cards.length - 1}[event.key];
    if (at < 0 || to === undefined || !cards[to]) return;
    event.preventDefault();
    cards[at].tabIndex = -1;
    cards[to].tabIndex = 0;
    cards[to].focus();
    setView(frames[to]);
  });
  whenIdle('theme', build);
  listen('view', mark);
  return node;
}
