// Colours of points, and the legend that explains and filters them.

// "#rrggbb" as the pixel that a canvas holds (alpha, blue, green, red).
function pixelOf(hex) {
  const v = parseInt(hex.slice(1), 16);
  return (0xff000000 | ((v & 0xff) << 16) | (v & 0xff00) | (v >> 16)) >>> 0;
}

function mixed(hex, other, share) {
  const a = parseInt(hex.slice(1), 16);
  const b = parseInt(other.slice(1), 16);
  const part = (shift) => Math.round(((a >> shift) & 255) * (1 - share) + ((b >> shift) & 255) * share);
  return "#" + ((1 << 24) | (part(16) << 16) | (part(8) << 8) | part(0)).toString(16).slice(1);
}

// The ramp at a share from 0 to 1.
function rampAt(ramp, share) {
  const at = Math.min(1, Math.max(0, share)) * (ramp.length - 1);
  const left = Math.min(Math.floor(at), ramp.length - 2);
  return mixed(ramp[left], ramp[left + 1], at - left);
}

// From a value to its share of the ramp: counts by the logarithm, from the least above 0.
function shareOf(colour) {
  if (colour.kind !== "count") {
    const span = colour.high - colour.low || 1;
    return (value) => (value - colour.low) / span;
  }
  const low = Math.log1p(colour.low);
  const span = Math.log1p(colour.high) - low || 1;
  return (value) => (Math.log1p(value) - low) / span;
}

// The groups of a legend: the categories that have a colour of their own, the others, the unknown.
function groupsOf(colour, theme) {
  const groups = [];
  if (colour.kind === "category") {
    const { length } = theme.palette;
    // Where there are more categories than colours, the last colour, a grey, is that of all others.
    const own = colour.categories.length > length ? length - 1 : colour.categories.length;
    for (let c = 0; c < own; c++) groups.push({ name: colour.categories[c], hex: theme.palette[c] });
    if (colour.categories.length > own) groups.push({ name: "all others", hex: theme.palette[own], others: true });
  }
  groups.push({ name: "unknown", hex: theme.unknown, unknown: true });
  return groups;
}

// Which group of the legend each item is in; 255 where it is coloured by the ramp.
function groupCodes(colour, n, groups) {
  const codes = new Uint8Array(n);
  const last = groups.length - 1;
  const others = groups.findIndex((one) => one.others);
  for (let i = 0; i < n; i++) {
    const code = colour.codes[i];
    const unknown = colour.type === "f4" ? Number.isNaN(code) : code === colour.unknown;
    if (unknown) codes[i] = last;
    else if (colour.kind !== "category") codes[i] = 255;
    else codes[i] = others >= 0 && code >= others ? others : code;
  }
  return codes;
}

// A pixel for each item.
function paintOf(colour, n, groups, codes, theme, dim) {
  const fade = (hex) => pixelOf(dim ? mixed(hex, theme.paper, theme.dark ? 0.62 : 0.72) : hex);
  const flat = groups.map((one) => fade(one.hex));
  const steps = Array.from({ length: 256 }, (_, i) => fade(rampAt(theme.ramp, i / 255)));
  const share = shareOf(colour);
  const pixels = new Uint32Array(n);
  for (let i = 0; i < n; i++) {
    pixels[i] = codes[i] === 255 ? steps[Math.round(255 * share(valueOf(colour, i)))] : flat[codes[i]];
  }
  return pixels;
}

// Values to write under the ramp, as [value, share].
function ticksOf(colour) {
  const share = shareOf(colour);
  const { low, high } = colour;
  const ticks = [low];
  if (colour.kind === "count") {
    for (let v = 1; v < high; v *= 10) if (v > low) ticks.push(v);
  } else if (high > low) {
    const step = niceStep((high - low) / 4);
    for (let v = Math.ceil(low / step) * step; v < high; v += step) if (v > low) ticks.push(+v.toPrecision(12));
  }
  if (high > low) ticks.push(high);
  const placed = ticks.map((v) => [v, share(v)]);
  // The ends stay; what comes too near to them or to its forerunner goes.
  let last = 0;
  return placed.filter(([, at], i) => {
    if (i === 0 || i === placed.length - 1) return true;
    const fits = at - last > 0.17 && 1 - at > 0.17;
    if (fits) last = at;
    return fits;
  });
}

function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 5, 10].find((one) => one * power >= rough);
}
