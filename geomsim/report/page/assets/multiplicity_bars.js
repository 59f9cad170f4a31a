// How many rows of a side have one partner, and how many share theirs: a bar for each, which selects.

import {dataText, element} from "./dom.js";
import {shorten, visible} from "./look.js";

const MULTIPLICITY_FEW = 6; // so many different numbers of partners stand by themselves
const MULTIPLICITY_BUCKETS = [[1, 1, "1"], [2, 10, "2–10"], [11, 100, "11–100"], [101, Infinity, "over 100"]];

/** The rows of one side by their number of partners on the other. */
export function multiplicityOf(links, side, own, other) {
  const rows = links[side];
  const counts = new Uint32Array(own.n);
  for (const row of rows) counts[row]++;
  const most = d3.max(counts) ?? 0;
  const bounds = most <= MULTIPLICITY_FEW ? d3.range(1, most + 1).map((k) => [k, k, String(k)]) : MULTIPLICITY_BUCKETS;
  const bucketOf = (count) => bounds.findIndex(([low, high]) => count >= low && count <= high);
  const totals = new Uint32Array(bounds.length);
  let alone = 0;
  for (const count of counts) {
    if (count) totals[bucketOf(count)]++;
    else alone++;
  }
  return {
    side, rows, counts, bucketOf, alone, what: own.what,
    title: `Partners of a ${own.what} of ${own.name}`,
    otherName: other.name,
    buckets: bounds.map(([low, high, text], place) => ({ text: `${text} ${high === 1 ? "partner" : "partners"}`, low, high, rows: totals[place] })),
  };
}

/** The bars as buttons; `choose(bucket)` is called with the place of one. */
export function multiplicityBars(found, choose) {
  const most = d3.max(found.buckets, (bucket) => bucket.rows) || 1;
  const lines = found.buckets.map((bucket, place) => {
    const [all, selected] = ["all", "selected"].map((kind) => element("span", { class: `bar ${kind}` }));
    all.style.width = `${(100 * bucket.rows) / most}%`;
    const count = element("span", { class: "bar-count" });
    const button = element("button", { type: "button", class: "bar-button", disabled: !bucket.rows, on: { click: () => choose(place) } },
      element("span", { class: "bar-label", text: bucket.text }), element("span", { class: "bar-track" }, all, selected), count);
    return { bucket, button, selected, count };
  });
  const bars = {
    selected: found.buckets.map(() => 0),
    element: element("div", { class: "histogram" },
      element("h3", {}, dataText(shorten(visible(found.title), 80))),
      lines.map(({ button }) => button),
      found.alone ? element("p", { class: "note", text: `${found.alone.toLocaleString("en")} of ${found.counts.length.toLocaleString("en")} have none.` }) : null),
    /** `mask`: which rows of this side are selected. */
    update(mask) {
      bars.selected = found.buckets.map(() => 0);
      if (mask) found.counts.forEach((count, row) => {
        if (count && mask[row]) bars.selected[found.bucketOf(count)]++;
      });
      lines.forEach(({ bucket, selected, count }, place) => {
        const chosen = bars.selected[place];
        selected.style.width = `${(100 * chosen) / most}%`;
        count.textContent = bucket.rows.toLocaleString("en") + (chosen ? ` (${chosen.toLocaleString("en")} selected)` : "");
      });
    },
    /** The same on a painter; gives the place below. */
    paint(painter, x, y, width, colours) {
      painter.text(x, y + 12, shorten(found.title, 80), colours.ink, 13, "start", "600");
      const room = width - 270;
      found.buckets.forEach((bucket, place) => {
        const top = y + 22 + 24 * place;
        painter.text(x, top + 14, bucket.text, colours.ink, 12);
        painter.rect(x + 130, top + 3, (room * bucket.rows) / most, 14, colours.chance);
        painter.rect(x + 130, top + 3, (room * bars.selected[place]) / most, 14, colours.selected);
        painter.text(x + 138 + room, top + 14, lines[place].count.textContent, colours.quiet, 12);
      });
      return y + 22 + 24 * found.buckets.length;
    },
  };
  return bars;
}
