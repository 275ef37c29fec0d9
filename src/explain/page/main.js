function tableOf(view) {
  const values = view.matrix.values, row = (s, i) => el('tr', {}, el('th', {}, s.label), view.cols.symbols.map((_, j) => el('td', {}, number(values[i * view.matrix.cols + j]))));
  return el('table', {}, el('tr', {}, el('th', {}), view.cols.symbols.map(s => el('th', {}, s.label))), view.rows.symbols.map(row));
}

function main() {
  const page = document.getElementById('page'), data = readPage();
  if (typeof data === 'string') return clear(page, el('p', {class: 'notice', role: 'alert'}, data));
  const x = readExplanation(data.items[0]);
  return clear(page, el('h1', {}, x.source.text), el('p', {}, x.output.text),
    x.lenses.map(lens => [el('h2', {}, lens.title), el('p', {}, lens.sentence || ''), tableOf(lens)]));
}
main();
