/** A small picture of each indicator, as SVG text, from made-up bars. */
import type { Kernel } from "../packages/quant/src/index.ts";
import { runKernel } from "../packages/quant/src/index.ts";
import type { Dataset } from "../packages/formula/src/index.ts";
import { sampleBars } from "../packages/formula/src/index.ts";

const WIDTH = 160;
const HEIGHT = 48;
/** Bars of a picture, and of one with candles. */
const SHOWN = 80;
const CANDLES = 9;
/** Bars in which a candlestick pattern is looked for. */
const SEARCHED = 400_000;
const COLOURS = [
  "#2563eb",
  "#dc2626",
  "#059669",
  "#d97706",
  "#7c3aed",
  "#0891b2",
  "#be185d",
  "#65a30d",
  "#475569",
];

type Columns = Readonly<Record<"open" | "high" | "low" | "close", Float64Array>>;

/** Where values lie in the picture: the lowest at the bottom, with a margin. */
function scaleOf(columns: readonly Float64Array[]): (value: number) => string {
  const values = columns.flatMap((column) => [...column]).filter(Number.isFinite);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const span = most - least || 1;
  return (value) => (HEIGHT - 3 - ((value - least) / span) * (HEIGHT - 6)).toFixed(1);
}

/** One line a stretch without gaps; a dash where a value stands alone. */
function line(column: Float64Array, y: (value: number) => string, colour: string): string {
  const step = WIDTH / (column.length - 1);
  let path = "";
  column.forEach((value, i) => {
    if (!Number.isFinite(value)) return;
    const begins = i === 0 || !Number.isFinite(column[i - 1]!);
    const stands = begins && !Number.isFinite(column[i + 1]);
    path += `${begins ? "M" : "L"}${(i * step).toFixed(0)} ${y(value)}${stands ? "h3" : ""}`;
  });
  return path === "" ? "" : `<path d="${path}" fill="none" stroke="${colour}"/>`;
}

function svg(title: string, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}"><title>${title}</title>${parts.join("")}</svg>\n`;
}

function inputsOf(kernel: Kernel, bars: Dataset): Float64Array[] {
  const stand: Readonly<Record<string, keyof Columns>> = {
    x: "close",
    y: "open",
    upper: "high",
    lower: "low",
  };
  return kernel.inputs.map((name) => {
    if (name === "periods") return bars.close.map((_, i) => 2 + (i % 29));
    return bars[(stand[name] ?? name) as keyof Columns] ?? bars.close;
  });
}

/** The outputs over the last bars; over the close where they are prices. */
function drawLines(kernel: Kernel, bars: Dataset): string {
  const from = bars.length - SHOWN;
  const outputs = runKernel(kernel, inputsOf(kernel, bars)).map((column) => column.slice(from));
  const close = bars.close.slice(from);
  const [low, high] = [Math.min(...close), Math.max(...close)];
  const isPrice = (column: Float64Array): boolean => {
    const seen = [...column].filter(Number.isFinite);
    return seen.length > 0 && seen.every((v) => v > low * 0.7 && v < high * 1.4);
  };
  const overPrice = isPrice(outputs[0]!);
  // a direction of 1 or -1 beside prices would flatten them
  const shown = overPrice ? outputs.filter(isPrice) : outputs;
  const y = scaleOf(overPrice ? [...shown, close] : shown);
  const lines = shown.map((column, k) => line(column, y, COLOURS[k % COLOURS.length]!));
  return svg(kernel.title, overPrice ? [line(close, y, "#9ca3af"), ...lines] : lines);
}

/** A walk in whole ticks with gaps, long enough for rare patterns. */
function tickWalk(): Columns {
  let s = 11;
  const next = (): number => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 4294967296;
  };
  const steps = (most: number): number => Math.floor(next() * (most + 1));
  const make = (): Float64Array => new Float64Array(SEARCHED);
  const bars = { open: make(), high: make(), low: make(), close: make() };
  let last = 400_000;
  for (let i = 0; i < SEARCHED; i++) {
    const open = last + (next() < 0.5 ? steps(30) - 15 : 0);
    last = open + (next() < 0.3 ? steps(4) - 2 : steps(40) - 20);
    bars.open[i] = open;
    bars.close[i] = last;
    bars.high[i] = Math.max(open, last) + (next() < 0.4 ? 0 : steps(16));
    bars.low[i] = Math.min(open, last) - (next() < 0.4 ? 0 : steps(16));
  }
  return bars;
}

/** The pattern's first occurrence as candles, the bar that ends it marked; undefined where it does not occur. */
function drawPattern(kernel: Kernel, bars: Columns): string | undefined {
  const [values] = runKernel(kernel, [bars.open, bars.high, bars.low, bars.close]);
  const end = values!.findIndex((value, i) => i >= CANDLES && Math.abs(value) > 0);
  if (end < 0) return undefined;
  const from = end - CANDLES + 2;
  const cut = (column: Float64Array): Float64Array => column.slice(from, from + CANDLES);
  const [open, high, low, close] = [cut(bars.open), cut(bars.high), cut(bars.low), cut(bars.close)];
  const y = scaleOf([high, low]);
  const step = WIDTH / CANDLES;
  const candles = Array.from(open, (_, i) => {
    const x = ((i + 0.5) * step).toFixed(1);
    const [top, bottom] = [Math.max(open[i]!, close[i]!), Math.min(open[i]!, close[i]!)];
    const height = Math.max(0.8, Number(y(bottom)) - Number(y(top))).toFixed(1);
    const colour = from + i === end ? "#dc2626" : "#475569";
    const fill = close[i]! >= open[i]! ? "#fff" : colour;
    return `<path d="M${x} ${y(high[i]!)}V${y(low[i]!)}" stroke="${colour}"/><rect x="${(Number(x) - 4).toFixed(1)}" y="${y(top)}" width="8" height="${height}" fill="${fill}" stroke="${colour}"/>`;
  });
  return svg(kernel.title, candles);
}

/** Pictures by the kernel's name; a pattern that the made-up bars do not hold has none. */
export function drawIndicators(kernels: Iterable<Kernel>): Map<string, string> {
  const bars = sampleBars(700);
  const ticks = tickWalk();
  const pictures = new Map<string, string>();
  for (const kernel of kernels) {
    const picture = kernel.group === "pattern" ? drawPattern(kernel, ticks) : drawLines(kernel, bars);
    if (picture !== undefined) pictures.set(kernel.name, picture);
  }
  return pictures;
}
