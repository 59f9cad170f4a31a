// A score beside its references: other dictionaries of the same models, another seed, a re-randomised model.

import {announce, clear, dataText, element, select, svgElement} from "./dom.js";
import {look, pText, shorten, visible} from "./look.js";
import {registerView} from "./saving.js";
import {groupBy, isNumber, metricKey, resultsOf, scoreText} from "./result_cells.js";
import {missingNote} from "./missing_note.js";

const REFERENCES_PLACE = ["left_model", "right_model", "rows", "units", "method", "direction", "non_concepts", "subspace", "bucket"];
const REFERENCES_LINE = 26; // pixels of a metric
const REFERENCES_LABEL = 176;
const REFERENCES_EDGE = { top: 12, right: 24, bottom: 42 };
const REFERENCES_WORDS = [
  ["score", "this comparison, with the range over couples of dictionaries"],
  ["ceiling", "two dictionaries of one layer of one model"],
  ["second_seed", "the left model trained from a second seed"],
  ["baseline", "a re-randomised model"],
];

/** Scores of one pair of layers by all metrics, each beside its references. */
export async function mountReferences(section, app) {
  const rows = app.data.manifest.references ?? [];
  if (!rows.length) {
    const why = app.data.manifest.missing.references ?? "No references were measured beside these scores.";
    section.append(missingNote(why));
    app.report("references", () => ({ rows: 0 }));
    return;
  }
  const view = new ReferencesView(section, app, rows);
  view.follow();
  view.draw();
  app.store.on(["row"], () => view.follow() && view.draw());
  app.store.on(["theme"], () => view.draw());
  app.report("references", () => view.report());
  registerView(app, { id: "references", title: "Beside the references", element: section, svg: async () => view.picture() });
  let width = section.clientWidth;
  new ResizeObserver(() => {
    if (Math.abs(section.clientWidth - width) < 8) return;
    width = section.clientWidth;
    view.draw();
  }).observe(section);
}

class ReferencesView {
  constructor(section, app, rows) {
    Object.assign(this, { section, app, results: resultsOf(app.data) });
    this.places = [...groupBy(rows, (row) => referencesKey(row)).values()];
    this.columns = REFERENCES_PLACE.filter((name) => new Set(rows.map((row) => row[name] ?? null)).size > 1);
    this.chosen = 0;
    this.box = select("Comparison", this.places.map((group, place) => [String(place), this.nameOf(group[0])]), "0", (value) => this.choose(Number(value)));
    this.parts = {
      controls: element("div", { class: "controls" }, this.box),
      legend: element("div", { class: "legend" }),
      figure: element("div", { class: "references-figure" }),
      table: element("table", { class: "parts-table" }),
    };
    const scroll = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Scores and their references" }, this.parts.table);
    section.append(this.parts.controls, this.parts.legend, this.parts.figure, scroll);
  }

  nameOf(row) {
    const layers = `layers ${row.left_layer ?? "–"} and ${row.right_layer ?? "–"}`;
    const others = this.columns.map((name) => row[name]).filter((value) => value !== null && value !== undefined && value !== "all");
    return shorten(visible([layers, ...others.map(String)].join(", ")), 90);
  }

  /** The comparison that the chosen cell is of; false where it has no references, or it is shown already. */
  follow() {
    const record = this.results.records[this.app.store.state.row];
    if (!record) return false;
    const key = referencesKey(record);
    const place = this.places.findIndex((group) => referencesKey(group[0]) === key);
    if (place < 0 || place === this.chosen) return false;
    this.chosen = place;
    this.box.box.value = String(place);
    return true;
  }

  choose(place) {
    this.chosen = place;
    this.draw();
    announce(this.nameOf(this.places[place][0]));
  }

  draw() {
    const rows = this.places[this.chosen];
    this.drawn = referencesOnce(rows).map(([first]) => first).filter((row) => row.scale === "corrected");
    clear(this.parts.legend).append(...REFERENCES_WORDS.map(([name, text]) => referencesKeyItem(name, text)));
    const width = Math.max(300, Math.min(this.section.clientWidth, 860));
    clear(this.parts.figure).append(...(this.drawn.length ? [this.figure(width)] : []));
    this.drawTable(rows);
  }

  figure(width) {
    const colours = look();
    const { top, right, bottom } = REFERENCES_EDGE;
    const label = Math.min(REFERENCES_LABEL, width * 0.36);
    const rows = [...this.drawn].sort((one, other) => other.corrected - one.corrected);
    const height = top + bottom + rows.length * REFERENCES_LINE;
    const values = rows.flatMap((row) => [row.corrected, row.instances_low, row.instances_high, row.ceiling, row.second_seed, row.baseline]).filter(isNumber);
    const scale = d3.scaleLinear([Math.min(0, ...values), Math.max(0.05, ...values)], [label, width - right]).nice();
    const floor = height - bottom + 6;
    const svg = svgElement("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "Chance-corrected scores by metric, each beside its references; the numbers stand in the table below" });
    for (const tick of scale.ticks(Math.max(2, Math.floor(width / 110)))) {
      svg.append(svgElement("line", { x1: scale(tick), x2: scale(tick), y1: top, y2: floor, stroke: colours.line, "stroke-width": tick === 0 ? 2 : 0.5 }));
      svg.append(referencesText(scale(tick), floor + 15, tick === 0 ? "chance" : String(tick), colours.quiet, "middle"));
    }
    svg.append(referencesText(width / 2, height - 4, "chance-corrected score; 1 would be identity", colours.quiet, "middle"));
    rows.forEach((row, place) => {
      const y = top + (place + 0.5) * REFERENCES_LINE;
      const name = referencesText(label - 8, y + 4, shorten(visible(this.title(row)), Math.floor(label / 7)), colours.ink, "end");
      svg.append(name, svgElement("line", { x1: label, x2: width - right, y1: y, y2: y, stroke: colours.line, "stroke-width": 0.5 }));
      if (row.instances > 1) svg.append(svgElement("line", { x1: scale(row.instances_low), x2: scale(row.instances_high), y1: y, y2: y, stroke: colours.bars[0], "stroke-width": 5, "stroke-opacity": 0.45 }));
      for (const kind of ["baseline", "second_seed", "ceiling"]) if (isNumber(row[kind])) svg.append(referencesMark(kind, scale(row[kind]), y, colours));
      svg.append(referencesMark("score", scale(row.corrected), y, colours));
    });
    return svg;
  }

  title(row) {
    return this.results.titles.get(metricKey(row)) ?? row.metric;
  }

  /** p as it was judged: "≤" where no draw came as close; by each null where several did. */
  pOf(judged) {
    const known = judged.filter((row) => isNumber(row.p_value));
    const told = known.map((row) => pText(row.p_value, this.drawsOf(row)).replace(/^p (= )?/, "") + (known.length > 1 ? ` (${visible(String(row.null))})` : ""));
    return told.join(", ") || "–";
  }

  /** How many draws a p is from; null where it is from none, or cells with other numbers of draws gave it. */
  drawsOf(row) {
    const key = referencesKey(row);
    const same = this.results.records.filter((record) => record.p_value === row.p_value && metricKey(record) === metricKey(row) && (record.null ?? null) === (row.null ?? null) && referencesKey(record) === key);
    const draws = new Set(same.map((record) => record.draws ?? null));
    return draws.size === 1 ? [...draws][0] : null;
  }

  drawTable(rows) {
    const spread = (row) => (row.instances > 1 ? `${scoreText(row.instances_mean)} ± ${scoreText(row.instances_sd)} (${row.instances})` : "–");
    const number = (name) => (row) => (isNumber(row[name]) ? scoreText(row[name]) : "–");
    const judged = new Map(referencesOnce(rows).map((group) => [group[0], group]));
    const columns = [
      ["score", number("score")], ["chance-corrected", number("corrected")], ["p", (row) => this.pOf(judged.get(row))],
      ["over couples of dictionaries, mean ± sd (couples)", spread], ["same layer, other dictionary", number("ceiling")],
      ["second seed", number("second_seed")], ["re-randomised", number("baseline")],
      ["share of other dictionary's", (row) => (isNumber(row.share_of_ceiling) ? d3.format(".0%")(row.share_of_ceiling) : "–")],
    ];
    clear(this.parts.table).append(
      element("caption", { class: "sr-only", text: "Scores and their references" }),
      element("thead", {}, element("tr", {}, element("th", { scope: "col", text: "metric" }), columns.map(([title]) => element("th", { scope: "col", class: "number references-head", text: title })))),
      element("tbody", {}, [...judged.keys()].map((row) => element("tr", {},
        element("th", { scope: "row" }, dataText(shorten(visible(this.title(row)), 60)), row.scale === "score" ? element("span", { class: "note", text: " raw scores" }) : null),
        columns.map(([, text]) => element("td", { class: "number", text: text(row) }))))));
  }

  picture() {
    const svg = this.figure(860);
    svg.setAttribute("font-family", "system-ui, sans-serif");
    svg.prepend(svgElement("rect", { width: "100%", height: "100%", fill: look().paper }));
    return new XMLSerializer().serializeToString(svg);
  }

  report() {
    const rows = this.places[this.chosen];
    return { rows: rows.length, places: this.places.length, chosen: this.nameOf(rows[0]), drawn: this.drawn.map((row) => row.metric), first: rows.slice(0, 30) };
  }
}

/** The rows of each metric; a metric that several nulls judged has one for each, which share score and references. */
function referencesOnce(rows) {
  return [...groupBy(rows, metricKey).values()];
}

/** What a score and its cell of the heatmap have in common: models, rows, pairing, part and layers. */
function referencesKey(row) {
  return JSON.stringify([...REFERENCES_PLACE, "left_layer", "right_layer"].map((name) => String(row[name] ?? "all")));
}

function referencesKeyItem(kind, text) {
  const sample = svgElement("svg", { width: 22, height: 16, "aria-hidden": "true" });
  const colours = look();
  if (kind === "score") sample.append(svgElement("line", { x1: 1, x2: 21, y1: 8, y2: 8, stroke: colours.bars[0], "stroke-width": 5, "stroke-opacity": 0.45 }));
  sample.append(referencesMark(kind, 11, 8, colours));
  return element("span", { class: "references-key" }, sample, element("span", { text }));
}

/** A mark that is told by its form as well as by its colour. */
function referencesMark(kind, x, y, colours) {
  const paper = colours.paper;
  if (kind === "score") return svgElement("circle", { cx: x, cy: y, r: 5.5, fill: colours.bars[0], stroke: paper, "stroke-width": 1 });
  if (kind === "ceiling") return svgElement("path", { d: `M${x} ${y - 7}L${x + 6} ${y}L${x} ${y + 7}L${x - 6} ${y}Z`, fill: paper, stroke: colours.bars[2], "stroke-width": 2 });
  if (kind === "second_seed") return svgElement("rect", { x: x - 5, y: y - 5, width: 10, height: 10, fill: paper, stroke: colours.bars[1], "stroke-width": 2 });
  return svgElement("path", { d: `M${x - 5} ${y - 5}L${x + 5} ${y + 5}M${x - 5} ${y + 5}L${x + 5} ${y - 5}`, stroke: colours.quiet, "stroke-width": 2.2, fill: "none" });
}

function referencesText(x, y, text, fill, anchor) {
  return svgElement("text", { x, y, fill, "text-anchor": anchor, "font-size": 12.5, text });
}
