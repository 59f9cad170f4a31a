// Which nodes of two graphs belong together, by the transport plan and by the rows that both hold.

const PART = 0.1; // of a node's mass: smaller parts do not make a split or a merge
const CELL = 0.01; // of a node's mass: smaller cells are not drawn

/** The other side. */
export function otherSide(side) {
  return side === "left" ? "right" : "left";
}

/**
 * What the plan says of all nodes, made once: the mass of each, its best cell (-1 without mass), and `shared()`: for each
 * cell the rows that both nodes hold.
 */
export function planTotals(graphs) {
  const {plan} = graphs;
  const totals = {};
  for (const side of ["left", "right"]) {
    const n = graphs[side]?.n ?? 0;
    const mass = new Float64Array(n);
    const best = new Int32Array(n).fill(-1);
    for (let cell = 0; cell < (plan?.n ?? 0); cell++) {
      const node = plan[side][cell];
      mass[node] += plan.mass[cell];
      if (plan.mass[cell] > (best[node] < 0 ? 0 : plan.mass[best[node]])) best[node] = cell;
    }
    totals[side] = {mass, best};
  }
  let shared = plan?.shared ?? null;
  totals.shared = () => (shared ??= countedShared(graphs));
  return totals;
}

function countedShared(graphs) {
  const {plan, left, right} = graphs;
  const shared = new Uint32Array(plan.n);
  const holder = new Int32Array(graphs.nRows).fill(-1); // the left node that was marked last
  for (let node = 0; node < left.n; node++) {
    for (const row of left.members(node)) holder[row] = node;
    for (const cell of left.cells(node)) {
      for (const row of right.members(plan.right[cell])) shared[cell] += holder[row] === node ? 1 : 0;
    }
  }
  return shared;
}

function jaccardOf(graphs, cell, shared) {
  const {plan, left, right} = graphs;
  const either = left.sizes[plan.left[cell]] + right.sizes[plan.right[cell]] - shared[cell];
  return either ? shared[cell] / either : 0;
}

/**
 * The cells that bring the graphs closest, by mass times Jaccard (over all cells these sum to 1 less the cost), each node
 * at most once; where no rows are shared there is none.
 */
export function closestCells(graphs, totals, most) {
  const {plan} = graphs;
  if (!plan || !graphs.right) return [];
  const shared = totals.shared();
  const gain = Float64Array.from({length: plan.n}, (_, cell) => plan.mass[cell] * jaccardOf(graphs, cell, shared));
  const order = d3.range(plan.n).filter((cell) => gain[cell] > 0).sort((one, other) => gain[other] - gain[one] || one - other);
  const taken = {left: new Set(), right: new Set()};
  const found = [];
  for (const cell of order) {
    if (found.length === most) break;
    if (taken.left.has(plan.left[cell]) || taken.right.has(plan.right[cell])) continue;
    taken.left.add(plan.left[cell]);
    taken.right.add(plan.right[cell]);
    found.push({cell, left: plan.left[cell], right: plan.right[cell], shared: shared[cell], jaccard: jaccardOf(graphs, cell, shared)});
  }
  return found;
}

/**
 * The partners of a node by falling mass: node, cell, share of this node's mass, rows that both hold, and these as a
 * share of the rows that either holds (Jaccard).
 */
export function partnersOf(graphs, totals, side, node) {
  const {plan} = graphs;
  if (!plan) return [];
  const other = otherSide(side);
  const mass = totals[side].mass[node];
  const shared = totals.shared();
  return Array.from(graphs[side].cells(node))
    .filter((cell) => plan.mass[cell] > 0)
    .map((cell) => ({
      node: plan[other][cell], cell, share: plan.mass[cell] / mass, shared: shared[cell], jaccard: jaccardOf(graphs, cell, shared),
    }));
}

/** The rows that both nodes hold, in their order in the first; all rows of the first where there is no second. */
export function sharedRows(graphs, side, node, partner) {
  const rows = Array.from(graphs[side].members(node));
  if (partner === null) return rows;
  const theirs = new Set(graphs[otherSide(side)].members(partner));
  return rows.filter((row) => theirs.has(row));
}

/** The ways in which links between the graphs can be drawn: id, name, and what it means. */
export const GRAPH_LINKS = [
  {id: "none", text: "none", says: ""},
  {id: "hovered", text: "of the node pointed at", says: "to the partners of the node pointed at, as wide as their share"},
  {id: "best", text: "best partner of each", says: "from each left node to the partner with most of its mass"},
  {id: "all", text: "all of at least 1% of a node's mass", says: "all that is at least 1% of the mass of either node"},
  {id: "splits", text: "splits", says: "left nodes with several right partners of at least a tenth of their mass each"},
  {id: "merges", text: "merges", says: "right nodes with several left partners of at least a tenth of their mass each"},
];

/** The plan cells that a mode draws always, whatever is pointed at. */
export function linkCells(graphs, totals, mode) {
  const {plan} = graphs;
  if (!plan || mode === "none" || mode === "hovered") return [];
  if (mode === "best") return Array.from(totals.left.best).filter((cell) => cell >= 0);
  const share = (cell, side) => plan.mass[cell] / totals[side].mass[plan[side][cell]];
  const cells = Array.from({length: plan.n}, (_, cell) => cell).filter((cell) => plan.mass[cell] > 0);
  if (mode === "all") return cells.filter((cell) => Math.max(share(cell, "left"), share(cell, "right")) >= CELL);
  const side = mode === "splits" ? "left" : "right";
  const parts = cells.filter((cell) => share(cell, side) >= PART);
  const counts = new Uint32Array(graphs[side].n);
  for (const cell of parts) counts[plan[side][cell]]++;
  return parts.filter((cell) => counts[plan[side][cell]] > 1);
}

/** How many rows of each node are marked, by side; `marks` is one per row. */
export function markedCounts(graphs, marks) {
  const counts = {};
  for (const side of ["left", "right"]) {
    if (!graphs[side]) continue;
    counts[side] = new Uint32Array(graphs[side].n);
    for (let node = 0; node < graphs[side].n; node++) {
      for (const row of graphs[side].members(node)) counts[side][node] += marks[row] ? 1 : 0;
    }
  }
  return counts;
}

/** The nodes of a side that hold any of these rows, ascending. */
export function nodesHolding(graph, rows) {
  const found = new Set();
  for (const row of rows) for (const node of graph.nodesOf(row)) found.add(node);
  return Array.from(found).sort((one, two) => one - two);
}
