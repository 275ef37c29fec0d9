/* Tables of numbers for programs and papers. A table is {head: [text], rows: [[text or number]]}. */

const csvNumber = x => finite(x) ? String(+x.toPrecision(7)) : '';
/* A text that a spreadsheet would take for a formula gets an apostrophe, as spreadsheets themselves write it. */
function csvCell(x) {
  if (typeof x === 'number') return csvNumber(x);
  const text = x === null || x === undefined ? '' : String(x).replace(LONE, '\ufffd'), safe = /^[=+\-@\t\r]/.test(text) ? "'" + text : text;
  return /[",\n\r]/.test(safe) ? '"' + safe.replace(/"/g, '""') + '"' : safe;
}
const toCsv = table => [table.head, ...table.rows].map(row => row.map(csvCell).join(',')).join('\n') + '\n';

const TEX = {'\\': '\\textbackslash{}', '{': '\\{', '}': '\\}', '$': '\\$', '&': '\\&', '#': '\\#', '_': '\\_', '%': '\\%', '~': '\\textasciitilde{}', '^': '\\textasciicircum{}',
  '<': '\\textless{}', '>': '\\textgreater{}', '"': '\\textquotedbl{}', '|': '\\textbar{}', '\u220e': '$\\blacksquare$', '\u2423': '\\textvisiblespace{}', '\u2205': '$\\emptyset$'};
const tex = x => x === null ? '--' : typeof x === 'number' ? (finite(x) ? String(+x.toPrecision(4)) : '--') : visible(x ?? '').replace(/\u2423/g, ' ').replace(/[\\{}$&#_%~^<>"|\u220e\u2205]/g, c => TEX[c]).replace(/\u2212/g, '$-$');
const texLines = (columns, lines) => `\\begin{tabular}{${columns}}\n${lines.join(' \\\\\n')} \\\\\n\\end{tabular}\n`;
const toTex = table => '% \\usepackage{booktabs}\n' + texLines(table.head.map((_, i) => typeof table.rows[0]?.[i] === 'number' ? 'r' : 'l').join(''),
  ['\\toprule ' + table.head.map(tex).join(' & '), ...table.rows.map((row, i) => (i ? '' : '\\midrule ') + row.map(tex).join(' & '))]).replace(/ \\\\\n\\end/, ' \\\\ \\bottomrule\n\\end');

const MOST_TEX_CELLS = 10000;
function gridTex(grid) {
  if (grid.R * grid.C > MOST_TEX_CELLS) return `% ${grid.R} x ${grid.C} cells are more than a page holds; take the SVG\n`;
  const colours = palette('light', grid.signed), head = ['', ...grid.cols.map(u => `\\rotatebox{90}{${tex(u.label)}}`)].join(' & ');
  const cell = (r, c) => {
    const v = grid.at(r, c), place = colours.place(shadeOf(v, mostOf(grid, r))), size = Math.abs(v);
    const text = size / grid.most < 0.095 || !finite(v) ? '' : `\\textcolor[HTML]{${colours.over[place].slice(1).toUpperCase()}}{${v.toFixed(2)}}`;
    return `\\cellcolor[HTML]{${colours.css[place].slice(1).toUpperCase()}}${text}`;
  };
  return '% \\usepackage[table]{xcolor} \\usepackage{graphicx,amssymb,textcomp}; XeLaTeX or LuaLaTeX for other scripts\n{\\setlength{\\tabcolsep}{2pt}\\scriptsize\n' +
    texLines('r' + 'c'.repeat(grid.C), [head, ...grid.rows.map((u, r) => [tex(u.label), ...grid.cols.map((_, c) => cell(r, c))].join(' & '))]) + '}\n';
}

const gridTable = grid => ({head: ['', ...grid.cols.map(u => u.label)], rows: grid.rows.map((u, r) => [u.label, ...grid.cols.map((_, c) => grid.at(r, c))])});
const gridJson = grid => ({title: viewTitle(grid.view), sentence: grid.view.sentence, signed: grid.signed, rows: grid.rows.map(u => u.label), columns: grid.cols.map(u => u.label),
  values: grid.rows.map((_, r) => Array.from(grid.values.subarray(r * grid.C, (r + 1) * grid.C), x => finite(x) ? +x.toPrecision(7) : null))});

/* Links `source-target` from 0, one for each row that has a largest positive score above the threshold; special symbols have none. */
function gridPharaoh(grid) {
  const links = [];
  for (let r = 0; r < grid.R; r++) {
    let best = -1;
    for (let c = 0; c < grid.C; c++) if (grid.at(r, c) > (best < 0 ? 0 : grid.at(r, best)) && !grid.cols[c].special) best = c;
    if (best >= 0 && !grid.rows[r].special && grid.at(r, best) >= state.threshold * grid.most) links.push([grid.cols[best].place, grid.rows[r].place]);
  }
  return pharaoh(links);
}
const pharaoh = links => links.slice().sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(link => link.join('-')).join(' ') + '\n';

const viewTitle = view => view.kind === 'head' ? `${SITES[view.site] || view.site}, layer ${view.layer}, head ${view.head}` : view.title;
const SITES = {cross: 'Decoder looks at the source', encoder: 'Source looks at itself', decoder: 'Output looks at itself'};
