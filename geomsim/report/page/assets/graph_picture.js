// The graphs as they stand on the page, in one picture with their legend.

import {drawLegend} from "./graph_legend.js";
import {look, shorten, visible} from "./look.js";
import {SvgPainter} from "./painter.js";

const [GRAPH_PICTURE_PAD, GRAPH_PICTURE_HEAD] = [12, 50]; // pixels around, and above for names

/** The view, with what is pointed at or pinned, as SVG. */
export function graphsPicture(view) {
  const theme = look();
  const {width, height} = view.stage.size;
  const legend = view.entries();
  const below = drawLegend(new SvgPainter(width, 0), legend, view.colouring.notes, 0, 0, width);
  const painter = new SvgPainter(width + 2 * GRAPH_PICTURE_PAD, GRAPH_PICTURE_HEAD + height + below + GRAPH_PICTURE_PAD, theme.paper);
  painter.text(GRAPH_PICTURE_PAD, GRAPH_PICTURE_PAD + 12, shorten(visible(view.graphs.name), 90), theme.ink, 14, "start", "bold");
  const {geometry, drawn} = view;
  const top = GRAPH_PICTURE_HEAD - Math.min(view.stage.rects.left.y, 20);
  view.geometry = graphPictureMoved(geometry, GRAPH_PICTURE_PAD, top);
  view.drawn = {};
  for (const side of ["left", "right"]) if (view.graphs[side]) graphPictureFrame(painter, view, side, theme);
  view.drawAll(painter);
  view.drawFocused(painter);
  [view.geometry, view.drawn] = [geometry, drawn];
  drawLegend(painter, legend, view.colouring.notes, GRAPH_PICTURE_PAD, top + height + 6, width);
  return painter.toString();
}

function graphPictureFrame(painter, {graphs, geometry}, side, theme) {
  const {rect} = geometry[side];
  painter.rect(rect.x, rect.y, rect.width, rect.height, "none", theme.line);
  const name = `${graphs.right ? `${side}: ` : ""}${shorten(visible(graphs[side].name), 50)}`;
  painter.text(rect.x, rect.y - 6, name, theme.quiet, 12);
}

function graphPictureMoved(geometry, dx, dy) {
  const moved = {...geometry};
  for (const side of ["left", "right"]) {
    const panel = geometry[side];
    if (!panel) continue;
    moved[side] = {
      ...panel, rect: {...panel.rect, x: panel.rect.x + dx, y: panel.rect.y + dy},
      x: panel.x.map((place) => place + dx), y: panel.y.map((place) => place + dy),
    };
  }
  return moved;
}
