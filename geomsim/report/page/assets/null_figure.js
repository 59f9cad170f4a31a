// One null distribution as SVG: the scores by chance, the observed score as a line, and the tail that p counts.

import {svgElement} from "./dom.js";
import {look, shorten} from "./look.js";
import {chanceText, chanceWord, isNumber, scoreText} from "./result_cells.js";

const FIGURE_MARGIN = { top: 40, right: 14, bottom: 40, left: 40 };
const FIGURE_FAR = 1.5; // widths of the null: a score farther away from it stands behind a break of the axis
const FIGURE_SCORE_SHARE = 0.5; // of the null's stretch, for the score behind a break
const FIGURE_WORTH = 0.6; // of the whole axis: a break must save more than the rest

/** What there is to draw of a record and its histogram (or null): bins with tails, ends, and where the axis breaks. */
export function nullDrawing(record, histogram) {
  const bins = histogram ? figureBins(record, histogram) : [];
  const spread = !histogram && isNumber(record.null_mean) && isNumber(record.null_sd) ? record.null_sd : null;
  const own = histogram ? [bins[0].low, bins.at(-1).high] : figureReach(record, spread);
  const observed = [record.score, record.low, record.high].filter(isNumber);
  return { bins, spread, own, observed: d3.extent(observed), ...figureSegments(own, d3.extent(observed)) };
}

/** The drawing as an SVG element of this size; `sentence` is what it shows in words. */
export function nullFigure(record, drawing, width, height, sentence) {
  const { top, right, bottom, left } = FIGURE_MARGIN;
  const colours = look();
  const place = figureScale(drawing, left, width - right);
  const floor = height - bottom;
  const tallest = d3.max(drawing.bins, (bin) => bin.count) ?? 1;
  const up = d3.scaleLinear([0, tallest], [floor, top + 6]);
  const svg = svgElement("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": sentence, class: "null-figure" });
  if (drawing.bins.length) figureCounts(svg, up, left, width - right, colours);
  for (const bin of drawing.bins) figureBar(svg, bin, place, up, floor, colours);
  if (drawing.spread !== null) figureSpread(svg, record, drawing, place, (top + floor) / 2, colours);
  figureAxis(svg, drawing, place, floor, left, width - right, colours);
  figureLines(svg, record, place, { top, floor, left, right: width - right }, colours);
  return svg;
}

/** Whether p counts draws above the score: those as close, but for the one null whose small p means different. */
export function tailIsAbove(record) {
  return (record.larger_means !== "farther") !== (record.null === "label-swap");
}

/** What the draws that p counts have in common with the score. */
export function tailText(record) {
  return record.null === "label-swap" ? "as far apart" : "as close";
}

/** Bins of the draws with the part of each that p counts: as close as the score or closer. */
function figureBins(record, histogram) {
  const { low, high } = histogram;
  const {counts} = histogram;
  const all = counts.length === 1;
  const middle = (low + high) / 2;
  // All draws alike: a bar as wide as the axis would look like a spread.
  const half = all ? 0.02 * Math.abs((record.score ?? middle) - middle) || 1e-3 * Math.abs(middle) || 1e-3 : 0;
  const [start, step] = all ? [middle - half, 2 * half] : [low, (high - low) / counts.length];
  const bins = Array.from(counts, (count, k) => ({ low: start + k * step, high: start + (k + 1) * step, count, tail: 0 }));
  if (!isNumber(record.p_value) || !isNumber(record.score)) return bins;
  const closer = tailIsAbove(record);
  const within = (bin) => (all ? (closer ? middle >= record.score : middle <= record.score) : closer ? bin.low >= record.score : bin.high <= record.score);
  const touches = (bin) => !all && (closer ? bin.high >= record.score : bin.low <= record.score);
  for (const bin of bins) if (within(bin)) bin.tail = bin.count;
  // The score stands inside one bin: p tells how many of its draws are in the tail.
  const drawn = d3.sum(counts);
  const left = Math.round(record.p_value * (drawn + 1)) - 1 - d3.sum(bins, (bin) => bin.tail);
  const cut = bins.find((bin) => !bin.tail && touches(bin));
  if (cut && left > 0) cut.tail = Math.min(cut.count, left);
  return bins;
}

function figureReach(record, spread) {
  const mean = record.null_mean ?? record.score;
  const half = spread ? 4 * spread : 0.05 * Math.abs(mean) || 0.5;
  return [mean - half, mean + half];
}

/** One stretch of axis, or two of one scale with a break between them where the score is far from the null. */
function figureSegments([low, high], [first, last]) {
  const span = high - low;
  const gap = Math.max(first - high, low - last);
  const whole = [Math.min(low, first), Math.max(high, last)];
  const pad = 0.04 * (whole[1] - whole[0]) || 0.5;
  const own = [low - 0.08 * span, high + 0.08 * span];
  const room = Math.max(FIGURE_SCORE_SHARE * 1.16 * span, 1.2 * (last - first));
  const all = whole[1] - whole[0] + 2 * pad;
  if (!(gap > FIGURE_FAR * span) || 1.16 * span + room > FIGURE_WORTH * all) return { broken: false, segments: [[whole[0] - pad, whole[1] + pad]] };
  const middle = (first + last) / 2;
  const other = [middle - room / 2, middle + room / 2];
  return { broken: true, segments: first > high ? [own, other] : [other, own] };
}

/** Value to pixel; where the axis is broken, both stretches have the same pixels for a unit. */
function figureScale({ broken, segments }, left, right) {
  if (!broken) return d3.scaleLinear(segments[0], [left, right]);
  const lengths = segments.map(([low, high]) => high - low);
  const hole = 26;
  const unit = (right - left - hole) / d3.sum(lengths);
  const middle = left + unit * lengths[0];
  const [first, second] = [d3.scaleLinear(segments[0], [left, middle]), d3.scaleLinear(segments[1], [middle + hole, right])];
  const place = (value) => (value <= (segments[0][1] + segments[1][0]) / 2 ? first(value) : second(value));
  place.parts = [first, second];
  place.hole = [middle, middle + hole];
  return place;
}

function figureBar(svg, bin, place, up, floor, colours) {
  if (!bin.count) return;
  const [x, width] = [place(bin.low), Math.max(1, place(bin.high) - place(bin.low) - 0.5)];
  const rest = bin.count - bin.tail;
  if (rest) svg.append(svgElement("rect", { x, width, y: up(rest), height: floor - up(rest), fill: colours.chance }));
  if (bin.tail) svg.append(svgElement("rect", { x, width, y: up(bin.count), height: up(rest) - up(bin.count), fill: colours.bars[1] }));
}

function figureSpread(svg, record, { spread }, place, y, colours) {
  const [from, to] = [place(record.null_mean - spread), place(record.null_mean + spread)];
  svg.append(svgElement("line", { x1: from, x2: to, y1: y, y2: y, stroke: colours.chance, "stroke-width": 8 }));
}

function figureCounts(svg, up, left, right, colours) {
  for (const tick of up.ticks(3).filter(Number.isInteger)) {
    svg.append(svgElement("line", { x1: left, x2: right, y1: up(tick), y2: up(tick), stroke: colours.line, "stroke-width": 0.5 }));
    svg.append(figureText(left - 6, up(tick) + 4, String(tick), colours.quiet, "end"));
  }
}

function figureAxis(svg, drawing, place, floor, left, right, colours) {
  const line = { y1: floor, y2: floor, stroke: colours.quiet };
  if (!drawing.broken) svg.append(svgElement("line", { x1: left, x2: right, ...line }));
  else {
    const [from, to] = place.hole;
    svg.append(svgElement("line", { x1: left, x2: from + 8, ...line }), svgElement("line", { x1: to - 8, x2: right, ...line }));
    for (const x of [from + 8, to - 8]) svg.append(svgElement("line", { x1: x - 4, x2: x + 4, y1: floor + 7, y2: floor - 7, stroke: colours.quiet, "stroke-width": 1.5 }));
  }
  for (const scale of place.parts ?? [place]) {
    const [from, to] = scale.range();
    let count = Math.max(1, Math.floor((to - from) / (place.parts ? 50 : 70)));
    // d3 gives about so many, often more; their texts must not run into each other.
    while (count > 1 && figureCrowded(scale, count)) count -= 1;
    const format = scale.tickFormat(count);
    for (const tick of scale.ticks(count)) {
      svg.append(svgElement("line", { x1: scale(tick), x2: scale(tick), y1: floor, y2: floor + 4, stroke: colours.quiet }));
      svg.append(figureText(scale(tick), floor + 17, format(tick), colours.quiet, "middle"));
    }
  }
  svg.append(figureText((left + right) / 2, floor + 34, drawing.broken ? "score (the axis is broken)" : "score", colours.quiet, "middle"));
}

/** The score and the mean by chance, each with its number; the interval above. */
function figureLines(svg, record, place, { top, floor, left, right }, colours) {
  if (isNumber(record.null_mean)) {
    const x = place(record.null_mean);
    svg.append(svgElement("line", { x1: x, x2: x, y1: top - 10, y2: floor, stroke: colours.quiet, "stroke-dasharray": "3 2" }));
    const text = `${chanceWord(record)} ${chanceText(record.null_mean)}`;
    const width = 6.8 * text.length + 4;
    // It hangs to the side where it does not cross the score's line, where there is room.
    const away = (record.score ?? Infinity) >= record.null_mean ? x - width >= 0 : x + width > right + 14;
    svg.append(figureText(away ? x - 4 : x + 4, top - 1, text, colours.quiet, away ? "end" : "start"));
  }
  if (!isNumber(record.score)) return;
  const x = place(record.score);
  svg.append(svgElement("line", { x1: x, x2: x, y1: top - 24, y2: floor, stroke: colours.bars[0], "stroke-width": 2.5 }));
  figureLabel(svg, x, top - 28, `score ${scoreText(record.score)}`, colours.ink, left, right, "600");
  if (!isNumber(record.low) || !isNumber(record.high)) return;
  const [from, to] = [place(record.low), place(record.high)];
  for (const [x1, x2, y1, y2] of [[from, to, top - 20, top - 20], [from, from, top - 24, top - 16], [to, to, top - 24, top - 16]]) {
    svg.append(svgElement("line", { x1, x2, y1, y2, stroke: colours.bars[0], "stroke-width": 1.5, class: "null-interval" }));
  }
}

function figureLabel(svg, x, y, text, colour, left, right, weight = null) {
  const half = 3.6 * text.length;
  const at = Math.min(right - half, Math.max(left + half, x));
  const label = figureText(at, y, shorten(text, 40), colour, "middle");
  if (weight) label.setAttribute("font-weight", weight);
  svg.append(label);
}

function figureCrowded(scale, count) {
  const ticks = scale.ticks(count), format = scale.tickFormat(count);
  return ticks.some((tick, place) => place && scale(tick) - scale(ticks[place - 1]) < 7 * format(tick).length + 8);
}

function figureText(x, y, text, fill, anchor) {
  return svgElement("text", { x, y, fill, "text-anchor": anchor, "font-size": 12, text });
}
