// Everything known of the row that is pointed at, pinned or selected, and of its partner.

import {clear, dataText, element} from "./dom.js";
import {numberText, shorten, visible} from "./look.js";
import {clearSelection, linksOf} from "./selection.js";
import {sameTarget} from "./store.js";
import {saveSelection} from "./saving.js";
import {contextView, contextsKey, cutText} from "./contexts.js";

const DETAILS_PARTNERS = 8;
const DETAILS_TOKENS = 12;
const DETAILS_CONTEXTS = 3;
const DETAILS_PAIRS = 8;
const DETAILS_FIRST = 6; // pairs that are offered while nothing is chosen
const DETAILS_FIRST_TOKENS = 4;
const DETAILS_MOST = 200; // pairs of a selection that are listed when all are asked for

/** The panel under the maps. */
export function mountDetails(container, app) {
  const panel = element("div", { class: "details-panel", role: "region", "aria-label": "Details", tabindex: 0 });
  container.append(panel);
  const view = { app, panel, shown: null, open: { link: null, partners: false, contexts: false }, first: new WeakMap() };
  let asked = 0;
  const later = () => {
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      if (detailsChanged(view)) detailsShow(view);
    });
  };
  app.store.on(["hover", "pinned", "selection", "pair"], later);
  detailsShow(view);
  app.report("details", () => detailsReport(view));
}

/** Links of a target, the strongest first. */
export function linksByWeight(app, target) {
  const links = Array.from(linksOf(app, target)), weight = app.opened?.links?.weight;
  return weight ? links.sort((one, other) => (weight[other] || 0) - (weight[one] || 0) || one - other) : links;
}

/** The word for a row in a sentence: its name, not too long. */
export function rowWords(side, row) {
  return shorten(visible(side.nameOf(row)), 60);
}

// What is to be shown of the state: a row, a pair or a node that is pointed at or pinned, else what is selected.
function detailsContent({ app }) {
  const { hover, pinned, selection } = app.store.state, target = hover ?? pinned;
  return { opened: app.opened, target, pinned: target !== null && sameTarget(target, pinned), selection: target ? null : selection };
}

// What stands there already stays: a button that is replaced while it is pressed is never clicked.
function detailsChanged(view) {
  const content = detailsContent(view), { shown } = view;
  return content.opened !== shown.opened || content.pinned !== shown.pinned || content.selection !== shown.selection
    || !sameTarget(content.target, shown.target);
}

function detailsShow(view) {
  const { app, panel, shown } = view;
  view.shown = detailsContent(view);
  const { target, pinned, selection } = view.shown;
  if (shown?.opened !== app.opened || !sameTarget(shown.target, target)) {
    view.open = { link: null, partners: false, contexts: false };
    panel.scrollTop = 0;
  }
  const held = panel.contains(document.activeElement) ? document.activeElement.dataset.keep : null;
  clear(panel);
  view.showing = null;
  if (!app.opened) return;
  if (target) panel.append(...detailsOfTarget(view, target, pinned));
  else if (selection) panel.append(...detailsOfSelection(view, selection));
  else panel.append(detailsAdvice(app), ...detailsWaysIn(view));
  // A button that has done its work is gone; the keyboard stays in the panel.
  if (held) (panel.querySelector(`[data-keep="${held}"]`) ?? panel).focus();
}

function detailsAdvice(app) {
  const { drawn, left: { what } } = app.opened;
  if (!drawn) {
    const text = `Search for a ${what}: here stand its partner, what it answers to, and where.`;
    return element("p", { class: "details-empty", text });
  }
  return element("p", { class: "details-empty", text:
    `Point at a ${what} of either map, or move there with the arrow keys: here stand its partner, what it answers to, and `
    + "where. A click or Enter pins it; Escape lets it go." });
}

// The strongest pairs, to begin with; made once, for they come back whenever nothing is pointed at.
function detailsWaysIn(view) {
  const { links } = view.app.opened;
  if (!links?.n) return [];
  if (!view.first.has(links)) view.first.set(links, detailsFirstPairs(view));
  return view.first.get(links);
}

function detailsFirstPairs({ app }) {
  const pair = app.opened, { links } = pair;
  const item = (link) => element("li", {},
    element("button", { type: "button", "data-keep": `link-${link}`,
      on: { click: () => app.store.set({ pinned: { type: "link", link }, hover: null }, "details") } },
    detailsPairName(pair, link, null), detailsWeight(pair, link)),
    ["left", "right"].map((side) => {
      const tokens = pair[side].tokensOf(links[side][link]).slice(0, DETAILS_FIRST_TOKENS);
      return tokens.length ? element("p", { class: `details-end details-${side}` },
        tokens.map((text) => element("bdi", { class: "token", text: cutText(text, 24) }))) : null;
    }));
  const title = links.weight ? `The strongest pairs, by ${shorten(visible(links.weightName), 40)}` : "Some of the pairs";
  return [element("h4", { class: "details-first-title" }, dataText(title)),
    element("ul", { class: "details-first" }, detailsFirst(links).map(item))];
}

// One walk over the links: there may be too many of them to sort while the page opens.
function detailsFirst({ n, weight }) {
  const strength = (link) => (weight && !Number.isNaN(weight[link]) ? weight[link] : -Infinity);
  const first = [];
  for (let link = 0; link < n; link += 1) {
    if (first.length === DETAILS_FIRST && strength(link) <= strength(first.at(-1))) continue;
    const place = first.findIndex((other) => strength(link) > strength(other));
    first.splice(place < 0 ? first.length : place, 0, link);
    first.length = Math.min(first.length, DETAILS_FIRST);
  }
  return first;
}

function detailsOfTarget(view, target, pinned) {
  const { app, open } = view, pair = app.opened;
  const links = linksByWeight(app, target);
  const shown = links.includes(open.link) ? open.link : links[0];
  const ends = target.type === "row" ? { [target.side]: target.row } : {};
  if (shown !== undefined) {
    ends.left ??= pair.links.left[shown];
    ends.right ??= pair.links.right[shown];
  }
  view.showing = { target, links, shown: shown ?? null, ...ends };
  const parts = [detailsHead(view, target, links, pinned)];
  if (links.length > 1) parts.push(detailsPartners(view, target, links, shown));
  if (shown !== undefined) parts.push(detailsOfLink(pair, shown));
  const cards = element("div", { class: "details-cards" });
  for (const side of ["left", "right"]) {
    if (ends[side] !== undefined) cards.append(detailsCard(view, side, ends[side]));
    else if (target.type === "row") cards.append(detailsAlone(pair, side, target));
  }
  parts.push(cards);
  if (["left", "right"].some((side) => ends[side] !== undefined && pair[side].hasContexts)) {
    parts.push(element("p", { class: "details-key", text: contextsKey() }));
  }
  return parts;
}

function detailsHead(view, target, links, pinned) {
  const { app } = view, head = element("div", { class: "details-head" });
  const pairs = `${links.length.toLocaleString("en-US")} ${links.length === 1 ? "pair" : "pairs"}`;
  if (target.type === "node") {
    const graph = app.openedGraphs?.[target.side];
    const name = graph ? graph.nameOf(target.node) : `node ${target.node}`;
    head.append(element("p", {}, "Graph: ", dataText(shorten(visible(name), 60)),
      links.length ? `, which holds ${pairs}` : "; its rows are not pairs of these maps"));
  } else if (target.type === "row") {
    const side = app.opened[target.side];
    head.append(element("p", {}, dataText(rowWords(side, target.row)), ` of the ${target.side} space`,
      links.length ? ` has ${links.length === 1 ? "1 partner" : `${links.length.toLocaleString("en-US")} partners`}` : " has no partner"));
  } else head.append(element("p", {}, "Pair: ", detailsPairName(app.opened, target.link, null)));
  if (pinned) {
    head.append(element("button", { type: "button", "data-keep": "unpin", text: "Unpin",
      on: { click: () => app.store.set({ pinned: null, hover: null }, "details") } }));
  }
  return head;
}

// A row's partners, or a node's pairs, to choose the one that is shown.
function detailsPartners(view, target, links, shown) {
  const { app, open } = view, pair = app.opened;
  const many = open.partners ? links : links.slice(0, DETAILS_PARTNERS);
  const other = target.type === "row" && target.side === "right" ? "left" : "right";
  const buttons = many.map((link) => element("button", {
    type: "button", "aria-pressed": String(link === shown), "data-keep": `link-${link}`,
    on: { click: () => detailsOpen(view, { link }) },
  }, detailsPairName(pair, link, target.type === "row" ? other : null), detailsWeight(pair, link)));
  if (many.length < links.length) {
    buttons.push(element("button", { type: "button", class: "quiet", "data-keep": "partners",
      text: `all ${links.length.toLocaleString("en-US")}`, on: { click: () => detailsOpen(view, { partners: true }) } }));
  }
  return element("div", { class: "details-partners", role: "group", "aria-label": "Partners, the strongest first" }, buttons);
}

function detailsPairName(pair, link, side) {
  const name = (which) => dataText(shorten(visible(pair[which].nameOf(pair.links[which][link])), 32));
  return side ? name(side) : element("span", {}, name("left"), " – ", name("right"));
}

function detailsWeight(pair, link) {
  return pair.links.weight ? element("span", { class: "weight", text: ` ${numberText(pair.links.weight[link])}` }) : null;
}

function detailsOfLink(pair, link) {
  const { links } = pair, facts = links.weight ? [[links.weightName, numberText(links.weight[link])]] : [];
  for (const column of links.columns) facts.push([column.name, detailsValue(column, link)]);
  return detailsFacts(facts, "details-link");
}

function detailsFacts(facts, name) {
  return element("dl", { class: `facts ${name}` },
    facts.map(([term, value]) => element("div", {}, element("dt", {}, dataText(term)), element("dd", {}, dataText(value)))));
}

function detailsValue(column, place) {
  const value = column.values[place];
  if (column.kind === "category") return value < 0 ? "none" : cutText(column.categories[value], 60);
  return numberText(value);
}

function detailsCard(view, which, row) {
  const side = view.app.opened[which], name = side.nameOf(row);
  const card = element("section", { class: `details-card details-${which}`, "aria-label": `${which} row` },
    element("p", { class: "details-side" }, which === "left" ? "Left, " : "Right, ", dataText(shorten(visible(side.name), 60))),
    element("h4", {}, dataText(cutText(name, 120))));
  if (name.length > 120) {
    card.append(element("details", {}, element("summary", { text: "The whole name" }), dataText(visible(name))));
  }
  if (side.columns.length) card.append(detailsFacts(side.columns.map((column) => [column.name, detailsValue(column, row)]), "of-row"));
  const tokens = side.tokensOf(row);
  if (tokens.length) card.append(element("h5", { text: "Top tokens" }), detailsTokens(tokens.map((text) => [text, null])));
  if (side.hasContexts) card.append(detailsContexts(view, side, row));
  return card;
}

function detailsAlone(pair, which, target) {
  const side = pair[which];
  return element("section", { class: `details-card details-${which}`, "aria-label": `${which} row` },
    element("p", { class: "details-side" }, which === "left" ? "Left, " : "Right, ", dataText(shorten(visible(side.name), 60))),
    element("p", {}, `No ${side.what} is paired with `, dataText(rowWords(pair[target.side], target.row)), "."));
}

function detailsTokens(tokens) {
  const items = tokens.slice(0, DETAILS_TOKENS).map(([text, count]) =>
    element("li", {}, element("bdi", { class: "token", text: cutText(text, 32) }), count ? ` ${count.toLocaleString("en-US")}` : null));
  const more = tokens.length - items.length;
  if (more) items.push(element("li", { class: "more", text: `and ${more.toLocaleString("en-US")} more` }));
  return element("ul", { class: "tokens" }, items);
}

function detailsContexts(view, side, row) {
  const box = element("div", { class: "contexts" }, element("p", { text: "Reading the texts…" }));
  side.contextsOf(row).then((contexts) => {
    clear(box);
    if (!contexts.length) return box.append(element("p", { text: `No texts are kept for this ${side.what}.` }));
    const shown = view.open.contexts ? contexts : contexts.slice(0, DETAILS_CONTEXTS);
    box.append(element("h5", { text: "In context" }), ...shown.map(contextView));
    if (shown.length < contexts.length) {
      box.append(element("button", { type: "button", class: "quiet", "data-keep": "contexts",
        text: `all ${contexts.length} contexts`, on: { click: () => detailsOpen(view, { contexts: true }) } }));
    }
    return box;
  });
  return box;
}

function detailsOfSelection(view, selection) {
  const { app } = view, pair = app.opened, { counts } = selection;
  const number = (n) => n.toLocaleString("en-US");
  const words = pair.links ? `, ${number(counts.links)} ${counts.links === 1 ? "pair" : "pairs"}` : "";
  view.showing = { selection: counts };
  const head = element("div", { class: "details-head" },
    element("p", { text: `Selected, with their partners: ${number(counts.left)} left, ${number(counts.right)} right${words}` }),
    element("button", { type: "button", "data-keep": "clear", text: "Clear", on: { click: () => clearSelection(app) } }),
    element("button", { type: "button", class: "quiet", "data-keep": "json", text: "Save as JSON",
      on: { click: () => saveSelection(app) } }));
  const parts = [head];
  if (counts.links) parts.push(detailsStrongest(view, selection));
  const cards = element("div", { class: "details-cards" });
  for (const which of ["left", "right"]) {
    const side = pair[which], tokens = detailsCommon(side, selection[which]);
    cards.append(element("section", { class: `details-card details-${which}`, "aria-label": `selected ${which} rows` },
      element("p", { class: "details-side" }, which === "left" ? "Left, " : "Right, ", dataText(shorten(visible(side.name), 60))),
      element("h5", { text: side.hasTokens ? "Tokens that most selected rows share, with the number of rows" : "No tokens are kept" }),
      detailsTokens(tokens)));
  }
  parts.push(cards);
  return parts;
}

function detailsStrongest(view, { links, counts }) {
  const { app } = view, pair = app.opened, { weight } = pair.links;
  const chosen = [];
  links.forEach((one, link) => one && chosen.push(link));
  if (weight) chosen.sort((one, other) => (weight[other] || 0) - (weight[one] || 0) || one - other);
  const shown = chosen.slice(0, view.open.partners ? DETAILS_MOST : DETAILS_PAIRS);
  const buttons = shown.map((link) => element("button", {
    type: "button", "data-keep": `link-${link}`,
    on: { click: () => app.store.set({ pinned: { type: "link", link }, hover: null }, "details") },
  }, detailsPairName(pair, link, null), detailsWeight(pair, link)));
  if (shown.length < chosen.length && !view.open.partners) {
    buttons.push(element("button", { type: "button", class: "quiet", "data-keep": "partners",
      text: chosen.length > DETAILS_MOST ? `the first ${DETAILS_MOST}` : `all ${chosen.length}`,
      on: { click: () => detailsOpen(view, { partners: true }) } }));
  }
  const said = shown.length < counts.links
    ? `${shown.length} of ${counts.links.toLocaleString("en-US")} pairs${weight ? ", the strongest" : ""}` : "The pairs";
  return element("div", { class: "details-partners", role: "group", "aria-label": said },
    element("span", { class: "more", text: `${said}:` }), buttons);
}

function detailsCommon(side, mask) {
  if (!side.hasTokens) return [];
  const counts = new Uint32Array(side.vocabulary.length);
  mask.forEach((one, row) => {
    if (one) for (const token of new Set(side.tokenNumbers(row))) counts[token] += 1;
  });
  return Array.from(counts.keys()).filter((token) => counts[token])
    .sort((one, other) => counts[other] - counts[one] || one - other).map((token) => [side.vocabulary[token], counts[token]]);
}

function detailsOpen(view, change) {
  Object.assign(view.open, change);
  detailsShow(view);
}

function detailsReport({ showing, panel }) {
  return { showing, text: panel.textContent.slice(0, 4000), contexts: panel.querySelectorAll(".context").length };
}
