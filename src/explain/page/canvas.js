/* The heat map on two canvases: cells, axes and gold below, redrawn when the numbers or the window change; what is pointed at and pinned above, redrawn at every move. */

const CELL = {wide: 44, tall: 26, label: 11, most: 64};

class HeatMap {
  constructor() {
    this.base = el('canvas', {class: 'base', 'aria-hidden': 'true'});
    this.over = el('canvas', {class: 'over', 'aria-hidden': 'true'});
    this.node = el('div', {class: 'map'}, this.base, this.over);
    this.zoom = 1;
    this.x = this.y = 0;   /* first column and row in the window */
  }

  /* Room for names and numbers, size of a cell at zoom 1. */
  lay(grid, width, tallest) {
    const small = width < 520, size = this.font = 12;
    const longest = (units, room) => Math.min(room, Math.max(10, ...units.slice(0, 1500).map(u => textWidth(shorten(u.label, 30), size))));
    this.grid = grid;
    this.gutter = 14 + 6 * String(Math.max(grid.R, 1)).length;
    this.names = {rows: Math.ceil(longest(grid.rows, small ? 76 : 132)) + 4, cols: Math.ceil(longest(grid.cols, small ? 76 : 112)) + 4};
    const plot = width - this.gutter - this.names.rows - 1;
    this.fit = {w: Math.min(CELL.wide, plot / grid.C), h: Math.min(CELL.tall, Math.max(tallest / grid.R, Math.min(CELL.tall, plot / grid.C) * 0.25))};
    if (this.fit.h * grid.R > tallest) this.fit.h = tallest / grid.R;
    if (this.fit.h < CELL.label && this.zoom === 1) this.names.rows = 0;
    if (this.fit.w < CELL.label && this.zoom === 1) this.names.cols = 0;
    this.upright = this.names.cols && this.names.cols - 4 <= this.fit.w - 2 && this.fit.w * this.zoom >= 16;
    this.left = this.gutter + this.names.rows;
    this.top = 18 + (this.upright ? 18 : this.names.cols);
    const room = width - this.left - 1;
    if (!this.names.rows || !this.names.cols) this.fit.w = Math.min(CELL.wide, room / grid.C);
    this.plotW = Math.min(room, grid.C * this.fit.w);
    this.plotH = Math.min(tallest, grid.R * this.fit.h);
    this.cw = Math.min(CELL.most, this.fit.w * this.zoom);
    this.ch = Math.min(CELL.most, this.fit.h * this.zoom);
    if (this.zoom > 1) { this.plotW = Math.min(room, grid.C * this.cw); this.plotH = Math.min(tallest, grid.R * this.ch); }
    this.clampWindow();
    this.size(this.left + this.plotW + 1, this.top + this.plotH + 1);
  }

  size(width, height) {
    const ratio = this.ratio = Math.min(3, window.devicePixelRatio || 1);
    this.node.style.height = Math.ceil(height) + 'px';
    for (const canvas of [this.base, this.over]) {
      const w = Math.ceil(width * ratio), h = Math.ceil(height * ratio);
      if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
      canvas.style.width = w / ratio + 'px';
      canvas.style.height = h / ratio + 'px';
    }
  }

  clampWindow() {
    this.x = clamp(this.x, 0, Math.max(0, this.grid.C - this.plotW / this.cw));
    this.y = clamp(this.y, 0, Math.max(0, this.grid.R - this.plotH / this.ch));
  }

  get window() {
    return [Math.floor(this.y), Math.min(this.grid.R, Math.ceil(this.y + this.plotH / this.ch - 1e-6)), Math.floor(this.x), Math.min(this.grid.C, Math.ceil(this.x + this.plotW / this.cw - 1e-6))];
  }

  colX(c) { return this.left + (c - this.x) * this.cw; }
  rowY(r) { return this.top + (r - this.y) * this.ch; }
  cellAt(px, py) {
    const c = Math.floor((px - this.left) / this.cw + this.x), r = Math.floor((py - this.top) / this.ch + this.y);
    const inX = px >= this.left && px < this.left + this.plotW && c < this.grid.C, inY = py >= this.top && py < this.top + this.plotH && r < this.grid.R;
    return {row: inY && (inX || px < this.left) ? r : -1, col: inX && (inY || py < this.top) ? c : -1};
  }

  begin(canvas) {
    const ctx = canvas.getContext('2d');
    ctx.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    ctx.clearRect(0, 0, canvas.width, canvas.height);
    ctx.textBaseline = 'middle';
    return ctx;
  }
  clip(ctx) { ctx.save(); ctx.beginPath(); ctx.rect(this.left, this.top, this.plotW, this.plotH); ctx.clip(); }

  paint(x, colours) {
    const ctx = this.begin(this.base), win = this.window, [r0, r1, c0, c1] = win, g = this.grid;
    this.colours = colours;
    if (!g.R || !g.C) return;
    this.clip(ctx);
    const w = Math.min(c1 - c0, Math.max(1, Math.round((c1 - c0) * this.cw * this.ratio))), h = Math.min(r1 - r0, Math.max(1, Math.round((r1 - r0) * this.ch * this.ratio)));
    ctx.imageSmoothingEnabled = false;
    ctx.drawImage(gridCanvas(g, colours, win, w, h), this.colX(c0), this.rowY(r0), (c1 - c0) * this.cw, (r1 - r0) * this.ch);
    this.paintLines(ctx, win);
    if (this.cw >= 30 && this.ch >= 15) this.paintNumbers(ctx, win);
    if (state.gold) this.paintGold(ctx, x, win);
    ctx.restore();
    ctx.strokeStyle = colours.edge;
    ctx.lineWidth = 1;
    ctx.strokeRect(this.left + 0.5, this.top + 0.5, this.plotW - 1, this.plotH - 1);
    this.paintAxes(ctx, win);
  }

  paintLines(ctx, [r0, r1, c0, c1]) {
    ctx.strokeStyle = this.colours.rule;
    ctx.lineWidth = 1;
    ctx.beginPath();
    if (this.cw >= 9) for (let c = c0 + 1; c < c1; c++) { const at = Math.round(this.colX(c)) + 0.5; ctx.moveTo(at, this.top); ctx.lineTo(at, this.top + this.plotH); }
    if (this.ch >= 9) for (let r = r0 + 1; r < r1; r++) { const at = Math.round(this.rowY(r)) + 0.5; ctx.moveTo(this.left, at); ctx.lineTo(this.left + this.plotW, at); }
    ctx.globalAlpha = 0.6;
    ctx.stroke();
    ctx.globalAlpha = 1;
  }

  paintNumbers(ctx, [r0, r1, c0, c1]) {
    const g = this.grid;
    ctx.font = `10.5px ${FONT}`;
    ctx.textAlign = 'center';
    for (let r = r0; r < r1; r++)
      for (let c = c0; c < c1; c++) {
        const v = g.at(r, c), place = this.colours.place(shadeOf(v, mostOf(g, r)));
        const text = cellText(v, g);
        if (Math.abs(place - STEPS) <= 24 || !text) continue;
        ctx.fillStyle = this.colours.over[place];
        ctx.fillText(text, this.colX(c) + this.cw / 2, this.rowY(r) + this.ch / 2 + 0.5);
      }
  }

  paintGold(ctx, x, [r0, r1, c0, c1]) {
    const inset = this.cw >= 9 && this.ch >= 9 ? 2 : 0;
    for (const [r, c] of goldCells(this.grid, x)) {
      if (r < r0 || r >= r1 || c < c0 || c >= c1) continue;
      const box = [this.colX(c) + inset, this.rowY(r) + inset, Math.max(2, this.cw - 2 * inset), Math.max(2, this.ch - 2 * inset)];
      if (inset) { ctx.lineWidth = 4; ctx.strokeStyle = this.colours.ground; ctx.strokeRect(...box); }
      ctx.lineWidth = inset ? 2 : 1;
      ctx.strokeStyle = this.colours.gold;
      ctx.strokeRect(...box);
    }
  }

  paintAxes(ctx, [r0, r1, c0, c1]) {
    const stepX = labelStep(this.cw, 8 + 6 * String(this.grid.C).length), stepY = labelStep(this.ch, 12);
    for (let c = c0; c < c1; c++) this.colLabel(ctx, c, stepX, false);
    for (let r = r0; r < r1; r++) this.rowLabel(ctx, r, stepY, false);
  }

  inPlot(at, from, length) { return at >= from - 0.5 && at <= from + length + 0.5; }

  /* The number of a symbol, of every step-th; the pen is left as its name wants it. */
  placeLabel(ctx, unit, step, strong, x, y) {
    if (strong || unit.place % step === 0) {
      ctx.font = `9.5px ${FONT}`;
      ctx.fillStyle = strong ? this.colours.accent : this.colours.dim;
      ctx.fillText(String(unit.place), x, y);
    }
    ctx.font = `${strong ? 600 : 400} ${this.font}px ${FONT}`;
    ctx.fillStyle = strong ? this.colours.accent : unit.special ? this.colours.dim : this.colours.ink;
  }

  colLabel(ctx, c, step, strong) {
    const unit = this.grid.cols[c], at = this.colX(c) + this.cw / 2;
    if (!this.inPlot(at, this.left, this.plotW)) return;
    ctx.textAlign = 'center';
    this.placeLabel(ctx, unit, step, strong, at, this.top - 8);
    if (!this.names.cols || this.cw < CELL.label) return;
    const text = fitText(unit.label, this.font, this.upright ? this.cw + 3 : this.names.cols - 2);
    if (this.upright) return ctx.fillText(text, at, this.top - 24);
    ctx.save();
    ctx.translate(at, this.top - 17);
    ctx.rotate(-Math.PI / 2);
    ctx.textAlign = 'left';
    ctx.fillText(text, 0, 0.5);
    ctx.restore();
  }

  rowLabel(ctx, r, step, strong) {
    const unit = this.grid.rows[r], at = this.rowY(r) + this.ch / 2;
    if (!this.inPlot(at, this.top, this.plotH)) return;
    ctx.textAlign = 'right';
    this.placeLabel(ctx, unit, step, strong, this.left - 5, at + 0.5);
    if (!this.names.rows || this.ch < CELL.label) return;
    ctx.fillText(fitText(unit.label, this.font, this.names.rows - 2), this.left - this.gutter, at + 0.5);
  }

  /* Labels of what is chosen stand out: the ground is laid under them again. */
  mark(pins, hover) {
    const ctx = this.begin(this.over), g = this.grid;
    if (!g || !g.R || !g.C) return;
    const rows = new Set(pins.rows), cols = new Set(pins.cols);
    this.clip(ctx);
    ctx.strokeStyle = this.colours.accent;
    ctx.lineWidth = 1.5;
    for (const r of pins.rows) ctx.strokeRect(this.left - 2, this.rowY(r) + 0.75, this.plotW + 4, this.ch - 1.5);
    for (const c of pins.cols) ctx.strokeRect(this.colX(c) + 0.75, this.top - 2, this.cw - 1.5, this.plotH + 4);
    if (hover) {
      ctx.strokeStyle = this.colours.ink;
      ctx.lineWidth = 1;
      if (hover.row >= 0) { rows.add(hover.row); ctx.strokeRect(this.left - 2, this.rowY(hover.row) + 0.5, this.plotW + 4, this.ch - 1); }
      if (hover.col >= 0) { cols.add(hover.col); ctx.strokeRect(this.colX(hover.col) + 0.5, this.top - 2, this.cw - 1, this.plotH + 4); }
      if (hover.row >= 0 && hover.col >= 0) { ctx.lineWidth = 2; ctx.strokeRect(this.colX(hover.col) + 1, this.rowY(hover.row) + 1, Math.max(2, this.cw - 2), Math.max(2, this.ch - 2)); }
    }
    ctx.restore();
    ctx.fillStyle = this.colours.ground;
    for (const c of cols) if (this.inPlot(this.colX(c) + this.cw / 2, this.left, this.plotW)) {
      const wide = Math.max(this.cw, 22);
      ctx.fillRect(this.colX(c) + this.cw / 2 - wide / 2, 0, wide, this.top);
      this.colLabel(ctx, c, 1, true);
    }
    for (const r of rows) if (this.inPlot(this.rowY(r) + this.ch / 2, this.top, this.plotH)) {
      const tall = Math.max(this.ch, 12);
      ctx.fillStyle = this.colours.ground;
      ctx.fillRect(0, this.rowY(r) + this.ch / 2 - tall / 2, this.left, tall);
      this.rowLabel(ctx, r, 1, true);
    }
  }

  /* Zooms about a point of the canvas; the cell below it stays where it is. */
  scale(factor, px = this.left + this.plotW / 2, py = this.top + this.plotH / 2) {
    const column = (px - this.left) / this.cw + this.x, row = (py - this.top) / this.ch + this.y;
    this.zoom = clamp(this.zoom * factor, 1, Math.max(1, 32 / Math.min(this.fit.w, this.fit.h)));
    const w = Math.min(CELL.most, this.fit.w * this.zoom), h = Math.min(CELL.most, this.fit.h * this.zoom);
    this.x = column - (px - this.left) / w;
    this.y = row - (py - this.top) / h;
    if (this.zoom === 1) this.x = this.y = 0;
  }
  reveal(row, col) {
    const wide = this.plotW / this.cw, tall = this.plotH / this.ch;
    const x = clamp(this.x, col - wide + 1, col), y = clamp(this.y, row - tall + 1, row), moved = x !== this.x || y !== this.y;
    if (col >= 0) this.x = x;
    if (row >= 0) this.y = y;
    return moved;
  }
}
