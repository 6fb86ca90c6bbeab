// What lies above the points: lines, rings, titles, a user's path, the lasso.

const FONT = "12px system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', Arial, sans-serif";

// Titles beside their items: never one over another, the most important first.
class Labels {
  constructor(map) {
    this.map = map;
    this.widths = new Map();
  }

  start(scene) {
    this.scene = scene;
    this.taken = [[scene.width - 60, scene.height - 200, scene.width, scene.height]]; // buttons
    scene.pen.font = FONT;
    scene.pen.textBaseline = "middle";
  }

  // Write `text` beside (x, y), where it fits into the picture and touches no other; else not.
  put(text, x, y, away, strong) {
    const { pen, width, height, theme } = this.scene;
    const short = shortened(text);
    if (!this.widths.has(short)) this.widths.set(short, Math.ceil(pen.measureText(short).width));
    const w = this.widths.get(short);
    const spots = [
      [x + away, y - 8],
      [x - away - w, y - 8],
      [x - w / 2, y - away - 16],
      [x - w / 2, y + away],
    ];
    for (const [left, top] of spots) {
      if (left < 4 || top < 4 || left + w > width - 4 || top + 16 > height - 4) continue;
      const box = [left - 4, top - 1, left + w + 4, top + 17];
      if (this.taken.some((one) => overlaps(one, box))) continue;
      this.taken.push([box[0] - 4, box[1] - 3, box[2] + 4, box[3] + 3]);
      pen.globalAlpha = 0.82;
      pen.fillStyle = theme.paper;
      pen.beginPath();
      pen.roundRect(left - 4, top, w + 8, 16, 5);
      pen.fill();
      pen.globalAlpha = 1;
      pen.fillStyle = strong ? theme.ink : theme.muted;
      pen.fillText(short, left, top + 8.5);
      return true;
    }
    return false;
  }

  // Keep titles off a mark.
  block(x, y, reach) {
    this.taken.push([x - reach, y - reach, x + reach, y + reach]);
  }
}

function overlaps(a, b) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}

function shortened(text) {
  const letters = [...text.slice(0, 120)];
  return letters.length <= 30 ? text : letters.slice(0, 29).join("").trimEnd() + "…";
}

function drawOverlay(scene) {
  const { pen, ratio, width, height } = scene;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  scene.labels.start(scene);
  if (scene.traveller) drawTraveller(scene);
  else if (scene.selected >= 0) drawSelected(scene);
  else if (scene.marked.length) drawMarked(scene);
  else if (!scene.moving) drawPopular(scene);
  if (scene.hover >= 0 && scene.hover !== scene.selected) {
    const [x, y] = scene.where(scene.hover);
    ring(scene, x, y, 6, scene.theme.ink, 1.5);
  }
  if (scene.lasso.length > 1) drawLasso(scene, scene.lasso);
}

// Titles of the most used items in view: more of them where the picture is larger.
function drawPopular(scene) {
  const { map, labels } = scene;
  const seen = scene.inView();
  const most = Math.min(30, Math.round((scene.width * scene.height) / 34000));
  const away = scene.radius() + 6;
  let written = 0;
  for (let i = 0; i < map.n && i < 4000 && written < most; i++) {
    const place = map.popular[i];
    if (!seen(place) || !labels.put(map.titles[place], ...scene.where(place), away, true)) continue;
    ring(scene, ...scene.where(place), scene.radius() + 1, scene.theme.ink, 1.5);
    written++;
  }
}

function drawSelected(scene) {
  const { map, theme, labels, selected, neighbours } = scene;
  const from = scene.where(selected);
  for (const one of neighbours) line(scene, from, scene.where(one.place), theme.ink, 0.55);
  for (const one of neighbours) dot(scene, one.place);
  dot(scene, selected, 7);
  ring(scene, ...from, 11, theme.accent, 2.5);
  labels.block(...from, 9);
  labels.put(map.titles[selected], ...from, 14, true);
  for (const one of neighbours) labels.block(...scene.where(one.place), 5);
  for (const one of neighbours) labels.put(map.titles[one.place], ...scene.where(one.place), 10, false);
}

function drawMarked(scene) {
  const { map, labels, marked } = scene;
  for (let i = Math.min(marked.length, 3000) - 1; i >= 0; i--) dot(scene, marked[i], Math.max(3, scene.radius()));
  if (scene.outline) drawLasso(scene, scene.outline.map(([x, y]) => [x * scene.scale + scene.left, y * scene.scale + scene.top]));
  for (const place of marked.slice(0, 25)) labels.put(map.titles[place], ...scene.where(place), 8, false);
}

// A user: where he stands, what he used (squares), what he is recommended (rings) and because of what.
function drawTraveller(scene) {
  const { map, theme, labels, traveller, pen } = scene;
  const stand = scene.whereUser(traveller);
  traveller.recommended.forEach((place, i) => {
    const because = traveller.because[i];
    const from = because >= 0 ? scene.where(because) : stand;
    line(scene, from, scene.where(place), because >= 0 ? theme.warm : theme.muted, 0.8, because < 0);
  });
  const reasons = new Set(traveller.because);
  for (const place of traveller.history) {
    const [x, y] = scene.where(place);
    const half = reasons.has(place) ? 4 : 3;
    pen.fillStyle = reasons.has(place) ? theme.ink : theme.muted;
    pen.strokeStyle = theme.paper;
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.rect(x - half, y - half, 2 * half, 2 * half);
    pen.fill();
    pen.stroke();
  }
  for (const place of traveller.recommended) {
    dot(scene, place, 4.5);
    ring(scene, ...scene.where(place), 8, theme.warm, 2.5);
  }
  diamond(scene, ...stand);
  labels.block(...stand, 9);
  labels.put(`user ${traveller.name}`, ...stand, 12, true);
  for (const place of traveller.recommended) labels.put(map.titles[place], ...scene.where(place), 11, true);
  for (const place of reasons) if (place >= 0) labels.put(map.titles[place], ...scene.where(place), 8, false);
}

function drawLasso(scene, path) {
  const { pen, theme } = scene;
  pen.beginPath();
  path.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.closePath();
  pen.globalAlpha = 0.12;
  pen.fillStyle = theme.accent;
  pen.fill();
  pen.globalAlpha = 1;
  pen.strokeStyle = theme.accent;
  pen.lineWidth = 2;
  pen.stroke();
}

function line(scene, from, to, colour, alpha, dashed = false) {
  const { pen } = scene;
  pen.globalAlpha = alpha;
  pen.strokeStyle = colour;
  pen.lineWidth = 1.25;
  pen.setLineDash(dashed ? [4, 4] : []);
  pen.beginPath();
  pen.moveTo(...from);
  pen.lineTo(...to);
  pen.stroke();
  pen.setLineDash([]);
  pen.globalAlpha = 1;
}

// An item in its own full colour, above the faded ones.
function dot(scene, place, radius = 5) {
  const { pen, theme } = scene;
  const [x, y] = scene.where(place);
  const v = scene.pixels[place];
  pen.beginPath();
  pen.arc(x, y, radius, 0, 7);
  pen.fillStyle = `rgb(${v & 255} ${(v >> 8) & 255} ${(v >> 16) & 255})`;
  pen.fill();
  pen.strokeStyle = theme.paper;
  pen.lineWidth = 1.5;
  pen.stroke();
}

function ring(scene, x, y, radius, colour, thick) {
  const { pen } = scene;
  pen.beginPath();
  pen.arc(x, y, radius, 0, 7);
  pen.strokeStyle = colour;
  pen.lineWidth = thick;
  pen.stroke();
}

function diamond(scene, x, y) {
  const { pen, theme } = scene;
  pen.beginPath();
  pen.moveTo(x, y - 10);
  pen.lineTo(x + 10, y);
  pen.lineTo(x, y + 10);
  pen.lineTo(x - 10, y);
  pen.closePath();
  pen.fillStyle = theme.warm;
  pen.strokeStyle = theme.paper;
  pen.lineWidth = 2;
  pen.fill();
  pen.stroke();
}
