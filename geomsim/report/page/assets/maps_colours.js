// What the points of both maps can be coloured by: one column over the rows of both sides.

import {colourScale} from "./look.js";
import {pixelColour} from "./points.js";

const COLOURS_PAIRED = "paired or not";
const COLOURS_COUNT = "partners per row";
const COLOURS_SIDE = "side";

/** The columns to choose from, as [key, words], the one to begin with first. */
export function colourChoices(pair) {
  const { links } = pair, rows = [...pair.left.columns, ...pair.right.columns];
  const keys = [];
  if (links) {
    if (links.weight) keys.push([links.weightName, `${links.weightName} (best pair of a row)`]);
    keys.push([COLOURS_PAIRED, COLOURS_PAIRED], [COLOURS_COUNT, `${COLOURS_COUNT} (multiplicity)`]);
    for (const { name } of links.columns) keys.push([coloursLinkKey(pair, name), `${name} (best pair of a row)`]);
  }
  for (const { name } of rows) {
    const sides = ["left", "right"].filter((side) => pair[side].columns.some((column) => column.name === name));
    keys.push([name, sides.length === 2 ? name : `${name} (${sides[0]} only)`]);
  }
  keys.push([COLOURS_SIDE, COLOURS_SIDE]);
  return [...new Map(keys.reverse()).entries()].reverse();
}

/** Row columns keep their name; a link column of the same name says whose it is. */
function coloursLinkKey(pair, name) {
  const taken = [...pair.left.columns, ...pair.right.columns].some((column) => column.name === name);
  return taken || name === pair.links.weightName ? `${name} (of the pair)` : name;
}

/** The column behind a key: values of the left rows, then of the right ones; `ofRows` where rows without partner have values too. */
export function colourColumn(pair, key) {
  const { left, right, links } = pair, n = left.n + right.n;
  const number = (values) => ({ name: key, kind: "number", values });
  const category = (values, categories) => ({ name: key, kind: "category", values, categories });
  if (key === COLOURS_SIDE) {
    return { ...category(new Int32Array(n).fill(0, 0, left.n).fill(1, left.n), ["left", "right"]), ofRows: true };
  }
  if (links) {
    if (key === COLOURS_PAIRED) {
      return category(Int32Array.from(coloursCounts(pair), (count) => (count ? 0 : -1)), ["has a partner"]);
    }
    if (key === COLOURS_COUNT) return number(Float32Array.from(coloursCounts(pair), (count) => count || NaN));
    if (key === links.weightName && links.weight) return coloursOfLinks(pair, { ...number(links.weight) });
    const own = links.columns.find((column) => coloursLinkKey(pair, column.name) === key);
    if (own) return coloursOfLinks(pair, { ...own, name: key });
  }
  return coloursOfRows(pair, key);
}

/** Colours as pixels for each side, hollow or not for each point, and the scale with its legend. */
export function mapColours(pair, key, theme) {
  const column = colourColumn(pair, key);
  const scale = colourScale(column, theme);
  const pixels = Uint32Array.from(scale.buckets, pixelColour);
  const alonePixel = pixelColour(aloneColour(theme));
  const unpaired = { left: 0, right: 0 };
  const found = { column, scale, unpaired };
  for (const [side, shift] of [["left", 0], ["right", pair.left.n]]) {
    const { n } = pair[side];
    const colours = new Uint32Array(n), hollow = new Uint8Array(n);
    for (let row = 0; row < n; row += 1) {
      const alone = pair.links !== null && pair[side].partners(row).length === 0;
      const bucket = scale.bucket(row + shift);
      colours[row] = bucket === scale.hollow && alone ? alonePixel : pixels[bucket];
      hollow[row] = alone ? 1 : 0;
      unpaired[side] += hollow[row];
    }
    found[side] = { colours, hollow };
  }
  return found;
}

/** The colour of rows without partner: quiet, yet seen on the page. */
export function aloneColour(theme) {
  return d3.interpolateRgb(theme.chance, theme.quiet)(0.45);
}

/** Of each row its link with the largest weight, -1 without any; the first where links have no weights. */
export function bestLinks(pair, side) {
  const { weight } = pair.links;
  const best = new Int32Array(pair[side].n).fill(-1), ends = pair.links[side];
  for (let link = 0; link < pair.links.n; link += 1) {
    const had = best[ends[link]];
    if (had < 0 || (weight && (weight[link] > weight[had] || Number.isNaN(weight[had])))) best[ends[link]] = link;
  }
  return best;
}

function coloursCounts(pair) {
  const counts = new Uint32Array(pair.left.n + pair.right.n);
  for (let link = 0; link < pair.links.n; link += 1) {
    counts[pair.links.left[link]] += 1;
    counts[pair.left.n + pair.links.right[link]] += 1;
  }
  return counts;
}

function coloursOfLinks(pair, column) {
  const none = column.kind === "category" ? -1 : NaN;
  const values = new column.values.constructor(pair.left.n + pair.right.n);
  let place = 0;
  for (const side of ["left", "right"]) {
    for (const link of bestLinks(pair, side)) values[place++] = link < 0 ? none : column.values[link];
  }
  return { ...column, values };
}

function coloursOfRows(pair, key) {
  const found = ["left", "right"].map((side) => pair[side].columns.find((column) => column.name === key));
  const { kind } = found[0] ?? found[1];
  // A name that is numbers on one side and groups on the other has values on the side that comes first.
  const columns = found.map((column) => (column?.kind === kind ? column : null));
  const n = pair.left.n + pair.right.n, shifts = [0, pair.left.n];
  if (kind === "number") {
    const values = new Float32Array(n).fill(NaN);
    columns.forEach((column, which) => column && values.set(column.values, shifts[which]));
    return { name: key, kind, values, ofRows: true };
  }
  const places = new Map();
  const values = new Int32Array(n).fill(-1);
  columns.forEach((column, which) => {
    if (!column) return;
    for (const text of column.categories) if (!places.has(text)) places.set(text, places.size);
    const own = column.categories.map((text) => places.get(text));
    column.values.forEach((value, row) => { values[row + shifts[which]] = value < 0 ? -1 : own[value]; });
  });
  return { name: key, kind, values, categories: [...places.keys()], ofRows: true };
}
