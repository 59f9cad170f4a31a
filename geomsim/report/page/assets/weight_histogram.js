// A histogram of weights with a brush; two number fields do the same by keyboard.

import {element, svgElement} from "./dom.js";
import {look, numberText, visible} from "./look.js";

const WEIGHT_BINS = 40;
const WEIGHT_HEIGHT = 170;
const WEIGHT_EDGE = { left: 44, right: 12, top: 10, bottom: 38 };

/** Equal bins of all weights that are numbers: which bin each link is in (255 for none), counts, and ends. */
export function weightBins(weight) {
  const [low, high] = d3.extent(weight.filter((value) => !Number.isNaN(value)));
  if (low === undefined) return null;
  const n = high > low ? WEIGHT_BINS : 1;
  const counts = new Uint32Array(n);
  const bins = Uint8Array.from(weight, (value) =>
    (Number.isNaN(value) ? 255 : n === 1 ? 0 : Math.min(n - 1, Math.floor(((value - low) / (high - low)) * n))));
  for (const bin of bins) if (bin < n) counts[bin]++;
  return { low, high, counts, bins, missing: bins.filter((bin) => bin === 255).length };
}

/** The histogram; `choose(low, high)` is called with a range of weights. */
export class WeightHistogram {
  constructor(name, found, width, choose) {
    Object.assign(this, { name, found, choose, range: null, selectedCounts: null });
    this.width = Math.max(260, Math.min(width, 520));
    const half = found.high > found.low ? 0 : 0.05 * Math.abs(found.low) || 0.05;
    this.ends = [found.low - half, found.high + half];
    this.svg = svgElement("svg", { width: this.width, height: WEIGHT_HEIGHT, viewBox: `0 0 ${this.width} ${WEIGHT_HEIGHT}`, class: "weights" });
    this.fields = ["from", "to"].map((text, place) => this.field(text, this.ends[place]));
    const act = element("button", { type: "button", text: "Select these pairs", on: { click: () => this.typed() } });
    const missing = found.missing ? [element("p", { class: "note", text: `${found.missing.toLocaleString("en")} pairs without a ${name} are in no bar.` })] : [];
    this.element = element("div", { class: "histogram" },
      element("h3", { text: visible(`Pairs by ${name}`) }), this.svg, ...missing,
      element("div", { class: "controls" }, this.fields.map(({ label }) => label), act));
    this.draw();
  }

  field(text, value) {
    const shown = Number(value.toPrecision(4));
    const box = element("input", { type: "number", step: "any", value: shown, class: "weight-field", on: { keydown: (event) => event.key === "Enter" && this.typed() } });
    return { box, label: element("label", { class: "control" }, element("span", {}, element("span", { class: "sr-only", text: `${this.name} ` }), text), box) };
  }

  typed() {
    const [low, high] = this.fields.map(({ box }, place) => (box.value === "" ? this.ends[place] : Number(box.value)));
    // A field shows a rounded number; the ends themselves must not lose their own pairs by it.
    const exact = [low, high].map((value, place) => (value === Number(this.ends[place].toPrecision(4)) ? this.ends[place] : value));
    this.pick(Math.min(...exact), Math.max(...exact));
  }

  pick(low, high) {
    this.range = [low, high];
    this.fields.forEach(({ box }, place) => {
      box.value = String(Number(this.range[place].toPrecision(4)));
    });
    return this.choose(low, high);
  }

  draw() {
    const { found, width, svg } = this;
    const { left, right, top, bottom } = WEIGHT_EDGE;
    this.x = d3.scaleLinear(this.ends, [left, width - right]);
    this.y = d3.scaleLinear([0, d3.max(found.counts)], [WEIGHT_HEIGHT - bottom, top]);
    const sentence = `Histogram of ${this.name} of ${d3.sum(found.counts)} pairs, from ${numberText(found.low)} to ${numberText(found.high)}`;
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", sentence);
    const colours = look();
    svg.append(...this.axes(colours));
    this.bars = ["all", "selected"].map((kind) => svgElement("g", { fill: kind === "all" ? colours.chance : colours.selected }));
    svg.append(...this.bars);
    this.fill(this.bars[0], found.counts);
    this.brush = d3.brushX().extent([[left, top], [width - right, WEIGHT_HEIGHT - bottom]]).on("end", (event) => this.brushed(event));
    this.layer = d3.select(svg).append("g").call(this.brush);
  }

  axes(colours) {
    const floor = WEIGHT_HEIGHT - WEIGHT_EDGE.bottom;
    const text = (x, y, string, anchor) => svgElement("text", { x, y, fill: colours.quiet, "font-size": 12, "text-anchor": anchor, text: string });
    const { left, right } = WEIGHT_EDGE;
    return [
      ...this.y.ticks(3).filter(Number.isInteger).flatMap((tick) => [
        svgElement("line", { x1: left, x2: this.width - right, y1: this.y(tick), y2: this.y(tick), stroke: colours.line, "stroke-width": 0.5 }),
        text(left - 5, this.y(tick) + 4, d3.format("~s")(tick), "end"),
      ]),
      svgElement("line", { x1: left, x2: this.width - right, y1: floor, y2: floor, stroke: colours.quiet }),
      ...this.x.ticks(5).map((tick) => text(this.x(tick), floor + 16, this.x.tickFormat(5)(tick), "middle")),
      text((left + this.width - right) / 2, floor + 33, visible(`${this.name}; drag to select`), "middle"),
    ];
  }

  edges(bin) {
    const { low, high, counts } = this.found;
    if (counts.length === 1) return [this.ends[0], this.ends[1]];
    return [low + (bin * (high - low)) / counts.length, low + ((bin + 1) * (high - low)) / counts.length];
  }

  fill(group, counts) {
    const floor = this.y(0);
    group.replaceChildren(...Array.from(counts, (count, bin) => {
      const [from, to] = this.edges(bin).map(this.x);
      return count ? svgElement("rect", { x: from, width: Math.max(1, to - from - 0.5), y: this.y(count), height: floor - this.y(count) }) : null;
    }).filter(Boolean));
  }

  brushed(event) {
    if (!event.sourceEvent || !event.selection) return;
    const [low, high] = event.selection.map(this.x.invert);
    this.pick(low, high);
  }

  /** Draw the selected links; a range that was not chosen here is not shown as if it were. */
  update(mask, own) {
    if (!own) {
      this.range = null;
      this.layer.call(this.brush.move, null);
    } else if (this.range) {
      this.layer.call(this.brush.move, this.range.map((value) => Math.min(this.x.range()[1], Math.max(this.x.range()[0], this.x(value)))));
    }
    const counts = new Uint32Array(this.found.counts.length);
    if (mask) for (let i = 0; i < mask.length; i++) if (mask[i] && this.found.bins[i] !== 255) counts[this.found.bins[i]]++;
    this.selectedCounts = Array.from(counts);
    this.fill(this.bars[1], counts);
  }

  /** The same on a painter. */
  paint(painter, x, y, width, height, colours) {
    const across = d3.scaleLinear(this.ends, [x + 34, x + width]);
    const up = d3.scaleLinear([0, d3.max(this.found.counts)], [y + height - 36, y + 4]);
    for (const [counts, colour] of [[this.found.counts, colours.chance], [this.selectedCounts ?? [], colours.selected]]) {
      counts.forEach((count, bin) => {
        const [from, to] = this.edges(bin).map(across);
        if (count) painter.rect(from, up(count), Math.max(1, to - from - 0.5), up(0) - up(count), colour);
      });
    }
    painter.line(x + 34, up(0), x + width, up(0), colours.quiet);
    for (const tick of up.ticks(3).filter(Number.isInteger)) painter.text(x + 29, up(tick) + 4, d3.format("~s")(tick), colours.quiet, 12, "end");
    for (const tick of across.ticks(6)) painter.text(across(tick), up(0) + 16, across.tickFormat(6)(tick), colours.quiet, 12, "middle");
    painter.text(x + width / 2, up(0) + 33, this.name, colours.quiet, 12, "middle");
  }
}
