// Pairs, splits and merges as lines from one map to the other.

import {pixelColour} from "./points.js";

const LINKS_MANY = 5000; // more are drawn thin, and as what they add up to
const LINKS_AT_ONCE = 100; // lines in one path: long paths are slow to fill
const LINKS_DARKEST = 0.55; // opacity where most lines cross; points are seen through it

/** The ways of drawing links, in the order of their buttons. */
export const LINK_MODES = ["none", "pairs", "splits", "merges", "selected"];

/** The links that a way of drawing asks for. */
export function linksAsked(links, mode, selection) {
  if (!links || mode === "none") return new Uint32Array(0);
  if (mode === "pairs") return Uint32Array.from({ length: links.n }, (_, link) => link);
  const mask = { splits: links.splits, merges: links.merges, selected: selection?.links }[mode];
  return linksMarked(mask ?? []);
}

/** How many links each way would draw. */
export function linkCounts(links, selection) {
  const sum = (mask) => mask.reduce((total, one) => total + one, 0);
  if (!links) return { none: 0, pairs: 0, splits: 0, merges: 0, selected: 0 };
  return {
    none: 0, pairs: links.n, splits: sum(links.splits), merges: sum(links.merges),
    selected: selection?.counts.links ?? 0,
  };
}

/** What a way of drawing means, in words. */
export function linksMeaning(mode) {
  return {
    none: "no links",
    pairs: "every pair",
    splits: "pairs whose left row has several partners",
    merges: "pairs whose right row has several partners",
    selected: "pairs of the selection",
  }[mode];
}

/** How lines are drawn: the more, the thinner and the more transparent. */
export function linkStyle(mode, n, theme) {
  const colour = { splits: theme.bars[0], merges: theme.bars[1], selected: theme.selected }[mode] ?? theme.ink;
  const dense = n > LINKS_MANY;
  const opacity = dense ? Math.max(0.004, 400 / n) : Math.min(0.65, 8 / Math.sqrt(n || 1));
  return { colour, width: dense ? 0.6 : n > 100 ? 0.9 : 1.2, opacity, dense };
}

/** Both ends of the links that are in view, four numbers each, in pixels of the stage. */
export function linkEnds(stage, pair, asked) {
  const { k, x0, y0 } = stage.place, { left, right } = stage.panels, { links } = pair;
  const ends = new Float32Array(4 * asked.length);
  const seen = (x, y) => x >= 0 && y >= 0 && x <= stage.width && y <= stage.height;
  let n = 0;
  for (const link of asked) {
    const one = links.left[link], other = links.right[link];
    const x1 = pair.left.x[one] * k + x0, y1 = y0 - pair.left.y[one] * k;
    const x2 = pair.right.x[other] * k + x0, y2 = y0 - pair.right.y[other] * k;
    if (!seen(x1, y1) || !seen(x2, y2)) continue;
    ends[n++] = x1 + left.x;
    ends[n++] = y1 + left.y;
    ends[n++] = x2 + right.x;
    ends[n++] = y2 + right.y;
  }
  return ends.subarray(0, n);
}

/** Draws the lines on a canvas whose unit is a CSS pixel. */
export function drawLinks(context, ends, { colour, width, opacity, dense }) {
  if (dense) return linksDensity(context, ends, colour);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.globalAlpha = opacity;
  // Overlapping lines of one path count once; short paths keep crowded places darker.
  for (let from = 0; from < ends.length; from += 4 * LINKS_AT_ONCE) {
    context.beginPath();
    const to = Math.min(ends.length, from + 4 * LINKS_AT_ONCE);
    for (let i = from; i < to; i += 4) {
      context.moveTo(ends[i], ends[i + 1]);
      context.lineTo(ends[i + 2], ends[i + 3]);
    }
    context.stroke();
  }
  context.globalAlpha = 1;
  return undefined;
}

// Lines whose opacity would be less than one step of a pixel: counted for each pixel, and shaded by the logarithm.
function linksDensity(context, ends, colour) {
  let [wide, high] = [1, 1];
  for (let i = 0; i < ends.length; i += 2) {
    wide = Math.max(wide, Math.ceil(ends[i]) + 1);
    high = Math.max(high, Math.ceil(ends[i + 1]) + 1);
  }
  const counts = new Uint32Array(wide * high);
  for (let i = 0; i < ends.length; i += 4) {
    const dx = ends[i + 2] - ends[i], dy = ends[i + 3] - ends[i + 1];
    const steps = Math.max(1, Math.ceil(Math.abs(dx)), Math.ceil(Math.abs(dy)));
    const stepX = dx / steps, stepY = dy / steps;
    let x = ends[i], y = ends[i + 1];
    for (let step = 0; step <= steps; step += 1) {
      counts[(y | 0) * wide + (x | 0)] += 1;
      x += stepX;
      y += stepY;
    }
  }
  const most = counts.reduce((top, count) => (count > top ? count : top), 1);
  const sheet = new OffscreenCanvas(wide, high), own = sheet.getContext("2d"), image = own.createImageData(wide, high);
  const pixels = new Uint32Array(image.data.buffer), hue = pixelColour(colour) & 0xffffff;
  const scale = (255 * LINKS_DARKEST) / Math.log1p(most);
  counts.forEach((count, place) => {
    if (count) pixels[place] = (hue | (Math.max(8, Math.round(scale * Math.log1p(count))) << 24)) >>> 0;
  });
  own.putImageData(image, 0, 0);
  context.drawImage(sheet, 0, 0);
}

/** What is drawn, in words; empty where nothing was asked for. */
export function linksSaid(mode, asked, drawn) {
  if (mode === "none") return "";
  if (mode === "selected" && !asked) return "No pair is selected, so no link is drawn.";
  if (!asked) return `There are no ${mode}.`;
  const number = (n) => n.toLocaleString("en-US");
  const which = linksMeaning(mode);
  const thin = drawn > LINKS_MANY ? ", thin and transparent, the stronger the more lines cross" : "";
  const rest = drawn < asked ? ` of ${number(asked)}; the others have an end outside the view` : "";
  return `Links drawn: ${number(drawn)}${rest} (${which})${thin}.`;
}

function linksMarked(mask) {
  const found = [];
  for (let link = 0; link < mask.length; link += 1) if (mask[link]) found.push(link);
  return Uint32Array.from(found);
}
