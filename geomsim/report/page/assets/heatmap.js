// Heatmaps of layer pairs, one for each metric; the cell that is chosen here is what all other views show.

import {announce, clear, dataText, element, select} from "./dom.js";
import {look, visible} from "./look.js";
import {registerView} from "./saving.js";
import {heatmapKey, heatmapSizing, heatmapsOf} from "./heatmap_layout.js";
import {heatmapPanel, markChosen, panelValue} from "./heatmap_panels.js";
import {heatmapPicture} from "./heatmap_picture.js";
import {CORRECTIONS, axesText, cellSentence, groupBy, isNumber, isWhole, labelsText, metricKey, nullKind, nullWords, placeKey, reasonOf, resultsOf, strongestOf, warningsOf} from "./result_cells.js";
import {missingNote} from "./missing_note.js";

const HEATMAP_VALUES = [["score", "score"], ["corrected", "chance-corrected score"], ["z", "z (sd from chance)"]];
const HEATMAP_SIZES = [["auto", "as fits"], ["roomy", "large"], ["numbers", "medium"], ["compact", "small"]];
const HEATMAP_CHANCE = {
  shuffle: "chance: the mean score of shuffled pairs",
  "random-subset": "chance: the mean score of random subsets of the same size",
  "random-group": "chance: the mean score of random groups of the same sizes",
  "noise-floor": "floor: the mean score between random halves of one side",
};
const HEATMAP_REASON = 300; // characters that stand in the sentence

/** The heatmaps with their choices, legend, and the chosen cell in words. */
export async function mountHeatmap(section, app) {
  const results = resultsOf(app.data);
  const whole = results.records.filter(isWhole);
  if (!whole.length) {
    const why = app.data.manifest.missing.heatmap ?? "There are no comparisons of all pairs here. A study or a comparison gives them.";
    section.append(missingNote(why));
    app.report("heatmap", () => ({ panels: [] }));
    return;
  }
  if (app.store.state.row === null) await app.store.set(heatmapChoice(app, strongestOf(whole)), "heatmap");
  const view = new HeatmapView(section, app, results, whole);
  view.follow(app.store.state);
  view.draw();
  app.store.on(["row"], (state) => view.chosen(state));
  app.store.on(["pair"], (state) => view.adopt(state));
  app.store.on(["theme"], () => view.draw());
  app.report("heatmap", () => view.report());
  app.hook("heatmap", { choose: (row) => view.choose(results.records[row]) });
  registerView(app, { id: "heatmap", title: results.grouped ? "Group by group" : "Layer by layer", element: section, svg: async () => view.picture() });
  let width = section.clientWidth;
  new ResizeObserver(() => {
    if (Math.abs(section.clientWidth - width) < 8) return;
    width = section.clientWidth;
    view.draw();
  }).observe(section);
}

function heatmapChoice(app, record) {
  return { row: record.row, pair: record.pair ?? null, metric: record.metric };
}

class HeatmapView {
  constructor(section, app, results, whole) {
    Object.assign(this, { app, section, results, whole });
    const first = results.records[app.store.state.row] ?? whole[0];
    this.choices = { labels: this.labelsOf(first), nullName: first.null ?? null, value: "score", significance: "p_value", size: "auto" };
    this.parts = {
      controls: element("div", { class: "controls" }),
      legend: element("div", { class: "legend heat-legend" }),
      panels: element("div", { class: "heat-panels" }),
      words: element("p", { class: "heat-words", id: "heatmap-chosen" }),
      details: element("div", { class: "heat-details" }),
    };
    section.append(...Object.values(this.parts));
    this.addControls();
  }

  labelsOf(record) {
    return Object.fromEntries(this.results.labels.map((name) => [name, record[name] ?? null]));
  }

  addControls() {
    const { controls } = this.parts;
    this.boxes = new Map();
    for (const name of this.results.labels) {
      const values = [...new Set(this.whole.map((record) => record[name] ?? null))];
      if (values.length < 2) continue;
      const options = values.map((value, place) => [String(place), visible(String(value ?? "–"))]);
      const control = select(name, options, "0", (place) => this.chooseLabel(name, values[Number(place)]));
      this.boxes.set(name, { box: control.box, values });
      controls.append(control);
    }
    const several = [...groupBy(this.whole, (record) => placeKey(this.results, record) + metricKey(record)).values()]
      .some((group) => new Set(group.map((record) => record.null)).size > 1);
    const nulls = [...new Set(this.whole.map((record) => record.null ?? null))].filter((name) => name !== null);
    if (several) controls.append(this.control("Judged by", nulls.map((name) => [name, nullWords(name)]), "nullName"));
    const has = ([column]) => this.whole.some((record) => isNumber(record[column]));
    const marks = CORRECTIONS.filter(has);
    if (marks.length > 1) controls.append(this.control("Marks from", marks, "significance"));
    const values = HEATMAP_VALUES.filter(has);
    if (values.length > 1) controls.append(this.control("Number", values, "value"));
    controls.append(this.control("Cells", HEATMAP_SIZES, "size"));
  }

  control(label, options, name) {
    return select(label, options, this.choices[name], (value) => {
      this.choices[name] = value;
      if (name === "nullName") this.chooseAlike(this.choices.labels);
      this.draw();
    });
  }

  /** Another kind, say: the same metric and layers there, or what comes nearest. */
  chooseLabel(name, value) {
    const wanted = { ...this.choices.labels, [name]: value };
    const pool = this.whole.filter((record) => (record[name] ?? null) === value);
    const alike = (record) => this.results.labels.filter((label) => (record[label] ?? null) === wanted[label]).length;
    const most = d3.max(pool, alike);
    const nearest = this.labelsOf(pool.find((record) => alike(record) === most));
    this.chooseAlike(nearest);
  }

  chooseAlike(labels) {
    const now = this.results.records[this.app.store.state.row];
    const pool = this.whole.filter((record) => this.results.labels.every((name) => (record[name] ?? null) === labels[name]));
    const points = (record) =>
      4 * Number(metricKey(record) === metricKey(now)) + 8 * Number(record.null === this.choices.nullName) * Number(metricKey(record) === metricKey(now))
      + d3.sum(this.results.axes, (name) => Number(record[name] === now[name])) + Number(isNumber(record.score));
    this.choose(d3.greatest(pool, points));
  }

  choose(record) {
    return this.app.store.set(heatmapChoice(this.app, record), "heatmap");
  }

  /** The choices that a chosen record implies. */
  follow({ row }) {
    const record = this.results.records[row];
    if (!record) return false;
    const labels = this.labelsOf(record);
    const changed = this.results.labels.some((name) => labels[name] !== this.choices.labels[name]);
    this.choices.labels = labels;
    for (const [name, { box, values }] of this.boxes) box.value = String(values.indexOf(labels[name]));
    return changed;
  }

  chosen(state) {
    if (this.follow(state)) this.draw();
    else this.mark();
    const record = this.results.records[state.row];
    if (record) announce(cellSentence(this.results, record));
  }

  /** Another view chose a pair of spaces: the same metric there. */
  adopt({ pair, row }) {
    const now = this.results.records[row];
    if (pair === null || !now || now.pair === pair) return;
    const there = this.whole.filter((record) => record.pair === pair);
    const found = there.find((record) => metricKey(record) === metricKey(now) && record.null === now.null)
      ?? there.find((record) => metricKey(record) === metricKey(now)) ?? there[0];
    if (found) this.app.store.set({ row: found.row, metric: found.metric }, "heatmap");
  }

  draw() {
    const focused = document.activeElement?.closest?.(".heat-cell")?.dataset.row;
    this.heatmaps = heatmapsOf(this.results, this.whole, this.choices);
    this.size = heatmapSizing(this.heatmaps, this.section.clientWidth, this.choices.size);
    const panels = this.heatmaps.panels.map((panel) =>
      heatmapPanel(this.results, this.heatmaps, panel, this.size, this.choices, (record) => this.choose(record)));
    clear(this.parts.panels).append(...panels);
    clear(this.parts.legend).append(...this.legend());
    this.mark();
    if (focused) this.parts.panels.querySelector(`[data-row="${focused}"]`)?.focus();
  }

  mark() {
    const record = this.results.records[this.app.store.state.row] ?? null;
    markChosen(this.heatmaps.panels, record, (one, other) => placeKey(this.results, one) === placeKey(this.results, other));
    const labels = record && labelsText(this.results, record);
    clear(this.parts.words).append(...(record
      ? [element("span", { class: "heat-swatch", "aria-hidden": "true" }), dataText(cellSentence(this.results, record)), labels ? dataText(` (${labels})`) : ""]
      : ["Choose a cell to read its numbers here."]));
    const warnings = record ? warningsOf(record) : [];
    const reason = record && !isNumber(record.score) ? reasonOf(record) : "";
    clear(this.parts.details).append(
      ...(warnings.length ? [heatmapWarnings(warnings)] : []), ...(reason.length > HEATMAP_REASON ? [heatmapReason(reason)] : []));
  }

  legend() {
    const key = heatmapKey(this.results, this.heatmaps, this.choices, this.size);
    const ramp = element("span", { class: "heat-ramp" });
    ramp.style.backgroundImage = `linear-gradient(to right, ${look().ramp.join(", ")})`;
    const parts = [
      element("span", { text: axesText(this.results) }),
      element("span", { class: "heat-scale" }, "at chance", ramp, "most alike of its metric"),
      ...[...this.chanceWords(), ...this.keyWords(key)].map((text) => element("span", { text })),
    ];
    for (const [kind, count, text] of [["no-score", key.failed, "no score"], ["empty", key.empty, "nothing to compare"], ["heat-blank", key.blank, "not compared"]]) {
      if (count) parts.push(element("span", { class: "heat-scale" }, element("span", { class: `heat-sample ${kind}` }), `${text} (${count})`));
    }
    return parts;
  }

  /** What "chance" and "floor" are in the cells that are shown. */
  chanceWords() {
    const cells = this.heatmaps.panels.flatMap((panel) => panel.cells).filter((cell) => cell.chance);
    return new Set(cells.map((cell) => HEATMAP_CHANCE[nullKind(cell.record.null)]).filter(Boolean));
  }

  keyWords(key) {
    const [, how] = CORRECTIONS.find(([column]) => column === this.choices.significance);
    const source = this.choices.significance === "p_value" ? "each cell judged alone" : `corrected by ${how}`;
    return [
      key.judged ? `* p ≤ .05, ** p ≤ .01, *** p ≤ .001: how rarely chance comes as close, ${source}` : "no p-values, hence no marks",
      ...(key.withoutNumbers ? ["no room for numbers: point at a cell, or choose it"] : []),
      ...(key.withoutChance && !key.withoutNumbers ? ["chance: point at a cell, or choose it"] : []),
    ];
  }

  picture() {
    const key = heatmapKey(this.results, this.heatmaps, this.choices, this.size);
    const places = [[key.failed, "striped: no score"], [key.empty, "dotted: nothing to compare"], [key.blank, "blank: not compared"]];
    const lines = [
      axesText(this.results),
      `Colour: from chance (faintest) to the most alike of its metric; ${this.keyWords(key)[0]}.`,
      [...this.chanceWords()].join("; "),
      places.filter(([count]) => count).map(([count, text]) => `${text} (${count})`).join("; "),
      this.app.store.state.row === null ? "" : cellSentence(this.results, this.results.records[this.app.store.state.row]),
    ];
    return heatmapPicture(this.heatmaps, this.size, this.choices, this.app.store.state.row, lines.filter(Boolean));
  }

  report() {
    return {
      choices: { ...this.choices, labels: { ...this.choices.labels } },
      mode: this.size.mode,
      lefts: this.heatmaps.texts.lefts,
      rights: this.heatmaps.texts.rights,
      chosen: this.app.store.state.row,
      sentence: this.parts.words.textContent,
      warnings: this.parts.details.querySelectorAll("li").length,
      legend: [...this.parts.legend.children].map((part) => part.textContent),
      key: heatmapKey(this.results, this.heatmaps, this.choices, this.size),
      panels: this.heatmaps.panels.map((panel) => ({
        title: panel.title, metric: panel.metric, direction: panel.direction, judged: panel.judged, ends: panel.ends, doubles: panel.doubles,
        cells: panel.cells.map(({ record, shade, colour, ink, number, mark, chance, without, i, j }) =>
          ({ row: record.row, i, j, number, mark, chance, shade, colour, ink, without, score: record.score ?? null })),
      })),
      value: panelValue(this.choices.value),
    };
  }
}

function heatmapReason(reason) {
  return element("details", {}, element("summary", { text: `The whole reason (${reason.length.toLocaleString("en")} characters)` }),
    element("pre", { class: "heat-reason", tabindex: "0", role: "region", "aria-label": "Why there is no score" }, dataText(reason)));
}

function heatmapWarnings(warnings) {
  const title = `${warnings.length} ${warnings.length === 1 ? "warning" : "warnings"} about the chosen cell`;
  return element("details", { open: warnings.length === 1 }, element("summary", { text: title }),
    element("ul", {}, warnings.map((text) => element("li", {}, dataText(visible(text))))));
}
