// The Mapper graphs: two side by side, joined by the transport plan, or one alone.

import {missingNote} from "./missing_note.js";
import {announce, element} from "./dom.js";
import {drawGraph, graphGeometry, nodeTitle} from "./graph_canvas.js";
import {graphColouring} from "./graph_colours.js";
import {graphControls, graphStatus} from "./graph_controls.js";
import {countText, GraphDetails} from "./graph_details.js";
import {legendElement, legendEntries} from "./graph_legend.js";
import {linkCells, markedCounts, nodesHolding, otherSide, partnersOf, planTotals} from "./graph_links.js";
import {drawCells, drawFocus, drawLit, drawOutline, percentText} from "./graph_overlay.js";
import {graphsPicture} from "./graph_picture.js";
import {graphsReport} from "./graph_report.js";
import {GraphStage} from "./graph_stage.js";
import {look, shorten, visible} from "./look.js";
import {CanvasPainter} from "./painter.js";
import {registerView} from "./saving.js";
import {clearSelection, linksOf, selectLinks} from "./selection.js";

/** Put the view into its section. */
export async function mountGraphs(section, app) {
  const {manifest} = app.data;
  app.report("graphs", () => null);
  if (!manifest.graphs.length) {
    section.append(missingNote(manifest.missing.graphs ?? "There are no Mapper graphs."));
    return;
  }
  const view = new GraphsView(section, app);
  view.open();
  app.report("graphs", () => graphsReport(view));
  app.hook("graphs", {
    screen: (side, node) => view.screen(side, node),
    outline: (side, nodes, add = false) => view.chooseNodes(side, nodes, add),
    paint: () => view.timed(() => view.drawBase()),
    hover: (side, node) => view.timed(() => view.point(side, node)),
  });
  registerView(app, {id: "graphs", title: "Mapper graphs", svg: async () => graphsPicture(view)});
}

class GraphsView {
  constructor(section, app) {
    this.app = app;
    this.linkMode = "hovered";
    this.ownRows = null;
    this.chosen = null;
    this.drawn = {};
    this.stage = new GraphStage({
      point: (side, node, aloud) => this.point(side, node, aloud),
      pin: (side, node) => this.pin(side, node),
      outline: (side, nodes, add) => this.chooseNodes(side, nodes, add),
      outlined: (side, path) => this.outlined(side, path),
      moved: () => this.later("base", () => this.drawBase()),
      partner: (side, node) => this.toPartner(side, node),
      escape: () => this.release(),
    });
    this.details = new GraphDetails(app, {
      choose: (partner) => this.choosePartner(partner),
      select: (rows) => this.chooseRows(rows, false),
      release: () => this.release(),
      pin: (side, node, partner) => this.pin(side, node, partner),
    });
    this.controls = element("div", {class: "controls"});
    this.sentence = element("p", {class: "graphs-sentence"});
    this.legend = element("div", {});
    this.status = element("p", {class: "note graphs-status"});
    const keys = "Dragging moves both panels, or chooses nodes with Box and Lasso (Shift adds); a wheel or two fingers zoom. Keys: arrows "
      + "go from node to node, Enter pins, P goes to the best partner, plus, minus and 0 zoom, Escape clears.";
    section.append(this.sentence, this.controls, this.legend, this.stage.element, this.status,
      element("p", {class: "note", id: "graphs-keys", text: keys}), this.details.element);
    this.listen();
  }

  listen() {
    const {store} = this.app;
    store.on(["graph"], () => this.open());
    store.on(["pair"], () => this.followPair());
    store.on(["graphColour", "theme"], () => this.recolour());
    store.on(["selection", "pair"], (_, origin) => this.marksChanged(origin));
    store.on(["hover", "pinned"], (_, origin, changed) => this.focusChanged(changed));
  }

  /** Show the graphs that are chosen. */
  open() {
    const {app} = this;
    if (!app.openedGraphs) return;
    this.graphs = app.openedGraphs;
    this.totals = planTotals(this.graphs);
    this.most = Math.max(1, ...["left", "right"].map((side) => d3.max(this.graphs[side]?.weights ?? []) ?? 0));
    this.ownRows = null;
    this.sentence.replaceChildren(element("bdi", {text: this.graphs.sentence}));
    this.controls.replaceChildren(...graphControls(this));
    this.stage.open(this.graphs);
    for (const side of ["left", "right"]) this.nameSide(side);
    this.linked();
    this.counts = this.counted();
    // What was pointed at is a node of other graphs.
    [this.focus, this.pinnedFocus, this.lit] = [null, null, null];
    this.recolour();
    this.focusChanged(["pinned"]);
  }

  nameSide(side) {
    const graph = this.graphs[side];
    if (!graph) return;
    const size = `${countText(graph.n, "node")}, ${countText(graph.edges.length / 2, "edge")}`;
    const name = shorten(visible(graph.name), 60);
    this.stage.titles[side].replaceChildren(element("bdi", {text: name}), element("span", {class: "graphs-size", text: ` ${size}`}));
    const where = this.graphs.right ? `${side} graph` : "graph";
    this.stage.fields[side].setAttribute("aria-label", `Mapper ${where} ${name}: ${size}. Arrow keys go from node to node.`);
  }

  setMode(mode, button) {
    this.stage.setMode(mode);
    for (const each of button.parentElement.children) each.setAttribute("aria-pressed", String(each === button));
  }

  setLinks(mode) {
    this.linkMode = mode;
    this.linked();
    this.drawBase();
    this.drawOver();
  }

  linked() {
    this.cells = linkCells(this.graphs, this.totals, this.linkMode);
  }

  chooseGraphs(graph) {
    const {pair} = this.app.data.manifest.graphs[graph];
    this.app.store.set({graph, hover: null, pinned: null, ...(pair === null ? {} : {pair})}, "graphs");
  }

  /** Another pair of spaces was chosen: show its graphs where there are any. */
  followPair() {
    const {data, store} = this.app;
    if (this.graphs?.pair === store.state.pair) return;
    const own = data.manifest.graphs.findIndex(({pair}) => pair !== null && pair === store.state.pair);
    if (own >= 0 && own !== store.state.graph) store.set({graph: own}, "graphs");
  }

  recolour() {
    this.colouring = graphColouring(this.graphs, this.app.store.state.graphColour, look());
    this.drawBase();
    this.drawOver();
  }

  // Selection: the links of the pair where the rows are these, else rows of the graphs alone.

  rowsAreLinks() {
    return this.graphs.pair !== null && this.graphs.pair === this.app.store.state.pair;
  }

  marks() {
    return this.rowsAreLinks() ? this.app.store.state.selection?.links ?? null : this.ownRows;
  }

  counted() {
    const marks = this.marks();
    if (!marks) return null;
    const counts = markedCounts(this.graphs, marks);
    const nodes = Object.fromEntries(Object.entries(counts).map(([side, each]) => [side, each.filter(Boolean).length]));
    return {...counts, nodes, rows: marks.reduce((sum, one) => sum + one, 0)};
  }

  marksChanged(origin) {
    if (!this.graphs) return;
    if (origin === "clear" || origin === "escape") this.ownRows = null;
    this.counts = this.counted();
    this.drawBase();
  }

  chooseNodes(side, nodes, add) {
    const rows = new Set();
    for (const node of nodes) for (const row of this.graphs[side].members(node)) rows.add(row);
    return this.chooseRows([...rows], add);
  }

  async chooseRows(rows, add) {
    const marks = add ? this.marks() : null;
    const all = marks ? [...new Set([...rows, ...d3.range(marks.length).filter((row) => marks[row])])] : rows;
    if (this.rowsAreLinks()) {
      await selectLinks(this.app, all, "graph");
    } else {
      this.ownRows = all.length ? new Uint8Array(this.graphs.nRows) : null;
      for (const row of all) this.ownRows[row] = 1;
      this.marksChanged("graph");
    }
    announce(graphStatus(this));
  }

  clearRows() {
    this.ownRows = null;
    if (this.rowsAreLinks() && this.app.store.state.selection) clearSelection(this.app);
    else this.marksChanged("clear");
  }

  // What is pointed at and pinned.

  point(side, node, aloud = false) {
    const {store} = this.app;
    const {hover} = store.state;
    const same = hover?.type === "node" && hover.side === side && hover.node === node && hover.graph === this.graphs.index;
    if (node === null ? hover?.type === "node" : !same) {
      store.set({hover: node === null ? null : {type: "node", graph: this.graphs.index, side, node}}, "graphs");
    }
    if (aloud && node !== null) announce(this.said(side, node));
  }

  pin(side, node, partner = null) {
    this.wanted = partner;
    const target = node === null ? null : {type: "node", graph: this.graphs.index, side, node};
    this.app.store.set({pinned: target, ...(target && {hover: target})}, "graphs");
    this.wanted = null;
  }

  release() {
    this.app.store.set({hover: null, pinned: null}, "graphs");
    if (this.ownRows) this.marksChanged("clear");
  }

  toPartner(side, node) {
    const [best] = this.focusOf({side, node}).partners;
    if (!best) return announce("this node has no partner");
    this.stage.fields[otherSide(side)].focus({preventScroll: false});
    this.stage.goTo(otherSide(side), best.node);
    return undefined;
  }

  choosePartner(partner) {
    this.chosen = partner === this.chosen ? null : partner;
    this.focusChanged(["pinned"], true);
  }

  /** What is known of a node that is pointed at or pinned; null where something else is. */
  focusOf(target) {
    if (!target || (target.type && (target.type !== "node" || target.graph !== this.graphs.index))) return null;
    const {side, node} = target;
    if (!this.graphs[side] || node >= this.graphs[side].n) return null;
    return {side, node, partners: partnersOf(this.graphs, this.totals, side, node), chosen: null};
  }

  focusChanged(changed, kept = false) {
    if (!this.graphs) return;
    const {hover, pinned} = this.app.store.state;
    this.pinnedFocus = this.focusOf(pinned);
    if (changed.includes("pinned")) {
      if (!kept) this.chosen = this.pinnedFocus ? this.wanted ?? this.pinnedFocus.partners.find(({shared}) => shared)?.node ?? null : null;
      const focus = this.pinnedFocus && {...this.pinnedFocus, chosen: this.chosen};
      this.reading = this.details.showTexts(this.graphs, focus);
    }
    if (this.pinnedFocus) this.pinnedFocus.chosen = this.chosen;
    const pointed = this.focusOf(hover);
    const same = pointed && this.pinnedFocus?.side === pointed.side && this.pinnedFocus.node === pointed.node;
    this.focus = pointed && !same ? pointed : this.pinnedFocus;
    this.lit = this.litNodes(hover?.type === "node" || !hover ? pinned : hover);
    this.drawOver();
    this.later("details", () => this.details.show(this.graphs, this.totals, this.focus, this.focus !== null && this.focus === this.pinnedFocus));
  }

  /** The nodes that hold what is pointed at in another view. */
  litNodes(target) {
    if (!target || target.type === "node" || !this.rowsAreLinks()) return {left: [], right: []};
    const links = linksOf(this.app, target);
    return Object.fromEntries(["left", "right"].map((side) => [side, this.graphs[side] ? nodesHolding(this.graphs[side], links) : []]));
  }

  said(side, node) {
    const graph = this.graphs[side];
    const [best] = this.focusOf({side, node}).partners;
    const other = this.graphs[otherSide(side)];
    const partner = best ? `; best partner ${nodeTitle(other, best.node)}, ${percentText(best.share)} of its mass` : "";
    return `${side} ${shorten(visible(graph.nameOf(node)), 40)}, ${nodeTitle(graph, node)}, ${countText(graph.sizes[node], this.graphs.what)}${partner}`;
  }

  // Drawing.

  drawBase() {
    const began = performance.now();
    const rects = this.stage.layout();
    this.geometry = graphGeometry(this.graphs, rects, this.stage.place, this.stage.zoomed.k);
    this.stage.geometry = this.geometry;
    const context = this.stage.canvases.base.getContext("2d");
    context.clearRect(0, 0, this.stage.size.width, this.stage.size.height);
    this.drawAll(new CanvasPainter(context));
    this.drawn.ms = performance.now() - began;
    this.drawOver();
    this.later("words", () => this.showWords());
  }

  drawAll(painter) {
    const by = this.linkMode === "merges" ? "right" : "left";
    this.drawn.links = this.cells.length ? drawCells(painter, this.geometry, this.graphs.plan, this.totals, this.cells, by) : 0;
    for (const side of ["left", "right"]) {
      if (!this.graphs[side]) continue;
      const style = {colours: this.colouring.colours[side], counts: this.counts?.[side], most: this.most};
      this.drawn[side] = drawGraph(painter, this.graphs[side], this.geometry[side], style);
    }
  }

  drawOver(path = null) {
    if (!this.geometry) return;
    const began = performance.now();
    const context = this.stage.canvases.over.getContext("2d");
    context.clearRect(0, 0, this.stage.size.width, this.stage.size.height);
    const painter = new CanvasPainter(context);
    this.drawFocused(painter);
    if (path) drawOutline(painter, this.geometry[path.side].rect, path.spots);
    this.drawn.overMs = performance.now() - began;
  }

  drawFocused(painter) {
    drawLit(painter, this.geometry, this.lit ?? {});
    if (this.focus) drawFocus(painter, this.graphs, this.geometry, this.focus, this.linkMode !== "none");
  }

  outlined(side, spots) {
    this.drawOver(spots && {side, spots});
  }

  entries() {
    const {graphs, geometry, colouring, most, linkMode} = this;
    return legendEntries({graphs, geometry, colouring, most, what: visible(graphs.what), linkMode, selected: this.counts !== null});
  }

  showWords() {
    this.legend.replaceChildren(legendElement(this.entries(), this.colouring.notes));
    const clearing = {type: "button", text: "Clear selection", on: {click: () => this.clearRows()}};
    this.status.replaceChildren(graphStatus(this), ...(this.counts ? [" ", element("button", clearing)] : []));
  }

  later(what, act) {
    this.waiting ??= new Set();
    if (this.waiting.has(what)) return;
    this.waiting.add(what);
    requestAnimationFrame(() => {
      this.waiting.delete(what);
      act();
    });
  }

  timed(act) {
    const began = performance.now();
    act();
    return performance.now() - began;
  }

  // What programs see.

  screen(side, node) {
    const box = this.stage.element.getBoundingClientRect();
    return [box.left + window.scrollX + this.geometry[side].x[node], box.top + window.scrollY + this.geometry[side].y[node]];
  }
}
