// Choosing points by a box or a line drawn around them with the pointer.

/**
 * Listens on one canvas: `mode()` says "pan", "box" or "lasso"; `drawn(path)` shows the outline so far (null: gone);
 * `chosen(path, add)` gets the closed outline, as [[x, y], ...] in pixels of the canvas.
 */
export function listenForOutlines(canvas, { mode, drawn, chosen }) {
  let path = null, start = null, pointer = null;

  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [
      Math.min(box.width, Math.max(0, event.clientX - box.left)),
      Math.min(box.height, Math.max(0, event.clientY - box.top)),
    ];
  };
  const stop = () => {
    path = start = pointer = null;
    drawn(null);
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (mode() === "pan" || event.button !== 0) return;
    if (pointer !== null) return stop(); // a second finger: two fingers zoom
    pointer = event.pointerId;
    start = at(event);
    path = [start];
    canvas.setPointerCapture(pointer);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    const spot = at(event);
    if (mode() === "box") path = lassoBox(start, spot);
    else if (Math.hypot(spot[0] - path.at(-1)[0], spot[1] - path.at(-1)[1]) >= 2) path.push(spot);
    drawn(path);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (event.pointerId !== pointer) return;
    const outline = path, add = event.shiftKey;
    stop();
    // What did not move is a click, not an outline.
    if (outline.length >= 3 && lassoSize(outline) >= 4) chosen(outline, add);
  });
  canvas.addEventListener("pointercancel", stop);
  return { busy: () => path !== null && path.length > 1, stop };
}

/** Which points of a side lie within an outline (even-odd rule), as row numbers. */
export function rowsWithin(side, place, outline) {
  const [x0, x1] = lassoRange(outline, 0), [y0, y1] = lassoRange(outline, 1);
  const found = [];
  for (let i = 0; i < side.n; i += 1) {
    const x = side.x[i] * place.k + place.x0, y = place.y0 - side.y[i] * place.k;
    if (x >= x0 && x <= x1 && y >= y0 && y <= y1 && lassoHolds(outline, x, y)) found.push(i);
  }
  return Uint32Array.from(found);
}

function lassoBox([x0, y0], [x1, y1]) {
  return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
}

function lassoRange(outline, part) {
  let low = Infinity, high = -Infinity;
  for (const spot of outline) {
    low = Math.min(low, spot[part]);
    high = Math.max(high, spot[part]);
  }
  return [low, high];
}

function lassoSize(outline) {
  return Math.max(...[0, 1].map((part) => lassoRange(outline, part)).map(([low, high]) => high - low));
}

function lassoHolds(outline, x, y) {
  let inside = false;
  for (let i = 0, j = outline.length - 1; i < outline.length; j = i, i += 1) {
    const [xi, yi] = outline[i], [xj, yj] = outline[j];
    if ((yi > y) !== (yj > y) && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}
