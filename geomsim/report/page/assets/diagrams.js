// Persistence diagrams: a point for each bar, by birth and death, with the certificate line.

import {missingNote} from "./missing_note.js";
import {announce, element, svgElement} from "./dom.js";
import {look, numberText, shorten, visible} from "./look.js";
import {registerView} from "./saving.js";

const MOST = 3000; // points of a diagram that are drawn: the longest
const LISTED = 10;
const REACH_OF_BAR = 18; // pixels
const BEYOND = 26; // pixels above the axis for bars that never die
const DIAGRAM_NARROW = 440; // pixels
const FRAME = {top: 14, right: 14, bottom: 44, left: 56};
const HOLES = ["component", "loop", "void"];

/** Put the view into its section. */
export async function mountDiagrams(section, app) {
  const {manifest} = app.data;
  app.report("diagrams", () => null);
  if (!manifest.diagrams.length) {
    section.append(missingNote(manifest.missing.diagrams ?? "There are no persistence diagrams."));
    return;
  }
  const panels = manifest.diagrams.map((diagram) => new DiagramPanel(diagram));
  section.append(element("div", {class: "diagrams-grid"}, panels.map((panel) => panel.element)));
  for (const panel of panels) panel.draw();
  app.store.on(["theme"], () => panels.forEach((panel) => panel.draw()));
  app.report("diagrams", () => panels.map((panel) => panel.report()));
  app.hook("diagrams", {screen: (panel, bar) => panels[panel].screen(bar)});
  registerView(app, {id: "diagrams", title: "Persistence diagrams", svg: async () => diagramsSvg(panels)});
}

class DiagramPanel {
  constructor(diagram) {
    this.diagram = diagram;
    this.word = HOLES[diagram.dimension] ?? `hole of dimension ${diagram.dimension}`;
    this.bars = diagramBars(diagram);
    this.shown = this.bars.slice(0, MOST);
    this.pointed = null;
    this.field = element("div", {
      class: "diagrams-field", role: "application", tabindex: "0", "aria-label": this.label(),
      on: {
        pointermove: (event) => this.hover(event), pointerleave: () => this.point(null), click: (event) => this.hover(event),
        keydown: (event) => this.key(event), blur: () => this.point(null),
      },
    });
    this.said = element("p", {class: "diagrams-said", text: this.advice()});
    this.element = element("figure", {class: "diagrams-panel"},
      element("h3", {}, element("bdi", {text: shorten(visible(diagram.name), 80)})),
      this.field, this.said, element("figcaption", {}, element("bdi", {text: diagram.sentence})), this.table());
    new ResizeObserver(() => this.field.clientWidth !== this.width && this.draw()).observe(this.field);
  }

  label() {
    const never = this.bars.filter(({death}) => death === Infinity).length;
    return `Persistence diagram of ${shorten(visible(this.diagram.name), 80)}: ${diagramCount(this.bars.length, this.word)}`
      + `${never ? `, ${never} of them without end` : ""}. Arrow keys go from the longest to shorter ones.`;
  }

  advice() {
    const left = this.bars.length - this.shown.length;
    const rest = left ? ` Drawn are the ${numberText(MOST)} longest; ${numberText(left)} shorter ones are not.` : "";
    const point = this.bars.length ? `Point at a ${this.word} for its numbers.` : `There are no ${this.word}s.`;
    return `${point}${rest}`;
  }

  /** The length above which a bar is certain: four covering radii; null where that says nothing. */
  get certificate() {
    const {radius, certified} = this.diagram;
    return certified && radius > 0 ? 4 * radius : null;
  }

  draw() {
    const width = this.field.clientWidth;
    if (!width) return;
    this.width = width;
    this.tree = null;
    const theme = look();
    const height = Math.round(Math.min(width * 0.85, 400));
    this.height = height;
    const svg = svgElement("svg", {
      width, height, viewBox: `0 0 ${width} ${height}`, "font-family": "system-ui, sans-serif", "font-size": 12, "aria-hidden": "true",
    });
    this.scales(width, height);
    this.drawAxes(svg, theme);
    this.drawLines(svg, theme);
    for (const bar of this.shown.toReversed()) svg.append(this.mark(bar, theme));
    this.drawKey(svg, theme);
    this.ring = svg.appendChild(svgElement("circle", {r: 9, fill: "none", stroke: theme.ink, "stroke-width": 2.5, visibility: "hidden"}));
    this.field.replaceChildren(svg);
    this.svg = svg;
    this.point(this.pointed, false);
  }

  scales(width, height) {
    const ends = this.bars.flatMap(({birth, death}) => [birth, death]).filter(Number.isFinite);
    const farthest = d3.max(ends) ?? 0;
    const least = d3.min(ends) ?? 0;
    // The line is shown where that does not make the picture more than twice as large.
    const line = this.certificate && this.certificate < 2 * farthest ? 1.05 * this.certificate : 0;
    // Bars that all begin late would share a corner of the picture; the axes say where they begin.
    this.late = !line && least > 0.3 * farthest;
    const low = this.late ? least - 0.08 * (farthest - least) : Math.min(0, least);
    const high = Math.max(farthest, line) || 1;
    this.domain = [low, low + (high - low) * 1.04];
    const endless = this.bars.some(({death}) => death === Infinity);
    this.top = FRAME.top + (endless ? BEYOND : 0);
    this.x = d3.scaleLinear(this.domain, [FRAME.left, width - FRAME.right]);
    this.y = d3.scaleLinear(this.domain, [height - FRAME.bottom, this.top]);
    this.endless = endless ? FRAME.top + 6 : null;
  }

  place({birth, death}) {
    return [this.x(birth), death === Infinity ? this.endless : this.y(death)];
  }

  drawAxes(svg, theme) {
    const axis = (make, scale, x, y) => {
      const group = svg.appendChild(svgElement("g", {transform: `translate(${x},${y})`, color: theme.quiet}));
      d3.select(group).call(make(scale).ticks(5).tickSizeOuter(0)).attr("font-size", 12).attr("font-family", null);
    };
    axis(d3.axisBottom, this.x, 0, this.height - FRAME.bottom);
    axis(d3.axisLeft, this.y, FRAME.left, 0);
    const middle = (this.top + this.height - FRAME.bottom) / 2;
    const name = (text, attributes) => svg.append(svgElement("text", {text, fill: theme.ink, "text-anchor": "middle", ...attributes}));
    const from = this.late ? `; both axes begin at ${numberText(this.domain[0])}` : "";
    name(`birth (distance${from})`, {x: (FRAME.left + this.width - FRAME.right) / 2, y: this.height - 8});
    name("death (distance)", {x: -middle, y: 14, transform: "rotate(-90)"});
  }

  drawLines(svg, theme) {
    const [low, high] = this.domain;
    const line = (from, to, attributes) => {
      const [[x1, y1], [x2, y2]] = [from, to];
      svg.append(svgElement("line", {x1, y1, x2, y2, ...attributes}));
    };
    const spot = (birth, death) => [this.x(birth), this.y(death)];
    line(spot(low, low), spot(high, high), {stroke: theme.quiet, "stroke-width": 1});
    const {certificate} = this;
    if (certificate && certificate < high - low) {
      line(spot(low, low + certificate), spot(high - certificate, high), {stroke: theme.bars[1], "stroke-width": 2, "stroke-dasharray": "6 4"});
    }
    if (this.endless === null) return;
    const end = this.width - FRAME.right;
    line([FRAME.left, this.endless], [end, this.endless], {stroke: theme.line, "stroke-width": 1});
    svg.append(svgElement("text", {text: "never dies", x: end, y: this.endless + 15, fill: theme.ink, "text-anchor": "end"}));
  }

  mark(bar, theme) {
    const [cx, cy] = this.place(bar);
    return diagramMark(cx, cy, bar.certified, theme);
  }

  /** What the marks mean, in the corner below the diagonal, where no bar can be. */
  drawKey(svg, theme) {
    const {certificate} = this;
    const known = this.diagram.certified !== null;
    const lines = [];
    if (known && this.bars.some(({certified}) => certified)) lines.push([`${this.word}, certain`, (x, y) => diagramMark(x, y, true, theme)]);
    if (known && this.bars.some(({certified}) => !certified)) lines.push([`${this.word}, not certain`, (x, y) => diagramMark(x, y, false, theme)]);
    const stroke = (attributes) => (x, y) => svgElement("line", {x1: x - 12, x2: x + 12, y1: y, y2: y, ...attributes});
    if (certificate) {
      const far = certificate >= this.domain[1] - this.domain[0] ? ", beyond the picture" : "";
      const words = `the certificate, length ${numberText(certificate)}`;
      // Beside each other they would lie over the axis of a narrow picture.
      const narrow = far && this.width < DIAGRAM_NARROW;
      lines.push([narrow ? words : `${words}${far}`, stroke({stroke: theme.bars[1], "stroke-width": 2, "stroke-dasharray": "6 4"})]);
      if (narrow) lines.push(["beyond the picture", () => ""]);
    }
    lines.push(["the diagonal, length 0", stroke({stroke: theme.quiet})]);
    lines.reverse().forEach(([text, mark], place) => {
      const y = this.height - FRAME.bottom - 16 - 18 * place;
      const x = this.width - FRAME.right - 16;
      svg.append(mark(x, y), svgElement("text", {text, x: x - 18, y: y + 4, fill: theme.ink, "text-anchor": "end"}));
    });
  }

  hover(event) {
    const box = this.field.getBoundingClientRect();
    const places = (this.places ??= new Map());
    this.tree ??= d3.quadtree(this.shown, (bar) => places.set(bar, this.place(bar)).get(bar)[0], (bar) => this.place(bar)[1]);
    this.point(this.tree.find(event.clientX - box.left, event.clientY - box.top, REACH_OF_BAR) ?? null);
  }

  key(event) {
    const steps = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1};
    const last = this.shown.length - 1;
    const now = this.pointed === null ? null : this.shown.indexOf(this.pointed);
    let next;
    if (event.key in steps) next = now === null ? 0 : Math.min(last, Math.max(0, now + steps[event.key]));
    else if (event.key === "Home") next = 0;
    else if (event.key === "End") next = last;
    else if (event.key === "Escape") return this.point(null);
    else return undefined;
    event.preventDefault();
    this.point(this.shown[next] ?? null);
    return announce(this.said.textContent);
  }

  point(bar) {
    this.pointed = bar;
    this.said.textContent = bar ? this.sentence(bar) : this.advice();
    if (!this.ring) return;
    this.ring.setAttribute("visibility", bar ? "visible" : "hidden");
    if (!bar) return;
    const [x, y] = this.place(bar);
    this.ring.setAttribute("cx", x);
    this.ring.setAttribute("cy", y);
  }

  sentence({rank, birth, death, length, certified}) {
    const known = this.diagram.certified === null ? "" : certified ? "; certain" : "; not certain";
    const end = death === Infinity ? "never dies" : `death ${numberText(death)}, length ${numberText(length)}`;
    return `${this.word} ${rank} of ${numberText(this.bars.length)} by length: birth ${numberText(birth)}, ${end}${known}`;
  }

  table() {
    if (!this.bars.length) return null;
    const known = this.diagram.certified !== null;
    const head = ["", "birth", "death", "length", ...(known ? ["certain"] : [])];
    const lines = this.bars.slice(0, LISTED).map(({rank, birth, death, length, certified}) => {
      const cells = [numberText(birth), death === Infinity ? "never" : numberText(death), death === Infinity ? "∞" : numberText(length), ...(known ? [certified ? "yes" : "no"] : [])];
      return element("tr", {}, element("th", {scope: "row", text: String(rank)}), cells.map((text) => element("td", {text})));
    });
    const count = Math.min(LISTED, this.bars.length);
    const title = count === 1 ? `The only ${this.word}` : count === this.bars.length ? `All ${diagramCount(count, this.word)}` : `The ${count} longest of ${diagramCount(this.bars.length, this.word)}`;
    return element("details", {}, element("summary", {text: title}),
      element("table", {}, element("thead", {}, element("tr", {}, head.map((text) => element(text ? "th" : "td", {scope: text ? "col" : null, text})))), element("tbody", {}, lines)));
  }

  screen(bar) {
    const box = this.field.getBoundingClientRect();
    const [x, y] = this.place(this.bars[bar]);
    return [box.left + window.scrollX + x, box.top + window.scrollY + y];
  }

  report() {
    const {diagram, bars, shown, certificate, pointed, domain} = this;
    return {
      name: diagram.name, dimension: diagram.dimension, bars: bars.length, drawn: shown.length, domain,
      endless: bars.filter(({death}) => death === Infinity).length, certified: bars.filter(({certified}) => certified).length,
      certificate, certificateDrawn: Boolean(certificate && certificate < domain?.[1] - domain?.[0]),
      pointed: pointed && {...pointed, death: Number.isFinite(pointed.death) ? pointed.death : null, length: Number.isFinite(pointed.length) ? pointed.length : null},
      said: this.said.textContent, sentence: diagram.sentence,
    };
  }
}

/** The bars with what is known of each, longest first. */
function diagramBars({bars, certified}) {
  return d3.range(bars.length / 2)
    .map((bar) => ({bar, birth: bars[2 * bar], death: bars[2 * bar + 1], length: bars[2 * bar + 1] - bars[2 * bar], certified: Boolean(certified?.[bar])}))
    .sort((one, other) => (one.length === other.length ? one.birth - other.birth : other.length - one.length))
    .map((bar, place) => ({...bar, rank: place + 1}));
}

/** Filled with a ring where certain, hollow where not. */
function diagramMark(cx, cy, certain, theme) {
  const colour = theme.bars[0];
  if (!certain) return svgElement("circle", {cx, cy, r: 4, fill: theme.paper, "fill-opacity": 0.6, stroke: colour, "stroke-width": 1.5});
  return svgElement("g", {},
    svgElement("circle", {cx, cy, r: 6.5, fill: theme.paper, stroke: colour, "stroke-width": 1.5}), svgElement("circle", {cx, cy, r: 3.8, fill: colour}));
}

function diagramCount(count, word) {
  return `${numberText(count)} ${word}${count === 1 ? "" : "s"}`;
}

/** All panels on one picture, two in a row. */
function diagramsSvg(panels) {
  const theme = look();
  const [gap, head] = [16, 26];
  const width = Math.max(...panels.map((panel) => panel.width));
  const height = Math.max(...panels.map((panel) => panel.height)) + head;
  const across = Math.min(2, panels.length);
  const size = {width: across * (width + gap) + gap, height: Math.ceil(panels.length / across) * (height + gap) + gap};
  const whole = svgElement("svg", {...size, viewBox: `0 0 ${size.width} ${size.height}`, "font-family": "system-ui, sans-serif"},
    svgElement("rect", {...size, fill: theme.paper}));
  panels.forEach((panel, place) => {
    const [x, y] = [gap + (place % across) * (width + gap), gap + Math.floor(place / across) * (height + gap)];
    const drawn = panel.svg.cloneNode(true);
    for (const [name, value] of Object.entries({x, y: y + head})) drawn.setAttribute(name, value);
    drawn.removeAttribute("aria-hidden");
    const title = shorten(visible(panel.diagram.name), 60);
    whole.append(svgElement("text", {x, y: y + 14, text: title, fill: theme.ink, "font-size": 14, "font-weight": "bold"}), drawn);
  });
  return `${new XMLSerializer().serializeToString(whole)}\n`;
}
