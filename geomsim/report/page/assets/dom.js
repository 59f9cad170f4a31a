// Elements by their parts; text is only ever set as text.

/** An element: attributes by name, `class`, `text`, and listeners under `on`; children are nodes or text. */
export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svgElement(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") node.textContent = value;
    else if (name === "on") for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Take everything out of a node. */
export function clear(node) {
  node.replaceChildren();
  return node;
}

/** Text of the data: isolated, so that its direction of writing touches nothing beside it. */
export function dataText(text, attributes = {}) {
  return element("bdi", { ...attributes, text });
}

/** Say something to those who listen instead of looking. */
export function announce(text) {
  document.getElementById("said").textContent = text;
}

/** A labelled select; `options` are [value, text]. */
export function select(label, options, value, change) {
  const box = element("select", { on: { change: (event) => change(event.target.value) } },
    options.map(([own, text]) => element("option", { value: own, text })));
  box.value = value;
  const whole = element("label", { class: "control" }, element("span", { text: label }), box);
  whole.box = box;
  return whole;
}
