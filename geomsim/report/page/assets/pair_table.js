// The table of pairs: sorted, filtered to the selection, and only the rows in view are in the document.

import {announce, clear, dataText, element} from "./dom.js";
import {shorten, visible} from "./look.js";
import {saveSelection} from "./saving.js";
import {clearSelection, linksOf} from "./selection.js";
import {mountHistograms} from "./histograms.js";
import {pairColumns, pairsSorted} from "./pair_columns.js";
import {sortHead, sortedNext} from "./sort_head.js";
import {missingNote} from "./missing_note.js";

const PAIRS_ROW = 32; // pixels of a row
const PAIRS_VIEW = 14; // rows in view
const PAIRS_SPARE = 6; // rows drawn above and below the view
const PAIRS_CELL = 60; // characters of a cell; the rest is in its tooltip

/** The pairs of the chosen spaces with histograms of their weights and multiplicities. */
export async function mountPairs(section, app) {
  const { manifest } = app.data;
  if (!manifest.pairs.some((pair) => pair.n_links)) {
    const why = manifest.missing.pairs ?? "There are no pairs here: a pairing of the rows of both spaces gives them.";
    section.append(missingNote(why));
    app.report("pairs", () => ({ rows: 0 }));
    app.report("histograms", () => ({ shown: false }));
    return;
  }
  const view = new PairTable(section, app);
  mountHistograms(view.parts.histograms, app);
  view.open();
  app.store.on(["pair"], () => view.open());
  app.store.on(["selection"], () => view.refilter());
  app.store.on(["hover"], () => view.light());
  app.store.on(["pinned"], (state, origin) => view.pinned(state, origin));
  app.report("pairs", () => view.report());
}

class PairTable {
  constructor(section, app) {
    Object.assign(this, { app, columns: [], order: new Uint32Array(0), sorted: null, active: 0, onlySelected: true, first: 0, ranks: new Map() });
    this.parts = {
      tools: element("div", { class: "controls pairs-tools" }),
      body: element("tbody", {}),
      head: element("thead", {}),
      histograms: element("div", { class: "pairs-histograms" }),
      none: element("p", { class: "missing" }),
    };
    const { body, head } = this.parts;
    this.table = element("table", { class: "pairs-table", role: "grid", tabindex: "0", "aria-label": "Pairs" }, head, body);
    this.scroll = element("div", { class: "scroll pairs-scroll" }, this.table);
    this.scroll.style.height = `${PAIRS_ROW * (PAIRS_VIEW + 1)}px`;
    this.scroll.addEventListener("scroll", () => this.draw(), { passive: true });
    this.table.addEventListener("keydown", (event) => this.key(event));
    body.addEventListener("pointerover", (event) => this.point(event));
    body.addEventListener("pointerleave", () => this.app.store.set({ hover: null }, "table"));
    body.addEventListener("click", (event) => this.click(event));
    this.whole = element("div", { class: "pairs-split" },
      element("div", { class: "pairs-side" }, this.parts.tools, this.scroll), this.parts.histograms);
    section.append(this.parts.none, this.whole);
    this.addTools();
  }

  get links() {
    return this.app.opened?.links ?? null;
  }

  addTools() {
    const only = element("input", { type: "checkbox", on: { change: (event) => this.toggle(event.target.checked) } });
    only.checked = true;
    const save = element("button", { type: "button", text: "Save selection (JSON)", on: { click: () => saveSelection(this.app) } });
    const drop = element("button", { type: "button", class: "quiet", text: "Clear selection", on: { click: () => clearSelection(this.app) } });
    this.tools = { count: element("span", { class: "pairs-count" }), only, save, drop };
    this.parts.tools.append(this.tools.count, element("label", { class: "control" }, only, "only the selected"), save, drop);
  }

  open() {
    const has = Boolean(this.links?.n);
    this.parts.none.hidden = has;
    this.whole.hidden = !has;
    this.parts.none.textContent = this.app.opened
      ? "The chosen comparison has no pairs: rows of its two sides do not correspond one by one, or the pairing was not kept."
      : "The chosen comparison has no spaces here. Choose another cell of the heatmaps.";
    this.ranks.clear();
    this.sorted = null;
    if (!has) return;
    this.columns = pairColumns(this.app.opened);
    if (this.columns.some((column) => column.id === "weight")) this.sorted = { id: "weight", descending: true };
    this.drawHead();
    this.refilter();
  }

  drawHead() {
    const cells = this.columns.map((column) => sortHead(column, this.sorted, (own) => this.sort(own), { class: pairsClass(column) }));
    clear(this.parts.head).append(element("tr", { "aria-rowindex": "1" }, cells));
    this.table.setAttribute("aria-colcount", String(this.columns.length));
  }

  sort(column) {
    this.sorted = sortedNext(this.sorted, column);
    this.drawHead();
    this.parts.head.querySelector(`[data-column="${column.id}"] button`).focus();
    this.reorder();
    announce(`sorted by ${column.title}, ${this.sorted.descending ? "descending" : "ascending"}`);
  }

  toggle(only) {
    this.onlySelected = only;
    this.refilter();
  }

  /** Which links are listed: all, or those of the selection. */
  refilter() {
    if (!this.links) return;
    const mask = this.app.store.state.selection?.links ?? null;
    const all = Uint32Array.from({ length: this.links.n }, (_, link) => link);
    this.listed = mask && this.onlySelected ? all.filter((link) => mask[link]) : all;
    const [n, of] = [this.listed.length.toLocaleString("en"), this.links.n.toLocaleString("en")];
    const selected = (this.app.store.state.selection?.counts.links ?? 0).toLocaleString("en");
    this.tools.count.textContent = mask ? `${n} of ${of} pairs listed, ${selected} selected` : `${of} pairs`;
    for (const tool of [this.tools.drop, this.tools.only, this.tools.save]) tool.disabled = !this.app.store.state.selection;
    this.reorder();
  }

  reorder() {
    const column = this.columns.find((each) => each.id === this.sorted?.id);
    this.order = this.listed.slice();
    if (column) this.order = pairsSorted(this.order, this.rank(column), this.sorted.descending);
    this.active = 0;
    this.scroll.scrollTop = 0;
    this.table.setAttribute("aria-rowcount", String(this.order.length + 1));
    this.draw(true);
  }

  rank(column) {
    if (!this.ranks.has(column.id)) this.ranks.set(column.id, column.rank());
    return this.ranks.get(column.id);
  }

  draw(always = false) {
    const first = Math.max(0, Math.floor(this.scroll.scrollTop / PAIRS_ROW) - PAIRS_SPARE);
    const last = Math.min(this.order.length, first + PAIRS_VIEW + 2 * PAIRS_SPARE);
    if (!always && first === this.first && last === this.last) return;
    [this.first, this.last] = [first, last];
    const rows = [];
    for (let place = first; place < last; place++) rows.push(this.row(place));
    clear(this.parts.body).append(
      this.spacer(first), ...rows, this.spacer(this.order.length - last),
      ...(this.order.length ? [] : [element("tr", {}, element("td", { colspan: this.columns.length, text: "No pair is selected." }))]));
    this.light();
  }

  spacer(rows) {
    const line = element("tr", { "aria-hidden": "true", class: "pairs-spacer" }, element("td", { colspan: this.columns.length }));
    line.firstChild.style.height = `${rows * PAIRS_ROW}px`;
    return line;
  }

  row(place) {
    const link = this.order[place];
    return element("tr", { id: `pair-row-${place}`, "aria-rowindex": place + 2, "data-link": link, "data-place": place },
      this.columns.map((column) => {
        const text = column.text(link);
        const shown = shorten(column.wide ? text : visible(text), PAIRS_CELL);
        return element("td", { class: pairsClass(column), title: shown === text && !column.wide ? null : text }, dataText(shown));
      }));
  }

  /** Rows that belong to what is pointed at or pinned, and the row that the keyboard is on. */
  light() {
    const { hover, pinned } = this.app.store.state;
    const lit = new Set(linksOf(this.app, hover));
    const held = new Set(linksOf(this.app, pinned));
    for (const line of this.parts.body.querySelectorAll("[data-link]")) {
      const link = Number(line.dataset.link);
      line.classList.toggle("lit", lit.has(link));
      line.classList.toggle("held", held.has(link));
      line.classList.toggle("active", Number(line.dataset.place) === this.active);
      line.setAttribute("aria-selected", String(held.has(link)));
    }
    this.lit = lit.size;
    const own = document.getElementById(`pair-row-${this.active}`);
    if (own) this.table.setAttribute("aria-activedescendant", own.id);
    else this.table.removeAttribute("aria-activedescendant");
  }

  pinned({ pinned }, origin) {
    const links = linksOf(this.app, pinned);
    if (links.length && origin !== "table") {
      const wanted = new Set(links);
      const place = this.order.findIndex((link) => wanted.has(link));
      if (place >= 0) this.show(place);
    }
    this.light();
  }

  show(place) {
    this.active = place;
    const top = place * PAIRS_ROW;
    const view = this.scroll.clientHeight - PAIRS_ROW - this.parts.head.offsetHeight;
    if (top < this.scroll.scrollTop || top > this.scroll.scrollTop + view) this.scroll.scrollTop = Math.max(0, top - view / 2);
    this.draw();
    this.light();
  }

  point(event) {
    const line = event.target.closest("[data-link]");
    if (!line) return;
    const link = Number(line.dataset.link);
    const { hover } = this.app.store.state;
    if (hover?.type !== "link" || hover.link !== link) this.app.store.set({ hover: { type: "link", link } }, "table");
  }

  click(event) {
    const line = event.target.closest("[data-link]");
    if (!line) return;
    this.active = Number(line.dataset.place);
    this.pin(Number(line.dataset.link));
  }

  pin(link) {
    const { pinned } = this.app.store.state;
    const again = pinned?.type === "link" && pinned.link === link;
    this.app.store.set({ pinned: again ? null : { type: "link", link } }, "table");
    if (!again) announce(`pinned ${this.columns[0].text(link)} and ${this.columns[1].text(link)}`);
  }

  key(event) {
    if (event.target !== this.table) return;
    const page = PAIRS_VIEW - 1;
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined && !["Enter", " "].includes(event.key)) return;
    if (!this.order.length) return;
    event.preventDefault();
    if (step === undefined) {
      this.pin(this.order[this.active]);
      return;
    }
    this.show(Math.min(this.order.length - 1, Math.max(0, this.active + step)));
    this.app.store.set({ hover: { type: "link", link: this.order[this.active] } }, "table");
  }

  report() {
    return {
      shown: !this.whole.hidden,
      rows: this.order.length,
      total: this.links?.n ?? 0,
      columns: this.columns.map(({ id, title }) => ({ id, title })),
      sorted: this.sorted,
      drawn: this.parts.body.querySelectorAll("[data-link]").length,
      first: Array.from(this.order.slice(0, 10)),
      active: this.order[this.active] ?? null,
      lit: this.lit ?? 0,
      onlySelected: this.onlySelected,
      count: this.tools.count.textContent,
    };
  }
}

function pairsClass(column) {
  return column.numeric ? "number" : column.wide ? "wide" : null;
}
