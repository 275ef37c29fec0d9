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

let listsMade = 0;
registerRenderer('text', (node, axis, touch) => {
  const units = unitsOf(axis), id = 'list' + listsMade++, direction = directionOf(axis.text);
  let before = null, current = -1;
  const tokens = units.map((unit, place) => {
    const gap = before && unit.start > before.end;
    before = unit;
    return el('span', {role: 'option', id: `${id}-${place}`, dir: 'auto', class: 'token' + (gap ? ' gap' : '') + (unit.special ? ' special' : ''), 'aria-selected': 'false', 'data-place': place}, shorten(unit.label, 60));
  });
  const list = el('div', {class: 'tokens', dir: direction, role: 'listbox', tabindex: 0, 'aria-multiselectable': 'true', 'aria-label': axis.title, 'aria-orientation': 'horizontal'}, tokens);
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
  const shades = new Int16Array(units.length).fill(STEPS);
  let theme = '', pinnedBefore = new Set(), hoveredBefore = -1;
  return {
    list,
    shade(scores, most, colours) {
      const again = theme !== colours.name + colours.signed;
      theme = colours.name + colours.signed;
      for (let i = 0; i < tokens.length; i++) {
        const shade = scores ? scores[i] : 0, place = scores && shade !== undefined ? colours.place(clamp(shadeOf(shade, most), -1, 1)) : STEPS;
        if (place === shades[i] && !(again && place !== STEPS)) continue;
        shades[i] = place;
        tokens[i].style.backgroundColor = place === STEPS ? '' : colours.css[place];
        tokens[i].style.color = place === STEPS ? '' : colours.over[place];
      }
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
