// Documentation text as paragraphs, headings, lists, and formulas that keep their lines.

import {dataText, element} from "./dom.js";

/** The blocks of a documentation text as elements. */
export function cardText(text) {
  return textBlocks(text).map(({ kind, lines }) => {
    if (kind === "heading") return element("h4", {}, dataText(lines[0]));
    if (kind === "verbatim") return element("pre", {}, dataText(textDedented(lines).join("\n")));
    if (kind === "list") return element("ul", {}, textItems(lines).map((item) => element("li", {}, textInline(item))));
    return element("p", {}, textInline(lines.map((line) => line.trim()).join(" ")));
  });
}

function textBlocks(text) {
  const blocks = [];
  for (const lines of textChunks(textLevelled(text.replaceAll("\r\n", "\n")))) {
    if (lines.length > 1 && /^[-=~]{3,}$/.test(lines[1].trim())) {
      blocks.push({ kind: "heading", lines: lines.slice(0, 1) });
      if (lines.length > 2) blocks.push({ kind: textKind(lines.slice(2)), lines: lines.slice(2) });
    } else if (/^\.\.\s/.test(lines[0])) {
      // A directive: its name is no text for reading, what it holds is.
      const beside = lines[0].replace(/^\.\.\s+[\w-]*(::)?\s*/, "");
      const rest = [beside, ...textDedented(lines.slice(1))].filter((line) => line && !/^\s*:\w+:/.test(line));
      if (rest.length) blocks.push({ kind: "verbatim", lines: rest });
    } else blocks.push({ kind: textKind(lines), lines: lines.map((line) => line.replace(/::$/, ":")).filter((line) => line.trim() !== ":") });
  }
  return blocks.filter(({ lines }) => lines.length);
}

function textKind(lines) {
  if (/^\s*>>>/.test(lines[0]) || lines.every((line) => /^\s{2,}/.test(line))) return "verbatim";
  if (/^[*-]\s/.test(lines[0])) return "list";
  // Names at the margin with their meaning indented below, as in a list of parameters.
  return lines.some((line) => /^\s{4,}\S/.test(line)) && !/^\s/.test(lines[0]) ? "verbatim" : "paragraph";
}

/** Lines apart by blank ones. */
function textChunks(lines) {
  const chunks = [[]];
  for (const line of lines) {
    if (line.trim()) chunks.at(-1).push(line);
    else if (chunks.at(-1).length) chunks.push([]);
  }
  return chunks.filter((chunk) => chunk.length);
}

/** All lines but the first without the indentation that they share, as Python documents. */
function textLevelled(text) {
  const [first, ...rest] = text.split("\n");
  return [first.trim(), ...textDedented(rest)];
}

function textDedented(lines) {
  const indent = d3.min(lines.filter((line) => line.trim()), (line) => line.length - line.trimStart().length) ?? 0;
  return lines.map((line) => line.slice(indent));
}

function textItems(lines) {
  const items = [];
  for (const line of lines) {
    if (/^[*-]\s/.test(line)) items.push(line.slice(2).trim());
    else if (items.length) items[items.length - 1] += ` ${line.trim()}`;
  }
  return items;
}

/** Names in double backquotes, and in roles, as code. */
function textInline(text) {
  return text.split(/(``[^`]+``|:\w+:`[^`]+`|`[^`]+`)/).filter(Boolean).map((piece) => {
    const code = /^(?::\w+:)?`+([^`]+)`+$/.exec(piece);
    return code ? element("code", {}, dataText(code[1].replace(/^~/, ""))) : dataText(piece);
  });
}
