/* Which of two lists of labels have no partner in the other: all that a longest common subsequence leaves out. */
const MOST_COMPARED = 1000;
function unmatched(a, b) {
  if (a.length > MOST_COMPARED || b.length > MOST_COMPARED) return [a.map((t, i) => t !== b[i]), b.map((t, i) => t !== a[i])];
  const width = b.length + 1, best = new Uint16Array((a.length + 1) * width), lone = [a.map(() => true), b.map(() => true)];
  for (let i = a.length - 1; i >= 0; i--) for (let j = b.length - 1; j >= 0; j--)
    best[i * width + j] = a[i] === b[j] ? best[(i + 1) * width + j + 1] + 1 : Math.max(best[(i + 1) * width + j], best[i * width + j + 1]);
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i] === b[j]) { lone[0][i++] = false; lone[1][j++] = false; }
    else if (best[(i + 1) * width + j] >= best[i * width + j + 1]) i++; else j++;
  }
  return lone;
}

/* The same input with one thing changed: both runs side by side, and what it did to the ln p of each symbol first written. */

function makeWhatIf() {
  const pick = el('div', {}), both = el('div', {class: 'both'}), changes = el('div', {});
  let at = 0, chosen = null;
  const ask = makeAsk(change => { at = state.x.whatIf.push(change) - 1; list(); }), saves = exportMenu('what-if', {svg: () => changeSvg(), table: () => changeTable(), json: () => state.x.whatIf[at]});
  const node = section('what-if', 'What if', pick, both, changes, saves, ask.node);
  const changeTable = () => {
    const w = state.x.whatIf[at];
    return {head: ['place', 'symbol', 'ln p', 'ln p changed', 'change'], rows: state.x.target.symbols.map((s, i) => [i, s.text, s.logp, finite(s.logp) && finite(w.change?.[i]) ? s.logp + w.change[i] : null, w.change?.[i] ?? null])};
  };
  function changeSvg() {
    const rows = changeTable().rows, colours = palette('light'), most = Math.max(0.1, ...rows.map(r => Math.abs(r[4] || 0))), middle = 330, scale = 150 / most;
    return paper(520, 54 + rows.length * 22, 'What if', svg('text', {x: 16, y: 26, 'font-weight': 600}, fitText(plain(state.x.whatIf[at].what), 12, 480)), rows.map((r, i) => [svg('text', {x: 130, y: 58 + i * 22, 'text-anchor': 'end'}, fitText(visible(r[1]), 12, 110)),
      svg('rect', {x: Math.min(middle, middle + r[4] * scale), y: 47 + i * 22, width: Math.max(0.5, Math.abs(r[4] * scale)), height: 14, fill: r[4] < 0 ? colours.other : colours.accent}), svg('text', {x: 140, y: 58 + i * 22, fill: colours.dim}, signedFixed(r[4]))]));
  }
  function run(title, output, tokens, lone) {
    return el('div', {class: 'run'}, el('h3', {}, title), el('div', {class: 'tokens', dir: directionOf(String(output.text ?? ''))}, tokens.map((s, i) => [i && tokens[i - 1].end < s.start ? ' ' : null, el('span', {class: 'token' + (lone[i] ? ' differs' : ''), dir: 'auto'}, shorten(s.label, 60))])),
      el('p', {class: 'dim small'}, finite(output.score) ? `ln p ${fixed(output.score)}` : ''));
  }
  function draw() {
    const x = state.x, w = x.whatIf[at];
    node.hidden = !x.outputs.length || !x.source.symbols.length;
    for (const part of [pick, both, changes, saves]) part.hidden = !w;
    if (!w) return;
    chosen.mark(at);
    const then = readSymbols(w.output?.tokens), lone = unmatched(x.target.symbols.map(s => s.text), then.map(s => s.text));
    clear(both, run('as it was', x.output, x.target.symbols, lone[0]), run(plain(w.what || 'changed'), w.output || {}, then, lone[1]));
    const rows = changeTable().rows, known = rows.filter(r => finite(r[4])), most = Math.max(0.1, ...known.map(r => Math.abs(r[4]))), colours = pageColours();
    clear(changes, !known.length ? el('p', {}, 'What was first written cannot be written then, so its ln p is not compared.') : el('p', {}, 'ln p of what was first written changes by ', el('strong', {}, signedFixed(sum(known.map(r => r[4])))), `, most at \u201c${shorten(visible(known.reduce((a, b) => Math.abs(b[4]) > Math.abs(a[4]) ? b : a)[1]), 24)}\u201d.`),
      table(['', 'symbol', 'ln p', 'changed', 'change', ''], rows.slice(0, 500).map(r => el('tr', {}, el('td', {class: 'index'}, r[0]), el('th', {scope: 'row', dir: 'auto'}, shorten(x.target.symbols[r[0]].label, 30)), el('td', {}, fixed(r[2])), el('td', {}, fixed(r[3])), el('td', {}, signedFixed(r[4])),
        el('td', {class: 'swing'}, finite(r[4]) ? el('span', {class: r[4] < 0 ? 'less' : 'plus', style: {'--part': 50 * Math.abs(r[4]) / most + '%', 'background-color': r[4] < 0 ? colours.other : colours.accent}}) : null))), {class: 'numbers'}, 'Change of ln p of each symbol first written'));
  }
  function list() {
    chosen = choice('What was changed', state.x.whatIf.map(w => ({content: shorten(plain(w.what || 'change'), 40)})), i => { at = i; draw(); });
    clear(pick, chosen.node);
    draw();
  }
  whenIdle('item', () => { at = 0; ask.build(); list(); });
  whenIdle('theme', draw);
  return node;
}
