// Looking for rows: by token, by name or number, by a word of the text they answer to.

import {clear, element, select} from "./dom.js";
import {openContext} from "./data.js";
import {selectBoth} from "./selection.js";

const SEARCH_KINDS = [["all", "anywhere"], ["token", "top tokens"], ["id", "name or number"], ["context", "text in context"]];
const SEARCH_PAUSE = 150; // milliseconds without a key before the search begins

/** The search box of the maps; `arrive(side, row)` is called for the hit that was stepped to. */
export function mountSearch(container, app, arrive = () => {}) {
  const view = { app, arrive, kind: "all", at: -1, order: [], texts: new WeakMap(), run: 0 };
  view.input = element("input", { type: "search", autocomplete: "off", spellcheck: "false", placeholder: "token, name, word",
    on: { input: () => searchSoon(view), keydown: (event) => searchKey(view, event) } });
  view.said = element("p", { class: "search-said", role: "status" });
  view.steps = [["Previous", -1], ["Next", 1]].map(([text, way]) => element("button", {
    type: "button", text, "aria-label": `${text} hit`, on: { click: () => searchStep(view, way) },
  }));
  view.choose = element("button", { type: "button", text: "Select hits",
    on: { click: () => selectBoth(app, app.store.state.hits, "search") } });
  const where = select("in", SEARCH_KINDS, "all", (value) => {
    view.kind = value;
    searchRun(view);
  });
  view.where = where.box;
  container.append(element("div", { class: "search", role: "search", "aria-label": "Rows of both spaces" },
    element("label", { class: "control" }, element("span", { text: "Search" }), view.input), where, view.steps, view.choose, view.said));
  searchOffer(view);
  app.store.on(["pair"], () => searchOffer(view));
  app.store.on(["query", "pair"], (state, origin) => {
    if (origin === "search") return;
    view.input.value = state.query ?? "";
    searchRun(view);
  });
  app.store.on(["hits"], () => searchTell(view));
  searchTell(view);
  app.report("search", () => ({ kind: view.kind, at: view.at, hits: view.order.length, said: view.said.textContent, busy: view.busy ?? false }));
}

/**
 * Which rows of a side answer to a query, as a rank for each (0 the best, 255 no hit): a name or number, a whole top
 * token, a part of one, a part of a name.
 */
export function searchSide(side, query, kind) {
  const ranks = new Uint8Array(side.n).fill(255);
  const wanted = query.toLowerCase().trim() || query.toLowerCase();
  if (!wanted) return ranks;
  const better = (row, rank) => { if (rank < ranks[row]) ranks[row] = rank; };
  if (kind === "all" || kind === "id") {
    const number = /^\d+$/.test(wanted) ? Number(wanted) : -1;
    const ending = new RegExp(`(^|\\D)0*${number}$`);
    for (let row = 0; row < side.n; row += 1) {
      const name = side.nameOf(row).toLowerCase();
      if (name === wanted || (number >= 0 && ending.test(name))) better(row, 0);
      else if (number < 0 && name.includes(wanted)) better(row, 3);
    }
    // Rows that carry names of their own can be asked for by their number as well.
    if (number >= 0 && number < side.n) better(number, 1);
  }
  if ((kind === "all" || kind === "token") && side.hasTokens) {
    const rank = Uint8Array.from(side.vocabulary, (token) => {
      const text = token.toLowerCase();
      return text.trim() === wanted || text === wanted ? 1 : text.includes(wanted) ? 2 : 255;
    });
    for (let row = 0; row < side.n; row += 1) {
      for (const token of side.tokenNumbers(row)) better(row, rank[token]);
    }
  }
  return ranks;
}

// What this pair has nothing of cannot be searched; the choice says so.
function searchOffer(view) {
  const { opened } = view.app;
  const has = (what) => !opened || opened.left[what] || opened.right[what];
  const held = { all: true, token: has("hasTokens"), id: true, context: has("hasContexts") };
  SEARCH_KINDS.forEach(([kind, text], place) => {
    const option = view.where.options[place];
    option.disabled = !held[kind];
    option.textContent = held[kind] ? text : `${text} (none kept here)`;
  });
  if (held[view.kind]) return;
  view.kind = "all";
  view.where.value = "all";
}

function searchSoon(view) {
  clearTimeout(view.waiting);
  view.waiting = setTimeout(() => searchRun(view), SEARCH_PAUSE);
}

async function searchRun(view) {
  clearTimeout(view.waiting);
  const { app } = view, pair = app.opened, query = view.input.value;
  const run = ++view.run;
  view.at = -1;
  view.order = [];
  if (!pair || !query.trim()) {
    view.busy = false;
    app.store.set({ query: "", hits: null }, "search");
    return searchTell(view);
  }
  const ranks = { left: searchSide(pair.left, query, view.kind), right: searchSide(pair.right, query, view.kind) };
  const texts = (view.kind === "all" || view.kind === "context") && (pair.left.hasContexts || pair.right.hasContexts);
  view.busy = texts;
  searchFound(view, query, ranks);
  if (!texts) return undefined;
  // The texts are long: they are opened when somebody first looks for something, and the first hits are there before.
  for (const which of ["left", "right"]) {
    const found = await searchTexts(view, pair[which]);
    if (run !== view.run) return undefined;
    const wanted = query.toLowerCase().trim();
    for (const [row, text] of found) if (text.includes(wanted) && ranks[which][row] > 4) ranks[which][row] = 4;
  }
  view.busy = false;
  return searchFound(view, query, ranks);
}

function searchFound(view, query, ranks) {
  const rowsOf = (mask) => Uint32Array.from(Array.from(mask.keys()).filter((row) => mask[row] < 255));
  const hits = { left: rowsOf(ranks.left), right: rowsOf(ranks.right) };
  view.order = ["left", "right"].flatMap((side) => Array.from(hits[side], (row) => ({ side, row, rank: ranks[side][row] })));
  view.order.sort((one, other) => one.rank - other.rank);
  view.app.store.set({ query, hits }, "search");
  searchTell(view);
}

async function searchTexts(view, side) {
  if (!view.texts.has(side)) {
    const all = await side.allContexts();
    view.texts.set(side, Object.entries(all).map(([row, contexts]) =>
      [Number(row), contexts.map((context) => openContext(context).pieces.join("")).join("\n").toLowerCase()]));
  }
  return view.texts.get(side);
}

function searchTell(view) {
  const { hits, query } = view.app.store.state;
  const some = view.order.length > 0;
  for (const button of [...view.steps, view.choose]) button.disabled = !some;
  clear(view.said);
  if (!hits || !query) return;
  const number = (n) => n.toLocaleString("en-US");
  const answer = view.order.length === 1 ? "row answers" : "rows answer";
  const words = some ? `${number(hits.left.length)} left and ${number(hits.right.length)} right ${answer}` : "No row answers";
  const step = view.at >= 0 ? `; at ${number(view.at + 1)} of ${number(view.order.length)}` : "";
  view.said.append(`${words}${step}${view.busy ? "; still reading the texts" : ""}.`);
}

function searchKey(view, event) {
  if (event.key !== "Enter") return;
  event.preventDefault();
  if (view.input.value !== view.app.store.state.query) searchRun(view).then(() => searchStep(view, 1));
  else searchStep(view, event.shiftKey ? -1 : 1);
}

function searchStep(view, way) {
  const { order } = view;
  if (!order.length) return;
  view.at = view.at < 0 && way < 0 ? order.length - 1 : (view.at + way + order.length) % order.length;
  const { side, row } = order[view.at];
  view.app.store.set({ pinned: { type: "row", side, row }, hover: null }, "search");
  view.arrive(side, row);
  searchTell(view);
}
