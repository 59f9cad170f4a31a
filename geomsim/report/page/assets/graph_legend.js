// What the marks of the graphs mean: colours, sizes, widths, rings. The same list on the page and in saved pictures.

import {element, svgElement} from "./dom.js";
import {edgeWidth, graphRadius, isCrowded, nameWidth} from "./graph_canvas.js";
import {GRAPH_LINKS} from "./graph_links.js";
import {ringWidth} from "./graph_overlay.js";
import {look, numberText, shorten, visible} from "./look.js";
import {SvgPainter} from "./painter.js";

const LEGEND_LINE = 22; // pixels
const BOLD = 1.15; // how much wider bold type is

/** Marks that become elements of the page. */
class LegendPainter extends SvgPainter {
  add(tag, attributes) {
    this.marks.push(svgElement(tag, attributes));
  }
}

/** The legend as groups {title, entries}, an entry being {text, width, draw(painter, x, y)} with y in the middle of its line. */
export function legendEntries({graphs, geometry, colouring, most, what, linkMode, selected}) {
  const theme = look();
  const groups = [
    {title: `Colour: ${colouring.title}`, entries: legendColours(colouring, theme)},
    {title: "Size:", entries: legendSizes(geometry, what, theme)},
  ];
  if (graphs.left.weights || graphs.right?.weights) {
    const crowded = isCrowded(graphs.left);
    const widths = [...new Set([1, most])];
    const entries = widths.map((shared) => legendLine(`${numberText(shared)} shared`, theme.quiet, edgeWidth(shared, most, crowded)));
    groups.push({title: "Edges:", entries});
  }
  const rings = legendRings(graphs, selected, theme);
  if (rings.length) groups.push({title: "Rings:", entries: rings});
  const mode = GRAPH_LINKS.find(({id}) => id === linkMode);
  if (graphs.plan && !["none", "hovered"].includes(linkMode)) {
    groups.push({title: "Links:", entries: [legendLine(mode.says, theme.bars[1], 2)]});
  }
  return groups;
}

/** The legend as an element. */
export function legendElement(groups, notes) {
  const item = (entry) => element("li", {}, legendSwatch(entry), element("bdi", {text: entry.text}));
  const lists = groups.map(({title, entries}) => element("div", {class: "graphs-legend-group"},
    element("span", {class: "graphs-legend-title"}, element("bdi", {text: title})), element("ul", {class: "legend"}, entries.map(item))));
  return element("div", {role: "group", "aria-label": "Legend of the graphs"}, element("div", {class: "graphs-legend"}, lists),
    notes.length ? element("p", {class: "note", text: notes.join(" ")}) : null);
}

/** The legend on a picture from (x, y) on; says its height. */
export function drawLegend(painter, groups, notes, x, y, width) {
  const theme = look();
  let [left, top] = [x, y];
  const put = (text, weight, entry) => {
    const whole = entry ? entry.width + 16 + nameWidth(text) : BOLD * nameWidth(text) + 6;
    if (left > x && left + whole > x + width) [left, top] = [x, top + LEGEND_LINE];
    entry?.draw(painter, left, top + LEGEND_LINE / 2);
    const begin = left + (entry ? entry.width + 6 : 0);
    const lines = legendLines(text, x + width - begin);
    lines.forEach((line, place) => {
      if (place) top += LEGEND_LINE;
      painter.text(begin, top + LEGEND_LINE / 2 + 4, line, theme.ink, 12, "start", weight);
    });
    left = lines.length > 1 ? x + width : left + whole;
  };
  for (const {title, entries} of groups) {
    if (left > x) [left, top] = [x, top + LEGEND_LINE];
    put(title, "bold", null);
    for (const entry of entries) put(entry.text, "normal", entry);
  }
  for (const note of notes) {
    for (const line of legendLines(note, width)) {
      top += LEGEND_LINE;
      painter.text(x, top + LEGEND_LINE / 2 + 4, line, theme.quiet, 12);
    }
  }
  return top + LEGEND_LINE - y;
}

// A picture does not wrap its text by itself.
function legendLines(text, width) {
  const lines = [];
  for (const word of text.split(" ")) {
    const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
    if (!lines.length || nameWidth(longer) > width) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

/** What rings around nodes say. */
function legendRings(graphs, selected, theme) {
  const ring = ringWidth(0.7);
  const entries = [];
  if (graphs.plan) {
    entries.push({
      text: "partners of the node pointed at, as wide as their share of its mass", width: 20,
      draw: (painter, x, y) => painter.dot(x + 10, y, 9 - ring / 2, null, theme.ink, ring),
    });
  }
  const picked = [
    graphs.plan && "the partner whose rows are read", graphs.pair !== null && "nodes that hold what is pointed at in another view",
  ].filter(Boolean);
  if (picked.length) {
    entries.push({text: picked.join("; "), width: 20, draw: (painter, x, y) => painter.dot(x + 10, y, 7.5, null, theme.selected, 2.5)});
  }
  if (selected) {
    entries.push({
      text: "share of a node's rows that is selected", width: 20,
      draw(painter, x, y) {
        painter.dot(x + 10, y, 5, theme.quiet);
        const arc = [...d3.range(13).map((step) => [step, 9]), ...d3.range(12, -1, -1).map((step) => [step, 6])];
        painter.polygon(arc.map(([step, r]) => [x + 10 + r * Math.sin(step / 3), y - r * Math.cos(step / 3)]), null, theme.selected);
      },
    });
  }
  return entries;
}

function legendSwatch(entry) {
  const painter = new LegendPainter(entry.width, LEGEND_LINE);
  entry.draw(painter, 0, LEGEND_LINE / 2);
  const size = {width: entry.width, height: LEGEND_LINE, viewBox: `0 0 ${entry.width} ${LEGEND_LINE}`};
  return svgElement("svg", {...size, "aria-hidden": "true", class: "graphs-swatch"}, painter.marks);
}

function legendColours({legend, missing}, theme) {
  const hollow = (missing.left ?? 0) + (missing.right ?? 0);
  const none = hollow ? [{
    text: `none (${hollow})`, width: 14, draw: (painter, x, y) => painter.dot(x + 7, y, 5.5, theme.paper, theme.quiet, 1.2),
  }] : [];
  if (legend.kind === "number") {
    const {domain, colours} = legend;
    if (hollow && !colours.length) return none;
    const ramp = {
      text: `${numberText(domain[0])} to ${numberText(domain[1])}`, width: 4 * colours.length,
      draw: (painter, x, y) => colours.forEach((colour, step) => painter.rect(x + 4 * step, y - 6, 4.3, 12, colour)),
    };
    return [ramp, ...none];
  }
  const entries = legend.entries.filter((entry) => !entry.hollow).map(({text, colour, count}) => ({
    text: `${shorten(visible(text), 24)} (${count})`, width: 14,
    draw: (painter, x, y) => painter.dot(x + 7, y, 6, colour),
  }));
  return [...entries, ...none];
}

function legendSizes(geometry, what, theme) {
  const sizes = [...new Set([1, Math.max(1, Math.round(geometry.largest / 4)), geometry.largest])];
  return sizes.map((rows, place) => {
    const r = graphRadius(rows, geometry.unit);
    // When zoomed in, circles are larger than a line; then the number alone tells.
    const shown = Math.min(r, LEGEND_LINE / 2);
    const word = place === sizes.length - 1 ? ` ${what}${rows === 1 ? "" : "s"}` : "";
    return {
      text: `${numberText(rows)}${word}`, width: 2 * shown + 2,
      draw: (painter, x, y) => painter.dot(x + shown + 1, y, shown - 0.6, null, theme.quiet, 1.2),
    };
  });
}

function legendLine(text, colour, width) {
  return {text, width: 22, draw: (painter, x, y) => painter.line(x, y, x + 22, y, colour, width)};
}
