/* Scales that people with any colour vision can order: one hue from the ground to dark (to light on a dark page), or orange below zero and blue above. */

const SCALES = {
  light: {
    ink: '#16181d', dim: '#5a606b', rule: '#e2e5e9', edge: '#9aa1ab', ground: '#ffffff', accent: '#0a57a4', other: '#a44a00', gold: '#b7791f', band: '#e9ebee',
    one: [[255, 255, 255], [198, 219, 239], [107, 174, 214], [33, 113, 181], [8, 48, 107]],
    below: [[255, 255, 255], [254, 224, 190], [247, 176, 95], [204, 103, 10], [110, 50, 2]], none: [228, 228, 224],
  },
  dark: {
    ink: '#e8eaed', dim: '#a3a9b4', rule: '#2c3038', edge: '#5d646f', ground: '#121419', accent: '#7db9f7', other: '#f4a860', gold: '#ffd166', band: '#272b33',
    one: [[18, 20, 25], [44, 58, 112], [36, 124, 146], [106, 190, 112], [250, 230, 90]],
    above: [[18, 20, 25], [24, 62, 108], [42, 117, 186], [121, 184, 240], [214, 236, 255]],
    below: [[18, 20, 25], [86, 46, 14], [170, 88, 22], [240, 152, 62], [255, 218, 168]], none: [52, 52, 56],
  },
};

const STEPS = 255;   /* shades on either side of nothing; then the one of what is not defined */

function mixed(stops, t) {
  const place = clamp(t, 0, 1) * 4, below = Math.min(3, Math.floor(place));
  return range(3).map(i => Math.round(stops[below][i] + (place - below) * (stops[below + 1][i] - stops[below][i])));
}

/* Shade s in [-1, 1] has place STEPS + s * STEPS. */
function makePalette(name, signed) {
  const scale = SCALES[name], above = signed ? scale.above || scale.one : scale.one;
  const rgb = range(2 * STEPS + 1).map(i => i < STEPS ? mixed(scale.below, (STEPS - i) / STEPS) : mixed(above, (i - STEPS) / STEPS));
  rgb.push(scale.none);
  const word = ([r, g, b]) => (255 << 24 | b << 16 | g << 8 | r) >>> 0, bright = ([r, g, b]) => 0.2126 * (r / 255) ** 2.2 + 0.7152 * (g / 255) ** 2.2 + 0.0722 * (b / 255) ** 2.2;
  return {
    name, signed, ...scale,
    words: Uint32Array.from(rgb, word),
    css: rgb.map(c => '#' + c.map(x => x.toString(16).padStart(2, '0')).join('')),
    over: rgb.map(c => bright(c) > 0.2 ? '#101216' : '#ffffff'),
    place: shade => Number.isNaN(shade) ? 2 * STEPS + 1 : STEPS + Math.round(shade * STEPS),
  };
}

const palettes = new Map();
function palette(name, signed) {
  const key = name + (signed ? '+-' : '');
  if (!palettes.has(key)) palettes.set(key, makePalette(name, Boolean(signed)));
  return palettes.get(key);
}
