// Weights and multiplicities of the present pairs: all and selected, and both select.

import {announce, clear, element} from "./dom.js";
import {look, numberText} from "./look.js";
import {SvgPainter} from "./painter.js";
import {registerView} from "./saving.js";
import {selectLinks} from "./selection.js";
import {multiplicityBars, multiplicityOf} from "./multiplicity_bars.js";
import {WeightHistogram, weightBins} from "./weight_histogram.js";

/** Histograms of the current pairing in `host`. */
export function mountHistograms(host, app) {
  const view = { app, host, weights: null, sides: [] };
  const open = () => openHistograms(view);
  open();
  app.store.on(["pair", "theme"], open);
  app.store.on(["selection"], (state, origin) => updateHistograms(view, origin));
  app.report("histograms", () => histogramsReport(view));
  app.hook("histograms", { select: (low, high) => view.histogram.pick(low, high) });
  registerView(app, { id: "pairs", title: "How strongly, and how many", element: host, svg: async () => histogramsPicture(view) });
  let width = host.clientWidth;
  new ResizeObserver(() => {
    if (Math.abs(host.clientWidth - width) < 8) return;
    width = host.clientWidth;
    open();
  }).observe(host);
}

function openHistograms(view) {
  const { app, host } = view;
  clear(host);
  const pair = app.opened;
  if (!pair?.links?.n) {
    view.weights = null;
    view.sides = [];
    return;
  }
  const { links, left, right } = pair;
  view.weights = links.weight && weightBins(links.weight);
  view.histogram = view.weights && new WeightHistogram(links.weightName, view.weights, host.clientWidth, (low, high) => selectByWeight(view, low, high));
  view.sides = [["left", left, right], ["right", right, left]].map(([side, own, other]) => multiplicityOf(links, side, own, other));
  host.append(
    element("div", { class: "legend histograms-legend" }, histogramsSwatch("all", "all pairs"), histogramsSwatch("selected", "selected")),
    view.histogram ? view.histogram.element : element("p", { class: "note", text: "These pairs have no weights." }),
    ...view.sides.map((found) => {
      found.bars = multiplicityBars(found, (bucket) => selectByMultiplicity(view, found, bucket));
      return found.bars.element;
    }));
  updateHistograms(view, "open");
}

function histogramsSwatch(kind, text) {
  return element("span", { class: "heat-scale" }, element("span", { class: `bar-swatch ${kind}`, "aria-hidden": "true" }), text);
}

function updateHistograms(view, origin) {
  const { selection } = view.app.store.state;
  view.histogram?.update(selection?.links ?? null, origin === "histogram");
  for (const found of view.sides) found.bars.update(selection?.[found.side] ?? null);
}

async function selectByWeight(view, low, high) {
  const { weight } = view.app.opened.links;
  const chosen = [];
  for (let i = 0; i < weight.length; i++) if (weight[i] >= low && weight[i] <= high) chosen.push(i);
  const counts = await selectLinks(view.app, chosen, "histogram");
  announce(`${counts.links} pairs with ${view.app.opened.links.weightName} from ${numberText(low)} to ${numberText(high)}`);
  return counts;
}

async function selectByMultiplicity(view, found, bucket) {
  const chosen = [];
  found.rows.forEach((row, link) => {
    if (found.bucketOf(found.counts[row]) === bucket) chosen.push(link);
  });
  const counts = await selectLinks(view.app, chosen, "multiplicity");
  announce(`${counts.links} pairs selected`);
}

function histogramsReport(view) {
  return {
    shown: Boolean(view.sides.length),
    weights: view.weights && { low: view.weights.low, high: view.weights.high, missing: view.weights.missing, counts: Array.from(view.weights.counts) },
    selected: view.histogram?.selectedCounts ?? null,
    brush: view.histogram?.range ?? null,
    multiplicity: view.sides.map((found) => ({
      side: found.side, title: found.title, alone: found.alone,
      buckets: found.buckets.map(({ text, rows }, place) => ({ text, rows, selected: found.bars.selected[place] })),
    })),
  };
}

function histogramsPicture(view) {
  const colours = look();
  const width = 560;
  const painter = new SvgPainter(width, 260 + 30 * d3.sum(view.sides, (found) => found.buckets.length + 2), colours.paper);
  const pair = view.app.opened;
  painter.text(16, 24, pair?.name ?? "", colours.ink, 14, "start", "600");
  painter.text(16, 42, "grey: all pairs; coloured: selected", colours.quiet, 12);
  if (!pair?.links?.n) return painter.toString();
  let y = 60;
  if (view.histogram) {
    view.histogram.paint(painter, 16, y, width - 32, 170, colours);
    y += 200;
  }
  for (const found of view.sides) y = found.bars.paint(painter, 16, y, width - 32, colours) + 14;
  return painter.toString();
}
