// The same marks on a canvas and as SVG, so that what is saved is what is seen.

/** Marks on a canvas context. */
export class CanvasPainter {
  constructor(context) {
    this.context = context;
  }

  dot(x, y, radius, fill, stroke = null, width = 1) {
    const { context } = this;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    this.finish(fill, stroke, width);
  }

  line(x1, y1, x2, y2, colour, width = 1, opacity = 1) {
    const { context } = this;
    context.globalAlpha = opacity;
    context.beginPath();
    context.moveTo(x1, y1);
    context.lineTo(x2, y2);
    this.finish(null, colour, width);
    context.globalAlpha = 1;
  }

  polygon(points, stroke, fill = null, width = 1) {
    const { context } = this;
    context.beginPath();
    points.forEach(([x, y], index) => (index ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.closePath();
    this.finish(fill, stroke, width);
  }

  rect(x, y, width, height, fill, stroke = null) {
    const { context } = this;
    context.beginPath();
    context.rect(x, y, width, height);
    this.finish(fill, stroke, 1);
  }

  text(x, y, string, fill, size = 12, anchor = "start", weight = "normal") {
    const { context } = this;
    context.font = `${weight} ${size}px ${PAINTER_FONT}`;
    context.textAlign = { start: "left", middle: "center", end: "right" }[anchor];
    context.fillStyle = fill;
    context.fillText(string, x, y);
  }

  finish(fill, stroke, width) {
    const { context } = this;
    if (fill) {
      context.fillStyle = fill;
      context.fill();
    }
    if (stroke) {
      context.strokeStyle = stroke;
      context.lineWidth = width;
      context.stroke();
    }
  }
}

const PAINTER_FONT = "system-ui, sans-serif";

/** Marks as SVG text. */
export class SvgPainter {
  constructor(width, height, background = null) {
    this.marks = [];
    this.width = width;
    this.height = height;
    if (background) this.rect(0, 0, width, height, background);
  }

  dot(x, y, radius, fill, stroke = null, width = 1) {
    this.add("circle", { cx: x, cy: y, r: radius, fill: fill ?? "none", stroke, "stroke-width": stroke && width });
  }

  line(x1, y1, x2, y2, colour, width = 1, opacity = 1) {
    this.add("line", { x1, y1, x2, y2, stroke: colour, "stroke-width": width, "stroke-opacity": opacity < 1 ? opacity : null });
  }

  polygon(points, stroke, fill = null, width = 1) {
    const places = points.map(([x, y]) => `${painterRound(x)},${painterRound(y)}`).join(" ");
    this.add("polygon", { points: places, fill: fill ?? "none", stroke, "stroke-width": stroke && width });
  }

  rect(x, y, width, height, fill, stroke = null) {
    this.add("rect", { x, y, width, height, fill: fill ?? "none", stroke });
  }

  text(x, y, string, fill, size = 12, anchor = "start", weight = "normal") {
    const attributes = { x, y, fill, "font-size": size, "text-anchor": anchor === "start" ? null : anchor };
    this.add("text", { ...attributes, "font-weight": weight === "normal" ? null : weight }, string);
  }

  add(tag, attributes, text = null) {
    const written = Object.entries(attributes)
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value]) => ` ${name}="${painterEscape(typeof value === "number" ? painterRound(value) : value)}"`)
      .join("");
    this.marks.push(text === null ? `<${tag}${written}/>` : `<${tag}${written}>${painterEscape(text)}</${tag}>`);
  }

  toString() {
    const size = `width="${painterRound(this.width)}" height="${painterRound(this.height)}"`;
    const box = `viewBox="0 0 ${painterRound(this.width)} ${painterRound(this.height)}"`;
    return `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${box} font-family="${PAINTER_FONT}">\n${this.marks.join("\n")}\n</svg>\n`;
  }
}

function painterRound(number) {
  return Math.round(number * 100) / 100;
}

function painterEscape(text) {
  return String(text)
    // Controls have no place in XML at all.
    // eslint-disable-next-line no-control-regex
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd")
    .replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]);
}
