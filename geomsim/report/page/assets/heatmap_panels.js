// One heatmap: a table of buttons, one for each pair of layers, with arrow keys between them.

import {dataText, element} from "./dom.js";
import {directionText, look, shorten, visible} from "./look.js";
import {axisWord, cellSentence, isNumber, judgedText, nullWords, placeText, reasonOf} from "./result_cells.js";

const PANEL_REASON = 200; // characters of a reason in a cell's name
const PANEL_STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

/** A heatmap as an element; `choose` is called with a cell that was chosen. */
export function heatmapPanel(results, heatmaps, panel, size, choices, choose) {
  const buttons = panel.grid.map((line) => line.map((cell) => cell && panelButton(results, panel, cell, size, choices, choose)));
  panel.buttons = buttons;
  const [left, right] = ["left", "right"].map((side) => `${side} ${axisWord(results)}`.trim());
  const table = element("table", { class: `heat-table ${size.mode}` },
    element("caption", { class: "sr-only", text: `${panel.title}, ${panelReading(panel, choices)}` }),
    element("thead", {}, element("tr", {},
      element("td", { class: "heat-corner", text: "" }),
      heatmaps.texts.rights.map((text) => panelHead("col", right, text)))),
    element("tbody", {}, buttons.map((line, i) => element("tr", {},
      panelHead("row", left, heatmaps.texts.lefts[i]),
      line.map((button) => element("td", { class: button ? null : "heat-blank" }, button))))));
  const vertical = heatmaps.texts.rights.some((text) => panelLong(text, size.width));
  table.classList.toggle("heads-upright", vertical);
  table.style.width = `${size.label + heatmaps.rights.length * size.width}px`;
  table.style.setProperty("--cell-width", `${size.width}px`);
  table.style.setProperty("--cell-height", `${size.height}px`);
  table.style.setProperty("--label-width", `${size.label}px`);
  table.addEventListener("keydown", (event) => panelStep(event, buttons));
  return element("div", { class: "heat-panel" },
    element("h3", { class: "heat-title" }, dataText(shorten(panel.title, 60)), element("span", { class: "heat-reading", text: panelReading(panel, choices) })),
    element("div", { class: "scroll heat-scroll" }, table),
    panel.ends && panelEnds(panel.ends),
    panel.doubles ? element("p", { class: "note", text: `${panel.doubles} more results for the same cells are not drawn; they are in the results table.` }) : null);
}

/** Which buttons are outlined and can be reached by Tab: the chosen cell, and the same pair in the other heatmaps. */
export function markChosen(panels, chosen, samePlace) {
  for (const panel of panels) {
    const cells = panel.cells.map((cell) => [cell, panel.buttons[cell.i][cell.j]]);
    for (const [cell, button] of cells) {
      const own = cell.record.row === chosen?.row;
      button.setAttribute("aria-pressed", String(own));
      button.classList.toggle("chosen", own);
      button.classList.toggle("same-place", !own && chosen !== null && samePlace(cell.record, chosen));
      button.tabIndex = -1;
    }
    const first = cells.find(([, button]) => button.matches(".chosen, .same-place")) ?? cells[0];
    if (first) first[1].tabIndex = 0;
  }
}

/** What stands beside the metric's name: how to read its numbers. */
export function panelReading(panel, { value }) {
  if (panel.cells.every((cell) => cell.without)) return value === "score" ? "no score" : `no ${panelValue(value)} under this null`;
  const direction = value === "corrected" ? "larger is closer" : directionText(panel.direction);
  const what = value === "score" ? "" : `${panelValue(value)}, `;
  return `${what}${direction}${panel.judged === "noise-floor" ? ", noise floor" : ""}`;
}

/** The number that the cells show, in words. */
export function panelValue(value) {
  return { score: "score", corrected: "chance-corrected", z: "z" }[value];
}

function panelButton(results, panel, cell, size, choices, choose) {
  const { record } = cell;
  const button = element("button", {
    type: "button", class: `heat-cell ${cell.without ?? ""}`, title: cell.without ? cellSentence(results, record) : null, "data-row": record.row,
    "aria-label": panelName(results, panel, cell, choices),
    on: {
      click: () => choose(record),
      // Thousands of tooltips would be written for nobody: a cell gets its own when somebody points at it.
      pointerenter: () => button.setAttribute("title", cellSentence(results, record)),
    },
  });
  if (!cell.without) {
    button.style.backgroundColor = cell.colour;
    button.style.color = cell.ink;
  }
  const beside = size.mode === "roomy" ? cell.mark : "";
  if (size.mode !== "compact") button.append(element("span", { class: "heat-number", text: cell.number + beside }));
  if (size.mode !== "roomy" && cell.mark) button.append(element("span", { class: "heat-mark", text: cell.mark }));
  if (size.mode === "roomy" && cell.chance) button.append(element("span", { class: "heat-chance", text: cell.chance }));
  return button;
}

function panelName(results, panel, { record, number, chance }, { value, significance }) {
  const where = `${panel.title}, ${placeText(results, record)}`;
  if (!isNumber(record[value])) return `${where}: no ${panelValue(value)}, ${shorten(visible(reasonOf(record)), PANEL_REASON)}`;
  const judged = record.null && record.null !== "noise-floor" ? judgedText(record, significance) : nullWords(record.null);
  return [`${where}: ${number}`, chance, judged].filter(Boolean).join(", ");
}

function panelHead(scope, what, text) {
  return element("th", { scope, title: `${what} ${text}` },
    element("span", { class: "sr-only", text: `${what} ` }), dataText(shorten(text, 28)));
}

function panelLong(text, width) {
  return 7.5 * Math.min(28, text.length) > width - 4;
}

function panelEnds([first, last]) {
  const ramp = element("span", { class: "heat-ramp" });
  ramp.style.backgroundImage = `linear-gradient(to right, ${look().ramp.join(", ")})`;
  return element("div", { class: "heat-ends" }, ramp,
    element("p", {}, element("span", { text: first }), element("span", { text: last })));
}

function panelStep(event, buttons) {
  const step = PANEL_STEPS[event.key];
  const place = step && panelPlace(buttons, event.target);
  if (!place) return;
  event.preventDefault();
  let [i, j] = place;
  do {
    [i, j] = [i + step[0], j + step[1]];
  } while (buttons[i] && j in buttons[i] && !buttons[i][j]); // a pair that was not compared has no button
  const next = buttons[i]?.[j];
  if (!next) return;
  for (const button of buttons.flat()) if (button) button.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

function panelPlace(buttons, target) {
  const i = buttons.findIndex((line) => line.includes(target));
  return i < 0 ? null : [i, buttons[i].indexOf(target)];
}
