// What the colours and marks of the maps mean: as data, on the page, and in a saved picture.

import {clear, dataText, element, svgElement} from "./dom.js";
import {numberText, shorten, visible} from "./look.js";
import {aloneColour} from "./maps_colours.js";

/** The legend as data: {title, numbers | entries, marks, rings}; marks and rings are [kind, words]. */
export function mapLegend(pair, colours, { selection, hits, linkMode, linesDrawn, linkStyle }) {
  const { scale, column, unpaired } = colours, { legend } = scale;
  const alone = unpaired.left + unpaired.right;
  const found = { title: column.name, numbers: null, entries: [], marks: [] };
  // Rows without a partner stand for themselves below, with their number on each side.
  const explained = column.ofRows ? 0 : alone;
  if (legend.kind === "number") {
    const [low, high] = legend.domain, some = legend.missing < column.values.length;
    found.numbers = some ? { low, high, colours: low < high ? legend.colours : legend.colours.slice(-1) } : null;
    if (legend.missing > explained) {
      found.entries.push({ text: "no value", colour: scale.buckets[scale.hollow], count: legend.missing - explained });
    }
  } else {
    for (const entry of legend.entries) {
      if (!entry.hollow) found.entries.push(entry);
      else if (entry.count > explained) found.entries.push({ ...entry, hollow: false, count: entry.count - explained });
    }
  }
  const number = (n) => n.toLocaleString("en-US");
  if (pair.links) {
    const words = (side) => `${number(unpaired[side])} of ${number(pair[side].n)} ${side}`;
    found.marks.push(["hollow", `no partner: ${words("left")}, ${words("right")}`]);
  }
  found.rings = [["own", "pointed at or pinned"], ...(pair.links ? [["partner", "its partner"]] : [])];
  if (selection) found.marks.push(["faded", "pale: not selected"]);
  if (hits && hits.left.length + hits.right.length) {
    found.marks.push(["hit", `found: ${number(hits.left.length)} left, ${number(hits.right.length)} right`]);
  }
  if (linesDrawn) found.marks.push(["line", `${linkMode === "pairs" ? "pair" : linkMode.replace(/s$/, "")} link`, linkStyle.colour]);
  return found;
}

/** The legend on the page. */
export function showLegend(node, legend, theme) {
  clear(node);
  node.append(element("span", { class: "legend-title" }, dataText(shorten(visible(legend.title), 60))));
  if (legend.numbers) node.append(legendRamp(legend.numbers));
  for (const entry of legend.entries) {
    node.append(element("span", { class: "legend-entry" }, legendDot(entry.colour, false),
      dataText(shorten(visible(entry.text), 40)), ` ${entry.count.toLocaleString("en-US")}`));
  }
  for (const [kind, words, colour] of [...legend.marks, ...legend.rings]) {
    node.append(element("span", { class: "legend-entry" }, legendMark(kind, colour, theme), words));
  }
}

/** The legend in a saved picture (its rings only where some are drawn), from (x, y) on; the height it takes. */
export function paintLegend(painter, legend, x, y, width, theme) {
  const size = 12, line = 20;
  let [across, down] = [x, y + size];
  const take = (wide) => {
    if (across > x && across + wide > x + width) [across, down] = [x, down + line];
    const at = across;
    across += wide + 16;
    return at;
  };
  const wide = (text) => Array.from(text).length * size * 0.56;
  const title = shorten(visible(legend.title), 60);
  painter.text(take(wide(title)), down, title, theme.ink, size, "start", "bold");
  if (legend.numbers) {
    const low = numberText(legend.numbers.low), high = numberText(legend.numbers.high), steps = legend.numbers.colours;
    const at = take(wide(low) + wide(high) + 136);
    painter.text(at, down, low, theme.ink, size);
    const begin = at + wide(low) + 8, part = 120 / steps.length;
    steps.forEach((colour, step) => painter.rect(begin + step * part, down - 10, part + 0.3, 12, colour));
    painter.text(at + wide(low) + 136, down, high, theme.ink, size);
  }
  const mark = (text, draw) => {
    const at = take(wide(text) + 16);
    draw(at + 5, down - 4);
    painter.text(at + 16, down, text, theme.ink, size);
  };
  for (const entry of legend.entries) {
    mark(`${shorten(visible(entry.text), 40)} ${entry.count.toLocaleString("en-US")}`, (cx, cy) => painter.dot(cx, cy, 4, entry.colour));
  }
  for (const [kind, words, colour] of [...legend.marks, ...(legend.ringed ? legend.rings : [])]) {
    mark(words, (cx, cy) => {
      if (kind === "line") painter.line(cx - 5, cy, cx + 7, cy, colour, 2);
      else if (kind === "hit") painter.dot(cx, cy, 4.5, null, theme.ink, 1.3);
      else if (kind === "own") [2.6, 5.2].forEach((radius) => painter.dot(cx, cy, radius, null, theme.ink, 1.2));
      else if (kind === "partner") painter.dot(cx, cy, 4.2, null, theme.selected, 2.2);
      else if (kind === "hollow") painter.dot(cx, cy, 3.6, null, aloneColour(theme), 1.4);
      else painter.dot(cx, cy, 4, theme.line);
    });
  }
  return down + 8 - y;
}

function legendRamp({ low, high, colours }) {
  const box = { viewBox: `0 0 ${colours.length} 1`, preserveAspectRatio: "none", "aria-hidden": "true" };
  const bar = svgElement("svg", { class: "legend-ramp", ...box },
    colours.map((colour, step) => svgElement("rect", { x: step, y: 0, width: 1.05, height: 1, fill: colour })));
  return element("span", { class: "legend-entry" }, numberText(low), bar, numberText(high));
}

function legendDot(colour, hollow) {
  const drawn = hollow ? { r: 4, fill: "none", stroke: colour, "stroke-width": 2 } : { r: 5, fill: colour };
  return svgElement("svg", { class: "legend-dot", viewBox: "0 0 12 12", "aria-hidden": "true" },
    svgElement("circle", { cx: 6, cy: 6, ...drawn }));
}

function legendMark(kind, colour, theme) {
  if (kind === "hollow") return legendDot(aloneColour(theme), true);
  if (kind === "faded") return legendDot(theme.line, false);
  if (kind === "hit") return legendDot(theme.ink, true);
  if (kind === "partner") return legendDot(theme.selected, true);
  if (kind === "own") {
    return svgElement("svg", { class: "legend-dot", viewBox: "0 0 12 12", "aria-hidden": "true" },
      [2.6, 5.2].map((r) => svgElement("circle", { cx: 6, cy: 6, r, fill: "none", stroke: theme.ink, "stroke-width": 1.2 })));
  }
  return svgElement("svg", { class: "legend-dot", viewBox: "0 0 12 12", "aria-hidden": "true" },
    svgElement("line", { x1: 0, y1: 6, x2: 12, y2: 6, stroke: colour, "stroke-width": 2 }));
}
