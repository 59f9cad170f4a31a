// The one selection: rows of both sides and the links between them, whoever made it.

/** Select rows of one side, every link that holds one of them, and the partners on the other side. */
export async function selectRows(app, side, rows, origin) {
  const pair = await app.data.pair(app.store.state.pair);
  const chosen = emptySelection(pair, origin);
  for (const row of rows) {
    chosen[side][row] = 1;
    for (const link of pair[side].partners(row)) addLink(chosen, pair.links, link);
  }
  return put(app, chosen);
}

/** Select links with the rows at both ends. */
export async function selectLinks(app, links, origin) {
  const pair = await app.data.pair(app.store.state.pair);
  const chosen = emptySelection(pair, origin);
  for (const link of links) addLink(chosen, pair.links, link);
  return put(app, chosen);
}

/** Select rows of both sides by themselves, as a search finds them, with the links that hold one of them. */
export async function selectBoth(app, rows, origin) {
  const pair = await app.data.pair(app.store.state.pair);
  const chosen = emptySelection(pair, origin);
  for (const side of ["left", "right"]) {
    for (const row of rows[side]) {
      chosen[side][row] = 1;
      for (const link of pair[side].partners(row)) addLink(chosen, pair.links, link);
    }
  }
  return put(app, chosen);
}

/** Nothing is selected any more. */
export function clearSelection(app) {
  app.store.set({ selection: null }, "clear");
}

/** The links of the present pair that belong to what is pointed at: of a row, a link, or a graph's node. */
export function linksOf(app, target) {
  const none = new Uint32Array(0);
  const { opened } = app;
  if (!target || !opened?.links) return none;
  if (target.type === "link") return Uint32Array.of(target.link);
  if (target.type === "row") return opened[target.side].partners(target.row);
  const graphs = app.openedGraphs;
  if (graphs?.index !== target.graph || graphs.pair !== opened.index) return none;
  return graphs[target.side].members(target.node);
}

function emptySelection(pair, origin) {
  return {
    left: new Uint8Array(pair.left.n),
    right: new Uint8Array(pair.right.n),
    links: pair.links && new Uint8Array(pair.links.n),
    origin,
  };
}

function addLink(chosen, links, link) {
  chosen.links[link] = 1;
  chosen.left[links.left[link]] = 1;
  chosen.right[links.right[link]] = 1;
}

function put(app, chosen) {
  const count = (mask) => (mask ? mask.reduce((sum, one) => sum + one, 0) : 0);
  chosen.counts = { left: count(chosen.left), right: count(chosen.right), links: count(chosen.links) };
  const nothing = !chosen.counts.left && !chosen.counts.right;
  app.store.set({ selection: nothing ? null : chosen }, chosen.origin);
  return chosen.counts;
}
