'use strict';
/* Elements, labels and numbers. Text becomes text nodes or attributes, nothing else: there is no way from a string to HTML in these files, and the page's policy forbids one. */

const SVG = 'http://www.w3.org/2000/svg';

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'on') for (const [event, call] of Object.entries(value)) node.addEventListener(event, call);
    else if (name === 'data') Object.assign(node.dataset, value);
    else if (name === 'style') for (const [key, v] of Object.entries(value)) node.style.setProperty(key, v);
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined && child !== false));
  return node;
}
const el = (tag, props, ...children) => fill(document.createElement(tag), props, children);
const svg = (tag, props, ...children) => fill(document.createElementNS(SVG, tag), props, children);
const clear = (node, ...children) => { node.replaceChildren(...children.flat(Infinity).filter(Boolean)); return node; };
const button = (label, props, call) => el('button', {type: 'button', ...props, on: {click: call}}, label);

const clamp = (x, low, high) => Math.min(Math.max(x, low), high);
const range = n => Array.from({length: n}, (_, i) => i);
const sum = values => values.reduce((a, b) => a + b, 0);
const mean = values => values.length ? sum(values) / values.length : NaN;
const finite = x => typeof x === 'number' && Number.isFinite(x);

/* Control characters and marks of direction would change what stands around them. */
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff0-\ufffc\ufffe\uffff]/g;
const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const plain = text => String(text).replace(LONE, '\ufffd').replace(HIDDEN, '\u00b7');
/* A symbol as pictures show it: blanks are visible, an empty one too. */
const visible = text => plain(text).replace(/[ \u00a0\u3000]/g, '\u2423').replace(/^[\p{M}\u200c\u200d]+$/u, '\u25cc$&') || '\u2205';

/* Into what a reader takes for letters. The segmenter is slow to make, and most texts need none. */
let letters = null;
function split(text) {
  if (!/[\u0300-\uffff]/.test(text) || typeof Intl.Segmenter !== 'function') return Array.from(text);
  letters ||= new Intl.Segmenter(undefined, {granularity: 'grapheme'});
  return Array.from(letters.segment(text), part => part.segment);
}
function shorten(text, most) {
  if (text.length <= most) return text;
  const parts = split(text.slice(0, most * 8));
  return parts.length <= most && text.length <= most * 8 ? text : parts.slice(0, most - 1).join('') + '\u2026';
}

const minus = text => text.replace(/^-/, '\u2212').replace('e-', 'e\u2212');
const fixed = (x, digits = 2) => finite(x) ? minus(x.toFixed(digits).replace(/^-(0\.?0*)$/, '$1')) : '\u2013';
const signedFixed = (x, digits = 2) => (x > 0 && /[1-9]/.test(x.toFixed(digits)) ? '+' : '') + fixed(x, digits);
/* Three digits that say something: 0.984, 12.3, 4.1e-7. */
function number(x) {
  if (!finite(x)) return '\u2013';
  const size = Math.abs(x);
  if (Number.isInteger(x) && size < 1e5) return minus(thousands(x));
  if (size < 1e-3 || size >= 1e5) return minus(x.toExponential(1));
  return minus(size < 1 ? x.toFixed(3) : size < 10 ? x.toFixed(2) : size < 100 ? x.toFixed(1) : x.toFixed(0));
}
const percent = (x, digits = 0) => finite(x) ? minus((100 * x).toFixed(digits)) + '\u202f%' : '\u2013';
const thousands = n => String(n).replace(/\B(?=(\d{3})+$)/g, ',');
const plural = (n, one, many = one + 's') => thousands(n) + ' ' + (n === 1 ? one : many);
