// Pointer and keys on the maps: pointing at rows, pinning them, choosing many.

import {announce} from "./dom.js";
import {numberText} from "./look.js";
import {selectBoth} from "./selection.js";
import {nearestPoint, pointToward} from "./points.js";
import {listenForOutlines, rowsWithin} from "./lasso.js";
import {linksByWeight, rowWords} from "./details.js";
import {sameTarget} from "./store.js";

const POINTER_REACH = { mouse: 14, pen: 18, touch: 26 }; // pixels from a point that still mean it
const POINTER_STILL = { mouse: 4, pen: 6, touch: 10 }; // pixels that a click may move
const POINTER_ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** Listens on the map of one side; `view` has the app, the stage, the pair, and `outline`, `point()`, `reveal()`. */
export function listenToMap(view, side) {
  const { stage, app: { store } } = view, { canvas } = stage.panels[side];
  const outlines = listenForOutlines(canvas, {
    mode: () => stage.mode,
    drawn: (path) => {
      view.outline = path && { side, path };
      view.point();
    },
    chosen: (path, add) => pointerSelects(view, side, path, add),
  });
  const hover = (target) => {
    if (!sameTarget(target, store.state.hover)) store.set({ hover: target }, "maps");
  };
  let down = null;
  canvas.addEventListener("pointerdown", (event) => {
    down = [event.clientX, event.clientY];
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "touch" && !event.buttons && !outlines.busy()) hover(pointerRow(view, side, event));
  });
  canvas.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "touch") hover(null);
  });
  canvas.addEventListener("pointerup", (event) => {
    const moved = down ? Math.hypot(event.clientX - down[0], event.clientY - down[1]) : Infinity;
    down = null;
    if (moved < (POINTER_STILL[event.pointerType] ?? POINTER_STILL.mouse) && !event.button) pointerPins(view, side, event);
  });
  canvas.addEventListener("pointercancel", () => { down = null; });
  canvas.addEventListener("keydown", (event) => pointerKey(view, side, event));
  canvas.addEventListener("blur", () => hover(null));
}

function pointerRow({ pair, stage }, side, event) {
  const box = stage.panels[side].canvas.getBoundingClientRect();
  const reach = POINTER_REACH[event.pointerType] ?? POINTER_REACH.mouse;
  const row = nearestPoint(pair[side], stage.place, event.clientX - box.left, event.clientY - box.top, reach);
  return row < 0 ? null : { type: "row", side, row };
}

// A click pins, and lets go what was pinned; a tap has no pointing before it, and does both.
function pointerPins(view, side, event) {
  const { store } = view.app, target = pointerRow(view, side, event);
  const again = target !== null && sameTarget(target, store.state.pinned);
  const leaves = event.pointerType === "touch" && again;
  store.set({ hover: leaves ? null : target, pinned: again ? null : target }, "maps");
}

async function pointerSelects({ app, pair, stage }, side, path, add) {
  const before = app.store.state.selection;
  const rows = { left: [], right: [], [side]: Array.from(rowsWithin(pair[side], stage.place, path)) };
  if (add && before) {
    for (const which of ["left", "right"]) {
      before[which].forEach((one, row) => { if (one) rows[which].push(row); });
    }
  }
  const counts = await selectBoth(app, rows, "map");
  announce(`selected: ${counts.left} left, ${counts.right} right, ${counts.links} pairs`);
}

function pointerKey(view, side, event) {
  const { app: { store }, stage } = view, { hover, pinned } = store.state;
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const here = [hover, pinned].find((target) => target?.type === "row" && target.side === side);
  if (event.key === "Enter" || event.key === " ") {
    if (here) store.set({ pinned: sameTarget(here, pinned) ? null : here }, "maps");
  } else if (POINTER_ARROWS[event.key]) {
    const data = view.pair[side];
    const row = here ? pointToward(data, here.row, ...POINTER_ARROWS[event.key])
      : nearestPoint(data, stage.place, stage.width / 2, stage.height / 2, Infinity);
    if (row >= 0) pointerArrives(view, side, row);
  } else return;
  event.preventDefault();
}

function pointerArrives(view, side, row) {
  const { app, pair } = view, target = { type: "row", side, row }, other = side === "left" ? "right" : "left";
  app.store.set({ hover: target }, "maps");
  view.reveal(side, row);
  const links = linksByWeight(app, target), { weight, weightName } = pair.links ?? {};
  const partner = links.length ? `partner ${rowWords(pair[other], pair.links[other][links[0]])}` : "no partner";
  const strength = links.length && weight ? `, ${weightName} ${numberText(weight[links[0]])}` : "";
  const more = links.length > 1 ? `, and ${links.length - 1} more` : "";
  announce(`${rowWords(pair[side], row)}: ${partner}${strength}${more}`);
}
