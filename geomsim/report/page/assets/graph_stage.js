// Two panels that move together, and everything that a hand or a key does in them.

import {element} from "./dom.js";
import {GRAPH_MARGIN} from "./graph_canvas.js";
import {listenForOutlines, rowsWithin} from "./lasso.js";
import {commonDomain, placement, pointToward} from "./points.js";

const REACH = 7; // pixels from a node's rim at which it is still meant
const CLOSEST = 60; // times
const SCROLLING = 350; // milliseconds after which a wheel no longer belongs to the page
const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]};

/**
 * The panels. `act` is called back: point(side, node | null), pin(side, node | null), outline(side, nodes, add),
 * outlined(side, path | null), moved(), partner(side, node) and escape().
 */
export class GraphStage {
  constructor(act) {
    this.act = act;
    this.mode = "pan";
    this.zoomed = d3.zoomIdentity;
    this.current = {left: null, right: null};
    this.canvases = {base: graphStageCanvas("graphs-base"), over: graphStageCanvas("graphs-over")};
    this.titles = {};
    this.fields = {};
    this.panels = {};
    for (const side of ["left", "right"]) this.addPanel(side);
    this.element = element("div", {class: "graphs-stage"}, this.canvases.base, this.panels.left, this.panels.right, this.canvases.over);
    let scrolled = -Infinity;
    window.addEventListener("scroll", () => { scrolled = performance.now(); }, {passive: true});
    // A page that is being scrolled by the wheel goes on scrolling when a panel comes under the pointer.
    this.scrolling = () => performance.now() - scrolled < SCROLLING;
    this.zoom = d3.zoom().scaleExtent([1, CLOSEST]).filter((event) => this.isZoom(event)).on("zoom", (event) => this.follow(event));
    for (const field of Object.values(this.fields)) d3.select(field).call(this.zoom).on("dblclick.zoom", null);
    new ResizeObserver(() => this.graphs && this.act.moved()).observe(this.element);
  }

  addPanel(side) {
    const field = element("div", {
      class: "graphs-field", role: "application", tabindex: "0", "aria-roledescription": "graph", "aria-describedby": "graphs-keys",
      on: {
        pointermove: (event) => this.pointed(side, event),
        pointerleave: () => this.act.point(side, null),
        pointerdown: () => { this.outlined = false; },
        click: (event) => this.clicked(side, event),
        keydown: (event) => this.key(side, event),
        focus: () => this.focused(side),
        blur: () => this.act.point(side, null),
      },
    });
    this.fields[side] = field;
    this.titles[side] = element("h3", {class: `graphs-title graphs-title-${side}`});
    this.panels[side] = element("div", {class: "graphs-panel"}, this.titles[side], field);
    this.outlines = {
      ...this.outlines,
      [side]: listenForOutlines(field, {
        mode: () => this.mode,
        drawn: (path) => this.act.outlined(side, path),
        chosen: (path, add) => {
          this.outlined = true;
          this.act.outline(side, rowsWithin(this.graphs[side], this.place, path), add);
        },
      }),
    };
  }

  /** Other graphs: forget the zoom and where keys were. */
  open(graphs) {
    this.graphs = graphs;
    this.trees = {};
    this.current = {left: null, right: null};
    this.panels.right.hidden = !graphs.right;
    this.element.classList.toggle("graphs-alone", !graphs.right);
    this.reset();
  }

  setMode(mode) {
    this.mode = mode;
    for (const field of Object.values(this.fields)) field.classList.toggle("graphs-choosing", mode !== "pan");
  }

  /** Fit canvases to the page; rectangles of the panels in pixels of the stage. */
  layout() {
    const {clientWidth: width, clientHeight: height} = this.element;
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    for (const canvas of Object.values(this.canvases)) {
      const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
      if (canvas.width !== across || canvas.height !== down) [canvas.width, canvas.height] = [across, down];
      canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    this.size = {width, height};
    const corner = this.element.getBoundingClientRect();
    this.rects = {};
    for (const side of ["left", "right"]) {
      if (!this.graphs[side]) continue;
      const box = this.fields[side].getBoundingClientRect();
      this.rects[side] = {x: box.left - corner.left, y: box.top - corner.top, width: box.width, height: box.height};
    }
    const {width: across, height: down} = this.rects.left;
    this.zoom.extent([[0, 0], [across, down]]).translateExtent([[-across / 4, -down / 4], [1.25 * across, 1.25 * down]]);
    this.place = this.placed(across, down);
    return this.rects;
  }

  /** One domain and one scale for both sides. */
  placed(width, height) {
    const sides = ["left", "right"].map((side) => this.graphs[side]).filter(Boolean);
    this.domain = commonDomain(sides);
    const inset = GRAPH_MARGIN;
    const inner = placement(this.domain, Math.max(40, width - 2 * inset), Math.max(40, height - 2 * inset));
    const {k, x, y} = this.zoomed;
    return {k: inner.k * k, x0: (inner.x0 + inset) * k + x, y0: (inner.y0 + inset) * k + y};
  }

  /** The node at an event, or null: the one whose rim is nearest. */
  hit(side, event) {
    const box = this.fields[side].getBoundingClientRect();
    return this.nodeAt(side, event.clientX - box.left, event.clientY - box.top);
  }

  nodeAt(side, px, py) {
    const graph = this.graphs[side];
    const {k, x0, y0} = this.place;
    const [x, y] = [(px - x0) / k, (y0 - py) / k];
    this.trees[side] ??= d3.quadtree(d3.range(graph.n), (node) => graph.x[node], (node) => graph.y[node]);
    const {r} = this.geometry[side];
    const reach = (REACH + this.largestRadius(side)) / k;
    let [best, least] = [null, REACH];
    this.trees[side].visit((quad, x1, y1, x2, y2) => {
      for (let leaf = quad; !quad.length && leaf; leaf = leaf.next) {
        const node = leaf.data;
        const gap = Math.hypot(graph.x[node] - x, graph.y[node] - y) * k - r[node];
        if (gap <= least && (best === null || gap < least)) [best, least] = [node, gap];
      }
      return x1 > x + reach || x2 < x - reach || y1 > y + reach || y2 < y - reach;
    });
    return best;
  }

  largestRadius(side) {
    const panel = this.geometry[side];
    panel.largest ??= d3.max(panel.r) ?? 0;
    return panel.largest;
  }

  pointed(side, event) {
    if (!this.geometry || event.buttons || event.pointerType === "touch" || this.outlines[side].busy()) return;
    const node = this.hit(side, event);
    this.fields[side].classList.toggle("graphs-on-node", node !== null);
    this.current[side] = node ?? this.current[side];
    this.act.point(side, node);
  }

  /** Whoever has just drawn an outline did not mean the node under its end. */
  clicked(side, event) {
    if (!this.outlined) this.act.pin(side, this.hit(side, event));
    this.outlined = false;
  }

  focused(side) {
    if (!this.fields[side].matches(":focus-visible") || !this.graphs[side].n) return;
    this.current[side] ??= d3.maxIndex(this.graphs[side].sizes);
    this.act.point(side, this.current[side], true);
  }

  key(side, event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const node = this.current[side];
    const way = ARROWS[event.key];
    if (way) this.walk(side, way);
    else if (event.key === "Enter" || event.key === " ") this.act.pin(side, node);
    else if (event.key === "p" && node !== null) this.act.partner(side, node);
    else if (event.key === "+" || event.key === "=") this.zoomBy(1.5);
    else if (event.key === "-") this.zoomBy(1 / 1.5);
    else if (event.key === "0") this.reset();
    else if (event.key === "Escape") return this.act.escape();
    else return;
    event.preventDefault();
  }

  walk(side, way) {
    const from = this.current[side];
    const next = from === null ? d3.maxIndex(this.graphs[side].sizes) : pointToward(this.graphs[side], from, ...way);
    if (next >= 0) this.goTo(side, next);
  }

  /** Point at a node by key, and bring it into sight. */
  goTo(side, node) {
    this.current[side] = node;
    const {rect, x, y} = this.geometry[side];
    const margin = 30;
    const back = (place, low, size) => Math.max(0, low + margin - place) - Math.max(0, place - (low + size - margin));
    const [dx, dy] = [back(x[node], rect.x, rect.width), back(y[node], rect.y, rect.height)];
    if (dx || dy) d3.select(this.fields[side]).call(this.zoom.translateBy, dx / this.zoomed.k, dy / this.zoomed.k);
    this.act.point(side, node, true);
  }

  zoomBy(factor) {
    d3.select(this.fields.left).call(this.zoom.scaleBy, factor);
  }

  reset() {
    d3.select(this.fields.left).call(this.zoom.transform, d3.zoomIdentity);
  }

  /** What zooms and moves: dragging where nothing is chosen by it, a wheel that does not scroll the page, two fingers. */
  isZoom(event) {
    if (event.type === "wheel") return event.ctrlKey || !this.scrolling();
    if (event.touches) return event.touches.length > 1 || (this.mode === "pan" && this.zoomed.k > 1);
    return this.mode === "pan" && !event.button && !event.ctrlKey;
  }

  follow(event) {
    this.zoomed = event.transform;
    for (const field of Object.values(this.fields)) {
      field.__zoom = event.transform;
      field.classList.toggle("graphs-zoomed", event.transform.k > 1);
    }
    if (this.graphs) this.act.moved();
  }
}

function graphStageCanvas(name) {
  return element("canvas", {class: name, "aria-hidden": "true"});
}
