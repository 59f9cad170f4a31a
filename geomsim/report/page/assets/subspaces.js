// Comparisons of some of the pairs: subspaces and buckets of multiplicity, each beside chance and beside random subsets.

import {announce, clear, dataText, element, select} from "./dom.js";
import {pText, shorten, visible} from "./look.js";
import {CORRECTIONS, chanceText, groupBy, isEmptyCell, isNumber, isWhole, labelsText, metricKey, nullWords, partText, placeKey, placeText, reasonOf, resultsOf, rowsOf, scoreText, titleOf} from "./result_cells.js";
import {sortHead, sortedNext} from "./sort_head.js";
import {missingNote} from "./missing_note.js";

const PARTS_STEP = 300; // rows that are shown at once
const PARTS_REASON = 400; // characters of a reason; the whole one is told below the heatmaps when it is chosen

/** The table of parts: one line for each part and metric, with all nulls that judged it. */
export async function mountSubspaces(section, app) {
  const results = resultsOf(app.data);
  const parts = results.records.filter((record) => !isWhole(record));
  if (!parts.length) {
    const why = app.data.manifest.missing.subspaces
      ?? "No part of the pairs was compared by itself. A study with [subspaces] (themes and their keywords), or with buckets of multiplicity, gives this table.";
    section.append(missingNote(why));
    app.report("subspaces", () => ({ rows: 0 }));
    return;
  }
  const view = new PartsTable(section, app, results, parts);
  view.draw();
  app.store.on(["row"], () => view.draw());
  app.report("subspaces", () => view.report());
}

class PartsTable {
  constructor(section, app, results, records) {
    Object.assign(this, { app, results, every: false, sorted: null, most: PARTS_STEP });
    this.nulls = [...new Set(records.map((record) => record.null).filter(Boolean))];
    this.corrections = CORRECTIONS.filter(([column]) => column !== "p_value" && records.some((record) => isNumber(record[column])));
    this.correction = this.corrections[0]?.[0] ?? null;
    this.wholes = groupBy(results.records.filter(isWhole), (record) => placeKey(results, record) + metricKey(record));
    this.empty = [...groupBy(records.filter(isEmptyCell), (record) => placeKey(results, record) + partText(record)).values()].map(([first]) => first);
    this.lines = [...groupBy(records.filter((record) => !isEmptyCell(record)), (record) => placeKey(results, record) + partText(record) + metricKey(record)).values()]
      .map((group) => this.line(group));
    this.columns = this.columnsFound();
    this.parts = {
      controls: element("div", { class: "controls" }),
      empty: element("div", { class: "parts-empty" }),
      table: element("table", { class: "parts-table" }),
      more: element("div", {}),
    };
    const scroll = element("div", { class: "scroll parts-scroll", tabindex: "0", role: "region", "aria-label": "Comparisons of parts" }, this.parts.table);
    if (records.some((record) => record.bucket && record.bucket !== "all")) {
      section.append(element("p", { class: "note", text: "A bucket holds the pairs whose rows have so many partners." }));
    }
    section.append(this.parts.controls, this.parts.empty, scroll, this.parts.more);
    const all = element("input", { type: "checkbox", on: { change: (event) => this.change({ every: event.target.checked }) } });
    this.count = element("span", { class: "pairs-count" });
    this.parts.controls.append(this.count, element("label", { class: "control" }, all, "all pairs of spaces"));
    if (this.corrections.length > 1) {
      this.parts.controls.append(select("Corrected by", this.corrections, this.correction, (value) => this.change({ correction: value })));
    }
  }

  /** Records of one part and metric that differ by their null. */
  line(group) {
    const first = group.find((record) => isNumber(record.score)) ?? group[0];
    const whole = this.wholes.get(placeKey(this.results, first) + metricKey(first))?.find((record) => isNumber(record.score));
    const byNull = Object.fromEntries(group.filter((record) => record.null).map((record) => [record.null, record]));
    return { first, byNull, whole, place: placeKey(this.results, first), rows: group.map((record) => record.row) };
  }

  columnsFound() {
    const { results } = this;
    const text = (id, title, of, more = {}) => ({ id, title, text: of, key: of, ...more });
    const number = (id, title, of, shown = scoreText, more = {}) =>
      ({ id, title, numeric: true, key: of, text: (line) => (isNumber(of(line)) ? shown(of(line)) : "–"), ...more });
    const columns = [
      text("place", "spaces", ({ first }) => [placeText(results, first), labelsText(results, first)].filter(Boolean).join("; "), { everyOnly: true }),
      text("part", "part", ({ first }) => partText(first)),
      number("n", "n", ({ first }) => rowsOf(first), (n) => n.toLocaleString("en")),
      text("metric", "metric", ({ first }) => titleOf(results, first)),
      number("score", "score", ({ first }) => first.score),
    ];
    if (this.lines.some((line) => line.whole)) columns.push(number("whole", "of all pairs", ({ whole }) => whole?.score));
    for (const name of this.nulls) {
      const of = (key) => ({ byNull }) => byNull[name]?.[key];
      const word = { "random-subset": "subsets' mean", "noise-floor": "floor" }[name] ?? "chance";
      columns.push(number(`${name}:mean`, word, of("null_mean"), chanceText, { group: name }));
      if (!this.lines.some((line) => isNumber(of("p_value")(line)))) continue; // a noise floor gives no p-value
      columns.push(
        { ...number(`${name}:p`, "p", of("p_value"), undefined, { group: name }), text: ({ byNull }) => partP(byNull[name]?.p_value, byNull[name]?.draws) },
      );
      if (this.correction) {
        const corrected = ({ byNull }) => byNull[name]?.[this.correction];
        columns.push({ ...number(`${name}:corrected`, "corrected p", corrected, undefined, { group: name }), text: (line) => partP(corrected(line), null) });
      }
    }
    return columns;
  }

  change(changes) {
    Object.assign(this, changes, { most: PARTS_STEP });
    this.draw();
  }

  shownLines() {
    const chosen = this.results.records[this.app.store.state.row];
    const own = (record) => this.every || !chosen || placeKey(this.results, record) === placeKey(this.results, chosen);
    const lines = this.lines.filter(({ first }) => own(first));
    const column = this.columns.find(({ id }) => id === this.sorted?.id);
    if (column) {
      const sign = this.sorted.descending ? -1 : 1;
      const missing = (line) => column.key(line) === null || column.key(line) === undefined || column.key(line) === "";
      lines.sort((one, other) => Number(missing(one)) - Number(missing(other)) || sign * d3.ascending(column.key(one), column.key(other)));
    }
    return { lines, empty: this.empty.filter(own) };
  }

  draw() {
    const { lines, empty } = this.shownLines();
    this.found = { lines, empty };
    const columns = this.columns.filter((column) => this.every || !column.everyOnly);
    this.count.textContent = `${lines.length.toLocaleString("en")} of ${this.lines.length.toLocaleString("en")} comparisons of parts`;
    this.drawEmpty(empty);
    clear(this.parts.table).append(
      element("caption", { class: "sr-only", text: "Parts of the pairs: score, chance and p-values" }),
      element("thead", {}, this.heads(columns)),
      element("tbody", {}, lines.slice(0, this.most).map((line) => this.row(line, columns))));
    this.parts.table.hidden = !lines.length;
    const left = lines.length - this.most;
    clear(this.parts.more).append(...(left > 0 ? [element("button", {
      type: "button", text: `Show ${Math.min(left, PARTS_STEP)} more of ${left.toLocaleString("en")}`, on: { click: () => this.more() },
    })] : lines.length ? [] : [element("p", { class: "note", text: "No part of the chosen pair of spaces has a score; tick \"all pairs of spaces\" to see the others." })]));
  }

  more() {
    this.most += PARTS_STEP;
    this.draw();
  }

  drawEmpty(empty) {
    const reasons = [...new Set(empty.map((record) => {
      const where = this.every ? `${placeText(this.results, record)}: ` : "";
      return where + reasonOf(record);
    }))];
    const heading = `Empty, hence without a score (${reasons.length}):`;
    clear(this.parts.empty).append(...(reasons.length
      ? [element("p", { class: "note", text: heading }), element("ul", { class: "note" }, reasons.map((text) => element("li", {}, dataText(shorten(visible(text), 300)))))]
      : []));
  }

  heads(columns) {
    const groups = [];
    for (const column of columns) {
      if (groups.at(-1)?.name === (column.group ?? "")) groups.at(-1).count++;
      else groups.push({ name: column.group ?? "", count: 1 });
    }
    const above = element("tr", {}, groups.map(({ name, count }) => (name
      ? element("th", { scope: "colgroup", colspan: count, class: "parts-group", text: `against ${nullWords(name)}` })
      : element("td", { colspan: count }))));
    const below = element("tr", {}, columns.map((column) =>
      sortHead(column, this.sorted, (own) => this.sort(own), { class: partClass(column, columns) })));
    return this.nulls.length ? [above, below] : [below];
  }

  sort(column) {
    this.sorted = sortedNext(this.sorted, column);
    this.draw();
    this.parts.table.querySelector(`[data-column="${CSS.escape(column.id)}"] button`).focus();
    announce(`sorted by ${column.title}, ${this.sorted.descending ? "descending" : "ascending"}`);
  }

  row(line, columns) {
    const chosen = line.rows.includes(this.app.store.state.row);
    const without = !isNumber(line.first.score);
    // Where there is no score there is nothing to judge: the reason stands in place of all numbers.
    const told = without ? columns.findIndex(({ id }) => id === "score") : columns.length;
    const words = without ? `no score: ${shorten(visible(reasonOf(line.first)), PARTS_REASON)}` : "";
    const reason = without && element("td", { colspan: columns.length - told, class: "parts-reason" }, dataText(words));
    return element("tr", { class: chosen ? "held" : null }, columns.slice(0, told).map((column) => {
      const text = column.text(line);
      if (column.id === "metric") return element("td", {}, this.choice(line, text, chosen));
      if (column.id === "part") return element("th", { scope: "row" }, dataText(shorten(visible(text), 60)));
      return element("td", { class: partClass(column, columns) }, dataText(shorten(text, 200)));
    }), reason);
  }

  choice({ first }, text, chosen) {
    const act = () => this.app.store.set({ row: first.row, pair: first.pair ?? null, metric: first.metric }, "subspaces");
    return element("button", { type: "button", class: "link-button", "aria-pressed": String(chosen), title: "Show its null above", on: { click: act } }, dataText(text));
  }

  report() {
    const { lines, empty } = this.found;
    return {
      rows: lines.length,
      total: this.lines.length,
      every: this.every,
      nulls: this.nulls,
      correction: this.correction,
      sorted: this.sorted,
      empty: empty.map(reasonOf),
      columns: this.columns.map(({ id }) => id),
      first: lines.slice(0, 20).map((line) => ({ row: line.first.row, ...Object.fromEntries(this.columns.map(({ id, text }) => [id, text(line)])), reason: isNumber(line.first.score) ? null : reasonOf(line.first) })),
    };
  }
}

/** Numbers to the right; a line before the first column of each null. */
function partClass(column, columns) {
  const first = column.group && columns.find((other) => other.group === column.group) === column;
  return [column.numeric ? "number" : "", first ? "parts-first" : ""].filter(Boolean).join(" ") || null;
}

function partP(p, draws) {
  return isNumber(p) ? pText(p, draws).replace(/^p (= )?/, "") : "–";
}
