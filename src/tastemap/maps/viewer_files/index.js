// A grid over the plane: which items lie near a point, without looking at all of them.

const PLANE = 65536; // coordinates are 16-bit numbers

function gridOf(x, y) {
  const n = x.length;
  const cells = Math.min(512, Math.max(1, Math.ceil(Math.sqrt(n / 4))));
  const size = PLANE / cells;
  const starts = new Uint32Array(cells * cells + 1);
  const cell = (i) => Math.floor(y[i] / size) * cells + Math.floor(x[i] / size);
  for (let i = 0; i < n; i++) starts[cell(i) + 1]++;
  for (let c = 0; c < cells * cells; c++) starts[c + 1] += starts[c];
  const next = starts.slice();
  const items = new Uint32Array(n);
  for (let i = 0; i < n; i++) items[next[cell(i)]++] = i;
  return { x, y, cells, size, starts, items };
}

// Call `visit` with every item of the cells from (left, top) to (right, bottom).
function eachIn(grid, left, top, right, bottom, visit) {
  const last = grid.cells - 1;
  const clip = (v) => Math.min(last, Math.max(0, Math.floor(v / grid.size)));
  for (let row = clip(top); row <= clip(bottom); row++) {
    const from = grid.starts[row * grid.cells + clip(left)];
    const to = grid.starts[row * grid.cells + clip(right) + 1];
    for (let i = from; i < to; i++) visit(grid.items[i]);
  }
}

// The item nearest to (px, py) within `reach` that is not hidden; -1 where there is none.
function pick(grid, px, py, reach, hidden) {
  let best = -1;
  let least = reach * reach;
  eachIn(grid, px - reach, py - reach, px + reach, py + reach, (i) => {
    const d = (grid.x[i] - px) ** 2 + (grid.y[i] - py) ** 2;
    if (d <= least && !hidden[i]) {
      least = d;
      best = i;
    }
  });
  return best;
}

// The k items nearest to an item, nearest first: squares around it until no nearer can follow.
function nearestOnMap(grid, place, k) {
  const { x, y, size } = grid;
  const px = x[place];
  const py = y[place];
  const wanted = Math.min(k, x.length - 1);
  for (let reach = size; ; reach *= 2) {
    const found = [];
    eachIn(grid, px - reach, py - reach, px + reach, py + reach, (i) => {
      const d = (x[i] - px) ** 2 + (y[i] - py) ** 2;
      if (i !== place && d <= reach * reach) found.push([d, i]);
    });
    if (found.length >= wanted || reach > 2 * PLANE) {
      found.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      return found.slice(0, wanted).map((one) => one[1]);
    }
  }
}

// Which items lie in a polygon of plane coordinates [[x, y], ...].
function inside(grid, polygon, hidden) {
  const xs = polygon.map((p) => p[0]);
  const ys = polygon.map((p) => p[1]);
  const box = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
  const found = [];
  eachIn(grid, ...box, (i) => {
    if (!hidden[i] && inPolygon(grid.x[i], grid.y[i], xs, ys)) found.push(i);
  });
  return found;
}

function inPolygon(px, py, xs, ys) {
  let within = false;
  for (let i = 0, j = xs.length - 1; i < xs.length; j = i++) {
    const crosses = ys[i] > py !== ys[j] > py;
    if (crosses && px < ((xs[j] - xs[i]) * (py - ys[i])) / (ys[j] - ys[i]) + xs[i]) within = !within;
  }
  return within;
}
