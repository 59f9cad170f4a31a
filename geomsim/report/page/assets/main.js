// The page: opens the data, makes the store, and mounts the views from top to bottom.

import {announce, element, select} from "./dom.js";
import {createStore} from "./store.js";
import {loadData} from "./data.js";
import {warningsList} from "./warnings.js";
import {noteElements} from "./missing_note.js";
import {setLooks, themeChanged, themeInUse} from "./look.js";
import {clearSelection, selectBoth, selectLinks, selectRows} from "./selection.js";
import {saveSelection, selectionRecord} from "./saving.js";
import {mountHeatmap} from "./heatmap.js";
import {mountReferences} from "./references.js";
import {mountMaps} from "./maps.js";
import {mountPairs} from "./pair_table.js";
import {mountGraphs} from "./graphs.js";
import {mountNulls} from "./nulls.js";
import {mountDiagrams} from "./diagrams.js";
import {mountSubspaces} from "./subspaces.js";
import {mountCards} from "./cards.js";
import {mountProvenance} from "./provenance.js";

const MAIN_VIEWS = {
  heatmap: mountHeatmap, references: mountReferences, maps: mountMaps, pairs: mountPairs, graphs: mountGraphs, nulls: mountNulls,
  diagrams: mountDiagrams, subspaces: mountSubspaces, cards: mountCards, provenance: mountProvenance,
};

start();

async function start() {
  const began = performance.now();
  const data = await loadData();
  const { manifest } = data;
  setLooks(manifest.looks);
  const row = firstRow(data);
  const pair = firstPair(data, row);
  const app = {
    data,
    views: new Map(),
    opened: null,
    openedGraphs: null,
    reports: new Map(),
    store: createStore({
      ready: false, pair, row, metric: row === null ? null : data.record(row).metric, hover: null,
      pinned: null, selection: null, query: "", hits: null, colour: null, links: "none",
      graph: firstGraph(manifest, pair), graphColour: null, theme: themeInUse(),
    }),
  };
  app.report = (id, tell) => app.reports.set(id, tell);
  app.hook = (id, functions) => {
    window.geomsim[id] = { ...window.geomsim[id], ...functions };
  };
  offer(app, began);
  keepOpened(app);
  await openChosen(app);
  theme(app);
  document.getElementById("words").append(warningsList(manifest.warnings) ?? "");
  for (const [id, mount] of Object.entries(MAIN_VIEWS)) {
    const section = document.getElementById(id);
    section.querySelector(".view-notes").append(...noteElements(manifest.notes[id] ?? []));
    await mount(section.querySelector(".view-body"), app);
  }
  emptyLast();
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    app.store.set({ hover: null, pinned: null }, "escape");
    clearSelection(app);
  });
  app.readyIn = performance.now() - began;
  app.store.set({ ready: true });
  document.documentElement.dataset.ready = "true";
}

/** Views with nothing to show say how to get it, behind those that show something. */
function emptyLast() {
  const main = document.querySelector("main");
  const list = document.querySelector("nav ul");
  const empty = [...main.querySelectorAll(".view")].filter((view) => view.querySelector(".view-body > .missing:only-child"));
  for (const view of empty) {
    main.append(view);
    list.append(list.querySelector(`a[href="#${view.id}"]`).parentElement);
  }
}

/** The comparison that the words on the first screen speak of, or the first with a score. */
function firstRow(data) {
  const { first } = data.manifest.results;
  if (first !== null) return first;
  const scored = data.records.findIndex((record) => record.score !== null);
  return scored < 0 ? null : scored;
}

function firstPair(data, row) {
  const { pairs, results } = data.manifest;
  const own = row === null ? null : results.pairOf[row];
  if (own !== null && own !== undefined) return own;
  return pairs.length ? 0 : null;
}

function firstGraph({ graphs }, pair) {
  if (!graphs.length) return null;
  return Math.max(0, graphs.findIndex((one) => one.pair === pair));
}

/** Views read the chosen pair and graphs without waiting: they are opened before anybody hears of the choice. */
function keepOpened(app) {
  const { store } = app;
  const set = store.set;
  store.set = (changes, origin) => {
    const pair = "pair" in changes && changes.pair !== store.state.pair;
    const graph = "graph" in changes && changes.graph !== store.state.graph;
    if (!pair && !graph) return set(changes, origin);
    // Rows of one pair mean nothing in another.
    const cleared = pair ? { hover: null, pinned: null, selection: null, hits: null, query: "" } : {};
    return openChosen(app, changes).then(() => set({ ...cleared, ...changes }, origin));
  };
}

async function openChosen(app, changes = {}) {
  const { pair, graph } = { ...app.store.state, ...changes };
  const [opened, graphs] = await Promise.all([
    pair === null ? null : app.data.pair(pair), graph === null ? null : app.data.graphs(graph)]);
  app.opened = opened;
  app.openedGraphs = graphs;
}

function theme(app) {
  const choose = (value) => {
    if (value === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = value;
    themeChanged();
    app.store.set({ theme: `${value} ${themeInUse()}` }, "theme");
  };
  const options = [["system", "as the system"], ["light", "light"], ["dark", "dark"]];
  document.getElementById("tools").append(select("Colours", options, "system", choose));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    themeChanged();
    app.store.set({ theme: `system ${themeInUse()}` }, "theme");
  });
}

/** What programs may ask of the page. */
function offer(app, began) {
  window.geomsim = {
    state() {
      const { selection, hits, ...plain } = app.store.state;
      return {
        ...plain,
        readyIn: app.readyIn ?? null,
        began,
        pairName: app.opened?.name ?? null,
        selection: selection && { ...selection.counts, origin: selection.origin },
        hits: hits && { left: Array.from(hits.left), right: Array.from(hits.right) },
        views: Object.fromEntries([...app.reports].map(([id, tell]) => [id, tell()])),
      };
    },
    set: (changes) => app.store.set(changes, "script"),
    selectRows: (side, rows) => selectRows(app, side, rows, "script"),
    selectLinks: (links) => selectLinks(app, links, "script"),
    selectBoth: (rows) => selectBoth(app, rows, "script"),
    clear: () => clearSelection(app),
    selection: () => selectionRecord(app),
    saveSelection: () => saveSelection(app),
    svg: (id) => app.views.get(id).svg(),
    announce,
  };
}
