// The tidy table as cells: which belong together, what they are called, and what they say in words.

import {directionText, numberText, pText, shorten, visible} from "./look.js";

const CELLS_LAYERS = ["left_layer", "right_layer"];
const CELLS_SIDES = ["left", "right"];
const CELLS_GROUPS = ["left_group", "right_group"]; // of rows of one space
const CELLS_ALL = "all";
const CELLS_NAME = 60; // characters of a name in a sentence
const CELLS_REASON = 300; // characters of a reason in a sentence
/** Where significance marks can come from: the column, the choice in words, the words before the number. */
export const CORRECTIONS = [
  ["p_value", "each cell alone", "p"],
  ["holm", "Holm", "Holm p"],
  ["bh", "Benjamini-Hochberg", "Benjamini-Hochberg q"],
  ["maxt", "step-down maxT", "maxT p"],
];

/** A null's name without its settings: "random-group" of "random-group (left kept)". */
export function nullKind(name) {
  return String(name ?? "").split(" (")[0];
}

/** The null as a reader's words for it, with its settings. */
export function nullWords(name) {
  const kind = nullKind(name);
  return `${NULL_WORDS[kind] ?? kind}${String(name ?? "").slice(kind.length)}`;
}

const NULL_WORDS = {
  shuffle: "shuffled pairs",
  "random-subset": "random subsets of the same size",
  "random-group": "random groups of the same sizes",
  "noise-floor": "noise floor",
};

const cellsFound = new WeakMap();

/** The results of the page, with what all views ask of them. */
export function resultsOf(data) {
  if (!cellsFound.has(data)) cellsFound.set(data, cellsRead(data));
  return cellsFound.get(data);
}

function cellsRead(data) {
  const { labels, pairOf } = data.manifest.results;
  const records = data.records.map((record, row) => ({ ...record, row, pair: pairOf[row] }));
  const axes = cellsAxes(records, labels);
  const results = {
    records, axes, layered: axes === CELLS_LAYERS, grouped: axes === CELLS_GROUPS, labels: labels.filter((name) => !axes.includes(name)),
    wholes: new Set((data.manifest.cards ?? []).filter((card) => card.facts?.rows && card.facts.rows !== "paired").map((card) => card.metric)),
  };
  results.titles = cellsTitles(records);
  return results;
}

/** The labels of a heatmap's rows and columns: groups where all records have them; one couple in many layers is of layers. */
function cellsAxes(records, labels) {
  const layered = CELLS_LAYERS.every((name) => labels.includes(name));
  const grouped = records.length > 0 && records.every((record) => CELLS_GROUPS.every((name) => typeof record[name] === "string"));
  const couples = new Set(records.map((record) => JSON.stringify(CELLS_GROUPS.map((name) => record[name]))));
  if (grouped && (couples.size > 1 || !layered)) return CELLS_GROUPS;
  return layered ? CELLS_LAYERS : CELLS_SIDES;
}

/** What a heatmap's axes are of, in the words of one side: "layer", "group", or nothing where spaces have only names. */
export function axisWord(results) {
  return results.layered ? "layer" : results.grouped ? "group" : "";
}

/** What stands in the rows and columns of the heatmaps. */
export function axesText(results) {
  const plural = `${axisWord(results) || "space"}s`;
  return `Rows: left ${plural}. Columns: right ${plural}.${results.grouped ? " Groups are of rows of one space." : ""}`;
}

/** Whether a record is about all pairs, and not about a subspace or a bucket of them. */
export function isWhole(record) {
  return [record.subspace, record.bucket].every((part) => part === null || part === undefined || part === CELLS_ALL);
}

/** Whether there was nothing to compare, as in a subspace that no row belongs to. */
export function isEmptyCell(record) {
  return rowsOf(record) === 0;
}

/** How many pairs or rows a score is of. */
export function rowsOf(record) {
  return record.n ?? record.n_rows ?? null;
}

/** The metric with its parameters, as one key: two settings of a metric are two metrics in every view. */
export function metricKey(record) {
  const { parameters } = record;
  return `${record.metric}\u0000${typeof parameters === "string" ? parameters : JSON.stringify(parameters ?? {})}`;
}

/** The key of the pair of spaces that a record is of, its labels included. */
export function placeKey(results, record) {
  return JSON.stringify([...results.labels, ...CELLS_LAYERS, ...CELLS_GROUPS, ...CELLS_SIDES].map((name) => record[name] ?? null));
}

/** The name of the metric; where a metric occurs with several settings, those that differ stand behind it. */
export function titleOf(results, record) {
  return results.titles.get(metricKey(record));
}

/** "layers 1 and 2", or the names of both sides. */
export function placeText(results, record) {
  const [left, right] = results.axes.map((name) => cellsShort(axisText(record[name])));
  return results.layered ? `layers ${left} and ${right}` : `${left} and ${right}`;
}

/** One side of a pair of spaces as text; a path is known by its last part. */
export function axisText(value) {
  if (value === null || value === undefined) return "–";
  const text = String(value);
  return /[\\/][^\\/]+\.\w+$/.test(text) ? text.replace(/^.*[\\/]/, "").replace(/\.\w+$/, "") : text;
}

/** The other labels of a record: "kind features". */
export function labelsText(results, record) {
  return results.labels.map((name) => cellsShort(`${name} ${record[name] ?? "–"}`)).join(", ");
}

/** The subspace, or the bucket of multiplicity, of a record; nothing where it is of all pairs. */
export function partText(record) {
  const named = (name) => record[name] && record[name] !== CELLS_ALL;
  const parts = [named("subspace") ? String(record.subspace) : "", named("bucket") ? `bucket ${record.bucket}` : ""];
  return parts.filter(Boolean).map(cellsShort).join(", ");
}

/** What the null's mean is called. */
export function chanceWord(record) {
  return { "noise-floor": "floor", "random-subset": "subsets", "random-group": "random groups" }[nullKind(record.null)] ?? "chance";
}

/** The mean by chance as text; around zero it is sampling noise, and its exponent would look like news. */
export function chanceText(mean) {
  return Math.abs(mean) < 0.001 ? "0.00" : scoreText(mean);
}

/** A score as text: as other numbers, but a whole score keeps its decimals, so that 1 reads as a score and no count. */
export function scoreText(value) {
  return Number.isInteger(value) && Math.abs(value) < 100 ? value.toFixed(2).replace("-", "\u2212") : numberText(value);
}

/** "chance 0.01", or nothing where there is no null. */
export function referenceText(record) {
  return isNumber(record.null_mean) ? `${chanceWord(record)} ${chanceText(record.null_mean)}` : "";
}

/** The p-value of a record by one of CORRECTIONS, in words. */
export function judgedText(record, column) {
  const [, , words] = CORRECTIONS.find(([name]) => name === column);
  if (column === "p_value") return pText(record.p_value, record.draws);
  return isNumber(record[column]) ? pText(record[column], null).replace("p", words) : "";
}

/** The metric's direction in words, from the first record that says so. */
export function directionOf(records) {
  return records.find((record) => record.larger_means)?.larger_means ?? null;
}

/** Why there is no score. */
export function reasonOf(record) {
  if (record.error) return String(record.error);
  return isEmptyCell(record) ? "empty: there are no rows to compare" : "no score was found, and no reason was recorded";
}

/** A cell in one sentence: what, where, score, chance, p-values, how many pairs, interval. */
export function cellSentence(results, record) {
  const where = [placeText(results, record), partText(record)].filter(Boolean).join(", ");
  const head = `${titleOf(results, record)}, ${where}`;
  if (!isNumber(record.score)) return `${head}: no score. ${shorten(visible(reasonOf(record)), CELLS_REASON)}`;
  const spread = isNumber(record.null_sd) ? ` (sd ${numberText(record.null_sd)})` : "";
  const chance = referenceText(record);
  const facts = [scoreText(record.score), chance && chance + spread, intervalText(record)];
  if (record.null === "noise-floor" && !isNumber(record.p_value)) facts.push("a noise floor has no p-value");
  else facts.push(...CORRECTIONS.map(([column]) => judgedText(record, column)));
  if (isNumber(rowsOf(record))) facts.push(`${d3.format(",")(rowsOf(record))} ${cellsUnit(results, record)}`);
  return `${head}: ${facts.filter(Boolean).join(", ")}; ${directionText(record.larger_means)}`;
}

/** "95% interval 0.60 to 0.65 (bootstrap)", or nothing. */
export function intervalText(record) {
  if (!isNumber(record.low) || !isNumber(record.high)) return "";
  const [, level, how] = /^([\d.]+)\s*(.*)$/.exec(String(record.interval ?? "")) ?? [];
  const name = level ? `${numberText(Number(level) <= 1 ? 100 * Number(level) : Number(level)).replace(/\.0+$/, "")}% ` : "";
  return `${name}interval ${scoreText(record.low)} to ${scoreText(record.high)}${how ? ` (${how})` : ""}`;
}

/** The warnings of a record, each once. */
export function warningsOf(record) {
  const found = record.warnings ?? [];
  const texts = Array.isArray(found) ? found : String(found).split("; ");
  return [...new Set(texts.filter(Boolean))];
}

/** Records by a key, in the order in which the keys first occur. */
export function groupBy(records, keyOf) {
  const groups = new Map();
  for (const record of records) {
    const key = keyOf(record);
    if (groups.has(key)) groups.get(key).push(record);
    else groups.set(key, [record]);
  }
  return groups;
}

/** Distinct labels: numbers by size, others as they first occur. */
export function ordered(values) {
  const distinct = [...new Set(values)];
  return distinct.every((value) => typeof value === "number") ? distinct.sort((a, b) => a - b) : distinct;
}

/** Whether a value of the table is a number at all. */
export function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

/** The record with the smallest p, and of those the one farthest from chance. */
export function strongestOf(records) {
  const key = (record) => [record.p_value ?? 2, -Math.abs(record.z ?? 0)];
  const scored = records.filter((record) => isNumber(record.score));
  return (scored.length ? scored : records).reduce((best, record) => {
    const [p, z] = key(record);
    const [bestP, bestZ] = key(best);
    return p < bestP || (p === bestP && z < bestZ) ? record : best;
  });
}

function cellsShort(text) {
  return shorten(visible(text), CELLS_NAME);
}

function cellsUnit(results, record) {
  if (results.grouped) return results.wholes.has(record.metric) ? "rows in the smaller group" : "pairs of rows";
  const unpaired = ["noise-floor", "spectrum-matched", "random-baseline"].includes(record.null);
  return unpaired ? "rows of the smaller side" : "pairs";
}

/** Titles by metric key; the settings that are alike in all of a metric's keys are left out. */
function cellsTitles(records) {
  const titles = new Map();
  const byMetric = groupBy(records, (record) => record.metric);
  for (const [metric, group] of byMetric) {
    const settings = new Map(group.map((record) => [metricKey(record), cellsParameters(record)]));
    const names = [...new Set([...settings.values()].flatMap(Object.keys))];
    const differing = names.filter((name) => new Set([...settings.values()].map((each) => JSON.stringify(each[name]))).size > 1);
    for (const [key, setting] of settings) {
      const told = differing.filter((name) => name in setting).map((name) => `${name} ${cellsPlain(setting[name])}`);
      titles.set(key, told.length ? `${metric} (${told.join(", ")})` : String(metric));
    }
  }
  return titles;
}

function cellsPlain(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function cellsParameters(record) {
  if (typeof record.parameters !== "string") return record.parameters ?? {};
  try {
    const found = JSON.parse(record.parameters || "{}");
    return found && typeof found === "object" ? found : { parameters: found };
  } catch {
    return { parameters: record.parameters }; // text that is no JSON still tells two settings apart
  }
}
