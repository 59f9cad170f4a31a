// Words of the report: what stands in a view that has nothing to show, and notes under headings.

import {dataText, element} from "./dom.js";

const NOTES_MANY = 12, NOTES_SHOWN = 5;

/** How to get what is missing. */
export function missingNote(text) {
  return prose(text, "missing");
}

/** Notes under a heading; of very many, as of a study whose files were moved, the first ones, and the others on a click. */
export function noteElements(texts) {
  const shown = texts.length > NOTES_MANY ? texts.slice(0, NOTES_SHOWN) : texts;
  const notes = shown.map((text) => prose(text, "note"));
  const rest = texts.slice(shown.length);
  if (!rest.length) return notes;
  const list = element("details", { class: "more-notes" }, element("summary", { text: `${rest.length} more notes` }));
  // Made when they are asked for: a thousand paragraphs would make the page a mile long.
  list.addEventListener("toggle", () => list.append(...rest.map((text) => prose(text, "note"))), { once: true });
  return [...notes, list];
}

/** A paragraph with the parts between backquotes as code. */
export function prose(text, kind) {
  const pieces = text.split("`").map((piece, place) => (place % 2 ? element("code", {}, dataText(piece)) : dataText(piece)));
  return element("p", { class: kind }, pieces);
}
