// What lies over the points: rings around the row that is pointed at and its partners, hits, outlines.

import {linksOf} from "./selection.js";

const MARKS_RINGS = 200; // rows of one side with a ring each; more are small squares
const MARKS_LINES = 60; // partner lines of one node or row; more would hide the map, the rings still show all

/** Which rows of both sides a target lights up: its own, and those that its links lead to. */
export function litRows(app, target) {
  const pair = app.opened, links = linksOf(app, target);
  const lit = { target, links, left: new Set(), right: new Set(), own: target.type === "row" ? target.side : null };
  if (target.type === "row") lit[target.side].add(target.row);
  for (const link of links) {
    lit.left.add(pair.links.left[link]);
    lit.right.add(pair.links.right[link]);
  }
  return lit;
}

/** Rings on the lit rows and lines between them; an arrow at the edge leads to a row outside the view. How many lie there. */
export function markLit(painter, stage, pair, lit, theme, pinned) {
  const near = 6 + (pinned ? 1.5 : 0);
  if (lit.links.length <= MARKS_LINES) {
    for (const link of lit.links) {
      const one = stage.spot("left", pair.left, pair.links.left[link]);
      const other = stage.spot("right", pair.right, pair.links.right[link]);
      if (one.seen && other.seen) painter.line(one.x, one.y, other.x, other.y, theme.selected, 1.2);
    }
  }
  let outside = 0;
  for (const side of ["left", "right"]) {
    const own = lit.own === side, crowd = lit[side].size > MARKS_RINGS;
    for (const row of lit[side]) {
      const spot = stage.spot(side, pair[side], row);
      if (!spot.seen) {
        outside += 1;
        if (!crowd) markEdge(painter, stage.panels[side], stage, spot, theme);
      } else if (crowd) painter.rect(spot.x - 1.5, spot.y - 1.5, 3, 3, theme.selected);
      else {
        painter.dot(spot.x, spot.y, near + 0.5, null, theme.paper, 5.5);
        painter.dot(spot.x, spot.y, near, null, own ? theme.ink : theme.selected, 2.2);
        // The row itself has a second ring: colour alone does not tell it from its partners.
        if (own) painter.dot(spot.x, spot.y, near + 4, null, theme.ink, 1.2);
      }
    }
  }
  return outside;
}

/** Thin rings around the hits of a search; how many are in view. */
export function markHits(painter, stage, pair, hits, theme) {
  let seen = 0;
  for (const side of ["left", "right"]) {
    for (const row of hits[side]) {
      const spot = stage.spot(side, pair[side], row);
      if (!spot.seen) continue;
      seen += 1;
      painter.dot(spot.x, spot.y, 4.5, null, theme.ink, 1.3);
    }
  }
  return seen;
}

/** The outline that is being drawn on one panel. */
export function markOutline(context, panel, path, theme) {
  context.beginPath();
  path.forEach(([x, y], place) => (place ? context.lineTo(x + panel.x, y + panel.y) : context.moveTo(x + panel.x, y + panel.y)));
  context.closePath();
  context.globalAlpha = 0.14;
  context.fillStyle = theme.selected;
  context.fill();
  context.globalAlpha = 1;
  context.strokeStyle = theme.selected;
  context.lineWidth = 1.5;
  context.setLineDash([5, 3]);
  context.stroke();
  context.setLineDash([]);
}

function markEdge(painter, panel, { width, height }, spot, theme) {
  const inset = 9;
  const x = Math.min(width - inset, Math.max(inset, spot.x - panel.x)), y = Math.min(height - inset, Math.max(inset, spot.y - panel.y));
  const way = Math.atan2(spot.y - panel.y - y, spot.x - panel.x - x);
  const corners = [[0, 7], [2.5, 6], [-2.5, 6]].map(([turn, far]) =>
    [panel.x + x + far * Math.cos(way + turn), panel.y + y + far * Math.sin(way + turn)]);
  painter.polygon(corners, null, theme.selected);
}
