import type { Drawing, Point, Shape } from "./shapes.ts";

export function escapeText(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

const place = (value: number) => String(Math.round(value * 100) / 100);
const list = (points: readonly Point[]) => points.map(([x, y]) => `${place(x)},${place(y)}`).join(" ");

function shapeSvg(shape: Shape): string {
  const color = `var(--ink-${shape.ink})`;
  switch (shape.kind) {
    case "line":
      return `<line x1="${place(shape.from[0])}" y1="${place(shape.from[1])}" x2="${place(shape.to[0])}" y2="${place(shape.to[1])}" stroke="${color}"${shape.dashed === true ? ' stroke-dasharray="5 4"' : ""}/>`;
    case "path":
      return `<polyline points="${list(shape.points)}" fill="none" stroke="${color}" stroke-width="${shape.width}"/>`;
    case "area": {
      const title = shape.title === undefined ? "" : `<title>${escapeText(shape.title)}</title>`;
      return `<polygon points="${list(shape.points)}" fill="${color}" fill-opacity="${place(shape.opacity)}">${title}</polygon>`;
    }
    case "text":
      return `<text x="${place(shape.at[0])}" y="${place(shape.at[1])}" fill="${color}" font-size="${shape.size}" text-anchor="${shape.anchor}">${escapeText(shape.text)}</text>`;
  }
}

/** The drawing as one SVG element; colours are the custom properties `--ink-*` of the page around it. */
export function drawingSvg(drawing: Drawing): string {
  return `<svg viewBox="0 0 ${drawing.width} ${place(drawing.height)}" role="img" aria-label="${escapeText(drawing.label)}">${drawing.shapes.map(shapeSvg).join("")}</svg>`;
}
