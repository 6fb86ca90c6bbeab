// The payload: a JSON block that says what there is, and one compressed block of typed arrays.

const KINDS = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f4: Float32Array };

async function readMap() {
  const about = JSON.parse(document.getElementById("about").textContent);
  const coded = atob(document.getElementById("packed").textContent.trim());
  const packed = new Uint8Array(coded.length);
  for (let i = 0; i < packed.length; i++) packed[i] = coded.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = await new Response(stream).arrayBuffer();
  return unpacked(about, bytes);
}

// Blocks follow each other, each starting at a multiple of four bytes.
function unpacked(about, bytes) {
  const blocks = {};
  let start = 0;
  for (const [name, kind, length] of about.blocks) {
    const size = kind === "text" ? length : length * KINDS[kind].BYTES_PER_ELEMENT;
    blocks[name] =
      kind === "text"
        ? new TextDecoder().decode(new Uint8Array(bytes, start, length)).split("\n")
        : new KINDS[kind](bytes, start, length);
    start += Math.ceil(size / 4) * 4;
  }
  const map = { ...about, titles: blocks.titles, ids: blocks.ids || null, users: blocks.users || null };
  map.layouts = about.layouts.map((one, i) => ({ ...one, x: blocks[`x${i}`], y: blocks[`y${i}`] }));
  map.colours = about.colours.map((one, i) => ({ ...one, codes: blocks[`colour${i}`] }));
  map.near = blocks.near || null;
  map.likeness = blocks.likeness || null;
  map.popular = byPopularity(map);
  return map;
}

// Places, the most used item first; in the order of the file where no use is known.
function byPopularity(map) {
  const order = new Uint32Array(map.n);
  for (let i = 0; i < map.n; i++) order[i] = i;
  return map.users ? order.sort((a, b) => map.users[b] - map.users[a] || a - b) : order;
}

function trueNeighbours(map, place) {
  const found = [];
  for (let j = 0; j < map.k; j++) {
    const at = place * map.k + j;
    found.push({ place: map.near[at], likeness: map.likeLow + map.likeStep * map.likeness[at] });
  }
  return found;
}

// The value of a colour for one item: a number, the name of a category, or null where unknown.
function valueOf(colour, place) {
  const code = colour.codes[place];
  if (colour.kind === "category") return code === colour.unknown ? null : colour.categories[code];
  if (colour.type === "f4") return Number.isNaN(code) ? null : code;
  return code === colour.unknown ? null : colour.low + colour.step * code;
}

// A number in few characters. Years stay years: only counts get separators.
function figure(value, kind) {
  if (kind === "count") return Math.round(value) === value ? value.toLocaleString("en") : String(+value.toPrecision(3));
  return Number.isInteger(value) ? String(value) : String(+value.toPrecision(3));
}

function compact(value) {
  if (value >= 1e6) return `${+(value / 1e6).toPrecision(2)}M`;
  if (value >= 1e4) return `${+(value / 1e3).toPrecision(2)}k`;
  return value.toLocaleString("en");
}

function counted(n, word) {
  return `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;
}
