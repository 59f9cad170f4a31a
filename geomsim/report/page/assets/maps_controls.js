// The controls of the maps: pair, colour, links, what the pointer does, zoom.

import {element, select} from "./dom.js";
import {LINK_MODES, linksMeaning} from "./links_layer.js";

const CONTROL_MODES = { pan: "Move", box: "Box", lasso: "Lasso" };

/** Buttons and selects that set the store and the stage. */
export class MapControls {
  constructor(app, stage) {
    this.app = app;
    this.stage = stage;
    const { manifest } = app.data, { store } = app;
    const pairs = manifest.pairs.map((pair, place) => [String(place), pair.drawn ? pair.name : `${pair.name} (no map)`]);
    this.pairSelect = select("Pair", pairs, String(store.state.pair), (value) => store.set({ pair: Number(value) }, "maps"));
    this.colourBox = element("span");
    this.modes = new Map(Object.entries(CONTROL_MODES).map(([mode, text]) =>
      [mode, this.button(text, { "aria-pressed": String(mode === stage.mode) }, () => this.setMode(mode))]));
    this.links = new Map(LINK_MODES.map((mode) =>
      [mode, this.button("", { "aria-pressed": "false" }, () => store.set({ links: mode }, "maps"))]));
    const zoom = [
      this.button("+", { "aria-label": "Enlarge" }, () => stage.zoomBy(1.5)),
      this.button("\u2212", { "aria-label": "Make smaller" }, () => stage.zoomBy(1 / 1.5)),
      this.button("Reset", { "aria-label": "Show the whole maps" }, () => stage.reset()),
    ];
    this.node = element("div", { class: "controls maps-controls" }, this.colourBox,
      controlsGroup("Pointer", [...this.modes.values()]), controlsGroup("Zoom", zoom), controlsGroup("Links", [...this.links.values()]));
    this.linkWords = element("span");
    this.outsideWords = element("span");
    this.said = element("p", { class: "maps-said" }, this.linkWords, " ", this.outsideWords);
  }

  button(text, attributes, act) {
    return element("button", { type: "button", text, ...attributes, on: { click: act } });
  }

  setMode(mode) {
    this.stage.setMode(mode);
    for (const [own, button] of this.modes) button.setAttribute("aria-pressed", String(own === mode));
    this.stage.node.dataset.mode = mode;
  }

  choose(pair) {
    this.pairSelect.box.value = String(pair);
  }

  offerColours(choices, key) {
    this.colourSelect = select("Colour", choices, key, (value) => this.app.store.set({ colour: value }, "maps"));
    this.colourBox.replaceChildren(this.colourSelect);
  }

  colourChosen(key) {
    this.colourSelect.box.value = key;
  }

  /** How many links each way draws stands on its button; what is drawn stands below the maps. */
  tellLinks(mode, counts, said) {
    for (const [own, button] of this.links) {
      const number = counts[own].toLocaleString("en-US");
      const text = own === "none" ? "none" : `${own} ${number}`;
      if (button.textContent !== text) button.textContent = text;
      button.setAttribute("aria-pressed", String(own === mode));
      button.title = own === "none" ? "draw no links" : `draws ${number} ${counts[own] === 1 ? "link" : "links"}: ${linksMeaning(own)}`;
    }
    // Room for every pair, so that a selection does not move the maps.
    this.links.get("selected").style.minWidth = `${0.92 * `selected ${counts.pairs.toLocaleString("en-US")}`.length}ch`;
    if (this.linkWords.textContent !== said) this.linkWords.textContent = said;
  }

  tellOutside(count) {
    const rows = `${count.toLocaleString("en-US")} lit ${count === 1 ? "row is" : "rows are"}`;
    const text = count ? `${rows} outside the view, where the arrows point.` : "";
    if (this.outsideWords.textContent !== text) this.outsideWords.textContent = text;
  }
}

function controlsGroup(label, buttons) {
  return element("div", { class: "control-group", role: "group", "aria-label": label },
    element("span", { class: "control-name", text: label, "aria-hidden": "true" }), buttons);
}
