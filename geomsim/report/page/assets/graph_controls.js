// What can be chosen about the graphs, and what the picture of them leaves out, in words.

import {element, select} from "./dom.js";
import {graphColourChoices} from "./graph_colours.js";
import {countText} from "./graph_details.js";
import {GRAPH_LINKS} from "./graph_links.js";
import {numberText, shorten, visible} from "./look.js";

/** Selects and buttons for the graphs that a view shows. */
export function graphControls(view) {
  const {app, graphs} = view;
  const names = app.data.manifest.graphs.map(({name}, place) => [String(place), shorten(visible(name), 60)]);
  const choices = graphColourChoices(graphs);
  const asked = app.store.state.graphColour;
  const colour = choices.some(([id]) => id === asked) ? asked : choices[0][0];
  const links = GRAPH_LINKS.map(({id, text}) => [id, text]);
  return [
    ...(names.length > 1 ? [select("Graphs", names, String(graphs.index), (place) => view.chooseGraphs(Number(place)))] : []),
    select("Colour", choices, colour, (id) => app.store.set({graphColour: id}, "graphs")),
    ...(graphs.plan && graphs.right ? [select("Links", links, view.linkMode, (mode) => view.setLinks(mode))] : []),
    graphTools(view),
    graphZooms(view),
  ];
}

/** What is out of sight, how many links are drawn, and what is selected. */
export function graphStatus(view) {
  const {graphs, drawn, cells, counts, linkMode} = view;
  const parts = [];
  if (graphs.pair !== null && !view.rowsAreLinks()) {
    const {name} = view.app.data.manifest.pairs[graphs.pair];
    parts.push(`These graphs are of ${shorten(visible(name), 60)}, not of the pair that the maps show.`);
  }
  for (const side of ["left", "right"]) {
    if (!graphs[side]) continue;
    const hidden = graphs[side].n - drawn[side].nodes;
    if (hidden) parts.push(`${countText(hidden, "node")} of the ${side} graph out of sight.`);
  }
  if (cells.length) {
    const rest = drawn.links < cells.length ? "; the others end out of sight" : "";
    parts.push(`${numberText(drawn.links)} of ${countText(cells.length, "link")} drawn${rest}.`);
  } else if (graphs.plan && !["none", "hovered"].includes(linkMode)) parts.push("There are no such links.");
  if (counts) {
    const {left, right} = counts.nodes;
    const nodes = graphs.right ? `${numberText(left)} left and ${numberText(right)} right nodes` : countText(left, "node");
    parts.push(`${numberText(counts.rows)} of ${countText(graphs.nRows, graphs.what)} selected; ${nodes} hold some of them.`);
  }
  return parts.join(" ");
}

function graphTools(view) {
  const modes = [["pan", "Move"], ["box", "Box"], ["lasso", "Lasso"]];
  const buttons = modes.map(([mode, text]) => element("button", {
    type: "button", text, "aria-pressed": String(view.stage.mode === mode), on: {click: (event) => view.setMode(mode, event.target)},
  }));
  return element("span", {class: "graphs-tools", role: "group", "aria-label": "What dragging does"}, buttons);
}

function graphZooms({stage}) {
  const button = (text, name, act) => element("button", {type: "button", text, "aria-label": name, on: {click: act}});
  return element("span", {class: "graphs-tools", role: "group", "aria-label": "Zoom"},
    button("\u2212", "Zoom out", () => stage.zoomBy(1 / 1.5)), button("+", "Zoom in", () => stage.zoomBy(1.5)),
    button("Reset view", null, () => stage.reset()));
}
