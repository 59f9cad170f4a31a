// By what the nodes of two graphs are coloured: a column of each, their labels, or the left ones carried along the plan.

import {carriedColumn} from "./carried.js";
import {colourScale, visible} from "./look.js";

const CARRIED = "carried:";

/** What nodes can be coloured by, as [id, text]; the first is what one sees first. */
export function graphColourChoices(graphs) {
  const own = graphOwnColumns(graphs);
  const carried = graphs.plan && graphs.right
    ? own.filter(({left}) => left).map(({id, text}) => [`${CARRIED}${id}`, `left ${text}, carried along the plan`])
    : [];
  return [...carried, ...own.map(({id, text}) => [id, text])];
}

/**
 * How the nodes are coloured, both sides by one scale: a colour for each node of `left` and `right` (null: hollow), the
 * legend of the scale, its title, and notes on what a reader must know.
 */
export function graphColouring(graphs, id, theme) {
  const choices = graphColourChoices(graphs);
  const chosen = choices.some(([own]) => own === id) ? id : choices[0][0];
  const carried = chosen.startsWith(CARRIED);
  const own = carried ? chosen.slice(CARRIED.length) : chosen;
  const {text, left, right} = graphOwnColumns(graphs).find((each) => each.id === own);
  const theirs = carried ? carriedColumn(left, graphs.plan, graphs.right.n) : right;
  const joint = graphJoined(left, theirs, graphs);
  const scale = colourScale(joint, theme);
  const isMissing = joint.kind === "number" ? (value) => Number.isNaN(value) : (value) => value < 0;
  const colours = {};
  const missing = {};
  let offset = 0;
  for (const side of ["left", "right"]) {
    const n = graphs[side]?.n ?? 0;
    const first = offset;
    colours[side] = Array.from({length: n}, (_, node) => (isMissing(joint.values[first + node]) ? null : scale.of(first + node)));
    missing[side] = colours[side].filter((colour) => colour === null).length;
    offset += n;
  }
  const title = carried ? `left ${text}, carried` : text;
  return {id: chosen, title, colours, missing, legend: scale.legend, notes: graphColourNotes(graphs, {left, right, carried, missing})};
}

/** Whether a column says no more than how many rows each node holds, which every graph is known for. */
export function countsRows(column, { sizes }) {
  return column.kind === "number" && column.name === "rows" && column.values.every((value, node) => value === sizes[node]);
}

function graphOwnColumns(graphs) {
  const columns = [];
  const sides = [graphs.left, graphs.right];
  for (const name of new Set(sides.flatMap((side) => side?.columns.filter((column) => !countsRows(column, side)).map((column) => column.name) ?? []))) {
    const [left, right] = sides.map((side) => side?.columns.find((column) => column.name === name) ?? null);
    // The same name for other kinds of values is another column on the right.
    if (left && right && left.kind !== right.kind) columns.push({id: name, text: visible(name), left, right: null});
    else columns.push({id: name, text: visible(name), left, right});
  }
  const [left, right] = graphLabelColumns(sides);
  if (left || right) columns.push({id: "label", text: "label", left, right});
  const [leftRows, rightRows] = sides.map((side) => side && {name: "rows", kind: "number", values: Float32Array.from(side.sizes)});
  columns.push({id: "number of rows", text: "number of rows", left: leftRows, right: rightRows});
  return columns;
}

/** The first label of each node as a category. */
function graphLabelColumns(sides) {
  const places = new Map();
  const columns = sides.map((side) => {
    if (!side) return null;
    const values = Int32Array.from({length: side.n}, (_, node) => {
      const [label] = side.labelsOf(node);
      if (label === undefined) return -1;
      if (!places.has(label)) places.set(label, places.size);
      return places.get(label);
    });
    return {name: "label", kind: "category", values};
  });
  const categories = [...places.keys()];
  return columns.map((column) => (categories.length && column ? {...column, categories} : null));
}

/** One column of the nodes of both sides behind each other, so that both have one scale. */
function graphJoined(left, right, graphs) {
  const model = left ?? right;
  const none = model.kind === "number" ? NaN : -1;
  const categories = model.kind === "category" ? [...new Set([...(left?.categories ?? []), ...(right?.categories ?? [])])] : null;
  const place = new Map(categories?.map((text, index) => [text, index]));
  const values = [[left, graphs.left], [right, graphs.right]].flatMap(([column, graph]) => {
    if (!graph) return [];
    if (!column) return Array(graph.n).fill(none);
    if (!categories) return Array.from(column.values);
    return Array.from(column.values, (value) => (value < 0 ? -1 : place.get(column.categories[value])));
  });
  return {name: model.name, kind: model.kind, values, ...(categories && {categories: categories.map(visible)})};
}

function graphColourNotes(graphs, {left, right, carried, missing}) {
  const notes = [];
  if (carried) {
    notes.push(left.kind === "number"
      ? "A right node has the mean of the left nodes that its mass comes from."
      : "A right node has what most of its mass comes from.");
    if (missing.right) notes.push(`${missing.right} right nodes are hollow: no mass comes to them.`);
    if (missing.left) notes.push(`${missing.left} left nodes have no value and are hollow.`);
    return notes;
  }
  for (const [side, column] of [["left", left], ["right", right]]) {
    if (!graphs[side]) continue;
    if (!column) notes.push(`The ${side} graph has no such column: its nodes are hollow.`);
    else if (missing[side]) notes.push(`${missing[side]} ${side} nodes have no value and are hollow.`);
  }
  return notes;
}
