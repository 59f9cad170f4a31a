// Text around a token, with the activation on each piece.

import {element} from "./dom.js";
import {numberText, shorten, visible} from "./look.js";

const CONTEXT_LONGEST = 80; // characters of one piece on the page
const CONTEXT_NUMBERS = 3; // pieces whose activation stands as a number, beside the token itself
const CONTEXT_SHADES = 5;

/** A context as an element: pieces shaded by their activation relative to the largest, the token marked. */
export function contextView(context) {
  const largest = Math.max(0, ...context.activations.filter((value) => !Number.isNaN(value)));
  const numbered = contextNumbered(context);
  const pieces = context.pieces.map((text, place) =>
    contextPiece(text, context.activations[place], largest, place === context.focus, numbered.has(place)));
  const token = context.pieces[context.focus];
  const head = element("p", { class: "context-head" },
    element("span", { class: "context-value", text: `activation ${numberText(context.value)}` }),
    token === undefined ? "" : [" at ", element("bdi", { class: "token", text: cutText(token, 24) })],
    context.document ? [" in ", element("bdi", { text: shorten(visible(context.document), 60) })] : "");
  return element("div", { class: "context" }, head, element("bdi", { class: "context-text" }, pieces));
}

/** Text of the data, visible and at most so long; what is cut is said, and long runs of spaces are counted. */
export function cutText(text, longest) {
  const shown = visible(text).replace(/ {4,}/g, (run) => `\u2423\u00d7${run.length}`);
  if (text.length <= longest) return shown;
  return `${shorten(shown, longest)} (${text.length.toLocaleString("en-US")} characters)`;
}

/** What the shades mean, in words. */
export function contextsKey() {
  return "The stronger a piece of text is shaded, the larger its activation beside the largest of that context; "
    + "the token is outlined, and the largest activations stand behind their pieces as numbers.";
}

function contextPiece(text, activation, largest, focus, numbered) {
  const shade = activation > 0 && largest > 0 ? Math.min(CONTEXT_SHADES, Math.ceil((CONTEXT_SHADES * activation) / largest)) : 0;
  const classes = `piece${shade ? ` shade-${shade}` : ""}`;
  const inner = cutText(text, CONTEXT_LONGEST);
  const piece = focus ? element("mark", { class: `${classes} focus`, text: inner }) : element("span", { class: classes, text: inner });
  if (!numbered) return piece;
  return element("span", { class: "piece-whole" }, piece, element("span", { class: "piece-number", text: numberText(activation) }));
}

// The token's own number, and those of the few largest.
function contextNumbered({ activations, focus }) {
  const order = Array.from(activations.keys()).filter((place) => activations[place] > 0)
    .sort((one, other) => activations[other] - activations[one]);
  const numbered = new Set(order.slice(0, CONTEXT_NUMBERS));
  if (focus >= 0 && focus < activations.length) numbered.add(focus);
  return numbered;
}
