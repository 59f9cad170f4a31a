// Clouds of points, drawn pixel by pixel: 250,000 dots take a few milliseconds and no object each.

/** What to draw of a point: added together, one number per point. */
export const POINT_HOLLOW = 1;
export const POINT_FADED = 2;

/** A CSS colour as the number 0xAABBGGRR that a pixel holds. */
export function pixelColour(css) {
  const { r, g, b } = d3.rgb(css);
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

/** The extent that holds both sides, with equal units along x and y: {x: [low, high], y: [low, high]}. */
export function commonDomain(sides) {
  const x = [Infinity, -Infinity], y = [Infinity, -Infinity];
  for (const side of sides) {
    for (let i = 0; i < side.n; i += 1) {
      if (side.x[i] < x[0]) x[0] = side.x[i];
      if (side.x[i] > x[1]) x[1] = side.x[i];
      if (side.y[i] < y[0]) y[0] = side.y[i];
      if (side.y[i] > y[1]) y[1] = side.y[i];
    }
  }
  if (!(x[0] <= x[1])) return { x: [-1, 1], y: [-1, 1] };
  // A single place, or points on one line, still need a width.
  const least = (Math.max(x[1] - x[0], y[1] - y[0]) || Math.max(1, Math.abs(x[0]), Math.abs(y[0]))) * 1e-3;
  return { x: pointWidened(x, least), y: pointWidened(y, least) };
}

function pointWidened([low, high], least) {
  return high - low >= least ? [low, high] : [(low + high - least) / 2, (low + high + least) / 2];
}

/** From data to pixels of a panel: x → k·x + x0, y → −k·y + y0, the whole domain inside, then zoomed. */
export function placement(domain, width, height, zoom = { k: 1, x: 0, y: 0 }) {
  const margin = 14;
  const across = domain.x[1] - domain.x[0], down = domain.y[1] - domain.y[0];
  const fit = Math.min((width - 2 * margin) / across, (height - 2 * margin) / down);
  const left = width / 2 - fit * (domain.x[0] + domain.x[1]) / 2;
  const top = height / 2 + fit * (domain.y[0] + domain.y[1]) / 2;
  return { k: fit * zoom.k, x0: left * zoom.k + zoom.x, y0: top * zoom.k + zoom.y };
}

/** Radius of a dot in CSS pixels: smaller in a crowd, larger where one looks closely. */
export function dotRadius(n, zoom) {
  const crowded = n > 100000 ? 1 : n > 20000 ? 1.3 : n > 4000 ? 1.8 : n > 800 ? 2.6 : 3.6;
  return Math.min(6, crowded * Math.pow(zoom, 0.4));
}

/** The nearest point within `reach` pixels of (px, py), or -1. A plain scan: 50,000 points take a tenth of a millisecond. */
export function nearestPoint(side, place, px, py, reach) {
  const x = (px - place.x0) / place.k, y = (place.y0 - py) / place.k;
  const { n } = side, xs = side.x, ys = side.y;
  let best = -1, least = (reach / place.k) ** 2;
  for (let i = 0; i < n; i += 1) {
    const dx = xs[i] - x, dy = ys[i] - y, d = dx * dx + dy * dy;
    if (d <= least) {
      least = d;
      best = i;
    }
  }
  return best;
}

/** The point that an arrow key leads to: near, and at most 45 degrees off the way (dx, dy); -1 where there is none. */
export function pointToward(side, from, dx, dy) {
  const x = side.x[from], y = side.y[from];
  let best = -1, least = Infinity;
  for (let i = 0; i < side.n; i += 1) {
    const ahead = (side.x[i] - x) * dx + (side.y[i] - y) * dy;
    const aside = Math.abs((side.x[i] - x) * dy - (side.y[i] - y) * dx);
    if (i !== from && ahead > 0 && aside <= ahead && ahead + aside < least) {
      least = ahead + aside;
      best = i;
    }
  }
  return best;
}

/** A picture of pixels, kept between drawings of one panel. */
export class PointRaster {
  constructor(context) {
    this.context = context;
    this.image = null;
    this.pixels = null;
  }

  /** Draws the side's points and says how many lie inside: colours and kinds hold one number per point. */
  draw(side, place, { colours, kinds, paper, radius, ratio }) {
    const { width, height } = this.context.canvas;
    if (!width || !height) return 0;
    if (this.image === null || this.image.width !== width || this.image.height !== height) {
      this.image = this.context.createImageData(width, height);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    this.pixels.fill(pixelColour(paper));
    const r = radius * ratio;
    const stamps = [
      pointStamp(r, 0, 1), pointStamp(r, pointLine(r, ratio), 1),
      pointStamp(r, 0, 0.16), pointStamp(r, pointLine(r, ratio), 0.16),
    ];
    const scaled = { k: place.k * ratio, x0: place.x0 * ratio, y0: place.y0 * ratio };
    let inside = 0;
    // What is faded or hollow lies below what is full: kinds in the order 3, 2, 1, 0.
    for (let kind = 3; kind >= 0; kind -= 1) inside += this.stampAll(side, scaled, colours, kinds, kind, stamps[kind]);
    this.context.putImageData(this.image, 0, 0);
    return inside;
  }

  stampAll(side, place, colours, kinds, kind, stamp) {
    const { width, height } = this.image, { pixels } = this, { reach, dx, dy, cover } = stamp;
    const { n } = side, xs = side.x, ys = side.y, parts = dx.length;
    const offsets = dx.map((x, j) => x + dy[j] * width);
    let inside = 0;
    for (let i = 0; i < n; i += 1) {
      if (kinds[i] !== kind) continue;
      const px = Math.floor(xs[i] * place.k + place.x0), py = Math.floor(place.y0 - ys[i] * place.k);
      if (px < -reach || py < -reach || px >= width + reach || py >= height + reach) continue;
      const colour = colours[i];
      if (px >= reach && py >= reach && px < width - reach && py < height - reach) {
        const at = px + py * width;
        for (let j = 0; j < parts; j += 1) {
          const spot = at + offsets[j];
          pixels[spot] = cover[j] === 256 ? colour : pointMixed(pixels[spot], colour, cover[j]);
        }
        inside += 1;
        continue;
      }
      for (let j = 0; j < parts; j += 1) {
        const x = px + dx[j], y = py + dy[j];
        if (x < 0 || y < 0 || x >= width || y >= height) continue;
        pixels[x + y * width] = pointMixed(pixels[x + y * width], colour, cover[j]);
      }
      if (px >= 0 && py >= 0 && px < width && py < height) inside += 1;
    }
    return inside;
  }
}

function pointLine(radius, ratio) {
  return Math.max(0.9 * ratio, radius * 0.4);
}

// A disc, or a ring of the given line width, as pixels and how much each is covered (0 to 256).
function pointStamp(radius, line, opacity) {
  const reach = Math.ceil(radius + 0.5), dx = [], dy = [], cover = [];
  for (let y = -reach; y <= reach; y += 1) {
    for (let x = -reach; x <= reach; x += 1) {
      const distance = Math.hypot(x, y);
      const disc = Math.min(1, Math.max(0, radius + 0.5 - distance));
      const hole = line ? Math.min(1, Math.max(0, radius - line + 0.5 - distance)) : 0;
      const share = Math.round((disc - hole) * opacity * 256);
      if (share < 4) continue;
      dx.push(x);
      dy.push(y);
      cover.push(share);
    }
  }
  return { reach, dx: Int32Array.from(dx), dy: Int32Array.from(dy), cover: Int32Array.from(cover) };
}

function pointMixed(below, above, share) {
  const rest = 256 - share;
  const redBlue = (Math.imul(below & 0xff00ff, rest) + Math.imul(above & 0xff00ff, share)) >>> 8;
  const green = (Math.imul(below & 0xff00, rest) + Math.imul(above & 0xff00, share)) >>> 8;
  return (0xff000000 | (redBlue & 0xff00ff) | (green & 0xff00)) >>> 0;
}
