// The scores that chance gives beside the observed ones: the chosen metric large, the others of the same pair small.

import {clear, dataText, element, svgElement} from "./dom.js";
import {directionText, look, pText, shorten, visible} from "./look.js";
import {registerView} from "./saving.js";
import {nullDrawing, nullFigure, tailText} from "./null_figure.js";
import {groupBy, isNumber, labelsText, metricKey, nullWords, partText, placeKey, placeText, reasonOf, resultsOf, scoreText, titleOf} from "./result_cells.js";
import {missingNote} from "./missing_note.js";

const NULLS_SMALL = [280, 170];
const NULLS_LARGE = 250; // pixels: the height of the chosen one
const NULLS_GAP = 18;
const NULLS_WORDS = 300; // characters of a reason; the rest is in the tooltip, and whole below the heatmaps

/** Null histograms of the chosen cell's pair and labels. */
export async function mountNulls(section, app) {
  const results = resultsOf(app.data);
  const judged = results.records.filter((record) => isNumber(record.null_mean) || app.data.manifest.results.hasDraws[record.row]);
  if (!judged.length) {
    const why = app.data.manifest.missing.nulls ?? "No comparison here was judged by a null. Compare with null=\"auto\", or name one.";
    section.append(missingNote(why));
    app.report("nulls", () => ({ panels: [] }));
    return;
  }
  const view = { app, results, section, panels: [], turn: 0 };
  section.append(element("div", { class: "nulls" }));
  await drawNulls(view);
  app.store.on(["row", "theme"], () => drawNulls(view));
  app.report("nulls", () => nullsReport(view));
  registerView(app, { id: "nulls", title: "Beside chance", element: section, svg: async () => nullsPicture(view) });
  let width = section.clientWidth;
  new ResizeObserver(() => {
    if (Math.abs(section.clientWidth - width) < 8) return;
    width = section.clientWidth;
    drawNulls(view);
  }).observe(section);
}

/** The chosen record first, then the other metrics of the same pair, part and labels; each under its own null. */
function nullsShown({ app, results }) {
  const chosen = results.records[app.store.state.row];
  if (!chosen) return [];
  const part = (record) => `${placeKey(results, record)}${record.subspace ?? "all"}\u0000${record.bucket ?? "all"}`;
  const alike = results.records.filter((record) => part(record) === part(chosen));
  const others = [...groupBy(alike, metricKey).values()]
    .map((group) => group.find((record) => record.null === chosen.null) ?? group[0])
    .filter((record) => metricKey(record) !== metricKey(chosen));
  const sameMetric = alike.filter((record) => record !== chosen && metricKey(record) === metricKey(chosen));
  return [chosen, ...sameMetric, ...others];
}

async function drawNulls(view) {
  const turn = ++view.turn;
  const records = nullsShown(view);
  const histograms = await Promise.all(records.map((record) => view.app.data.histogram(record.row)));
  if (turn !== view.turn) return; // another cell was chosen meanwhile
  const width = Math.max(280, view.section.clientWidth);
  view.panels = records.map((record, place) => nullsPanel(view, record, histograms[place], place === 0, width));
  const [first] = view.panels;
  const host = clear(view.section.querySelector(".nulls"));
  if (!first) {
    host.append(element("p", { class: "missing", text: "Choose a cell of the heatmaps above." }));
    return;
  }
  const record = first.record;
  host.append(
    element("p", { class: "nulls-place" }, dataText(nullsPlace(view.results, record))),
    nullsLegend(view.panels),
    element("div", { class: "nulls-panels" }, view.panels.map((panel) => panel.element)));
}

function nullsPanel(view, record, histogram, large, width) {
  const title = titleOf(view.results, record);
  const words = nullVerdict(record, histogram);
  const scored = isNumber(record.score);
  const drawable = scored && (histogram !== null || isNumber(record.null_mean));
  const drawing = drawable ? nullDrawing(record, histogram) : null;
  const size = large ? [Math.min(width, 620), NULLS_LARGE] : [Math.min(width, NULLS_SMALL[0]), NULLS_SMALL[1]];
  const sentence = `${title}: ${words}`;
  const figure = drawing && nullFigure(record, drawing, ...size, sentence);
  const beside = record.null && record.null !== "shuffle" ? `, beside ${nullWords(record.null)}` : "";
  const reading = element("span", { class: "heat-reading", text: `${directionText(record.larger_means)}${beside}` });
  const choose = () => view.app.store.set({ row: record.row, pair: record.pair ?? null, metric: record.metric }, "nulls");
  const name = large || !scored ? dataText(title)
    : element("button", { type: "button", class: "link-button", "aria-label": `Show ${title}${beside} large`, on: { click: choose } }, dataText(title));
  const head = element(large ? "h3" : "h4", { class: "null-title" }, name, reading);
  const box = element("div", { class: large ? "null-panel null-large" : "null-panel" }, head,
    element("p", { class: "null-words", title: words.length > NULLS_WORDS ? words : null }, dataText(shorten(words, NULLS_WORDS))), figure);
  box.style.maxWidth = `${size[0]}px`;
  return { record, title, words, drawing, figure, element: box, size };
}

/** What the null says of the score, in words. */
export function nullVerdict(record, histogram) {
  if (!isNumber(record.score)) return `no score: ${visible(reasonOf(record))}`;
  const drawn = histogram ? d3.sum(histogram.counts) : null;
  if (record.null === "noise-floor") {
    const times = isNumber(record.null_mean) && record.null_mean > 0 ? `${scoreText(record.score / record.null_mean)} times ` : "";
    return `${times}the noise floor${drawn ? ` (${drawn} random halvings, of either side in turn)` : ""}; a noise floor has no p-value`;
  }
  if (!record.null) return "judged by no null: compare with null=\"auto\" to see chance";
  if (!isNumber(record.p_value)) return drawn ? "no p-value" : "only the mean by chance is known; no p-value";
  const words = pText(record.p_value, record.draws);
  if (drawn === null) {
    return record.draws ? `${words}; its ${record.draws} draws are not kept here, so only mean and sd are drawn` : `${words}, from exact moments: there are no draws, the grey bar is mean ± 1 sd`;
  }
  const closer = Math.round(record.p_value * (drawn + 1)) - 1;
  const alike = histogram.counts.length === 1 ? "; all draws gave the same score" : "";
  return closer >= 0 && closer <= drawn ? `${words}: ${closer || "none"} of ${drawn.toLocaleString("en")} draws ${tailText(record)}${alike}` : words + alike;
}

function nullsPlace(results, record) {
  return [placeText(results, record), labelsText(results, record), partText(record)].filter(Boolean).join("; ");
}

function nullsLegend(panels) {
  const colours = look();
  const entry = (colour, text) => {
    const swatch = element("span", { class: "null-swatch", "aria-hidden": "true" });
    swatch.style.backgroundColor = colour;
    return element("span", { class: "heat-scale" }, swatch, text);
  };
  const bins = panels.flatMap((panel) => panel.drawing?.bins ?? []);
  const nulls = [...new Set(panels.filter((panel) => panel.drawing).map((panel) => nullWords(panel.record.null)))];
  return element("div", { class: "legend" },
    entry(colours.chance, `read against: ${nulls.join(", ") || "nothing"}`),
    bins.some((bin) => bin.tail) ? entry(colours.bars[1], nullsTail(panels)) : null,
    entry(colours.bars[0], "observed score" + (panels.some((panel) => isNumber(panel.record.low)) ? ", with its interval" : "")),
    element("span", { text: "dashed: their mean; up: number of draws" }));
}

/** What the coloured part of the draws is, by the nulls that are shown. */
function nullsTail(panels) {
  const swapped = panels.some((panel) => panel.record.null === "label-swap" && panel.drawing);
  const others = panels.some((panel) => panel.record.null !== "label-swap" && panel.drawing);
  return [others && "as close as the score, or closer", swapped && "as far apart as the score, or farther (label swap)"].filter(Boolean).join("; ");
}

function nullsReport({ panels, app }) {
  return {
    chosen: app.store.state.row,
    panels: panels.map(({ record, title, words, drawing }) => ({
      row: record.row, title, words, score: record.score ?? null, mean: record.null_mean ?? null, null: record.null ?? null,
      draws: drawing ? d3.sum(drawing.bins, (bin) => bin.count) : 0, tail: drawing ? d3.sum(drawing.bins, (bin) => bin.tail) : 0,
      bins: drawing?.bins.length ?? 0, broken: drawing?.broken ?? null, segments: drawing?.segments ?? null, drawn: Boolean(drawing),
    })),
  };
}

/** All figures in one, placed as columns of small ones below the large one. */
function nullsPicture({ panels, results }) {
  const colours = look();
  const [first] = panels;
  const key = `grey: what the score is read against; orange: ${nullsTail(panels)}; line: observed score; dashed: mean of the grey`;
  const head = first ? [nullsPlace(results, first.record), key] : [];
  const width = 980;
  const beside = Math.floor((width + NULLS_GAP) / (NULLS_SMALL[0] + NULLS_GAP));
  const parts = [];
  let [x, y, column] = [NULLS_GAP, 58, 0];
  panels.forEach((panel, place) => {
    const group = svgElement("g", { transform: `translate(${x} ${y})` }, nullsLines(panel, colours));
    const figure = panel.figure?.cloneNode(true);
    if (figure) {
      figure.setAttribute("y", "40");
      group.append(figure);
    }
    parts.push(group);
    const height = 52 + (place ? NULLS_SMALL[1] : NULLS_LARGE);
    column = place ? (column + 1) % beside : 0;
    x = NULLS_GAP + column * (NULLS_SMALL[0] + NULLS_GAP);
    if (!place || column === 0) y += height;
  });
  const height = y + (column ? 52 + NULLS_SMALL[1] : 0) + 10;
  const whole = svgElement("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "font-family": "system-ui, sans-serif" },
    svgElement("rect", { width, height, fill: colours.paper }),
    head.map((text, line) => svgElement("text", { x: NULLS_GAP, y: 24 + 20 * line, fill: colours.quiet, "font-size": line ? 12 : 14, text: shorten(text, 140) })), parts);
  return `${new XMLSerializer().serializeToString(whole)}\n`;
}

function nullsLines(panel, colours) {
  const most = Math.floor(panel.size[0] / 6.4);
  return [[panel.title, colours.ink, 14], [panel.words, colours.quiet, 12]].map(([text, fill, size], line) =>
    svgElement("text", { x: 0, y: 15 + 18 * line, fill, "font-size": size, "font-weight": line ? null : "600", text: shorten(text, most) }));
}
