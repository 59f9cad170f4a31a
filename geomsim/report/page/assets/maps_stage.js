// Two panels with one zoom, and sheets over both: for links, for hits, for what the pointer does.

import {element} from "./dom.js";
import {commonDomain, placement} from "./points.js";

const STAGE_NARROW = 760; // CSS pixels: below, the panels stand above each other
const STAGE_DEEPEST = 400;
const STAGE_KEYS = { "+": 1.5, "=": 1.5, "-": 1 / 1.5, "_": 1 / 1.5 };

/** The canvases of the maps, their places, and their common zoom; `moved()` is called when the zoom changes. */
export class MapStage {
  constructor(moved) {
    this.moved = moved;
    this.zoomed = d3.zoomIdentity;
    this.panels = {};
    for (const side of ["left", "right"]) {
      const canvas = element("canvas", { class: "maps-canvas", tabindex: 0, role: "application" });
      const title = element("h3", { class: `maps-title maps-title-${side}` });
      const figure = element("div", { class: "maps-panel" }, title, canvas);
      this.panels[side] = { side, canvas, title, figure, context: canvas.getContext("2d", { alpha: false }), x: 0, y: 0 };
    }
    this.short = {
      words: element("span", { class: "maps-short-words" }),
      weight: element("span", { class: "maps-short-weight" }),
      button: element("button", { type: "button", class: "link-button", text: "details", hidden: true }),
    };
    this.panels.left.figure.append(element("p", { class: "maps-short" }, Object.values(this.short)));
    this.sheets = {
      links: element("canvas", { class: "maps-sheet", "aria-hidden": "true" }),
      hits: element("canvas", { class: "maps-sheet", "aria-hidden": "true" }),
      pointer: element("canvas", { class: "maps-sheet", "aria-hidden": "true" }),
    };
    this.node = element("div", { class: "maps-stage" }, this.panels.left.figure, this.panels.right.figure,
      ...Object.values(this.sheets));
    this.listen();
  }

  /** The one domain of both sides. */
  show(pair) {
    this.domain = commonDomain([pair.left, pair.right]);
    this.zoomed = d3.zoomIdentity;
    this.adopt();
  }

  /** Measures the page and gives every canvas its pixels. False where nothing changed. */
  measure() {
    const width = this.node.clientWidth;
    if (!width) return false;
    this.ratio = Math.min(2, window.devicePixelRatio || 1);
    const stacked = width < STAGE_NARROW;
    this.node.classList.toggle("stacked", stacked);
    const wide = Math.floor(stacked ? width : (width - 16) / 2);
    const high = Math.round(stacked ? Math.min(380, wide * 0.86) : Math.min(540, wide * 0.8));
    const key = `${width} ${wide} ${high} ${this.ratio}`;
    if (key === this.measured) return false;
    this.measured = key;
    this.width = wide;
    this.height = high;
    for (const { canvas, figure } of Object.values(this.panels)) {
      stageSized(canvas, wide, high, this.ratio);
      figure.style.width = `${wide}px`;
    }
    const around = this.node.getBoundingClientRect();
    for (const panel of Object.values(this.panels)) {
      const box = panel.canvas.getBoundingClientRect();
      panel.x = box.left - around.left;
      panel.y = box.top - around.top;
    }
    for (const sheet of Object.values(this.sheets)) stageSized(sheet, width, this.node.clientHeight, this.ratio);
    this.zoom.extent([[0, 0], [wide, high]]).translateExtent([[-wide / 2, -high / 2], [1.5 * wide, 1.5 * high]]);
    return true;
  }

  /** From data to pixels of either panel. */
  get place() {
    return placement(this.domain, this.width, this.height, this.zoomed);
  }

  /** Where a row is on the stage, in CSS pixels, and whether its panel shows it. */
  spot(side, data, row) {
    const { place } = this, panel = this.panels[side];
    const x = data.x[row] * place.k + place.x0, y = place.y0 - data.y[row] * place.k;
    return { x: x + panel.x, y: y + panel.y, seen: x >= 0 && y >= 0 && x <= this.width && y <= this.height };
  }

  /** A cleared sheet to draw on in CSS pixels. */
  sheet(name) {
    const context = this.sheets[name].getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    return context;
  }

  /** Zooms by a factor about the middle, or about a spot of a panel. */
  zoomBy(factor, about = [this.width / 2, this.height / 2]) {
    this.zoom.scaleBy(d3.select(this.panels.left.canvas), factor, about);
  }

  /** The whole maps again. */
  reset() {
    this.zoomTo(d3.zoomIdentity);
  }

  /** Zooms so that these places, [[x, y], ...] in data units, fill the panels, at most `deepest` times enlarged. */
  fit(places, deepest) {
    if (!places.length || !this.width) return;
    const plain = placement(this.domain, this.width, this.height);
    const xs = d3.extent(places, ([x]) => x * plain.k + plain.x0), ys = d3.extent(places, ([, y]) => plain.y0 - y * plain.k);
    const margin = 70;
    const k = Math.max(1, Math.min(deepest, (this.width - margin) / Math.max(1e-6, xs[1] - xs[0]),
      (this.height - margin) / Math.max(1e-6, ys[1] - ys[0])));
    const middle = [(xs[0] + xs[1]) / 2, (ys[0] + ys[1]) / 2];
    this.zoomTo(k === 1 ? d3.zoomIdentity
      : d3.zoomIdentity.translate(this.width / 2 - k * middle[0], this.height / 2 - k * middle[1]).scale(k));
  }

  zoomTo(transform) {
    this.zoom.transform(d3.select(this.panels.left.canvas), transform);
  }

  /** How the pointer works: "pan", "box" or "lasso". */
  setMode(mode) {
    this.mode = mode;
    this.touching();
  }

  listen() {
    this.mode = "pan";
    let scrolled = -1000;
    window.addEventListener("scroll", () => { scrolled = performance.now(); }, { passive: true });
    this.zoom = d3.zoom().scaleExtent([1, STAGE_DEEPEST])
      .filter((event) => {
        // A page that is being scrolled by the wheel goes on scrolling when a map comes under the pointer.
        if (event.type === "wheel") return event.ctrlKey || performance.now() - scrolled > 350;
        if (event.touches) return event.touches.length > 1 || (this.mode === "pan" && this.zoomed.k > 1);
        return this.mode === "pan" && !event.button && !event.ctrlKey;
      })
      .on("zoom", (event) => {
        this.zoomed = event.transform;
        this.adopt();
        this.moved();
      });
    for (const { canvas } of Object.values(this.panels)) {
      d3.select(canvas).call(this.zoom).on("dblclick.zoom", null);
      canvas.addEventListener("keydown", (event) => {
        if (event.altKey || event.ctrlKey || event.metaKey) return;
        if (event.key === "0") this.reset();
        else if (STAGE_KEYS[event.key]) this.zoomBy(STAGE_KEYS[event.key]);
        else return;
        event.preventDefault();
      });
    }
  }

  // Both canvases hold the same zoom, wherever it came from.
  adopt() {
    for (const { canvas } of Object.values(this.panels)) canvas.__zoom = this.zoomed;
    this.touching();
  }

  // One finger scrolls the page past maps that are not enlarged; there is nothing to move in them.
  touching() {
    this.node.classList.toggle("maps-held", this.mode !== "pan" || this.zoomed.k > 1);
  }
}

function stageSized(canvas, width, height, ratio) {
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
}
