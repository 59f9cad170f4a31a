// What the page shows: blobs are opened when they are first needed, and each is opened once.

const dataTypes = {
  u8: Uint8Array, u16: Uint16Array, u32: Uint32Array, i32: Int32Array, f32: Float32Array, f64: Float64Array,
};

/** Open the manifest; everything else is opened by what is asked of the answer. */
export async function loadData() {
  const opened = new Map();
  const parsed = new Map();

  function bytes(number) {
    if (!opened.has(number)) opened.set(number, openBlob(document.getElementById(`blob-${number}`).textContent));
    return opened.get(number);
  }

  async function json(reference) {
    const number = reference.$json ?? reference.$lazy;
    if (!parsed.has(number)) {
      // A blob of JSON is read as text once, and its bytes are not needed again.
      parsed.set(number, bytes(number).then((buffer) => {
        opened.delete(number);
        return JSON.parse(new TextDecoder().decode(buffer));
      }));
    }
    return parsed.get(number);
  }

  async function resolve(value) {
    if (Array.isArray(value)) return Promise.all(value.map(resolve));
    if (value === null || typeof value !== "object") return value;
    if (value.$) {
      const [number, offset, length, kind] = value.$;
      return new dataTypes[kind](await bytes(number), offset, length);
    }
    if ("$json" in value) return json(value);
    if ("$lazy" in value) return value;
    const entries = await Promise.all(Object.entries(value).map(async ([key, item]) => [key, await resolve(item)]));
    return Object.fromEntries(entries);
  }

  const root = JSON.parse(document.getElementById("root").textContent);
  const packed = await json(root);
  const { spaces, pairs, graphs, results, ...plain } = packed;
  const manifest = await resolve(plain);
  manifest.results = { ...results, rows: await json(results.rows) };
  manifest.spaces = spaces;
  manifest.pairs = pairs;
  manifest.graphs = graphs;
  const records = manifest.results.rows.map((row) =>
    Object.fromEntries(manifest.results.columns.map((column, place) => [column, row[place]])));

  const sides = remembered((number) => resolve(spaces[number]));
  const pairOf = remembered(async (number) => openPair(pairs[number], number, sides, json, resolve));
  const graphsOf = remembered(async (number) => openGraphs(graphs[number], number, json, resolve));
  const nulls = remembered(async () => resolve(results.nulls));

  return {
    manifest,
    records,
    record: (number) => records[number],
    resolve,
    json,
    pair: pairOf,
    graphs: graphsOf,
    async histogram(number) {
      if (!manifest.results.hasDraws[number]) return null;
      const place = manifest.results.hasDraws.slice(0, number).filter(Boolean).length;
      const { counts, ends } = await nulls(0);
      const [first, last] = [counts.starts[place], counts.starts[place + 1]];
      return { counts: Uint32Array.from(counts.items.subarray(first, last)), low: ends[2 * place], high: ends[2 * place + 1] };
    },
  };
}

function remembered(open) {
  const found = new Map();
  return (key) => {
    if (!found.has(key)) found.set(key, open(key));
    return found.get(key);
  };
}

async function openBlob(base64) {
  const text = atob(base64.trim());
  const packed = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

async function openPair(pair, index, sides, json, resolve) {
  const [left, right, links] = await Promise.all([sides(pair.left), sides(pair.right), resolve(pair.links)]);
  const linked = links && openLinks(links, left.n, right.n);
  return {
    index,
    name: pair.name,
    labels: pair.labels,
    alignment: pair.alignment,
    left: openSide(left, [1, 0, 0, 1, 0, 0], json, linked?.ofLeft),
    right: openSide(right, pair.align ?? [1, 0, 0, 1, 0, 0], json, linked?.ofRight),
    links: linked,
    drawn: pair.drawn,
  };
}

function openLinks(links, nLeft, nRight) {
  const left = Uint32Array.from(links.left);
  const right = Uint32Array.from(links.right);
  const ofLeft = inverted(left, nLeft);
  const ofRight = inverted(right, nRight);
  const splits = new Uint8Array(left.length);
  const merges = new Uint8Array(left.length);
  for (let i = 0; i < left.length; i++) {
    splits[i] = Number(ofLeft.count(left[i]) > 1);
    merges[i] = Number(ofRight.count(right[i]) > 1);
  }
  return {
    n: left.length, left, right, weight: links.weight, weightName: links.weightName, columns: links.columns,
    splits, merges, ofLeft, ofRight,
  };
}

/** For each of `n` values, the places at which it stands in `values`. */
function inverted(values, n) {
  const starts = new Uint32Array(n + 1);
  for (const value of values) starts[value + 1]++;
  for (let i = 0; i < n; i++) starts[i + 1] += starts[i];
  const next = starts.slice();
  const places = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i++) places[next[values[i]]++] = i;
  return {
    of: (value) => places.subarray(starts[value], starts[value + 1]),
    count: (value) => starts[value + 1] - starts[value],
  };
}

function openSide(space, [a, b, c, d, e, f], json, links) {
  let x = null;
  let y = null;
  if (space.places) {
    const { grid, low, step } = space.places;
    x = new Float32Array(space.n);
    y = new Float32Array(space.n);
    for (let i = 0; i < space.n; i++) {
      const [ownX, ownY] = [low[0] + step * grid[2 * i], low[1] + step * grid[2 * i + 1]];
      x[i] = a * ownX + c * ownY + e;
      y[i] = b * ownX + d * ownY + f;
    }
  }
  const none = new Uint32Array(0);
  return {
    name: space.name,
    what: space.what,
    n: space.n,
    x,
    y,
    layout: space.layout,
    columns: space.columns,
    nameOf: (row) => space.ids?.[row] ?? `${space.what} ${row}`,
    hasTokens: Boolean(space.tokens),
    tokensOf: listsOf(space.tokens),
    hasContexts: Boolean(space.contexts),
    contextRows: space.contextRows,
    contextsOf: async (row) => {
      if (!space.contexts) return [];
      return ((await json(space.contexts))[row] ?? []).map(openContext);
    },
    allContexts: async () => (space.contexts ? json(space.contexts) : {}),
    vocabulary: space.tokens?.vocabulary ?? [],
    tokenNumbers: (row) => space.tokens.items.subarray(space.tokens.starts[row], space.tokens.starts[row + 1]),
    partners: (row) => links?.of(row) ?? none,
  };
}

/** A context as it is stored, with names. */
export function openContext([value, document, pieces, activations, focus]) {
  return { value, document, pieces, activations, focus };
}

function listsOf(texts) {
  if (!texts) return () => [];
  const { vocabulary, starts, items } = texts;
  return (place) => Array.from(items.subarray(starts[place], starts[place + 1]), (number) => vocabulary[number]);
}

async function openGraphs(packed, index, json, resolve) {
  const { texts, ...rest } = packed;
  const found = await resolve(rest);
  const plan = found.plan && { ...found.plan, n: found.plan.mass.length };
  return {
    index,
    name: found.name,
    pair: found.pair,
    what: found.what,
    nRows: found.nRows,
    sentence: found.sentence,
    facts: found.facts,
    left: openGraph(found.left, found.nRows, plan && plan.left, plan),
    right: found.right && openGraph(found.right, found.nRows, plan && plan.right, plan),
    plan,
    hasTexts: Boolean(texts),
    textOf: async (row) => {
      if (!texts) return null;
      const text = (await json(texts))[row];
      return Array.isArray(text) ? openContext(text) : text;
    },
  };
}

function openGraph(graph, nRows, ends, plan) {
  const x = new Float32Array(graph.n);
  const y = new Float32Array(graph.n);
  const sizes = new Uint32Array(graph.n);
  const { starts, items } = graph.members;
  for (let i = 0; i < graph.n; i++) {
    x[i] = graph.places[2 * i];
    y[i] = graph.places[2 * i + 1];
    sizes[i] = starts[i + 1] - starts[i];
  }
  // Which nodes hold a row: the members the other way round.
  const owners = new Uint32Array(items.length);
  for (let i = 0; i < graph.n; i++) owners.fill(i, starts[i], starts[i + 1]);
  let holders = null;
  let cells = null;
  const none = new Uint32Array(0);
  return {
    name: graph.name,
    n: graph.n,
    x,
    y,
    sizes,
    edges: graph.edges,
    weights: graph.weights,
    columns: graph.columns,
    members: (node) => items.subarray(starts[node], starts[node + 1]),
    nameOf: (node) => graph.names?.[node] ?? `node ${node}`,
    labelsOf: listsOf(graph.labels),
    nodesOf(row) {
      holders ??= inverted(items, nRows);
      return holders.of(row).map((place) => owners[place]);
    },
    cells(node) {
      if (!plan) return none;
      cells ??= inverted(ends, graph.n);
      return cells.of(node).slice().sort((one, other) => plan.mass[other] - plan.mass[one]);
    },
  };
}
