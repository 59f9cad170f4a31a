// Warnings of single comparisons, below the first words: those that differ in their numbers and quoted names alone stand together.

import {dataText, element} from "./dom.js";

/** All warnings, folded up. `warnings` are texts with how often each occurs. */
export function warningsList(warnings) {
  if (!warnings.length) return null;
  const total = warnings.reduce((sum, [, count]) => sum + count, 0);
  const title = total === 1 ? "1 warning about a single comparison" : `${total} warnings about single comparisons`;
  const kinds = d3.groups(warnings, ([text]) => text.replace(/(?<!\w)'[^']*'(?!\w)|[\d.,]*\d/g, "#"));
  return element("details", { class: "warnings" }, element("summary", { text: title }),
    element("ul", {}, kinds.map(([, alike]) => warningsKind(alike))));
}

function warningsKind([first, ...others]) {
  const item = warningsItem(first);
  if (others.length) {
    item.append(element("details", {}, element("summary", { text: `${others.length} more, alike but for numbers and names` }),
      element("ul", {}, others.map(warningsItem))));
  }
  return item;
}

function warningsItem([text, count]) {
  return element("li", {}, dataText(text), count > 1 ? ` (${count} times)` : "");
}
