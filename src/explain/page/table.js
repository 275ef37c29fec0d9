/* Tables: any list of rows, and the equivalent of a matrix for those who hear the page or want the numbers. */

function table(head, rows, props, caption) {
  const body = el('table', {...props, 'aria-label': caption}, el('thead', {}, el('tr', {}, head.map(h => el('th', {scope: 'col'}, h)))), el('tbody', {}, rows));
  return el('div', {}, caption ? el('p', {class: 'caption', 'aria-hidden': 'true'}, caption) : null, el('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption || 'table'}, body));
}

const TABLE_CELLS = 40;
/* The cells of the matrix, block by block where there are many; made when it is opened. */
function makeGridTable() {
  const holder = el('div', {}), node = el('details', {class: 'as-table'}, el('summary', {}, 'As a table'), holder);
  let from = {rows: 0, cols: 0};
  const step = side => by => { from[side] = clamp(from[side] + by * TABLE_CELLS, 0, Math.max(0, state.grid[side].length - 1)); build(); };
  function pager(side, name) {
    const n = state.grid[side].length, move = step(side), at = from[side];
    return n <= TABLE_CELLS ? null : el('div', {class: 'pager'}, button('\u2039', {'aria-label': `${name} before`, disabled: at === 0}, () => move(-1)),
      el('span', {}, `${name} ${at}\u2013${Math.min(n, at + TABLE_CELLS) - 1} of ${thousands(n)}`), button('\u203a', {'aria-label': `${name} after`, disabled: at + TABLE_CELLS >= n}, () => move(1)));
  }
  function build() {
    const g = state.grid;
    if (!node.open || !g) return clear(holder);
    const rows = g.rows.slice(from.rows, from.rows + TABLE_CELLS), cols = g.cols.slice(from.cols, from.cols + TABLE_CELLS), name = u => el('bdi', {}, shorten(u.label, 30));
    const body = rows.map((u, i) => el('tr', {}, el('th', {scope: 'row'}, el('span', {class: 'index'}, u.place), name(u)), cols.map((_, j) => el('td', {}, number(g.at(from.rows + i, from.cols + j))))));
    return clear(holder, pager('rows', 'rows'), pager('cols', 'columns'),
      table(['', ...cols.map(u => [el('span', {class: 'index'}, u.place), name(u)])], body, {class: 'numbers'}, `${viewTitle(g.view)}: rows are ${g.view.rows.side === 'source' ? 'symbols read' : 'symbols written'}, columns symbols ${g.view.cols.side === 'source' ? 'read' : 'written'}`));
  }
  node.addEventListener('toggle', build);
  listen('view', () => { from = {rows: 0, cols: 0}; build(); });
  return node;
}
