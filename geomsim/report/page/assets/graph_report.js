// What the view of the graphs shows, as plain numbers and names for programs that look at the page.

import {graphColourChoices} from "./graph_colours.js";

/** The state of the view. */
export function graphsReport(view) {
  const {graphs, stage, counts, drawn, colouring, details} = view;
  const {k, x, y} = stage.zoomed;
  return {
    graph: graphs.index, name: graphs.name, pair: graphs.pair, rowsAreLinks: view.rowsAreLinks(),
    nodes: {left: graphs.left.n, right: graphs.right?.n ?? null},
    edges: {left: graphs.left.edges.length / 2, right: graphs.right ? graphs.right.edges.length / 2 : null},
    drawn: {left: drawn.left, right: drawn.right ?? null, links: drawn.links, ms: drawn.ms, overMs: drawn.overMs},
    colour: colouring.id, colourTitle: colouring.title, hollow: colouring.missing, notes: colouring.notes,
    colours: graphColourChoices(graphs).map(([id]) => id),
    legend: view.entries().flatMap(({title, entries}) => [title, ...entries.map(({text}) => text)]),
    links: view.linkMode, linkCells: view.cells.length, mode: stage.mode,
    focus: reportedFocus(graphs, view.focus), pinned: reportedFocus(graphs, view.pinnedFocus), chosenPartner: view.chosen,
    lit: view.lit,
    texts: details.shown && {rows: details.shown.rows.length, shown: details.shown.count, first: details.shown.rows.slice(0, 5)},
    selected: counts && {rows: counts.rows, nodes: counts.nodes, full: reportedFull(graphs, counts)},
    domain: stage.domain, zoom: {k, x, y}, rects: stage.rects, status: view.status.textContent,
  };
}

function reportedFocus(graphs, focus) {
  if (!focus) return null;
  const {side, node, partners} = focus;
  return {side, node, name: graphs[side].nameOf(node), labels: graphs[side].labelsOf(node), partners};
}

/** How many nodes of each side are selected with all their rows. */
function reportedFull(graphs, counts) {
  const full = (side) => d3.range(graphs[side].n).filter((node) => graphs[side].sizes[node] && counts[side][node] === graphs[side].sizes[node]).length;
  return {left: full("left"), right: graphs.right ? full("right") : null};
}
