// What one node is: its labels and numbers, its partners on the other side, and the rows that they share as text.

import {contextView, cutText} from "./contexts.js";
import {clear, element} from "./dom.js";
import {closestCells, otherSide, sharedRows} from "./graph_links.js";
import {countsRows} from "./graph_colours.js";
import {percentText} from "./graph_overlay.js";
import {numberText, shorten, visible} from "./look.js";

const FIRST_TEXTS = 20;
const TOGETHER = 400; // rows that are written at a time
const FIRST_PARTNERS = 8;
const WAYS = 9; // nodes that are offered to begin with
const SHORT = 60; // characters
const PINNING = "Click the node, or press Enter, to pin it and to read its rows.";

/** The panel below the graphs. `act`: choose(partner | null), select(rows), release(), pin(side, node, partner | null). */
export class GraphDetails {
  constructor(app, act) {
    this.app = app;
    this.act = act;
    this.node = element("div", {class: "graphs-node"});
    this.texts = element("div", {class: "graphs-texts"});
    const region = {class: "graphs-details", role: "region", tabindex: "0", "aria-label": "About the node"};
    this.element = element("div", region, this.node, this.texts);
    this.asked = 0;
  }

  /** Show a node (null: how to choose one); `pinned` says that it stays. */
  show(graphs, totals, focus, pinned) {
    const content = {graphs, side: focus?.side, node: focus?.node, pinned};
    // What stands there already stays: a button that is replaced while it is pressed is never clicked.
    if (!this.content || Object.keys(content).some((part) => content[part] !== this.content[part])) {
      this.content = content;
      const held = this.node.contains(document.activeElement);
      this.node.replaceChildren(...this.parts(graphs, totals, focus, pinned));
      // A button that has done its work is gone; the keyboard stays in the panel.
      if (held) this.element.focus({preventScroll: true});
    }
    for (const [node, button] of this.offered) button.setAttribute("aria-pressed", String(node === focus.chosen));
  }

  parts(graphs, totals, focus, pinned) {
    this.offered = new Map();
    if (!focus) return [element("p", {class: "note", text: nodeDetailAdvice(graphs)}), this.waysIn(graphs, totals)];
    const {side, node} = focus;
    const graph = graphs[side];
    return [
      element("h3", {}, nodeDetailSide(graphs, side), nodeDetailText(graph.nameOf(node))),
      nodeDetailFacts(graphs, graph, node),
      nodeDetailLabels(graph, node),
      pinned && this.buttons(graphs, focus),
      this.partnerList(graphs, focus, pinned),
    ].filter(Boolean);
  }

  /** Where to begin: the nodes that belong together most closely, or the largest. */
  waysIn(graphs, totals) {
    this.ways ??= new Map();
    if (!this.ways.has(graphs)) this.ways.set(graphs, nodeDetailWays(graphs, totals));
    const {title, ways} = this.ways.get(graphs);
    if (!ways.length) return "";
    const item = ({side, node, partner, facts}) => {
      const names = [nodeDetailShort(nodeDetailTitle(graphs[side], node))];
      if (partner !== null) names.push(" ↔ ", nodeDetailShort(nodeDetailTitle(graphs.right, partner)));
      const button = element("button", {type: "button", class: "graphs-partner", on: {click: () => this.act.pin(side, node, partner)}}, names);
      return element("li", {class: "graphs-way"}, button, element("span", {class: "graphs-partner-facts", text: facts}));
    };
    return element("div", {}, element("h4", {text: title}), element("ul", {class: "graphs-partners"}, ways.map(item)));
  }

  buttons(graphs, {side, node}) {
    const {sizes} = graphs[side];
    const select = {type: "button", text: `Select its ${countText(sizes[node], graphs.what)}`};
    return element("p", {class: "graphs-buttons"},
      element("button", {...select, on: {click: () => this.act.select(Array.from(graphs[side].members(node)))}}),
      element("button", {type: "button", text: "Release", on: {click: () => this.act.release()}}));
  }

  partnerList(graphs, {side, partners}, pinned) {
    if (!graphs.right) return pinned ? null : element("p", {class: "note", text: PINNING});
    const other = otherSide(side);
    if (!partners.length) {
      const why = graphs.plan ? "The plan moves none of its mass: it has no partner." : "There is no plan between these graphs, so nodes have no partners.";
      return element("p", {class: "note", text: why});
    }
    const item = ({node, share, shared, jaccard}) => {
      const name = [nodeDetailShort(graphs[other].nameOf(node)), ...nodeDetailFirst(graphs[other], node)];
      // A balanced plan must send all mass somewhere; what shares nothing is no correspondence, only what was left over.
      const facts = shared
        ? `${percentText(share)} of its mass, ${countText(shared, graphs.what)} shared, Jaccard ${numberText(jaccard)}`
        : `${percentText(share)} of its mass, left over: no ${graphs.what} shared`;
      const press = {type: "button", class: "graphs-partner", on: {click: () => this.act.choose(node)}};
      const head = pinned ? element("button", press, name) : element("span", {class: "graphs-partner"}, name);
      if (pinned) this.offered.set(node, head);
      const bar = element("span", {class: "graphs-bar", "aria-hidden": "true"}, element("span", {}));
      bar.firstChild.style.width = `${100 * share}%`;
      return element("li", {}, head, bar, element("span", {class: "graphs-partner-facts", text: facts}));
    };
    const most = pinned ? Infinity : FIRST_PARTNERS;
    const rest = partners.length - most;
    const more = !pinned && element("p", {class: "note", text: `${rest > 0 ? `And ${rest} more. ` : ""}${PINNING}`});
    const title = `${partners.length === 1 ? "Partner" : `${partners.length} partners`} on the ${other}, by mass`;
    return element("div", {}, element("h4", {text: title}), element("ol", {class: "graphs-partners"}, partners.slice(0, most).map(item)), more);
  }

  /** The rows that a pinned node shares with its chosen partner (all rows where it has none), as text. */
  async showTexts(graphs, focus) {
    const asked = ++this.asked;
    this.shown = null;
    this.element.classList.toggle("graphs-pinned", focus !== null);
    if (!focus) {
      clear(this.texts);
      return;
    }
    const {side, node, chosen} = focus;
    const pair = graphs.pair === null ? null : await this.app.data.pair(graphs.pair);
    const rows = nodeDetailSorted(sharedRows(graphs, side, node, chosen), pair);
    const list = element("ol", {class: "graphs-rows"});
    await this.fill(list, graphs, pair, rows.slice(0, FIRST_TEXTS));
    if (asked !== this.asked) return;
    const left = rows.length - FIRST_TEXTS;
    const all = left > 0 && element("button", {type: "button", text: `Show all ${rows.length}`, on: {click: async () => {
      all.remove();
      await this.fill(list, graphs, pair, rows.slice(FIRST_TEXTS));
      this.shown = {...this.shown, count: rows.length};
    }}});
    const title = chosen === null
      ? element("h3", {}, `${countText(rows.length, graphs.what)} of ${nodeDetailSide(graphs, side)}`, nodeDetailText(graphs[side].nameOf(node)))
      : element("h3", {}, `${countText(rows.length, graphs.what)} shared by ${side} `, nodeDetailText(graphs[side].nameOf(node)),
        ` and ${otherSide(side)} `, nodeDetailText(graphs[otherSide(side)].nameOf(chosen)));
    this.texts.replaceChildren(title, ...nodeDetailTextNote(graphs, pair), list, ...(all ? [all] : []));
    this.shown = {rows, count: Math.min(rows.length, FIRST_TEXTS)};
  }

  async fill(list, graphs, pair, rows) {
    for (let first = 0; first < rows.length; first += TOGETHER) {
      const part = rows.slice(first, first + TOGETHER);
      const texts = await Promise.all(part.map((row) => nodeDetailTexts(graphs, pair, row)));
      list.append(...part.map((row, place) => element("li", {}, nodeDetailRow(graphs, pair, row), texts[place])));
      // Thousands of rows must not keep the page from answering.
      if (first + TOGETHER < rows.length) await new Promise((done) => { setTimeout(done); });
    }
  }
}

function nodeDetailWays(graphs, totals) {
  const closest = closestCells(graphs, totals, WAYS);
  if (closest.length) {
    const ways = closest.map(({left, right, shared, jaccard}) => ({
      side: "left", node: left, partner: right, facts: `${countText(shared, graphs.what)} shared, Jaccard ${numberText(jaccard)}`,
    }));
    return {title: "Nodes that bring the graphs closest (mass times Jaccard)", ways};
  }
  const {sizes} = graphs.left;
  const largest = d3.range(graphs.left.n).sort((one, other) => sizes[other] - sizes[one] || one - other).slice(0, WAYS);
  const ways = largest.map((node) => ({side: "left", node, partner: null, facts: countText(sizes[node], graphs.what)}));
  return {title: graphs.right ? "The largest nodes on the left" : "The largest nodes", ways};
}

function nodeDetailTitle(graph, node) {
  return graph.labelsOf(node)[0] ?? graph.nameOf(node);
}

/** So many rows in words: "1 pair", "12 tokens". */
export function countText(count, what) {
  return `${numberText(count)} ${visible(what)}${count === 1 ? "" : "s"}`;
}

/** Text of the data, short, with the whole of it to open where it was cut. */
function nodeDetailText(text, length = SHORT) {
  const shown = visible(text);
  const short = shorten(shown, length);
  if (short === shown) return element("bdi", {text: shown});
  const whole = element("div", {class: "graphs-whole", tabindex: "0", role: "region", "aria-label": "The whole text"}, element("bdi", {text: shown}));
  const says = ` (all ${numberText(text.length)} characters)`;
  return element("details", {class: "graphs-long"}, element("summary", {}, element("bdi", {text: short}), says), whole);
}

/** Text of the data in a button: cut, for the whole of it is shown elsewhere. */
function nodeDetailShort(text) {
  return element("bdi", {text: shorten(visible(text), 28)});
}

function nodeDetailSide(graphs, side) {
  return graphs.right ? `${side} ` : "";
}

function nodeDetailFacts(graphs, graph, node) {
  const facts = graph.columns.filter((column) => !countsRows(column, graph)).map((column) => {
    const value = column.values[node];
    const text = column.kind === "number" ? numberText(value) : column.categories[value] ?? "none";
    return element("div", {}, element("dt", {}, nodeDetailText(column.name)), element("dd", {}, nodeDetailText(text)));
  });
  return element("dl", {class: "facts graphs-facts"}, element("div", {},
    element("dt", {text: "holds"}), element("dd", {text: countText(graph.sizes[node], graphs.what)})), facts);
}

function nodeDetailLabels(graph, node) {
  const labels = graph.labelsOf(node);
  if (!labels.length) return null;
  return element("ul", {class: "graphs-labels", "aria-label": "Labels"}, labels.map((label) => element("li", {}, nodeDetailText(label))));
}

function nodeDetailFirst(graph, node) {
  const [label] = graph.labelsOf(node);
  return label === undefined ? [] : [" ", element("bdi", {class: "graphs-first-label", text: shorten(visible(label), 28)})];
}

function nodeDetailSorted(rows, pair) {
  const weight = pair?.links?.weight;
  return weight ? rows.sort((one, other) => weight[other] - weight[one] || one - other) : rows;
}

function nodeDetailTextNote(graphs, pair) {
  if (graphs.hasTexts || pair?.left.hasTokens || pair?.right.hasTokens) return [];
  return [element("p", {class: "note", text: "The results hold no texts of these rows."})];
}

/** What a row is: a link with the names and top tokens of both ends, or its number. */
function nodeDetailRow(graphs, pair, row) {
  if (!pair?.links) return element("span", {class: "graphs-row", text: `${visible(graphs.what)} ${row}`});
  const {links} = pair;
  const ends = [["left", links.left[row]], ["right", links.right[row]]].map(([side, end]) => {
    const tokens = pair[side].tokensOf(end).slice(0, 4).map((token) => element("bdi", {class: "token", text: cutText(token, 24)}));
    return element("span", {class: `graphs-end graphs-end-${side}`}, nodeDetailText(pair[side].nameOf(end)), tokens);
  });
  const weight = links.weight && !Number.isNaN(links.weight[row]) && ` ${links.weightName} ${numberText(links.weight[row])}`;
  return element("span", {class: "graphs-row"}, ends[0], element("span", {text: " ↔ "}), ends[1], weight && element("span", {class: "graphs-weight", text: weight}));
}

/** Where both ends of a link are strongest, one place each; else the text that the row has by itself. */
async function nodeDetailTexts(graphs, pair, row) {
  if (!pair?.links || !(pair.left.hasContexts || pair.right.hasContexts)) return nodeDetailContent(await graphs.textOf(row));
  const ends = [["left", pair.links.left[row]], ["right", pair.links.right[row]]];
  return Promise.all(ends.map(async ([side, end]) => {
    const [strongest] = await pair[side].contextsOf(end);
    return strongest && element("div", {class: `graphs-end graphs-end-${side}`}, contextView(strongest));
  }));
}

function nodeDetailContent(text) {
  if (text === null || text === undefined) return null;
  return typeof text === "string" ? element("p", {class: "graphs-text"}, nodeDetailText(text, 300)) : contextView(text);
}

function nodeDetailAdvice(graphs) {
  const partners = graphs.right && graphs.plan ? " and its partners on the other side" : "";
  return `Point at a node to see what it holds${partners}.`;
}
