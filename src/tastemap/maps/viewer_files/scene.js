// The picture: which part of the plane is seen, what is drawn of it, and when.

const MOST_ZOOM = 80;
const STILL = matchMedia("(prefers-reduced-motion: reduce)");

class Scene {
  constructor(map, stage, points, overlay) {
    this.map = map;
    this.stage = stage;
    this.painter = new PointPainter(points);
    this.overlay = overlay;
    this.pen = overlay.getContext("2d");
    this.layout = 0;
    this.colour = 0;
    this.hidden = new Uint8Array(map.n);
    this.selected = -1;
    this.neighbours = [];
    this.marked = [];
    this.traveller = null;
    this.hover = -1;
    this.lasso = []; // pixels, while it is drawn
    this.outline = null; // the same in the plane, once it is
    this.waiting = false;
    this.moving = null;
    this.grids = [];
    this.onview = () => {};
    this.labels = new Labels(map);
    this.x = map.layouts[0].x;
    this.y = map.layouts[0].y;
    this.readTheme();
    this.recolour();
  }

  get grid() {
    const { x, y } = this.map.layouts[this.layout];
    return (this.grids[this.layout] ||= gridOf(x, y));
  }

  // --- what is seen ---

  resize() {
    const { clientWidth, clientHeight } = this.stage;
    if (!clientWidth || !clientHeight) return;
    const seen = this.width && { x: (this.width / 2 - this.left) / this.scale, y: (this.height / 2 - this.top) / this.scale };
    const zoom = seen && this.scale / this.fitting();
    this.width = clientWidth;
    this.height = clientHeight;
    this.ratio = Math.min(devicePixelRatio || 1, 2);
    const [w, h] = [Math.round(clientWidth * this.ratio), Math.round(clientHeight * this.ratio)];
    this.painter.resize(w, h);
    this.overlay.width = w;
    this.overlay.height = h;
    if (seen) {
      this.scale = this.fitting() * zoom;
      this.left = this.width / 2 - seen.x * this.scale;
      this.top = this.height / 2 - seen.y * this.scale;
      this.changed();
    } else {
      this.fit();
    }
    this.draw(); // at once: a canvas that was resized is blank
  }

  // Pixels for each unit of the plane when all items are seen.
  fitting() {
    const { right, bottom } = this.map.layouts[this.layout];
    const margin = Math.min(56, this.width / 10);
    return Math.min((this.width - 2 * margin) / (right || 1), (this.height - 2 * margin) / (bottom || 1));
  }

  // Where the view has to stand to show all items.
  whole() {
    const { right, bottom } = this.map.layouts[this.layout];
    const scale = this.fitting();
    return { scale, left: (this.width - right * scale) / 2, top: (this.height - bottom * scale) / 2 };
  }

  fit() {
    Object.assign(this, this.whole());
    this.changed();
  }

  pan(dx, dy) {
    this.left += dx;
    this.top += dy;
    this.changed();
  }

  // Zoom so that the point of the plane under (px, py) stays there.
  zoom(factor, px = this.width / 2, py = this.height / 2) {
    const fitting = this.fitting();
    const scale = Math.min(MOST_ZOOM * fitting, Math.max(fitting / 2, this.scale * factor));
    this.left = px - ((px - this.left) / this.scale) * scale;
    this.top = py - ((py - this.top) / this.scale) * scale;
    this.scale = scale;
    this.changed();
  }

  where(place) {
    return [this.x[place] * this.scale + this.left, this.y[place] * this.scale + this.top];
  }

  whereUser(user) {
    const [x, y] = user.xy[this.layout];
    return [x * this.scale + this.left, y * this.scale + this.top];
  }

  plane(px, py) {
    return [(px - this.left) / this.scale, (py - this.top) / this.scale];
  }

  itemAt(px, py, reach = 14) {
    if (this.moving) return -1;
    return pick(this.grid, ...this.plane(px, py), reach / this.scale, this.hidden);
  }

  inView() {
    const [left, top] = this.plane(0, 0);
    const [right, bottom] = this.plane(this.width, this.height);
    const { x, y, hidden } = this;
    return (i) => !hidden[i] && x[i] >= left && x[i] <= right && y[i] >= top && y[i] <= bottom;
  }

  // Bring items into the view, unless they are in it; where asked, closer if they are a tiny heap.
  reveal(places, closer = false) {
    const spots = places.map((one) => this.where(one));
    if (this.traveller) spots.push(this.whereUser(this.traveller));
    const xs = spots.map((one) => one[0]);
    const ys = spots.map((one) => one[1]);
    const [x0, x1] = [Math.min(...xs), Math.max(...xs)];
    const [y0, y1] = [Math.min(...ys), Math.max(...ys)];
    const share = Math.max((x1 - x0) / this.width, (y1 - y0) / this.height);
    const seen = x0 >= 8 && y0 >= 8 && x1 <= this.width - 8 && y1 <= this.height - 8;
    if (seen && !(closer && share < 0.15)) return;
    const change = closer && share < 0.15 ? Math.min(6, 0.5 / (share || 1)) : Math.min(1, 0.8 / (share || 1));
    const scale = Math.min(MOST_ZOOM * this.fitting(), Math.max(this.scale * change, this.fitting() / 2));
    const grown = scale / this.scale;
    this.glide({
      scale,
      left: this.width / 2 - ((x0 + x1) / 2 - this.left) * grown,
      top: this.height / 2 - ((y0 + y1) / 2 - this.top) * grown,
    });
  }

  // Zoom in on an item that stays where it is, so far that its neighbours come apart.
  unfold(place, others) {
    const [x, y] = this.where(place);
    const reach = Math.max(0, ...others.map((one) => Math.hypot(...this.where(one).map((v, i) => v - [x, y][i]))));
    const wanted = 0.28 * Math.min(this.width, this.height);
    if (!others.length || reach > 0.4 * wanted) return;
    const scale = Math.min(MOST_ZOOM * this.fitting(), this.scale * Math.min(6, wanted / (reach || 1)));
    const grown = scale / this.scale;
    this.glide({ scale, left: x - (x - this.left) * grown, top: y - (y - this.top) * grown });
  }

  // --- changes ---

  // Move smoothly to another view and, where given, to other places of the items.
  glide(view, layout = this.layout) {
    const from = { scale: this.scale, left: this.left, top: this.top, x: this.x, y: this.y };
    const { x, y } = this.map.layouts[layout];
    const travels = from.x !== x;
    const finish = () => {
      Object.assign(this, view, { x, y, moving: null });
      this.changed();
    };
    cancelAnimationFrame(this.moving);
    if (STILL.matches || (travels && this.map.n > 200000)) return finish();
    const began = performance.now();
    const step = (now) => {
      const t = Math.min(1, Math.max(0, (now - began) / (travels ? 700 : 350)));
      if (t === 1) return finish();
      const s = t * t * (3 - 2 * t);
      for (const key of ["scale", "left", "top"]) this[key] = from[key] + s * (view[key] - from[key]);
      if (travels) [this.x, this.y] = [between(from.x, x, s), between(from.y, y, s)];
      this.draw();
      this.moving = requestAnimationFrame(step);
    };
    this.moving = requestAnimationFrame(step);
  }

  setLayout(index) {
    this.layout = index;
    this.hover = -1;
    this.outline = null;
    this.glide(this.whole(), index);
  }

  setColour(index) {
    this.colour = index;
    this.recolour();
    this.changed();
  }

  readTheme() {
    const css = getComputedStyle(document.documentElement);
    const read = (name) => css.getPropertyValue(name).trim();
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    this.theme = { palette: this.map.palette, ramp: this.map.ramp, dark };
    for (const name of ["paper", "ink", "muted", "accent", "unknown", "warm"]) {
      this.theme[name] = read(`--${name}`);
    }
  }

  // Groups of the legend, hidden items and the pixel of each item, after anything of it changed.
  recolour(hiddenGroups = new Set()) {
    const { map } = this;
    const colour = map.colours[this.colour];
    this.groups = groupsOf(colour, this.theme);
    this.codes = groupCodes(colour, map.n, this.groups);
    this.groups.forEach((group) => (group.n = 0));
    for (const code of this.codes) if (code !== 255) this.groups[code].n++;
    this.hide(hiddenGroups);
    this.pixels = paintOf(colour, map.n, this.groups, this.codes, this.theme, false);
    this.faded = paintOf(colour, map.n, this.groups, this.codes, this.theme, true);
  }

  hide(hiddenGroups) {
    const { map, codes, hidden } = this;
    this.hiddenGroups = hiddenGroups;
    let shown = 0;
    for (let i = 0; i < map.n; i++) shown += 1 - (hidden[i] = hiddenGroups.has(codes[i]) ? 1 : 0);
    this.order = new Uint32Array(shown);
    // The most used item last: on top of the others.
    for (let i = map.n - 1, at = 0; i >= 0; i--) {
      if (!hidden[map.popular[i]]) this.order[at++] = map.popular[i];
    }
  }

  changed() {
    this.onview();
    this.schedule();
  }

  schedule() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw();
    });
  }

  // --- drawing ---

  radius() {
    const share = (0.13 * this.width * this.height) / (Math.PI * Math.max(60, this.map.n));
    const zoom = Math.max(1, this.scale / this.fitting());
    // Squares of four pixels where there is time for them, single pixels beyond.
    const least = this.map.n > 150000 ? 0.5 : 1 / this.ratio;
    return Math.min(9, Math.max(least, Math.min(5, Math.sqrt(share))) * zoom ** 0.4);
  }

  draw() {
    if (!this.width) return;
    const { ratio } = this;
    const radius = this.radius() * ratio;
    const focused = this.selected >= 0 || this.marked.length > 0 || this.traveller;
    this.painter.paint({
      x: this.x,
      y: this.y,
      order: this.order,
      colours: focused ? this.faded : this.pixels,
      scale: this.scale * ratio,
      left: this.left * ratio,
      top: this.top * ratio,
      radius,
      paper: pixelOf(this.theme.paper),
      soft: this.order.length <= 20000,
    });
    drawOverlay(this);
  }
}

function between(from, to, share) {
  const found = new Float32Array(from.length);
  for (let i = 0; i < found.length; i++) found[i] = from[i] + share * (to[i] - from[i]);
  return found;
}
