// The heatmaps as a picture for saving: what the tables show, with the key below.

import {look, shorten} from "./look.js";
import {SvgPainter} from "./painter.js";
import {panelReading} from "./heatmap_panels.js";

const PICTURE_MARGIN = 16;
const PICTURE_HEAD = 62;
const PICTURE_FOOT = 46;
const PICTURE_GAP = 28;

/** All heatmaps as SVG text; `lines` is the key in words. */
export function heatmapPicture(heatmaps, size, choices, chosen, lines) {
  const colours = look();
  const longest = d3.max(heatmaps.texts.rights, (text) => Math.min(28, text.length)) ?? 0;
  const upright = 7.5 * longest > size.width;
  const head = PICTURE_HEAD + (upright ? 7 * longest : 0);
  const label = Math.max(size.label, 30);
  const ends = d3.max(heatmaps.panels, (panel) => 7 * (panel.ends?.join("").length ?? 0) + 16);
  const width = Math.max(label + heatmaps.rights.length * size.width, ends, 230);
  const height = head + heatmaps.lefts.length * size.height + PICTURE_FOOT;
  const beside = Math.max(1, Math.min(heatmaps.panels.length, Math.floor(1200 / (width + PICTURE_GAP))));
  const below = Math.ceil(heatmaps.panels.length / beside);
  const whole = Math.max(520, 2 * PICTURE_MARGIN + beside * (width + PICTURE_GAP) - PICTURE_GAP);
  const texts = lines.flatMap((line) => pictureWrapped(line, Math.floor((whole - 2 * PICTURE_MARGIN) / 6.4)));
  const painter = new SvgPainter(whole, 2 * PICTURE_MARGIN + below * height + 18 * texts.length, colours.paper);
  heatmaps.panels.forEach((panel, place) => {
    const left = PICTURE_MARGIN + (place % beside) * (width + PICTURE_GAP);
    const top = PICTURE_MARGIN + Math.floor(place / beside) * height;
    picturePanel(painter, heatmaps, panel, { left, top, label, head, size, choices, chosen, upright, colours });
  });
  texts.forEach((text, place) => painter.text(PICTURE_MARGIN, PICTURE_MARGIN + below * height + 14 + 18 * place, text, colours.quiet, 12));
  return painter.toString();
}

function picturePanel(painter, heatmaps, panel, { left, top, label, head, size, choices, chosen, upright, colours }) {
  painter.text(left, top + 14, shorten(panel.title, 40), colours.ink, 14, "start", "600");
  painter.text(left, top + 31, panelReading(panel, choices), colours.quiet, 12);
  const [x0, y0] = [left + label, top + head];
  heatmaps.texts.rights.forEach((text, j) => {
    const at = x0 + (j + 0.5) * size.width;
    const name = shorten(text, 28);
    if (upright) pictureUpright(painter, at, y0 - 6, name, colours);
    else painter.text(at, y0 - 7, name, colours.quiet, 12, "middle");
  });
  heatmaps.texts.lefts.forEach((text, i) =>
    painter.text(x0 - 7, y0 + (i + 0.5) * size.height + 4, shorten(text, Math.max(4, Math.floor(label / 7))), colours.quiet, 12, "end"));
  for (const cell of panel.cells) pictureCell(painter, cell, x0 + cell.j * size.width, y0 + cell.i * size.height, size, colours);
  const own = panel.cells.find((cell) => cell.record.row === chosen);
  if (own) {
    const [x, y, w, h] = [x0 + own.j * size.width, y0 + own.i * size.height, size.width, size.height];
    painter.polygon([[x + 1, y + 1], [x + w - 1, y + 1], [x + w - 1, y + h - 1], [x + 1, y + h - 1]], colours.selected, null, 3);
  }
  if (panel.ends) {
    const y = y0 + heatmaps.lefts.length * size.height + 10;
    pictureRamp(painter, left, y, Math.max(7 * panel.ends.join("").length + 16, label + heatmaps.rights.length * size.width), panel.ends, colours);
  }
}

function pictureCell(painter, cell, x, y, size, colours) {
  const [width, height] = [size.width - 2, size.height - 2];
  painter.rect(x + 1, y + 1, width, height, cell.colour, cell.without ? colours.line : null);
  const middle = x + size.width / 2;
  if (cell.without) {
    pictureHatch(painter, x + 1, y + 1, width, height, cell.without, colours);
    return;
  }
  if (size.mode === "compact") {
    painter.text(middle, y + size.height / 2 + 6, cell.mark, cell.ink, 12, "middle");
    return;
  }
  const roomy = size.mode === "roomy";
  const second = roomy ? cell.chance : cell.mark;
  painter.text(middle, y + size.height / 2 + (second ? -3 : 4), cell.number + (roomy ? cell.mark : ""), cell.ink, 13, "middle", "600");
  painter.text(middle, y + size.height / 2 + 13, second, cell.ink, 12, "middle");
}

/** Stripes for a cell that failed, dots for one that had nothing to compare. */
function pictureHatch(painter, x, y, width, height, kind, colours) {
  if (kind === "empty") {
    for (let i = 5; i < width; i += 7) for (let j = 5; j < height; j += 7) painter.dot(x + i, y + j, 1, colours.quiet);
    return;
  }
  for (let start = 8; start < width + height; start += 8) {
    const [x1, y1] = start < height ? [0, start] : [start - height, height];
    const [x2, y2] = start < width ? [start, 0] : [width, start - width];
    painter.line(x + x1, y + y1, x + x2, y + y2, colours.quiet, 1);
  }
}

function pictureUpright(painter, x, y, text, colours) {
  painter.add("text", { transform: `translate(${x} ${y}) rotate(-90)`, y: 4, fill: colours.quiet, "font-size": 12 }, text);
}

function pictureRamp(painter, x, y, width, [first, last], colours) {
  const steps = 24;
  const ramp = d3.piecewise(d3.interpolateRgb, colours.ramp);
  for (let step = 0; step < steps; step++) {
    const from = x + (step * width) / steps;
    painter.rect(from, y, x + width - from, 6, d3.color(ramp(step / (steps - 1))).formatHex());
  }
  painter.text(x, y + 21, first, colours.quiet, 12);
  painter.text(x + width, y + 21, last, colours.quiet, 12, "end");
}

function pictureWrapped(text, most) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (longer.length <= most || !lines.at(-1)) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
