// How alike a cell is, as a shade: 0 at its own chance (or worse), 1 at the most alike of its metric.

import {chanceText, chanceWord, isNumber, referenceText, scoreText} from "./result_cells.js";

/** The strongest colour stands for at least so many standard deviations: a panel of pure chance stays faint. */
const SHADES_REACH = 5;

/** Colours between the steps of a ramp, from 0 to 1. */
export function rampOf(colours) {
  return d3.piecewise(d3.interpolateRgb, colours);
}

/** The shade of each cell of one metric (null for no colour), and both ends of the ramp in words (null without one). */
export function shadesOf(cells, value) {
  const known = cells.filter((cell) => isNumber(cell[value]));
  if (!known.length) return { shades: cells.map(() => null), ends: null };
  if (value === "corrected") return shadesBetween(cells, value, () => 0, 1, ["0: chance", "1: identical"]);
  const sign = known[0].larger_means === "farther" ? -1 : 1;
  const floor = known[0].null === "noise-floor";
  if (floor) return value === "z" ? { shades: cells.map(() => null), ends: null } : shadesByFloor(cells, known, sign);
  const best = d3.max(known, (cell) => sign * cell[value]);
  if (value === "z") {
    const end = sign * Math.max(best, SHADES_REACH);
    return shadesBetween(cells, value, () => 0, end, ["0: chance", scoreText(end)]);
  }
  const judged = known.filter((cell) => isNumber(cell.null_mean));
  if (!judged.length) {
    const worst = sign * d3.min(known, (cell) => sign * cell.score);
    return shadesBetween(cells, value, () => worst, sign * best, [`${scoreText(worst)} (no null)`, scoreText(sign * best)]);
  }
  const reach = d3.max(judged, (cell) => sign * cell.null_mean + SHADES_REACH * (cell.null_sd ?? 0));
  const end = sign * Math.max(best, reach);
  return shadesBetween(cells, value, (cell) => cell.null_mean, end, [shadesRange(judged), scoreText(end)]);
}

function shadesBetween(cells, value, startOf, end, ends) {
  const shades = cells.map((cell) => {
    const [number, start] = [cell[value], startOf(cell)];
    if (!isNumber(number) || !isNumber(start)) return null;
    return end === start ? 0 : Math.min(1, Math.max(0, (number - start) / (end - start)));
  });
  return { shades, ends };
}

/** Against a noise floor only the ratio means something: it is no chance level. */
function shadesByFloor(cells, known, sign) {
  const shades = cells.map(({ score, null_mean: floor }) => {
    if (!isNumber(score) || !floor) return null;
    const [small, large] = sign < 0 ? [floor, score] : [score, floor];
    return large <= small ? 1 : Math.max(0, small / large);
  });
  return { shades, ends: [sign < 0 ? "far above the floor" : "far below the floor", shadesRange(known)] };
}

/** Chance or the floor in words, from the smallest to the largest; crowded cells have no room for their own. */
function shadesRange(cells) {
  const judged = cells.filter((cell) => isNumber(cell.null_mean));
  if (!judged.length) return "";
  const [low, high] = d3.extent(judged, (cell) => cell.null_mean);
  const [first, last] = [chanceText(low), chanceText(high)];
  return first === last ? referenceText(judged[0]) : `${chanceWord(judged[0])} ${first} to ${last}`;
}
