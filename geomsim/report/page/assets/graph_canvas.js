// Drawing graphs: nodes as large as their rows, edges as wide as the rows shared, what is selected, and names.

import {look, shorten, visible} from "./look.js";

const NAMED = 12; // nodes of a panel that are named
const NAME_LENGTH = 22;
const FREE = 400; // nodes of a panel that no name may cover
const TYPE = 12; // pixels
const EDGE_STEPS = 5; // widths of edges, so that edges of one width are drawn at once
const WIDEST = 4.5; // pixels, of an edge
const INKED = 0.09; // of a panel, covered by nodes
const MARGIN = 22; // pixels

let namesContext = null;

/**
 * Where things are: for each side the panel's rectangle, the place of each node in pixels of the stage (`x`, `y`) and
 * its radius `r`. `place` is that of points.js, the same for both sides.
 */
export function graphGeometry(graphs, rects, place, zoom) {
  const largest = Math.max(1, ...["left", "right"].map((side) => d3.max(graphs[side]?.sizes ?? []) ?? 0));
  const geometry = {largest};
  const rows = Math.max(1, ...["left", "right"].map((side) => d3.sum(graphs[side]?.sizes ?? [])));
  const {width, height} = rects.left;
  // Areas are rows times one number; the largest node must neither hide the others nor be a speck.
  const unit = Math.min(Math.sqrt((INKED * width * height) / (Math.PI * rows)), 20 / Math.sqrt(largest));
  geometry.unit = Math.max(unit, 4 / Math.sqrt(largest)) * Math.sqrt(zoom);
  for (const side of ["left", "right"]) {
    const graph = graphs[side];
    if (!graph) continue;
    const rect = rects[side];
    const [x, y, r] = [0, 0, 0].map(() => new Float32Array(graph.n));
    for (let node = 0; node < graph.n; node++) {
      x[node] = rect.x + graph.x[node] * place.k + place.x0;
      y[node] = rect.y + place.y0 - graph.y[node] * place.k;
      r[node] = graphRadius(graph.sizes[node], geometry.unit);
    }
    geometry[side] = {rect, x, y, r};
  }
  return geometry;
}

/** The radius of a node with so many rows. */
export function graphRadius(rows, unit) {
  return Math.max(1.4, unit * Math.sqrt(rows));
}

/** The width of an edge along which so many rows are shared, `most` being the largest such number. */
export function edgeWidth(weight, most, crowded) {
  const step = Math.ceil((weight / most) * EDGE_STEPS);
  return (0.4 + ((WIDEST - 0.4) * Math.max(step, 1)) / EDGE_STEPS) * (crowded ? 0.4 : 1);
}

/** Whether a graph has so many edges that they are drawn thinner. */
export function isCrowded(graph) {
  return graph.edges.length / 2 > 1500;
}

/** Whether a place lies in a panel. */
export function inPanel(rect, x, y) {
  return x >= rect.x && x <= rect.x + rect.width && y >= rect.y && y <= rect.y + rect.height;
}

/** One graph in its panel; says how many nodes and edges are in sight, and which nodes are named. */
export function drawGraph(painter, graph, panel, {colours, counts, most}) {
  const {context} = painter;
  if (context) clipTo(context, panel.rect);
  const edges = drawEdges(painter, graph, panel, most);
  const theme = look();
  const order = d3.range(graph.n).sort((one, other) => graph.sizes[other] - graph.sizes[one] || one - other);
  let nodes = 0;
  for (const node of order) {
    const [x, y, r] = [panel.x[node], panel.y[node], panel.r[node]];
    if (!inPanel(panel.rect, x, y)) continue;
    nodes++;
    const colour = colours[node];
    painter.dot(x, y, r, colour ?? theme.paper, colour ? theme.paper : theme.quiet, colour ? 0.6 : 1.2);
    if (counts?.[node]) drawShare(painter, x, y, r, counts[node] / graph.sizes[node], theme);
  }
  const named = drawNames(painter, graph, panel, order);
  context?.restore();
  return {nodes, edges, named};
}

function clipTo(context, {x, y, width, height}) {
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
}

/** The share of a node's rows that is selected: that part of a ring around it, clockwise from the top. */
function drawShare(painter, x, y, r, share, theme) {
  const [inner, outer] = [r + 0.5, r + Math.max(2.5, Math.min(5, r * 0.4))];
  const steps = Math.max(3, Math.ceil(28 * share));
  const spot = (radius, step) => {
    const angle = 2 * Math.PI * share * (step / steps);
    return [x + radius * Math.sin(angle), y - radius * Math.cos(angle)];
  };
  const ring = d3.range(steps + 1).map((step) => spot(outer, step));
  painter.polygon([...ring, ...d3.range(steps, -1, -1).map((step) => spot(inner, step))], null, theme.selected);
}

function drawEdges(painter, graph, {rect, x, y}, most) {
  const {edges, weights} = graph;
  const crowded = isCrowded(graph);
  const lines = new Map();
  let drawn = 0;
  for (let edge = 0; edge < edges.length / 2; edge++) {
    const [one, other] = [edges[2 * edge], edges[2 * edge + 1]];
    const line = clipped(rect, x[one], y[one], x[other], y[other]);
    if (!line) continue;
    drawn++;
    const width = weights ? edgeWidth(weights[edge], most, crowded) : crowded ? 0.5 : 1;
    if (!lines.has(width)) lines.set(width, []);
    lines.get(width).push(line);
  }
  const theme = look();
  for (const [width, group] of lines) drawLines(painter, group, theme.quiet, width, crowded ? 0.35 : 0.5);
  return drawn;
}

/** Many lines of one colour: at once on a canvas. */
export function drawLines(painter, lines, colour, width, opacity) {
  const {context} = painter;
  if (!context) {
    for (const [x1, y1, x2, y2] of lines) painter.line(x1, y1, x2, y2, colour, width, opacity);
    return;
  }
  context.globalAlpha = opacity;
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  for (const [x1, y1, x2, y2] of lines) {
    context.moveTo(x1, y1);
    context.lineTo(x2, y2);
  }
  context.stroke();
  context.globalAlpha = 1;
}

/** The part of a line that lies in a rectangle (Liang and Barsky 1984), or null. */
export function clipped(rect, x1, y1, x2, y2) {
  let [from, to] = [0, 1];
  const [dx, dy] = [x2 - x1, y2 - y1];
  const edges = [
    [-dx, x1 - rect.x], [dx, rect.x + rect.width - x1], [-dy, y1 - rect.y], [dy, rect.y + rect.height - y1],
  ];
  for (const [step, room] of edges) {
    if (step === 0) {
      if (room < 0) return null;
    } else if (step < 0) from = Math.max(from, room / step);
    else to = Math.min(to, room / step);
  }
  return from <= to ? [x1 + from * dx, y1 + from * dy, x1 + to * dx, y1 + to * dy] : null;
}

/** What a node is called beside it: its first label, or else its name. */
export function nodeTitle(graph, node, length = NAME_LENGTH) {
  return shorten(visible(graph.labelsOf(node)[0] ?? graph.nameOf(node)), length);
}

/** Names of the largest nodes that are in sight, those that would overlap a name or a larger node left out. */
function drawNames(painter, graph, panel, order) {
  const theme = look();
  const taken = [];
  const large = order.slice(0, 4 * NAMED).filter((node) => inPanel(panel.rect, panel.x[node], panel.y[node]));
  // A name may lie over edges, not over nodes; of a crowd only the larger ones are kept free.
  const discs = order.slice(0, FREE).map((node) => discBox(panel, node));
  const named = [];
  for (const node of large) {
    if (named.length === NAMED) break;
    const title = nodeTitle(graph, node);
    const found = nameBoxes(panel, node, nameWidth(title)).find(
      (box) => insideRect(panel.rect, box) && ![...taken, ...discs].some((other) => boxesMeet(box, other)));
    if (!found) continue;
    taken.push(found);
    named.push(node);
    drawName(painter, title, found, theme);
  }
  return named;
}

/** A name on a veil of paper, so that it is read above edges. */
export function drawName(painter, title, box, theme, veil = 0.8) {
  painter.rect(box.x, box.y, box.width, box.height, d3.color(theme.paper).copy({opacity: veil}).formatRgb());
  painter.text(box.x + 3, box.y + TYPE, title, theme.ink, TYPE);
}

/** Where a name may stand: right of its node, left, above, below. */
export function nameBoxes(panel, node, width) {
  const [x, y, r] = [panel.x[node], panel.y[node], panel.r[node] + 2];
  const height = TYPE + 4;
  return [[x + r, y - height / 2], [x - r - width, y - height / 2], [x - width / 2, y - r - height], [x - width / 2, y + r]]
    .map(([left, top]) => ({x: left, y: top, width, height}));
}

/** How wide a name is, with its margins. */
export function nameWidth(title) {
  namesContext ??= document.createElement("canvas").getContext("2d");
  namesContext.font = `${TYPE}px system-ui, sans-serif`;
  return namesContext.measureText(title).width + 6;
}

/** Whether a box lies in a panel. */
export function insideRect(rect, box) {
  return inPanel(rect, box.x, box.y) && inPanel(rect, box.x + box.width, box.y + box.height);
}

/** Whether two boxes have a place in common. */
export function boxesMeet(one, other) {
  return one.x < other.x + other.width && other.x < one.x + one.width && one.y < other.y + other.height && other.y < one.y + one.height;
}

function discBox(panel, node) {
  const r = panel.r[node];
  // The middle part: corners of the box are outside of the disc.
  return {x: panel.x[node] - 0.85 * r, y: panel.y[node] - 0.85 * r, width: 1.7 * r, height: 1.7 * r};
}

/** Pixels between the outermost nodes and the border of a panel. */
export const GRAPH_MARGIN = MARGIN;
