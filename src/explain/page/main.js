/* The page: its parts in their order, what is not there, keys, and the first drawing. */

function section(id, title, ...children) { return el('section', {id, 'aria-labelledby': id + '-title', hidden: true}, el('h2', {id: id + '-title'}, title), children); }

/* Parts below the first screen are drawn when the first screen stands. */
const waiting = [];
let idle = false;
function whenIdle(names, call) {
  listen(names, () => { if (idle) call(); else if (!waiting.includes(call)) waiting.push(call); });
}
function drawRest() {
  idle = true;
  const next = () => { const call = waiting.shift(); if (call) { call(); setTimeout(next, 0); } else { drawNav(); document.documentElement.dataset.ready = 'all'; } };
  next();
}

const status = el('p', {class: 'away', role: 'status', 'aria-live': 'polite'});
const say = text => { status.textContent = text; };

const KEYS = [['1 \u2026 9, [ and ]', 'choose a lens'], ['arrow keys', 'walk symbols, cells, lenses, frames or the tree'], ['Enter', 'pin what is walked on (Shift: its column); several pins add up'], ['Escape', 'let go of all pins'],
  ['w', 'words or symbols'], ['h', 'hide special symbols'], ['g', 'gold links'], ['l', 'logarithmic scale'], ['r', 'each row on its own scale'], ['+ \u2212 0', 'zoom the matrix, all of it'], ['m', 'go to the matrix'], ['d', 'dark, light, as the system'], ['?', 'these keys']];
const help = el('dialog', {class: 'help', 'aria-labelledby': 'help-title'}, el('h2', {id: 'help-title'}, 'Keys'), el('dl', {}, KEYS.map(([key, what]) => [el('dt', {}, key), el('dd', {}, what)])), button('Close', {autofocus: true}, () => help.close()));

const THEMES = ['auto', 'light', 'dark'];
const themeButton = button('', {class: 'plain'}, () => setTheme(THEMES[(THEMES.indexOf(state.theme) + 1) % 3]));
function setTheme(name) {
  state.theme = name;
  document.documentElement.dataset.theme = themeName();
  themeButton.textContent = {auto: 'Auto', light: 'Light', dark: 'Dark'}[name];
  themeButton.setAttribute('aria-label', `Colours: ${name}`);
  if (state.x) tell('theme');
}
darkWish.addEventListener('change', () => setTheme(state.theme));

const nav = el('nav', {'aria-label': 'Parts'});
function drawNav() {
  const parts = [...document.querySelectorAll('main > section[id], main > .work')].filter(s => !s.hidden && s.id).map(s => [s.id, NAMES[s.id]]);
  clear(nav, parts.length > 1 ? parts.map(([id, name]) => el('a', {href: '#' + id}, name)) : null);
}
const NAMES = {corpus: 'Corpus', matrix: 'Matrix', heads: 'Heads', trust: 'Trust', search: 'Search', 'what-if': 'What if', film: 'Film'};

const MISSING = [['lenses', x => x.lenses.length, 'lenses'], ['trust', x => x.trust?.curves?.length, 'the test of the lenses'], ['heads', x => x.heads.length, 'single heads'], ['beams', x => x.beams?.nodes?.length, 'the search'], ['what_if', x => x.whatIf.length || SERVER, 'what if'],
  ['film', x => x.film?.frames?.length, 'the film of the training']];
function makeMissing() {
  const node = el('footer', {class: 'missing dim small'});
  whenIdle('item', () => {
    const x = state.x, absent = MISSING.filter(([, there]) => !there(x)).map(([, , name]) => name);
    clear(node, faults.length ? el('div', {class: 'notice', role: 'alert'}, el('p', {}, 'Parts of the data could not be read and are left out:'), el('ul', {}, faults.map(f => el('li', {}, plain(f))))) : null,
      absent.length ? el('p', {}, `Not in this file: ${absent.join(', ')}. heed explain --help names the options that add them.`) : null,
      el('p', {}, 'Attention weights are evidence, not proof: Jain and Wallace (2019), Wiegreffe and Pinter (2019). Made by heed explain; ' + (SERVER ? 'this page asks nobody but the server that it came from.' : 'this file asks for nothing from anywhere.')));
  });
  return node;
}

const NO_ATTENTION = 'This model looks at nothing: it reads the source into one fixed vector, so there are no weights to show. Lenses that need no attention can still say what it rests on: heed explain --lens leave-one-out or --lens integrated-gradients.';
function makeNotice() {
  const node = el('div', {class: 'notice', hidden: true});
  listen('item', () => {
    const x = state.x, text = x.error ? plain(x.error) : !x.outputs.length ? 'Nothing was written, so there is nothing to explain.' : !x.source.symbols.length ? 'The source is empty.' : !x.lenses.length && !x.heads.length ? NO_ATTENTION : '';
    node.hidden = !text;
    node.textContent = text;
  });
  return node;
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || /^(input|select|textarea)$/i.test(event.target.tagName) && event.target.type !== 'range') return;
  const toggles = {w: 'words', h: 'hideSpecial', g: 'gold', l: 'log', r: 'byRow'};
  if (event.key === '?') { if (help.open) help.close(); else help.showModal(); }
  else if (help.open) return;
  else if (event.key === 'Escape') unpin();
  else if (event.key === 'd') setTheme(THEMES[(THEMES.indexOf(state.theme) + 1) % 3]);
  else if (event.key === 'm') document.querySelector('.holder')?.focus();
  else if (toggles[event.key] && state.grid) setDisplay({[toggles[event.key]]: !state[toggles[event.key]]});
  else if (!state.x || !keyLens(event)) return;
  event.preventDefault();
}

function main() {
  const page = document.getElementById('page'), data = readPage();
  setTheme('auto');
  if (typeof data === 'string') return clear(page, el('h1', {class: 'brand'}, 'heed'), el('p', {class: 'notice', role: 'alert'}, data));
  state.items = data.items;
  const title = el('h1', {class: 'away'}), model = el('p', {class: 'model dim'});
  const corpus = data.single ? null : makeCorpus(data), work = el('div', {class: 'work', id: 'matrix'}, makeMatrix(), el('aside', {'aria-label': 'What is chosen'}, makeReading()));
  clear(page, el('header', {}, el('span', {class: 'brand'}, 'heed'), model, nav, el('div', {class: 'tools'}, SERVER && el('a', {href: './'}, 'Another text'), themeButton, button('Keys', {class: 'plain', 'aria-keyshortcuts': '?'}, () => help.showModal()))), title, status,
    corpus?.node, makeNotice(), makeStrip(), makeLensBar(), work, makeTrust(), makeHeads(), makeWhatIf(), makeBeam(), makeFilm(), makeMissing(), help);
  listen('item', () => {
    const x = state.x, m = x.model, name = modelOf(x.json, data.models || []);
    document.title = `${shorten(plain(x.source.text), 60)} \u2013 what it looked at`;
    title.textContent = `What it looked at: ${plain(x.source.text)}`;
    model.textContent = [name, m.description].filter(Boolean).map(plain).join(' \u00b7 ');
  });
  listen('view', () => { work.hidden = !state.grid; });
  document.addEventListener('keydown', onKey);
  if (corpus) { corpus.node.hidden = false; corpus.node.classList.add('corpus-first'); corpus.start(); } else showItem(0);
  performance.mark('heed-drawn');
  requestAnimationFrame(() => setTimeout(drawRest, 0));
  return undefined;
}
main();
