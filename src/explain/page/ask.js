/* A change to ask for: of the server that this page came from, or, in a file, of heed by a line for a shell. */
const SERVER = /^https?:$/.test(location.protocol) ? document.getElementById('data')?.dataset.server : undefined;
/* Kind, name, which symbol or head it is of, what its text is, whether only a server is asked for it. */
const ASKS = [
  ['mask', 'mask a source symbol', 'source'], ['edit', 'write another symbol for it', 'source', 'TEXT'], ['row', 'make one symbol look at one place only', 'both'], ['weights', 'overwrite what one symbol looks at', 'target', null, true],
  ['head', 'switch a head off', 'head'], ['even', 'let a head look everywhere alike', 'head', null, true], ['prefix', 'begin the output with', null, 'TEXT'], ['vector', 'start from another text', null, 'TEXT'],
];
const MOST_WEIGHTS = 60, MOST_CHANGES = 100;

/* What is not seen as it is (control characters, marks of direction) is written as an escape, so that the line copied is the line read. */
function quoted(text) {
  const whole = String(text).replace(LONE, '\ufffd'), seen = whole.replace(HIDDEN, c => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'));
  return seen === whole ? "'" + whole.replace(/'/g, "'\\''") + "'" : "$'" + whole.replace(/[\\']/g, '\\$&').replace(HIDDEN, c => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0')) + "'";
}

/* The change, computed by the server; an exception says why not. */
async function askServer(x, is) {
  let reply, told;
  try {
    reply = await fetch(SERVER, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({text: x.source.text, ...(x.json.forced ? {target: String(x.output.text)} : {}), what_if: [is]})});
    told = await reply.json();
  } catch { throw new Error('The server does not answer. Is heed serve still running?'); }
  const change = told?.what_if?.[0];
  if (!reply.ok || !change) throw new Error(String(told?.error || `The server answers ${reply.status}, and no change.`));
  return change;
}

/* A number for each symbol read; what they sum to does not matter. Begins with the row as it was. */
function makeWeights() {
  const node = el('div', {class: 'weights', role: 'group', 'aria-label': 'weights of the symbols read'});
  let fields = [];
  function fill(place) {
    const x = state.x, S = x.source.symbols.length, was = x.lenses.find(l => l.name === 'weights')?.matrix.values;
    fields = S > MOST_WEIGHTS ? [] : x.source.symbols.map((s, i) => {
      const w = was ? was[place * S + i] : 1 / S;
      return el('input', {type: 'number', min: 0, step: 'any', value: finite(w) ? +w.toFixed(3) : 0, 'aria-label': `weight of ${i} ${s.label}`});
    });
    clear(node, fields.length ? fields.map((field, i) => el('label', {}, el('span', {dir: 'auto'}, shorten(x.source.symbols[i].label, 12)), field)) : el('p', {class: 'dim small'}, `Of more than ${MOST_WEIGHTS} symbols: heed explain --what-if row:T=W,W,...`));
  }
  return {node, fill, text: () => fields.map(field => String(Math.max(0, +field.value || 0))).join(',')};
}

/* done: takes a change that was computed. */
function makeAsk(done) {
  const select = (label, options) => el('label', {}, el('span', {class: 'away'}, label), el('select', {'aria-label': label}, options));
  const asks = ASKS.filter(a => SERVER || !a[4]);
  const what = select('change', asks.map(([value, name]) => el('option', {value}, name))), source = select('source symbol', []), target = select('written symbol', []), head = select('head', []), text = el('input', {type: 'text', 'aria-label': 'text', size: 14, placeholder: 'text'});
  const line = el('code', {class: 'command'}), copy = button('Copy', {}, () => navigator.clipboard?.writeText(line.textContent).then(() => say('copied'), () => say('this browser does not let a page copy')));
  const weights = makeWeights(), trouble = el('p', {class: 'fail', hidden: true}), go = SERVER && button('Try it', {class: 'go'}, send), value = label => label.querySelector('select').value;
  const node = el('div', {class: 'ask'}, el('p', {class: 'dim small'}, SERVER ? 'Change something; the answer comes from heed:' : 'Ask for another change; heed writes a page with both runs (and a page from heed serve answers at once):'),
    el('div', {class: 'controls'}, what, source, target, head, text, go), SERVER && weights.node, trouble, el('p', {class: 'line'}, SERVER && el('span', {class: 'dim small'}, 'The same in a file: '), line, ' ', copy));
  const kind = () => asks.find(a => a[0] === value(what));

  function change(words) {
    return {mask: `mask:${value(source)}`, edit: `edit:${value(source)}=${words}`, row: `row:${value(target)}=${value(source)}`, weights: `row:${value(target)}=${weights.text()}`, head: `head:${value(head)}=off`,
      even: `head:${value(head)}=uniform`, prefix: `prefix=${words}`, vector: `vector=${words}`}[kind()[0]];
  }
  function show() {
    const [name, , needs, words] = kind(), x = state.x;
    const places = source.querySelector('select');
    for (const option of places.options) option.disabled = needs === 'source' && isEnd(x.source.symbols[option.value]);
    if (places.selectedOptions[0]?.disabled) places.value = 0;
    source.hidden = needs !== 'source' && needs !== 'both';
    target.hidden = needs !== 'both' && needs !== 'target';
    head.hidden = needs !== 'head';
    text.hidden = !words;
    weights.node.hidden = name !== 'weights';
    line.textContent = `heed explain ${quoted(typeof x.model.name === 'string' ? x.model.name : 'MODEL')} --what-if ${quoted(change(text.value || (SERVER ? '' : 'TEXT')))} -o page.html ${x.source.text.startsWith('-') ? '-- ' : ''}${quoted(x.source.text)}`;
  }
  function fail(why) {
    trouble.hidden = !why;
    trouble.textContent = why;
    if (why) say(why);
  }
  async function send() {
    const x = state.x, named = kind();
    if (go.getAttribute('aria-disabled') === 'true') return;
    if (named[3] && named[0] !== 'edit' && !text.value) { fail('Write a text first.'); text.focus(); return; }
    if (x.whatIf.length >= MOST_CHANGES) { fail(`This page holds ${MOST_CHANGES} changes; open it anew for others.`); return; }
    go.setAttribute('aria-disabled', 'true');
    fail('');
    try {
      const told = await askServer(x, change(text.value));
      if (state.x !== x) return;
      done(told);
      const changes = (told.change || []).filter(finite);
      say(`${plain(told.what || 'changed')}: ${plain(told.output?.text ?? '')}${changes.length ? `; ln p of what was first written changes by ${signedFixed(sum(changes))}` : ''}`);
    } catch (e) { fail(e.message); } finally { go.removeAttribute('aria-disabled'); }
  }
  function build() {
    const x = state.x, options = symbols => symbols.slice(0, 2000).map((s, i) => el('option', {value: i}, `${i} ${shorten(s.label, 24)}`)), heads = x.heads.length ? x.heads : [];
    clear(source.querySelector('select'), options(x.source.symbols));
    clear(target.querySelector('select'), options(x.target.symbols));
    clear(head.querySelector('select'), heads.map(h => { const name = `${h.site}.${h.layer}.${h.head}`; return el('option', {value: name}, name); }));
    for (const name of ['head', 'even']) { const option = what.querySelector(`[value=${name}]`); if (option) option.hidden = !heads.length; }
    if (SERVER && x.target.symbols.length) weights.fill(0);
    show();
  }
  target.addEventListener('change', () => { if (SERVER) weights.fill(+value(target)); });
  node.addEventListener('input', show);
  if (SERVER) node.addEventListener('keydown', event => { if (event.key === 'Enter' && event.target.tagName === 'INPUT') { event.preventDefault(); send(); } });
  return {node, build};
}
