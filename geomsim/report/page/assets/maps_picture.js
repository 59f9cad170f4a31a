// The maps as a picture to save: both panels with links, marks and legend.

import {CanvasPainter, SvgPainter} from "./painter.js";
import {element} from "./dom.js";
import {shorten, visible} from "./look.js";
import {POINT_FADED, POINT_HOLLOW, PointRaster, dotRadius} from "./points.js";
import {aloneColour} from "./maps_colours.js";
import {drawLinks, linkEnds} from "./links_layer.js";
import {markHits, markLit} from "./maps_marks.js";
import {paintLegend} from "./maps_legend.js";

const MAPS_PICTURE_SCALE = 2; // pixels of a saved picture for each of the page
const MAPS_PICTURE_MARGIN = 16;

/** The maps as SVG text: each point is a mark. */
export function mapsSvg(shown) {
  const size = mapsPictureSize(shown), painter = new SvgPainter(size.width, size.height, shown.theme.paper);
  const moved = mapsPictureMoved(painter, size.shift);
  for (const side of ["left", "right"]) mapsPicturePoints(moved, shown, side);
  const ends = linkEnds(shown.stage, shown.pair, shown.links);
  const { colour, width, opacity } = shown.linkStyle;
  for (let i = 0; i < ends.length; i += 4) {
    moved.line(ends[i], ends[i + 1], ends[i + 2], ends[i + 3], colour, width, opacity);
  }
  mapsPictureOver(moved, painter, shown, size);
  return painter.toString();
}

/** The maps as they stand on the page, as a canvas: any number of points. */
export function mapsCanvas(shown) {
  const { stage, pair, theme } = shown, size = mapsPictureSize(shown), scale = MAPS_PICTURE_SCALE;
  const canvas = element("canvas", { width: Math.round(size.width * scale), height: Math.round(size.height * scale) });
  const context = canvas.getContext("2d"), painter = new CanvasPainter(context);
  context.scale(scale, scale);
  painter.rect(0, 0, size.width, size.height, theme.paper);
  const [dx, dy] = size.shift;
  for (const side of ["left", "right"]) {
    const own = element("canvas", { width: stage.width * scale, height: stage.height * scale });
    new PointRaster(own.getContext("2d")).draw(pair[side], stage.place, {
      colours: shown.colours[side].colours, kinds: shown.kinds[side], paper: theme.paper,
      radius: dotRadius(pair[side].n, stage.zoomed.k), ratio: scale,
    });
    context.drawImage(own, stage.panels[side].x + dx, stage.panels[side].y + dy, stage.width, stage.height);
  }
  context.translate(dx, dy);
  drawLinks(context, linkEnds(stage, pair, shown.links), shown.linkStyle);
  context.translate(-dx, -dy);
  mapsPictureOver(mapsPictureMoved(painter, size.shift), painter, shown, size);
  return canvas;
}

// The panels keep their places to each other; titles stand above them, the legend below, as high as it is.
function mapsPictureSize({ stage, legend, theme }) {
  const { left, right } = stage.panels, margin = MAPS_PICTURE_MARGIN;
  const shift = [margin - left.x, Math.max(26, left.y + 6) - left.y];
  const width = right.x + shift[0] + stage.width + margin;
  const bottom = right.y + shift[1] + stage.height;
  const nothing = () => {};
  const blank = { dot: nothing, line: nothing, rect: nothing, text: nothing };
  return { shift, width, bottom, height: bottom + 14 + paintLegend(blank, legend, margin, 0, width - 2 * margin, theme) + 8 };
}

/** A painter that counts places from the stage's corner. */
function mapsPictureMoved(painter, [dx, dy]) {
  return {
    dot: (x, y, ...rest) => painter.dot(x + dx, y + dy, ...rest),
    line: (x1, y1, x2, y2, ...rest) => painter.line(x1 + dx, y1 + dy, x2 + dx, y2 + dy, ...rest),
    rect: (x, y, ...rest) => painter.rect(x + dx, y + dy, ...rest),
    text: (x, y, ...rest) => painter.text(x + dx, y + dy, ...rest),
    polygon: (points, ...rest) => painter.polygon(points.map(([x, y]) => [x + dx, y + dy]), ...rest),
  };
}

// What lies over the points and around them.
function mapsPictureOver(moved, painter, { stage, pair, hits, lit, pinned, legend, theme }, size) {
  if (hits) markHits(moved, stage, pair, hits, theme);
  for (const each of lit) markLit(moved, stage, pair, each, theme, each.target === pinned);
  for (const side of ["left", "right"]) {
    const { x, y } = stage.panels[side], { width, height } = stage;
    moved.text(x, y - 8, shorten(visible(pair[side].name), 70), theme.ink, 13, "start", "bold");
    moved.polygon([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], theme.line);
  }
  paintLegend(painter, legend, MAPS_PICTURE_MARGIN, size.bottom + 14, size.width - 2 * MAPS_PICTURE_MARGIN, theme);
}

function mapsPicturePoints(painter, { stage, pair, colours, kinds, theme }, side) {
  const { place } = stage, data = pair[side], radius = dotRadius(data.n, stage.zoomed.k), panel = stage.panels[side];
  const shift = side === "left" ? 0 : pair.left.n, { scale } = colours;
  const alone = aloneColour(theme), pale = new Map();
  const faded = (colour) => {
    if (!pale.has(colour)) pale.set(colour, d3.color(d3.interpolateRgb(theme.paper, colour)(0.16)).formatHex());
    return pale.get(colour);
  };
  // Kinds in the order 3, 2, 1, 0, as the page draws them.
  const layers = [[], [], [], []];
  for (let row = 0; row < data.n; row += 1) {
    const x = data.x[row] * place.k + place.x0, y = place.y0 - data.y[row] * place.k;
    if (x >= 0 && y >= 0 && x <= stage.width && y <= stage.height) layers[3 - kinds[side][row]].push([x + panel.x, y + panel.y, row]);
  }
  layers.forEach((layer, order) => {
    const kind = 3 - order;
    for (const [x, y, row] of layer) {
      const full = kind & POINT_HOLLOW && scale.bucket(row + shift) === scale.hollow ? alone : scale.of(row + shift);
      const colour = kind & POINT_FADED ? faded(full) : full;
      if (kind & POINT_HOLLOW) painter.dot(x, y, radius, null, colour, 0.9);
      else painter.dot(x, y, radius, colour);
    }
  });
}
