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

/* A change to ask heed for, as a line for a shell. */
const ASKS = [
  ['mask', 'mask a source symbol', 'source'], ['edit', 'write another symbol for it', 'source', 'TEXT'], ['row', 'make one symbol look at one place only', 'both'], ['head', 'switch a head off', 'head'], ['prefix', 'begin the output with', null, 'TEXT'], ['vector', 'start from another text', null, 'TEXT'],
];
/* What is not seen as it is (control characters, marks of direction) is written as an escape, so that the line copied is the line read. */
function quoted(text) {
  const whole = String(text).replace(LONE, '\ufffd'), seen = whole.replace(HIDDEN, c => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'));
  return seen === whole ? "'" + whole.replace(/'/g, "'\\''") + "'" : "$'" + whole.replace(/[\\']/g, '\\$&').replace(HIDDEN, c => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0')) + "'";
}
function makeAsk() {
  const select = (label, options) => el('label', {}, el('span', {class: 'away'}, label), el('select', {'aria-label': label}, options));
  const what = select('change', ASKS.map(([value, name]) => el('option', {value}, name))), source = select('source symbol', []), target = select('written symbol', []), head = select('head', []), text = el('input', {type: 'text', 'aria-label': 'text', size: 14, placeholder: 'text'});
  const line = el('code', {class: 'command'}), copy = button('Copy', {}, () => navigator.clipboard?.writeText(line.textContent).then(() => say('copied'), () => say('this browser does not let a page copy')));
  const node = el('div', {class: 'ask'}, el('p', {class: 'dim small'}, 'Ask for another change; heed writes a page with both runs:'), el('div', {class: 'controls'}, what, source, target, head, text), el('p', {class: 'line'}, line, ' ', copy));
  const value = label => label.querySelector('select').value;
  function change() {
    const [kind, , needs, words] = ASKS.find(a => a[0] === value(what)), x = state.x;
    source.hidden = needs !== 'source' && needs !== 'both';
    target.hidden = needs !== 'both';
    head.hidden = needs !== 'head';
    text.hidden = !words;
    const is = {mask: `mask:${value(source)}`, edit: `edit:${value(source)}=${text.value || 'TEXT'}`, row: `row:${value(target)}=${value(source)}`, head: `head:${value(head)}=off`, prefix: `prefix=${text.value || 'TEXT'}`, vector: `vector=${text.value || 'TEXT'}`}[kind];
    line.textContent = `heed explain ${quoted(typeof x.model.name === 'string' ? x.model.name : 'MODEL')} --what-if ${quoted(is)} -o page.html ${x.source.text.startsWith('-') ? '-- ' : ''}${quoted(x.source.text)}`;
  }
  function build() {
    const x = state.x, options = symbols => symbols.slice(0, 2000).map((s, i) => el('option', {value: i}, `${i} ${shorten(s.label, 24)}`)), heads = x.heads.length ? x.heads : [];
    clear(source.querySelector('select'), options(x.source.symbols));
    clear(target.querySelector('select'), options(x.target.symbols));
    clear(head.querySelector('select'), heads.map(h => { const name = `${h.site}.${h.layer}.${h.head}`; return el('option', {value: name}, name); }));
    what.querySelector('[value=head]').hidden = !heads.length;
    change();
  }
  node.addEventListener('input', change);
  return {node, build};
}

/* The same input with one thing changed: both runs side by side, and what it did to the ln p of each symbol first written. */

function makeWhatIf() {
  const pick = el('div', {}), both = el('div', {class: 'both'}), changes = el('div', {});
  let at = 0, chosen = null;
  const ask = makeAsk(), saves = exportMenu('what-if', {svg: () => changeSvg(), table: () => changeTable(), json: () => state.x.whatIf[at]});
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
    ask.build();
    for (const part of [pick, both, changes, saves]) part.hidden = !w;
    if (!w) return;
    chosen.mark(at);
    const then = readSymbols(w.output?.tokens), lone = unmatched(x.target.symbols.map(s => s.text), then.map(s => s.text));
    clear(both, run('as it was', x.output, x.target.symbols, lone[0]), run(plain(w.what || 'changed'), w.output || {}, then, lone[1]));
    const rows = changeTable().rows, known = rows.filter(r => finite(r[4])), most = Math.max(0.1, ...known.map(r => Math.abs(r[4]))), colours = pageColours();
    clear(changes, el('p', {}, 'ln p of what was first written changes by ', el('strong', {}, signedFixed(sum(known.map(r => r[4])))), known.length ? `, most at \u201c${shorten(visible(known.reduce((a, b) => Math.abs(b[4]) > Math.abs(a[4]) ? b : a)[1]), 24)}\u201d.` : '.'),
      table(['', 'symbol', 'ln p', 'changed', 'change', ''], rows.slice(0, 500).map(r => el('tr', {}, el('td', {class: 'index'}, r[0]), el('th', {scope: 'row', dir: 'auto'}, shorten(x.target.symbols[r[0]].label, 30)), el('td', {}, fixed(r[2])), el('td', {}, fixed(r[3])), el('td', {}, signedFixed(r[4])),
        el('td', {class: 'swing'}, finite(r[4]) ? el('span', {class: r[4] < 0 ? 'less' : 'plus', style: {'--part': 50 * Math.abs(r[4]) / most + '%', 'background-color': r[4] < 0 ? colours.other : colours.accent}}) : null))), {class: 'numbers'}, 'Change of ln p of each symbol first written'));
  }
  whenIdle('item', () => {
    at = 0;
    chosen = choice('What was changed', state.x.whatIf.map(w => ({content: shorten(plain(w.what || 'change'), 40)})), i => { at = i; draw(); });
    clear(pick, chosen.node);
    draw();
  });
  whenIdle('theme', draw);
  return node;
}
