// Colours and words for numbers, the same as in the figures for papers.

let lookFound = null;
let lookTables = { light: {}, dark: {} };

/** The looks that the manifest brings. */
export function setLooks(looks) {
  lookTables = looks;
  lookFound = null;
}

/** The theme in use: the one that was chosen, or the system's. */
export function themeInUse() {
  const chosen = document.documentElement.dataset.theme;
  return chosen || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

/** Forget the colours: the theme has changed. */
export function themeChanged() {
  lookFound = null;
}

/** Colours of the theme in use. */
export function look() {
  if (!lookFound) {
    const style = getComputedStyle(document.documentElement);
    lookFound = {
      ...lookTables[themeInUse()],
      panel: style.getPropertyValue("--panel").trim(),
      selected: style.getPropertyValue("--selected").trim(),
      theme: themeInUse(),
    };
  }
  return lookFound;
}

// Eight hues that stay apart for every common kind of colour blindness (after Okabe and Ito 2008), for paper and for
// dark; a ninth group and all others are grey and called so.
const lookCategories = {
  light: ["#0072b2", "#d55e00", "#008a66", "#b0508a", "#8a6d00", "#3a9bd9", "#5b3fa0", "#6b4a2b"],
  dark: ["#56b4e9", "#f0803c", "#2fc79a", "#a3d977", "#e6d24a", "#3d8fd6", "#a890f0", "#c79a6b"],
};
const LOOK_MOST = 8;

/** How a column becomes colours: `of(i)`, `bucket(i)` with `buckets` (few colours for fast drawing), and its legend. */
export function colourScale(column, theme = look()) {
  return column.kind === "category" ? categoryScale(column, theme) : numberScale(column, theme);
}

function categoryScale(column, theme) {
  const counts = new Map();
  for (const value of column.values) if (value >= 0) counts.set(value, (counts.get(value) ?? 0) + 1);
  const order = [...counts.keys()].sort((one, other) => counts.get(other) - counts.get(one) || one - other);
  const kept = order.slice(0, LOOK_MOST);
  const others = order.slice(LOOK_MOST);
  const hues = lookCategories[theme.theme] ?? lookCategories.light;
  const place = new Map(kept.map((value, index) => [value, index]));
  const buckets = [...kept.map((_, index) => hues[index]), theme.quiet, theme.chance];
  const bucket = (i) => {
    const value = column.values[i];
    return value < 0 ? kept.length + 1 : place.get(value) ?? kept.length;
  };
  const entries = kept.map((value, index) => ({ text: column.categories[value], colour: hues[index], count: counts.get(value) }));
  if (others.length) {
    const count = others.reduce((sum, value) => sum + counts.get(value), 0);
    entries.push({ text: `${others.length} others`, colour: theme.quiet, count });
  }
  const missing = column.values.length - order.reduce((sum, value) => sum + counts.get(value), 0);
  if (missing) entries.push({ text: "none", colour: theme.chance, count: missing, hollow: true });
  return { name: column.name, kind: "category", of: (i) => buckets[bucket(i)], bucket, buckets, hollow: kept.length + 1, legend: { kind: "category", entries } };
}

function numberScale(column, theme) {
  let [low, high, missing] = [Infinity, -Infinity, 0];
  for (const value of column.values) {
    if (Number.isNaN(value)) missing++;
    else {
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) [low, high] = [0, 0];
  // The faintest colours of the ramp are made for areas; dots of them would be lost on the page (WCAG asks for 3 to 1).
  const shade = d3.interpolateRgbBasis(theme.ramp.slice(2));
  const steps = 24;
  const buckets = [...d3.quantize((t) => d3.color(shade(t)).formatHex(), steps), theme.chance];
  const bucket = (i) => {
    const value = column.values[i];
    if (Number.isNaN(value)) return steps;
    return high > low ? Math.min(steps - 1, Math.floor(((value - low) / (high - low)) * steps)) : steps - 1;
  };
  return {
    name: column.name, kind: "number", of: (i) => buckets[bucket(i)], bucket, buckets, hollow: steps,
    legend: { kind: "number", domain: [low, high], colours: buckets.slice(0, steps), missing },
  };
}

/** A number for reading: two to three digits, a true minus sign, a dash for none. */
export function numberText(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "\u2013";
  const size = Math.abs(value);
  let text;
  if (Number.isInteger(value) && size < 1e6) text = value.toLocaleString("en-US");
  else if (size < 0.0995) text = size >= 0.001 ? value.toFixed(3) : value.toPrecision(1);
  else text = size < 1e6 ? value.toFixed(size < 9.95 ? 2 : size < 99.5 ? 1 : 0) : value.toPrecision(2);
  return text.replaceAll("-", "\u2212");
}

/** A p-value for reading; "≤" where it is the least that so many draws can give. */
export function pText(p, draws = null) {
  if (p === null || p === undefined || Number.isNaN(p)) return "no p-value";
  const atFloor = draws > 0 && p <= 1 / (draws + 1) + 1e-12;
  return `p ${atFloor ? "\u2264" : "="} ${String(Number(p.toPrecision(2))).replaceAll("-", "\u2212")}`;
}

/** `*` for p <= .05, `**` for p <= .01, `***` for p <= .001. */
export function significanceMark(p) {
  if (p === null || p === undefined || Number.isNaN(p)) return "";
  return p <= 0.001 ? "***" : p <= 0.01 ? "**" : p <= 0.05 ? "*" : "";
}

/** Black or white, whichever is easier to read on a colour. */
export function inkOn(colour) {
  const { r, g, b } = d3.rgb(colour);
  const [red, green, blue] = [r, g, b].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff";
}

/** How to read a metric's number. */
export function directionText(largerMeans) {
  return { closer: "larger is closer", farther: "smaller is closer" }[largerMeans] ?? "no score";
}

const lookSigns = { "\n": "\u23ce", "\t": "\u21e5", "\r": "\u240d", "\u00a0": "\u237d" };

/** Text whose line ends, tabs, controls and overrides of direction can be seen; white space alone is spelled out. */
export function visible(text) {
  const shown = text.replace(/[\n\t\r\u00a0]/g, (sign) => lookSigns[sign]).replace(
    // eslint-disable-next-line no-control-regex
    /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (sign) => `\u27e8${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}\u27e9`,
  );
  return /^ +$/.test(shown) ? "\u2423".repeat(shown.length) : shown === "" ? "(empty)" : shown;
}

/** At most `n` characters, with an ellipsis where more were there. */
export function shorten(text, n) {
  const signs = Array.from(text.length > 4 * n ? text.slice(0, 4 * n) : text);
  return signs.length > n ? `${signs.slice(0, Math.max(1, n - 1)).join("")}\u2026` : text;
}
