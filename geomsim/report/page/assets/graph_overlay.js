// What lies above the graphs: the node pointed at, its partners, links between the panels, an outline being drawn.

import {boxesMeet, drawLines, drawName, inPanel, insideRect, nameBoxes, nameWidth, nodeTitle} from "./graph_canvas.js";
import {otherSide} from "./graph_links.js";
import {look} from "./look.js";

const SAID = 4; // partners that are named on the other side
const THICKEST = 6; // pixels, of the ring around a partner with all of a node's mass

/** Width of the ring around a partner with this share of a node's mass. */
export function ringWidth(share) {
  return 1.5 + (THICKEST - 1.5) * share;
}

/** A node and its partners: rings as wide as the share of mass, shares in words beside the first ones, links if asked. */
export function drawFocus(painter, graphs, geometry, focus, withLinks) {
  const theme = look();
  const {side, node, partners} = focus;
  const there = geometry[otherSide(side)];
  if (withLinks) {
    for (const {node: partner, share} of partners) overlayLink(painter, geometry, side, node, partner, ringWidth(share), theme);
  }
  for (const {node: partner, share} of partners.toReversed()) {
    if (partner === focus.chosen && partners.length > 1) overlayRing(painter, there, partner, ringWidth(share) + 3, theme.selected, theme);
    overlayRing(painter, there, partner, ringWidth(share), theme.ink, theme);
  }
  overlayRing(painter, geometry[side], node, 3, theme.ink, theme);
  overlayNames(painter, graphs, geometry, focus, theme);
}

/** Nodes that hold rows pointed at elsewhere. */
export function drawLit(painter, geometry, lit) {
  const theme = look();
  for (const side of ["left", "right"]) {
    for (const node of lit[side] ?? []) overlayRing(painter, geometry[side], node, 2.5, theme.selected, theme);
  }
}

/** Links that stand whatever is pointed at; says how many are in sight. */
export function drawCells(painter, geometry, plan, totals, cells, by) {
  const theme = look();
  // So many lines lie above each other that each is the fainter.
  const opacity = Math.max(0.05, 0.75 * Math.min(1, Math.sqrt(60 / cells.length)));
  const lines = new Map();
  let drawn = 0;
  for (const cell of cells) {
    const line = overlayLine(geometry, plan.left[cell], plan.right[cell]);
    if (!line) continue;
    drawn++;
    const share = plan.mass[cell] / totals[by].mass[plan[by][cell]];
    const width = cells.length > 600 ? 0.8 : 0.8 + Math.ceil(share * 4) * 0.6;
    if (!lines.has(width)) lines.set(width, []);
    lines.get(width).push(line);
  }
  for (const [width, group] of lines) drawLines(painter, group, theme.bars[1], width, opacity);
  return drawn;
}

/** The outline that is being drawn around nodes. */
export function drawOutline(painter, rect, path) {
  const theme = look();
  const inside = d3.color(theme.selected).copy({opacity: 0.12}).formatRgb();
  painter.polygon(path.map(([x, y]) => [rect.x + x, rect.y + y]), theme.selected, inside, 1.5);
}

function overlayLine(geometry, left, right) {
  const [one, other] = [geometry.left, geometry.right];
  const [x1, y1, x2, y2] = [one.x[left], one.y[left], other.x[right], other.y[right]];
  return inPanel(one.rect, x1, y1) && inPanel(other.rect, x2, y2) ? [x1, y1, x2, y2] : null;
}

function overlayLink(painter, geometry, side, node, partner, width, theme) {
  const line = side === "left" ? overlayLine(geometry, node, partner) : overlayLine(geometry, partner, node);
  if (line) painter.line(...line, theme.ink, Math.max(1, width * 0.6), 0.55);
}

/** A ring with a gap of paper, so that it is seen on every colour. */
function overlayRing(painter, panel, node, width, colour, theme) {
  const [x, y] = [panel.x[node], panel.y[node]];
  if (!inPanel(panel.rect, x, y)) return;
  const radius = Math.max(panel.r[node], 3) + 1;
  painter.dot(x, y, radius, null, theme.paper, 2);
  painter.dot(x, y, radius + 1 + width / 2, null, colour, width);
}

function overlayNames(painter, graphs, geometry, {side, node, partners}, theme) {
  const other = otherSide(side);
  const wanted = [
    {graph: graphs[side], panel: geometry[side], node, said: ""},
    ...partners.slice(0, SAID).map((partner) => ({
      graph: graphs[other], panel: geometry[other], node: partner.node, said: `${percentText(partner.share)} `,
    })),
  ];
  const taken = [];
  for (const {graph, panel, node: named, said} of wanted) {
    if (!inPanel(panel.rect, panel.x[named], panel.y[named])) continue;
    const title = said + nodeTitle(graph, named);
    const around = {...panel, r: {[named]: Math.max(panel.r[named], 3) + 8}};
    const box = nameBoxes(around, named, nameWidth(title)).find(
      (each) => insideRect(panel.rect, each) && !taken.some((before) => boxesMeet(each, before)));
    if (!box) continue;
    taken.push(box);
    drawName(painter, title, box, theme, 1);
  }
}

/** A share as percent for reading: what is below one percent is called so. */
export function percentText(share) {
  return share > 0 && share < 0.01 ? "<1%" : `${Math.round(100 * share)}%`;
}
