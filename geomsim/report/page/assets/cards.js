// What is known of each metric: what it measures, what it promises, how it fared on synthetic truth.

import {dataText, element} from "./dom.js";
import {visible} from "./look.js";
import {cardText} from "./card_text.js";
import {factsTree} from "./facts_tree.js";
import {missingNote} from "./missing_note.js";

/** One card for each metric, folded up; the chosen metric is marked. */
export async function mountCards(section, app) {
  const { cards, missing } = app.data.manifest;
  if (!cards?.length) {
    const why = missing.cards ?? "There are no metric cards here; `geomsim metrics NAME` prints what a metric measures.";
    section.append(missingNote(why));
    app.report("cards", () => ({ cards: [] }));
    return;
  }
  const drawn = cards.map((card) => ({ card, ...metricCard(card) }));
  section.append(element("div", { class: "cards" }, drawn.map(({ box }) => box)));
  const mark = () => {
    for (const { card, box, sign } of drawn) {
      const own = card.metric === app.store.state.metric;
      box.classList.toggle("chosen", own);
      sign.textContent = own ? " (chosen above)" : "";
    }
  };
  mark();
  app.store.on(["metric"], mark);
  app.report("cards", () => ({
    cards: drawn.map(({ card, box }) => ({ metric: card.metric, open: box.open, chosen: box.classList.contains("chosen"), broken: card.broken?.length ?? 0 })),
  }));
}

function metricCard(card) {
  const sign = element("span", { class: "card-sign" });
  const broken = card.broken ?? [];
  const flaw = broken.length ? `${broken.length} broken ${broken.length === 1 ? "promise" : "promises"}` : "";
  const box = element("details", { class: "card", "data-metric": card.metric },
    element("summary", {},
      dataText(visible(card.metric), { class: "card-name" }), sign,
      element("span", { class: "card-summary" }, dataText(visible(card.summary ?? "").replaceAll("`", ""))),
      flaw ? element("span", { class: "card-flaw", text: flaw }) : null));
  box.addEventListener("toggle", () => {
    if (box.open && box.children.length === 1) box.append(...cardBody(card));
  });
  return { box, sign };
}

function cardBody(card) {
  const parts = [];
  const add = (title, ...nodes) => parts.push(element("div", { class: "card-part" }, element("h3", { text: title }), ...nodes));
  if (card.broken?.length) add("Promises it does not keep", element("ul", {}, card.broken.map((text) => element("li", {}, dataText(text)))));
  if (card.remarks?.length) add("What to know when reading its scores", cardPairs(card.remarks));
  if (card.measured?.length) add("Measured on synthetic truth", cardPairs(card.measured));
  if (Object.keys(card.facts ?? {}).length) add("Facts", factsTree(card.facts));
  if (card.text) add("Documentation", element("div", { class: "card-text" }, cardText(card.text)));
  return parts.length ? parts : [element("p", { class: "note", text: "Nothing else is recorded of this metric." })];
}

function cardPairs(pairs) {
  return element("dl", { class: "fact-list" }, pairs.flatMap(([name, text]) => [element("dt", {}, dataText(visible(name))), element("dd", {}, dataText(text))]));
}
