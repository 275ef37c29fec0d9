/* What a side of the explanation is drawn with. Text is here; a sound or a picture registers a renderer of its own kind and gets the same calls.
 *
 * A renderer is a function (node, axis, touch) that draws axis.units (or axis.words.units) into node and returns
 *   shade(scores, most, colours)   scores a unit, largest size `most`; null: none
 *   mark(pinned, hovered)          a Set of places and one place or -1
 *   list                           the element that takes the keyboard
 * It calls touch.hover(place or -1), touch.pin(place) with the place of a unit. axis.content holds what the data say beyond symbols (samples, pixels). */
const renderers = {};
const registerRenderer = (kind, renderer) => { renderers[kind] = renderer; };

const RIGHT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/, LETTER = /\p{L}/u;
function directionOf(text) {
  for (const c of text.slice(0, 2000)) if (LETTER.test(c)) return RIGHT.test(c) ? 'rtl' : 'ltr';
  return 'ltr';
}

const FEW = 300, CHUNK = 100;
/* Long lists stand in paragraphs of a hundred, numbered; a browser leaves out those that are not in sight. */
const spaced = (tokens, gaps, from = 0) => tokens.map((token, i) => [gaps[from + i], token]);
const chunks = (tokens, gaps) => range(Math.ceil(tokens.length / CHUNK)).map(k => el('div', {class: 'chunk', role: 'group', 'aria-label': `from ${k * CHUNK}`}, el('span', {class: 'from', 'aria-hidden': 'true'}, k * CHUNK), spaced(tokens.slice(k * CHUNK, (k + 1) * CHUNK), gaps, k * CHUNK)));
let listsMade = 0;
registerRenderer('text', (node, axis, touch) => {
  const units = unitsOf(axis), id = 'list' + listsMade++, direction = directionOf(axis.text);
  const gaps = [];
  let before = null, current = -1;
  const tokens = units.map((unit, place) => {
    const gap = before && unit.start > before.end ? ' ' : null;
    before = unit;
    const token = el('span', {role: 'option', id: `${id}-${place}`, dir: 'auto', class: 'token' + (unit.special ? ' special' : ''), 'aria-selected': 'false', 'data-place': place}, shorten(unit.label, 60));
    gaps.push(gap);
    return token;
  });
  const list = el('div', {class: 'tokens', dir: direction, role: 'listbox', tabindex: 0, 'aria-multiselectable': 'true', 'aria-label': axis.title, 'aria-orientation': 'horizontal'}, tokens.length > FEW ? chunks(tokens, gaps) : spaced(tokens, gaps));
  const placeOf = event => { const token = event.target.closest?.('.token'); return token ? +token.dataset.place : -1; };
  list.addEventListener('pointerover', event => { if (event.pointerType !== 'touch') touch.hover(placeOf(event)); });
  list.addEventListener('pointerleave', () => touch.hover(-1));
  list.addEventListener('click', event => { const place = placeOf(event); if (place >= 0) { current = place; touch.pin(place); } });
  list.addEventListener('blur', () => touch.hover(-1));
  list.addEventListener('keydown', event => {
    const forward = direction === 'rtl' ? 'ArrowLeft' : 'ArrowRight', back = direction === 'rtl' ? 'ArrowRight' : 'ArrowLeft';
    const to = {[forward]: current + 1, ArrowDown: current + 1, [back]: current - 1, ArrowUp: current - 1, Home: 0, End: units.length - 1}[event.key];
    if (to !== undefined) {
      current = clamp(to, 0, units.length - 1);
      touch.hover(current, true);
      list.setAttribute('aria-activedescendant', `${id}-${current}`);
      tokens[current]?.scrollIntoView({block: 'nearest', inline: 'nearest'});
    } else if ((event.key === 'Enter' || event.key === ' ') && current >= 0) touch.pin(current);
    else return;
    event.preventDefault();
  });
  node.append(list);
  const shades = new Int16Array(units.length).fill(STEPS), near = new Set(), many = tokens.length > FEW;
  let theme = '', given = null, pinnedBefore = new Set(), hoveredBefore = -1;
  function paint(i, again) {
    const place = given.scores && given.scores[i] !== undefined ? given.colours.place(clamp(shadeOf(given.scores[i], given.most), -1, 1)) : STEPS;
    if (place === shades[i] && !(again && place !== STEPS)) return;
    shades[i] = place;
    tokens[i].style.backgroundColor = place === STEPS ? '' : given.colours.css[place];
    tokens[i].style.color = place === STEPS ? '' : given.colours.over[place];
  }
  /* Of thousands of symbols only those in sight are shaded; the others when they come into it. */
  if (many) {
    const watch = new IntersectionObserver(changes => {
      for (const change of changes) {
        const i = +change.target.dataset.place;
        if (!change.isIntersecting) near.delete(i);
        else { near.add(i); if (given) paint(i, true); }
      }
    }, {root: node});
    tokens.forEach(token => watch.observe(token));
  }
  return {
    list,
    shade(scores, most, colours) {
      const again = theme !== colours.name + colours.signed;
      theme = colours.name + colours.signed;
      given = {scores, most, colours};
      for (const i of many ? near : tokens.keys()) paint(i, again);
    },
    mark(pinned, hovered) {
      for (const i of pinnedBefore) if (!pinned.has(i)) { tokens[i]?.classList.remove('pinned'); tokens[i]?.setAttribute('aria-selected', 'false'); }
      for (const i of pinned) if (!pinnedBefore.has(i)) { tokens[i]?.classList.add('pinned'); tokens[i]?.setAttribute('aria-selected', 'true'); }
      pinnedBefore = new Set(pinned);
      if (hovered === hoveredBefore) return;
      tokens[hoveredBefore]?.classList.remove('at');
      tokens[hovered]?.classList.add('at');
      hoveredBefore = hovered;
    },
  };
});
