// Points into a buffer of pixels. One call of the browser's drawing functions a point would take a
// hundred times as long.

// Pixels of a disc: where they lie from its centre, and their weight from 0 to 256.
function discOf(radius, opacity) {
  const reach = Math.ceil(radius);
  const pixels = [];
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) {
      const cover = Math.min(1, Math.max(0, radius + 0.5 - Math.hypot(dx, dy)));
      const weight = Math.round(256 * opacity * cover);
      if (weight > 8) pixels.push({ dx, dy, weight });
    }
  }
  return pixels;
}

// The same without half-covered pixels: a square of four, or a disc of more.
function hardDiscOf(radius) {
  if (radius <= 1.3) return [0, 1].flatMap((dy) => [0, 1].map((dx) => ({ dx, dy })));
  return discOf(radius, 1).filter((one) => one.weight > 128);
}

class PointPainter {
  constructor(canvas) {
    this.canvas = canvas;
    // Pixels are written by the processor: a canvas in its memory takes them fastest.
    this.context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    this.border = 16; // beyond the picture, so that no pixel of a disc needs a check
  }

  resize(width, height) {
    this.canvas.width = width;
    this.canvas.height = height;
    this.width = width + 2 * this.border;
    this.height = height + 2 * this.border;
    this.image = new ImageData(this.width, this.height);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  // x, y: plane coordinates; pixel = plane * scale + offset. `order` names the points, last on top.
  // Soft points are mixed with what lies below them and have a rim: only some thousands may be.
  paint({ x, y, order, colours, scale, left, top, radius, paper, soft }) {
    this.pixels.fill(paper);
    const place = { x, y, order, scale, left: left + this.border + 0.5, top: top + this.border + 0.5 };
    if (soft) {
      this.discs(place, colours, discOf(radius, 0.92), radius >= 2.5 ? discOf(radius + 1, 0.75) : [], paper);
    } else if (radius <= 0.75) {
      this.dots(place, colours);
    } else {
      this.blocks(place, colours, hardDiscOf(radius));
    }
    this.context.putImageData(this.image, -this.border, -this.border);
  }

  dots({ x, y, order, scale, left, top }, colours) {
    const { pixels, width, height } = this;
    for (let i = 0; i < order.length; i++) {
      const p = order[i];
      const px = (x[p] * scale + left) | 0;
      const py = (y[p] * scale + top) | 0;
      if (px >= 0 && py >= 0 && px < width && py < height) pixels[py * width + px] = colours[p];
    }
  }

  blocks({ x, y, order, scale, left, top }, colours, disc) {
    const { pixels, width } = this;
    const [at] = this.offsets(disc);
    const edge = Math.max(1, ...disc.map((one) => Math.max(one.dx, one.dy)));
    const right = width - edge;
    const bottom = this.height - edge;
    for (let i = 0; i < order.length; i++) {
      const p = order[i];
      const px = (x[p] * scale + left) | 0;
      const py = (y[p] * scale + top) | 0;
      if (px < edge || py < edge || px >= right || py >= bottom) continue;
      const centre = py * width + px;
      const colour = colours[p];
      for (let j = 0; j < at.length; j++) pixels[centre + at[j]] = colour;
    }
  }

  discs({ x, y, order, scale, left, top }, colours, disc, ring, paper) {
    const { pixels, width, height } = this;
    const [at, weights] = this.offsets(disc);
    const [ringAt, ringWeights] = this.offsets(ring);
    const edge = Math.max(1, ...[...disc, ...ring].map((one) => Math.max(one.dx, one.dy)));
    const right = width - edge;
    const bottom = height - edge;
    for (let i = 0; i < order.length; i++) {
      const p = order[i];
      const px = (x[p] * scale + left) | 0;
      const py = (y[p] * scale + top) | 0;
      if (px < edge || py < edge || px >= right || py >= bottom) continue;
      const centre = py * width + px;
      if (ringAt.length) stamp(pixels, centre, ringAt, ringWeights, paper);
      stamp(pixels, centre, at, weights, colours[p]);
    }
  }

  offsets(disc) {
    const at = Int32Array.from(disc, (one) => one.dy * this.width + one.dx);
    return [at, Int32Array.from(disc, (one) => one.weight)];
  }
}

// Mix one colour into the pixels of a disc; red and blue together, as they do not touch each other.
function stamp(pixels, centre, at, weights, colour) {
  const redBlue = colour & 0xff00ff;
  const green = colour & 0x00ff00;
  for (let j = 0; j < at.length; j++) {
    const w = weights[j];
    const here = centre + at[j];
    const old = pixels[here];
    const rest = 256 - w;
    const rb = ((Math.imul(redBlue, w) + Math.imul(old & 0xff00ff, rest)) >>> 8) & 0xff00ff;
    const g = ((Math.imul(green, w) + Math.imul(old & 0x00ff00, rest)) >>> 8) & 0x00ff00;
    pixels[here] = 0xff000000 | rb | g;
  }
}
