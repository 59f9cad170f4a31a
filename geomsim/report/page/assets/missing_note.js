// Words of the report: what stands in a view that has nothing to show, and notes under headings.

import {dataText, element} from "./dom.js";

/** How to get what is missing. */
export function missingNote(text) {
  return prose(text, "missing");
}

/** A paragraph with the parts between backquotes as code. */
export function prose(text, kind) {
  const pieces = text.split("`").map((piece, place) => (place % 2 ? element("code", {}, dataText(piece)) : dataText(piece)));
  return element("p", { class: kind }, pieces);
}
