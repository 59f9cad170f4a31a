// Anything that JSON can say, for reading: short things beside their names, long ones folded up until they are opened.

import {dataText, element} from "./dom.js";
import {visible} from "./look.js";

const FACTS_SHORT = 160; // characters that still stand on a line
const FACTS_FEW = 24; // entries that are not folded up
const FACTS_DEEP = 2; // levels that are not folded up

/** Facts as definition lists; what is long or deep is behind a summary and made when it is opened. */
export function factsTree(facts, depth = 0) {
  return element("dl", { class: "fact-list" }, Object.entries(facts).flatMap(([name, value]) => [
    element("dt", {}, dataText(visible(name))),
    element("dd", {}, factsValue(name, value, depth)),
  ]));
}

/** A value as text: texts as they are, lists of short things with commas, everything else as JSON. */
export function factsText(value) {
  if (value === null || value === undefined) return "none";
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((item) => item === null || typeof item !== "object")) return value.length ? value.map(factsText).join(", ") : "none";
  return JSON.stringify(value);
}

/** A value in the place of its name: a list, a tree, or text that folds up where it is long. */
export function factsValue(name, value, depth) {
  const nested = value !== null && typeof value === "object" && !Array.isArray(value);
  if (nested && !Object.keys(value).length) return "none";
  if (nested && depth < FACTS_DEEP && Object.keys(value).length <= FACTS_FEW) return factsTree(value, depth + 1);
  // Sentences and commands, one under the other; commas would run them together.
  if (Array.isArray(value) && value.length && value.length <= FACTS_FEW && value.every((item) => typeof item === "string" && item.includes(" "))) {
    return element("ol", { class: "facts-lines" }, value.map((item) => element("li", {}, dataText(visible(item)))));
  }
  const text = factsText(value);
  if (text.length <= FACTS_SHORT) return dataText(visible(text), { class: "facts-text" });
  return factsFolded(name, value, text);
}

function factsFolded(name, value, text) {
  const many = Array.isArray(value) ? `${value.length.toLocaleString("en")} entries` : value !== null && typeof value === "object"
    ? `${Object.keys(value).length.toLocaleString("en")} entries` : `${text.length.toLocaleString("en")} characters`;
  const box = element("details", { class: "facts-folded" }, element("summary", {}, many));
  box.addEventListener("toggle", () => {
    if (!box.open || box.children.length > 1) return;
    const whole = typeof value === "string" ? value : JSON.stringify(value, null, 1);
    box.append(element("pre", { tabindex: "0", role: "region", "aria-label": `${name}, whole` }, dataText(whole)));
  });
  return box;
}
