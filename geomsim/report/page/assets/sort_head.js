// The head of a column by which a table can be sorted.

import {dataText, element} from "./dom.js";
import {shorten, visible} from "./look.js";

const SORT_SIGNS = { none: "↕", ascending: "↑", descending: "↓" };

/** A column head with a button; `sorted` is `{id, descending}` or null, `act` is called with the column. */
export function sortHead(column, sorted, act, attributes = {}) {
  const sort = sorted?.id === column.id ? (sorted.descending ? "descending" : "ascending") : "none";
  return element("th", { scope: "col", "aria-sort": sort, "data-column": column.id, ...attributes },
    element("button", { type: "button", class: "sort-button", on: { click: () => act(column) } },
      dataText(shorten(visible(column.title), 40)), element("span", { class: "sort-sign", "aria-hidden": "true", text: ` ${SORT_SIGNS[sort]}` })));
}

/** How a table is sorted after a click on a column: the other way round, or by it; numbers begin with the largest. */
export function sortedNext(sorted, column) {
  return { id: column.id, descending: sorted?.id === column.id ? !sorted.descending : Boolean(column.numeric) };
}
