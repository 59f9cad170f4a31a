// What the heatmaps show: the cells of each metric under the present choices, and how large a cell can be.

import {inkOn, look, significanceMark, visible} from "./look.js";
import {axisText, directionOf, groupBy, isEmptyCell, isNumber, metricKey, ordered, referenceText, scoreText, titleOf} from "./result_cells.js";
import {rampOf, shadesOf} from "./result_shades.js";

const LAYOUT_GAP = 24; // pixels between heatmaps
const LAYOUT_LEAST = 190; // pixels: a heatmap's name and reading need so much
const LAYOUT_HEAD = 84; // pixels of a heatmap around its cells: name, column heads, ramp
const LAYOUT_TALL = 1500; // pixels: heatmaps that would be taller together are drawn with smaller cells
const LAYOUT_SMALLEST = 24; // pixels: the least that a finger finds
const LAYOUT_FONT = "600 13px system-ui, sans-serif";
const LAYOUT_SMALL_FONT = "12px system-ui, sans-serif";

/** The heatmaps under the choices `{labels, nullName, value, significance}`: one for each metric, on common axes. */
export function heatmapsOf(results, whole, choices) {
  const shown = whole.filter((record) => results.labels.every((name) => (record[name] ?? null) === choices.labels[name]));
  const [leftName, rightName] = results.axes;
  const lefts = ordered(shown.map((record) => record[leftName] ?? null));
  const rights = ordered(shown.map((record) => record[rightName] ?? null));
  const panels = [...groupBy(shown, metricKey).values()].map((records) => {
    const nulls = [...new Set(records.map((record) => record.null ?? null))];
    const judged = nulls.includes(choices.nullName) ? choices.nullName : nulls.find((name) => name !== null) ?? null;
    const kept = records.filter((record) => [judged, null, undefined].includes(record.null));
    const places = [...groupBy(kept, (record) => JSON.stringify([record[leftName], record[rightName]])).values()];
    const cells = places.map((group) => group.find((record) => record.null === judged) ?? group[0]);
    return {
      title: titleOf(results, records[0]),
      metric: records[0].metric,
      judged,
      direction: directionOf(cells),
      doubles: d3.sum(places, (group) => Math.max(0, group.filter((record) => record.null === judged).length - 1)),
      ...heatmapCells(cells, lefts, rights, results.axes, choices),
    };
  });
  return { lefts, rights, panels, texts: { lefts: lefts.map(heatmapAxis), rights: rights.map(heatmapAxis) } };
}

/** Where things are on a panel: `grid[i][j]` is the cell of the i-th left and j-th right layer, or null. */
function heatmapCells(records, lefts, rights, [leftName, rightName], { value, significance }) {
  const { shades, ends } = shadesOf(records, value);
  const ramp = rampOf(look().ramp);
  const grid = lefts.map(() => rights.map(() => null));
  const cells = records.map((record, place) => {
    const scored = isNumber(record[value]);
    const shade = scored ? shades[place] : null;
    const colour = shade === null ? look().paper : d3.color(ramp(shade)).formatHex();
    const cell = {
      record,
      shade,
      colour,
      ink: inkOn(colour),
      number: scored ? scoreText(record[value]) : "–",
      mark: scored ? significanceMark(record[significance]) : "",
      chance: scored && value === "score" ? referenceText(record) : "",
      without: scored ? null : isEmptyCell(record) ? "empty" : "no-score",
      i: lefts.indexOf(record[leftName] ?? null),
      j: rights.indexOf(record[rightName] ?? null),
    };
    grid[cell.i][cell.j] = cell;
    return cell;
  });
  return { cells, grid, ends };
}

/** The size of a cell and what finds room in it: `roomy` (number, mark, chance), `numbers` or `compact` (marks only). */
export function heatmapSizing(heatmaps, width, wish) {
  const { panels, lefts, rights } = heatmaps;
  const cells = panels.flatMap((panel) => panel.cells);
  const measure = layoutMeasure();
  const widest = (text, font) => d3.max(cells, (cell) => measure(text(cell), font)) ?? 0;
  const number = widest((cell) => cell.number, LAYOUT_FONT);
  const beside = widest((cell) => cell.number + cell.mark, LAYOUT_FONT);
  const chance = widest((cell) => cell.chance, LAYOUT_SMALL_FONT);
  const label = Math.min(150, 14 + (d3.max(heatmaps.texts.lefts, (text) => measure(text, LAYOUT_SMALL_FONT)) ?? 0));
  const sizes = [
    { mode: "roomy", width: Math.ceil(Math.max(64, beside + 12, chance + 10)), height: 46 },
    { mode: "numbers", width: Math.ceil(Math.max(36, number + 8)), height: 38 },
    { mode: "compact", width: LAYOUT_SMALLEST + 2, height: LAYOUT_SMALLEST },
  ].map((size) => ({ ...size, label, panel: Math.max(LAYOUT_LEAST, label + rights.length * size.width) }));
  if (wish !== "auto") return sizes.find((size) => size.mode === wish);
  return sizes.find((size) => size.panel <= width && layoutHeight(size, width, lefts.length, panels.length) <= LAYOUT_TALL)
    ?? sizes.at(-1);
}

function layoutHeight(size, width, rows, panels) {
  const beside = Math.max(1, Math.floor((width + LAYOUT_GAP) / (size.panel + LAYOUT_GAP)));
  return Math.ceil(panels / beside) * (rows * size.height + LAYOUT_HEAD);
}

function layoutMeasure() {
  const context = document.createElement("canvas").getContext("2d");
  return (text, font) => {
    context.font = font;
    return context.measureText(text).width;
  };
}

function heatmapAxis(value) {
  return visible(axisText(value));
}

/** How many places hide a question: no group with itself, and no couple that stands there the other way round. */
function layoutBlank(results, { lefts, rights }, { grid }) {
  const compared = (left, right) => Boolean(grid[lefts.indexOf(left)]?.[rights.indexOf(right)]);
  const asked = (left, right) => !results.grouped || (left !== right && !compared(right, left));
  return d3.sum(d3.cross(lefts, rights), ([left, right]) => Number(!compared(left, right) && asked(left, right)));
}

/** What the legend must explain: only what occurs. */
export function heatmapKey(results, heatmaps, choices, size) {
  const cells = heatmaps.panels.flatMap((panel) => panel.cells);
  const without = (kind) => cells.filter((cell) => cell.without === kind).length;
  const judged = cells.some((cell) => isNumber(cell.record[choices.significance]));
  return {
    judged,
    failed: without("no-score"),
    empty: without("empty"),
    blank: d3.sum(heatmaps.panels, (panel) => layoutBlank(results, heatmaps, panel)),
    withoutChance: size.mode !== "roomy" && choices.value === "score" && cells.some((cell) => cell.chance),
    withoutNumbers: size.mode === "compact",
    doubles: d3.sum(heatmaps.panels, (panel) => panel.doubles),
  };
}
