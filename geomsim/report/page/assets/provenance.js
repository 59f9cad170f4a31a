// Everything that the numbers depend on: configuration, versions, seeds, digests of what was read.

import {announce, dataText, element} from "./dom.js";
import {visible} from "./look.js";
import {factsText, factsTree, factsValue} from "./facts_tree.js";
import {missingNote} from "./missing_note.js";

/** All facts under their headings, and a button that copies them as JSON. */
export async function mountProvenance(section, app) {
  const { provenance, missing } = app.data.manifest;
  if (!provenance?.length) {
    const why = missing.provenance ?? "Nothing is recorded of where these numbers come from; `geomsim study` records it.";
    section.append(missingNote(why));
    app.report("provenance", () => ({ headings: [] }));
    return;
  }
  const text = `${JSON.stringify(Object.fromEntries(provenance), null, 1)}\n`;
  const copy = element("button", { type: "button", text: "Copy as JSON", on: { click: () => copyProvenance(text) } });
  section.append(
    element("div", { class: "controls" }, copy),
    ...provenance.map(([heading, facts]) => element("div", { class: "provenance-part" },
      element("h3", {}, dataText(visible(heading))), provenanceFacts(heading, facts))));
  app.report("provenance", () => ({ headings: provenance.map(([heading]) => heading), characters: text.length }));
  app.hook("provenance", { text: () => text });
}

/** Entries beyond these are for looking up, not for reading. */
const PROVENANCE_OPEN = 12;

function provenanceFacts(heading, facts) {
  if (Array.isArray(facts)) return factsValue(heading, facts, 0);
  if (facts !== null && typeof facts === "object" && Object.keys(facts).length > PROVENANCE_OPEN) {
    const count = Object.keys(facts).length.toLocaleString("en");
    return element("details", {}, element("summary", { text: `${count} entries` }), factsTree(facts));
  }
  if (facts !== null && typeof facts === "object" && !Array.isArray(facts)) return Object.keys(facts).length ? factsTree(facts) : element("p", { class: "note", text: "none" });
  const short = factsText(facts);
  return short.length < 400 ? element("p", {}, dataText(visible(short))) : factsTree({ [heading]: facts }, 1);
}

async function copyProvenance(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // A page from a file may have no clipboard: the old way still works there.
    const box = element("textarea", { class: "sr-only", "aria-label": "provenance" });
    box.value = text;
    document.body.append(box);
    box.select();
    document.execCommand("copy");
    box.remove();
  }
  announce("provenance copied as JSON");
}
