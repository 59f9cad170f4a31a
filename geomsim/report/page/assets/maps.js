// Both spaces side by side: what is chosen, pointed at, searched and selected, drawn on two maps with one zoom.

import {clear, dataText, element} from "./dom.js";
import {look, numberText, shorten, visible} from "./look.js";
import {CanvasPainter} from "./painter.js";
import {registerView} from "./saving.js";
import {POINT_FADED, POINT_HOLLOW, PointRaster, dotRadius} from "./points.js";
import {MapStage} from "./maps_stage.js";
import {colourChoices, mapColours} from "./maps_colours.js";
import {mapLegend, showLegend} from "./maps_legend.js";
import {litRows, markHits, markLit, markOutline} from "./maps_marks.js";
import {mapsCanvas, mapsSvg} from "./maps_picture.js";
import {MapControls} from "./maps_controls.js";
import {drawLinks, linkCounts, linkEnds, linksAsked, linksSaid, linkStyle} from "./links_layer.js";
import {linksByWeight, mountDetails, rowWords} from "./details.js";
import {listenToMap} from "./maps_pointer.js";
import {sameTarget} from "./store.js";
import {cutText} from "./contexts.js";
import {missingNote} from "./missing_note.js";
import {mountSearch} from "./search.js";

const MAPS_REST = 140; // milliseconds without zooming after which it is over
const MAPS_LINKS_MOVING = 1500; // links that are drawn in each frame of a zoom
const MAPS_CLOSE = 6; // how far a search enlarges around its hits

/** The linked maps. */
export async function mountMaps(section, app) {
  const { manifest } = app.data;
  if (!manifest.pairs.length || app.opened === null) {
    const text = manifest.missing.maps ?? "There are no maps: the results hold no spaces.";
    section.append(missingNote(text));
    return;
  }
  new LinkedMaps(section, app).start();
}

class LinkedMaps {
  constructor(section, app) {
    this.app = app;
    this.section = section;
    this.stage = new MapStage(() => this.moving());
    this.rasters = {};
    this.times = {};
    this.outline = null;
    this.outside = 0;
    this.inside = { left: 0, right: 0 };
  }

  start() {
    const { app, section, stage } = this, { store } = app;
    this.controls = new MapControls(app, stage);
    this.legend = element("div", { class: "legend maps-legend", role: "group", "aria-label": "Colours and marks" });
    this.words = element("div", { class: "maps-words" });
    this.undrawn = element("p", { class: "missing", hidden: true });
    this.drawn = element("div", {}, this.controls.node, stage.node, this.legend, this.controls.said, this.words);
    const details = element("div", { class: "details" });
    const search = element("div", { class: "controls maps-first" }, this.controls.pairSelect);
    section.append(search, this.undrawn, this.drawn, details);
    for (const side of ["left", "right"]) listenToMap(this, side);
    mountSearch(search, app, (side, row) => this.arrive(side, row));
    mountDetails(details, app);
    stage.short.button.addEventListener("click", () => mapsDetails(details.firstChild));
    this.open();
    store.on(["pair"], () => this.open());
    store.on(["colour"], () => this.recolour());
    store.on(["theme"], () => this.recolour());
    store.on(["selection"], () => this.later());
    store.on(["links"], () => this.later());
    store.on(["hits"], () => {
      this.centre();
      this.later();
    });
    store.on(["hover", "pinned"], () => this.point());
    new ResizeObserver(() => this.pair?.drawn && stage.measure() && this.draw()).observe(stage.node);
    registerView(app, { id: "maps", title: "Both spaces, side by side", svg: async () => mapsSvg(this.shown()),
      canvas: async () => mapsCanvas(this.shown()) });
    app.report("maps", () => this.report());
    app.hook("maps", {
      screen: (side, row) => this.screen(side, row),
      fit: (side, rows) => stage.fit(mapsPlaces(this.pair, { left: [], right: [], [side]: rows }), MAPS_CLOSE),
      reset: () => stage.reset(),
      zoomBy: (factor) => stage.zoomBy(factor),
      redraw: () => this.draw(),
    });
  }

  get pair() {
    return this.app.opened;
  }

  /** The chosen pair, from the beginning. */
  open() {
    const { pair, stage } = this;
    this.lit = [];
    const drawn = Boolean(pair?.drawn);
    this.drawn.hidden = !drawn;
    this.undrawn.hidden = drawn;
    this.section.parentElement.querySelector(".view-tools").hidden = !drawn;
    this.controls.choose(this.app.store.state.pair);
    if (!drawn) {
      this.colours = null;
      const why = this.app.data.manifest.missing.maps ?? "This pair has no map: a layout of both spaces is needed.";
      this.undrawn.replaceChildren(...missingNote(why).childNodes);
      return;
    }
    stage.show(pair);
    this.choices = colourChoices(pair);
    this.controls.offerColours(this.choices, this.colourKey());
    for (const side of ["left", "right"]) {
      const panel = stage.panels[side];
      clear(panel.title).append(dataText(cutText(pair[side].name, 80)),
        element("span", { class: "maps-count", text: mapsCount(pair[side]) }));
      panel.title.title = visible(pair[side].name);
      this.rasters[side] = new PointRaster(panel.context);
    }
    this.tellLayouts();
    stage.measure();
    this.recolour();
  }

  /** The colour that is asked for, where this pair has it. */
  colourKey() {
    const { colour } = this.app.store.state;
    return this.choices.some(([key]) => key === colour) ? colour : this.choices[0][0];
  }

  recolour() {
    if (!this.pair?.drawn) return;
    const key = this.colourKey();
    this.colours = mapColours(this.pair, key, look());
    this.controls.colourChosen(key);
    for (const side of ["left", "right"]) {
      const { n } = this.pair[side], alone = this.colours.unpaired[side], { canvas } = this.stage.panels[side];
      canvas.setAttribute("aria-label",
        `Map of ${this.pair[side].name.slice(0, 80)}, the ${side} space: ${mapsCount(this.pair[side])}, coloured by ${key}. `
        + (this.pair.links ? `${(n - alone).toLocaleString("en-US")} have a partner on the other side. ` : "")
        + "Arrow keys move from point to point, Enter pins, Escape clears, plus, minus and 0 zoom.");
    }
    this.draw();
  }

  /** Zooming: very many links are drawn when it rests, so that the points follow the hand. */
  moving() {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      this.resting = 0;
      if (this.linksWait) this.later();
    }, MAPS_REST);
    this.later();
  }

  later() {
    this.waiting ||= requestAnimationFrame(() => this.draw());
  }

  /** Everything, from the points up. */
  draw() {
    cancelAnimationFrame(this.waiting);
    this.waiting = 0;
    const { pair, stage, colours } = this, { state } = this.app.store;
    if (!pair?.drawn || !stage.width || !colours) return;
    const began = performance.now(), theme = look(), { place } = stage;
    for (const side of ["left", "right"]) {
      this.inside[side] = this.rasters[side].draw(pair[side], place, {
        colours: colours[side].colours, kinds: this.kinds(side), paper: theme.paper,
        radius: dotRadius(pair[side].n, stage.zoomed.k), ratio: stage.ratio,
      });
    }
    this.times.points = performance.now() - began;
    this.drawLinks(theme);
    showLegend(this.legend, this.legendNow(), theme);
    this.point();
    this.times.draw = performance.now() - began;
  }

  /** Hollow and faded or not, for each point of a side. */
  kinds(side) {
    const { hollow } = this.colours[side], { selection } = this.app.store.state;
    if (!selection) return hollow;
    return hollow.map((one, row) => (one ? POINT_HOLLOW : 0) + (selection[side][row] ? 0 : POINT_FADED));
  }

  drawLinks(theme) {
    const { pair, stage, app } = this, { links: mode, selection, hits } = app.store.state;
    this.asked = linksAsked(pair.links, mode, selection);
    this.linksWait = this.resting > 0 && this.asked.length > MAPS_LINKS_MOVING;
    const ends = this.linksWait ? new Float32Array(0) : linkEnds(stage, pair, this.asked);
    this.linesDrawn = ends.length / 4;
    this.style = linkStyle(mode, this.linesDrawn, theme);
    drawLinks(stage.sheet("links"), ends, this.style);
    const over = new CanvasPainter(stage.sheet("hits"));
    this.hitsSeen = hits ? markHits(over, stage, pair, hits, theme) : 0;
    this.controls.tellLinks(mode, linkCounts(pair.links, selection),
      this.linksWait ? "Links are drawn again when the maps rest." : linksSaid(mode, this.asked.length, this.linesDrawn));
  }

  /** The upper sheet: what is pinned and pointed at, and the outline in the making. */
  point() {
    const { pair, stage, app } = this, { hover, pinned } = app.store.state;
    if (!pair?.drawn || !stage.width) return;
    const began = performance.now(), theme = look(), context = stage.sheet("pointer"), painter = new CanvasPainter(context);
    this.outside = 0;
    this.lit = [pinned, hover].filter((target, place) => target && !(place === 0 && sameTarget(hover, pinned)))
      .map((target) => litRows(app, target));
    for (const lit of this.lit) this.outside += markLit(painter, stage, pair, lit, theme, lit.target === pinned);
    if (this.outline) markOutline(context, stage.panels[this.outline.side], this.outline.path, theme);
    this.controls.tellOutside(this.outside);
    mapsShort(this, hover ?? pinned);
    this.times.hover = performance.now() - began;
  }

  /** Moves the view where a row is outside it. */
  reveal(side, row) {
    if (!this.stage.spot(side, this.pair[side], row).seen) this.arrive(side, row);
  }

  /** Brings a row and its partners into the middle. */
  arrive(side, row) {
    if (!this.pair?.drawn) return;
    const { left, right } = litRows(this.app, { type: "row", side, row });
    this.stage.fit(mapsPlaces(this.pair, { left, right }), Math.max(MAPS_CLOSE, this.stage.zoomed.k));
  }

  /** Both sides centre on what a search found. */
  centre() {
    const { hits } = this.app.store.state;
    if (!this.pair?.drawn || !hits || !(hits.left.length + hits.right.length)) return;
    this.stage.fit(mapsPlaces(this.pair, hits), MAPS_CLOSE);
  }

  tellLayouts() {
    const { pair } = this;
    clear(this.words).append(
      element("p", {}, "Left: ", dataText(pair.left.layout || "layout as given"),
        ". Right: ", dataText(pair.right.layout || "layout as given"), pair.alignment ? ". " : ".", pair.alignment ? dataText(pair.alignment) : ""),
      element("p", { text: "Both maps have the same scale. Such a map keeps near neighbours; distances between groups that lie "
        + "far apart mean little." }));
  }

  legendNow() {
    const { selection, hits, links } = this.app.store.state;
    return mapLegend(this.pair, this.colours, { selection, hits, linkMode: links, linesDrawn: this.linesDrawn, linkStyle: this.style });
  }

  screen(side, row) {
    const { x, y } = this.stage.spot(side, this.pair[side], row);
    const box = this.stage.node.getBoundingClientRect();
    return [x + box.left + window.scrollX, y + box.top + window.scrollY];
  }

  /** What a saved picture needs. */
  shown() {
    const { state } = this.app.store, theme = look();
    return { stage: this.stage, pair: this.pair, colours: this.colours, hits: state.hits, pinned: state.pinned, lit: this.lit,
      kinds: { left: this.kinds("left"), right: this.kinds("right") }, links: this.asked, linkStyle: this.style,
      legend: { ...this.legendNow(), ringed: this.lit.length > 0 }, theme };
  }

  report() {
    const { pair, stage, colours } = this, { state } = this.app.store;
    if (!pair?.drawn || !colours) return { drawn: false, pair: pair?.name ?? null };
    const legend = this.legendNow();
    return {
      drawn: true, pair: pair.name, domain: stage.domain, zoom: { k: stage.zoomed.k, x: stage.zoomed.x, y: stage.zoomed.y },
      width: stage.width, height: stage.height, stacked: stage.node.classList.contains("stacked"), mode: stage.mode,
      points: { left: pair.left.n, right: pair.right.n }, inside: { ...this.inside }, unpaired: { ...colours.unpaired },
      colour: colours.column.name, choices: this.choices.map(([key]) => key), outside: this.outside, hitsSeen: this.hitsSeen,
      legend: { ...legend, numbers: legend.numbers && [legend.numbers.low, legend.numbers.high] },
      links: { mode: state.links, asked: this.asked.length, drawn: this.linesDrawn, waiting: this.linksWait, style: this.style,
        said: this.controls.said.textContent },
      lit: this.lit.map(({ target, left, right, links }) => ({ target, left: [...left], right: [...right], links: [...links] })),
      times: { ...this.times },
    };
  }
}

// Where the maps stand above each other the details are far below: a line between them names what was touched.
function mapsShort({ app, pair, stage: { short } }, target) {
  const known = target && target.type !== "node", links = known ? linksByWeight(app, target) : [], [link] = links;
  short.button.hidden = !known;
  clear(short.words).append(known ? "" : "Tap a point to read its pair here.");
  short.weight.textContent = "";
  if (!known) return;
  const ends = link === undefined ? { [target.side]: target.row } : { left: pair.links.left[link], right: pair.links.right[link] };
  const [left, right] = ["left", "right"].map((side) =>
    (ends[side] === undefined ? "no partner" : dataText(rowWords(pair[side], ends[side]))));
  short.words.append(left, " \u2013 ", right);
  const { weight, weightName } = pair.links ?? {};
  const more = links.length > 1 ? `, ${links.length - 1} more` : "";
  short.weight.textContent = link !== undefined && weight ? `${shorten(visible(weightName), 14)} ${numberText(weight[link])}${more}` : more.slice(2);
}

function mapsDetails(panel) {
  panel.scrollIntoView({ block: "center" });
  panel.focus({ preventScroll: true });
}

function mapsCount(side) {
  return `${side.n.toLocaleString("en-US")} ${side.n === 1 ? side.what : `${side.what}s`}`;
}

function mapsPlaces(pair, rows) {
  return ["left", "right"].flatMap((side) => Array.from(rows[side], (row) => [pair[side].x[row], pair[side].y[row]]));
}
