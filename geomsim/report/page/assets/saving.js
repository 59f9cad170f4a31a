// Views as files: SVG, PNG, and the selection as JSON.

import {announce, element} from "./dom.js";
import {look} from "./look.js";

const SAVING_SCALE = 2; // pixels of a PNG for each of the page

/** Give a view its buttons. `svg` gives the picture as text; `canvas`, where it is given, the one for PNG. */
export function registerView(app, { id, title, svg, canvas = null }) {
  app.views.set(id, { id, title, svg, canvas });
  const tools = document.querySelector(`#${id} .view-tools`);
  tools.replaceChildren(
    savingButton(`Save SVG`, title, async () => saveFile(`${savingName(id)}.svg`, "image/svg+xml", await svg())),
    savingButton(`Save PNG`, title, async () => saveFile(`${savingName(id)}.png`, "image/png", await asPng(svg, canvas))),
  );
}

/** What is selected, as rows with names and links with weights. */
export async function selectionRecord(app) {
  const { selection, pair, hits, query } = app.store.state;
  if (pair === null) return { selection: null };
  const opened = await app.data.pair(pair);
  const record = { report: app.data.manifest.title, pair: opened.name, ...opened.labels, query: query || null };
  if (!selection) return { ...record, selection: null, hits: hits && { left: [...hits.left], right: [...hits.right] } };
  const rows = (side) => savingPlaces(selection[side]).map((row) => ({ row, name: opened[side].nameOf(row), tokens: opened[side].tokensOf(row) }));
  const links = savingPlaces(selection.links ?? []).map((link) => ({
    left: opened.links.left[link], right: opened.links.right[link], weight: savingNumber(opened.links.weight?.[link]),
  }));
  return { ...record, selection: { origin: selection.origin, left: rows("left"), right: rows("right"), pairs: links } };
}

/** Save the selection as JSON. */
export async function saveSelection(app) {
  saveFile("selection.json", "application/json", `${JSON.stringify(await selectionRecord(app), null, 1)}\n`);
}

function savingPlaces(mask) {
  return Array.from(mask.keys()).filter((place) => mask[place]);
}

function savingNumber(value) {
  return value === undefined || Number.isNaN(value) ? null : value;
}

function savingButton(text, title, act) {
  return element("button", { type: "button", class: "quiet", "aria-label": `${text}: ${title}`, text, on: { click: act } });
}

function savingName(id) {
  return `geomsim-${id}`;
}

function saveFile(name, type, content) {
  const blob = content instanceof Blob ? content : new Blob([content], { type });
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  announce(`saved ${name}`);
}

async function asPng(svg, canvas) {
  const drawn = canvas ? await canvas() : await rasterised(await svg());
  return new Promise((done) => drawn.toBlob(done, "image/png"));
}

async function rasterised(text) {
  const image = new Image();
  const source = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  await new Promise((done, failed) => {
    image.onload = done;
    image.onerror = () => failed(new Error("the picture could not be drawn"));
    image.src = source;
  });
  const canvas = element("canvas", { width: SAVING_SCALE * image.width, height: SAVING_SCALE * image.height });
  const context = canvas.getContext("2d");
  context.fillStyle = look().paper;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(source);
  return canvas;
}
