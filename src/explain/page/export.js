/* Every view leaves the page as a picture with real text, as numbers, or as lines for a paper. Pictures are drawn anew, black on white. */

function save(name, type, parts) {
  const link = el('a', {download: name});
  link.href = URL.createObjectURL(new Blob(parts, {type}));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

const svgText = picture => new XMLSerializer().serializeToString(picture) + '\n';

const MOST_PIXELS = 16000;
/* At twice its size, or less where no canvas is that large. */
function svgToPng(picture, done) {
  const width = +picture.getAttribute('width'), height = +picture.getAttribute('height'), scale = Math.min(2, MOST_PIXELS / Math.max(width, height));
  const image = new Image();
  image.onload = () => {
    const canvas = el('canvas', {width: Math.ceil(width * scale), height: Math.ceil(height * scale)});
    canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob(done, 'image/png');
  };
  image.onerror = () => done(null);
  image.src = 'data:image/svg+xml;charset=utf-8,' + encodeURIComponent(svgText(picture));
}

const KINDS = {
  svg: ['SVG', (name, make) => save(name + '.svg', 'image/svg+xml', [svgText(make())])],
  png: ['PNG', (name, make) => svgToPng(make(), blob => blob ? save(name + '.png', 'image/png', [blob]) : say('This picture is too large for PNG here; take the SVG.'))],
  csv: ['CSV', (name, make) => save(name + '.csv', 'text/csv', [toCsv(make())])],
  json: ['JSON', (name, make) => save(name + '.json', 'application/json', [JSON.stringify(make(), null, 1) + '\n'])],
  pharaoh: ['Pharaoh', (name, make) => save(name + '.pharaoh', 'text/plain', [make()])],
  tex: ['TeX', (name, make) => save(name + '.tex', 'text/x-tex', [make()])],
};

const fileName = text => 'heed-' + (plain(text).normalize('NFKD').replace(/\p{M}/gu, '').replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '').toLowerCase().slice(0, 40) || 'view');

/* makers: {svg, table, json, pharaoh, tex}, functions called when a file is wanted; png, csv and tex follow from svg and table. */
function exportMenu(name, makers) {
  const all = {png: makers.svg, csv: makers.table, tex: makers.table && (() => toTex(makers.table())), ...makers};
  const items = Object.keys(KINDS).filter(kind => all[kind]).map(kind => button(KINDS[kind][0], {'data-kind': kind}, () => KINDS[kind][1](fileName(typeof name === 'function' ? name() : name), all[kind])));
  return el('div', {class: 'export', role: 'group', 'aria-label': `Save ${typeof name === 'function' ? 'this view' : name}`}, el('span', {class: 'dim'}, 'Save'), items);
}
