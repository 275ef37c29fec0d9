/* The lenses side by side, each with its one sentence, and whether it may be believed here. */

const verdictOf = (x, name) => (x.trust?.curves || []).find(c => c.lens === name);

/* Buttons of which one is chosen; arrow keys go from one to the next. */
function choice(label, items, choose) {
  const buttons = items.map((item, i) => button(item.content, {role: 'radio', 'aria-checked': 'false', tabindex: -1, title: item.title, 'aria-label': item.spoken}, () => choose(i)));
  const node = el('div', {class: 'choice', role: 'radiogroup', 'aria-label': label}, buttons);
  node.addEventListener('keydown', event => {
    const at = buttons.indexOf(document.activeElement), to = {ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1}[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    choose((to + buttons.length) % buttons.length);
    buttons[(to + buttons.length) % buttons.length].focus();
  });
  return {node, mark: chosen => buttons.forEach((b, i) => { b.setAttribute('aria-checked', String(i === chosen)); b.tabIndex = i === chosen || (chosen < 0 && i === 0) ? 0 : -1; })};
}

const PASSED = '\u2713', FAILED = '\u2717';
const judged = curve => !curve || typeof curve.passed !== 'boolean' ? null : curve.passed;
function verdictText(curve) {
  const passed = judged(curve);
  return passed === null ? 'Not tested here.' : passed ? 'This lens passed here.' : 'This lens failed here.';
}

function makeLensBar() {
  const bar = el('div', {}), sentence = el('p', {class: 'sentence'}), verdict = el('p', {class: 'verdict'}), node = el('section', {class: 'lenses', 'aria-label': 'Lenses'}, bar, sentence, verdict);
  let shown = null;
  listen('item', () => {
    const x = state.x, best = x.trust?.recommended?.[0];
    const items = x.lenses.map((lens, i) => {
      const passed = judged(verdictOf(x, lens.name)), mark = passed === null ? null : el('span', {class: passed ? 'pass' : 'fail', 'aria-hidden': 'true'}, passed ? PASSED : FAILED);
      const title = plain(lens.title);
      return {content: [shorten(title, 40), mark && [' ', mark]], title: i < 9 ? `key ${i + 1}` : null, spoken: title + (passed === null ? '' : passed ? ', passed here' : ', failed here') + (lens.name === best ? ', recommended' : '')};
    });
    shown = choice('Lens', items, i => setView(x.lenses[i]));
    clear(bar, items.length ? shown.node : null);
  });
  listen('view', () => {
    const v = state.view, x = state.x;
    node.hidden = !v;
    if (!v) return;
    shown.mark(x.lenses.indexOf(v));
    const curve = v.kind === 'lens' ? verdictOf(x, v.name) : null, passed = judged(curve);
    sentence.textContent = v.kind === 'head' ? HEAD_SENTENCE : plain(v.sentence || '');
    sentence.hidden = !sentence.textContent;
    clear(verdict);
    verdict.hidden = v.kind !== 'lens';
    if (v.kind !== 'lens') return;
    const sign = passed === null ? null : el('span', {class: passed ? 'pass' : 'fail', 'aria-hidden': 'true'}, (passed ? PASSED : FAILED) + ' ');
    verdict.append(...[sign, el('strong', {}, verdictText(curve)), ' ', plain(curve?.why || (passed === null ? 'Whether it may be believed was not measured for this sentence.' : ''))].filter(Boolean));
  });
  return node;
}
const HEAD_SENTENCE = 'One head of many: what it fetched, before the others were mixed in. A head that looks idle may matter, one that looks sharp may not; switch it off under What if to know.';

function keyLens(event) {
  const digit = +event.key, x = state.x;
  if (digit >= 1 && digit <= 9 && x?.lenses[digit - 1]) { setView(x.lenses[digit - 1]); return true; }
  const at = x ? x.lenses.indexOf(state.view) : -1;
  const to = {'[': at - 1, ']': at + 1}[event.key];
  if (to === undefined || !x?.lenses.length) return false;
  setView(x.lenses[(to + x.lenses.length) % x.lenses.length]);
  return true;
}
