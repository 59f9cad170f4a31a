// The columns of the table of pairs: what a link shows in each, and how links are put in order by it.

import {cutText} from "./contexts.js";
import {numberText} from "./look.js";

/** The columns of a pair's table: `{id, title, numeric, text(link), rank(): numbers to sort by, side}`. */
export function pairColumns(pair) {
  const { links, left, right } = pair;
  const columns = [
    { id: "left", title: left.name, side: "left", text: (i) => left.nameOf(links.left[i]), rank: () => columnNames(left, links.left) },
    { id: "right", title: right.name, side: "right", text: (i) => right.nameOf(links.right[i]), rank: () => columnNames(right, links.right) },
  ];
  if (links.weight) columns.push(columnNumbers("weight", links.weightName, links.weight));
  for (const [id, side, rows] of [["tokens-left", left, links.left], ["tokens-right", right, links.right]]) {
    if (side.hasTokens === false) continue;
    const text = (i) => side.tokensOf(rows[i]).map((token) => cutText(token, 60)).join("  ");
    columns.push({ id, title: `tokens of ${side.name}`, wide: true, text, rank: () => columnTexts(links.n, text) });
  }
  for (const [id, side, other] of [["partners-left", left, "right"], ["partners-right", right, "left"]]) {
    const rows = id === "partners-left" ? links.left : links.right;
    const counts = columnCounts(rows, side.n);
    columns.push({ ...columnNumbers(id, other === "right" ? "right partners" : "left partners", counts), counts });
  }
  links.columns.forEach((column, place) => columns.push(columnOf(column, `column-${place}`)));
  return columns;
}

/** How many links hold the row of each link: `counts[i]` for link i. */
export function columnCounts(rows, n) {
  const total = new Uint32Array(n);
  for (const row of rows) total[row]++;
  return Uint32Array.from(rows, (row) => total[row]);
}

/** The given links in the order of a column; what is missing comes last, whichever way. */
export function pairsSorted(links, ranks, descending) {
  const sign = descending ? -1 : 1;
  return links.sort((one, other) => {
    const [a, b] = [ranks[one], ranks[other]];
    if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b)) || one - other;
    return sign * (a - b) || one - other;
  });
}

function columnNumbers(id, title, values) {
  return { id, title, numeric: true, text: (i) => numberText(values[i]), rank: () => values };
}

function columnOf(column, id) {
  if (column.kind === "number") return columnNumbers(id, column.name, column.values);
  const text = (i) => (column.values[i] < 0 ? "–" : column.categories[column.values[i]]);
  const order = columnOrder(column.categories);
  return { id, title: column.name, text, rank: () => Float64Array.from(column.values, (value) => (value < 0 ? NaN : order[value])) };
}

/** Names that end in a number are sorted by it, as "latent 9" before "latent 10". */
function columnNames(side, rows) {
  const order = columnOrder(Array.from({ length: side.n }, (_, row) => side.nameOf(row)));
  return Float64Array.from(rows, (row) => order[row]);
}

function columnTexts(n, text) {
  return columnOrder(Array.from({ length: n }, (_, link) => text(link)));
}

/** The place of each text among all. */
function columnOrder(texts) {
  const numbered = texts.every((text) => /^\D*\d{1,15}$/.test(text)) && new Set(texts.map((text) => text.replace(/\d+$/, ""))).size <= 1;
  if (numbered) return Float64Array.from(texts, (text) => Number(/\d+$/.exec(text)[0]));
  const places = Float64Array.from(texts.keys());
  const sorted = Array.from(places).sort((a, b) => (texts[a] < texts[b] ? -1 : texts[a] > texts[b] ? 1 : a - b));
  const order = new Float64Array(texts.length);
  sorted.forEach((place, rank) => {
    order[place] = rank && texts[place] === texts[sorted[rank - 1]] ? order[sorted[rank - 1]] : rank;
  });
  return order;
}
