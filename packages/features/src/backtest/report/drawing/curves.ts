import { placeRule, roundSteps, scale, timeSteps, valueRule } from "./axes.ts";
import type { Frame } from "./axes.ts";
import { textSize } from "./shapes.ts";
import type { Drawing, Ink, Point, Shape } from "./shapes.ts";

export interface Curve {
  label: string;
  ink: Ink;
  atMs: readonly number[];
  /** A null is a gap. */
  values: readonly (number | null)[];
}

/** A trade's end on a curve. */
export interface CurveMark {
  atMs: number;
  value: number;
  side: "buy" | "sell";
  title: string;
}

/** A stretch of time with a colour behind the curves. */
export interface Stretch {
  fromMs: number;
  toMs: number;
  ink: Ink;
  title: string;
}

export interface CurveChart {
  label: string;
  curves: readonly Curve[];
  marks?: readonly CurveMark[];
  stretches?: readonly Stretch[];
  /** How values are written at the axis. */
  show: (value: number) => string;
  height?: number;
  /** Fills the first curve down to zero. */
  filled?: boolean;
}

const width = 900;
const margin = { left: 76, right: 14, top: 10, bottom: 26 };

/** Curves over time on one scale. */
export function drawCurves(chart: CurveChart): Drawing {
  const height = chart.height ?? 260;
  const frame: Frame = {
    left: margin.left,
    right: width - margin.right,
    top: margin.top,
    bottom: height - margin.bottom,
  };
  const times = chart.curves.flatMap((curve) => [curve.atMs[0] ?? 0, curve.atMs.at(-1) ?? 0]);
  const values = chart.curves.flatMap((curve) => curve.values.filter((value) => value !== null));
  if (chart.filled === true) values.push(0);
  const [fromMs, toMs] = [Math.min(...times), Math.max(...times)];
  const [least, most] = extent(values);
  const px = scale(fromMs, toMs, frame.left, frame.right);
  const py = scale(least, most, frame.bottom, frame.top);
  return {
    width,
    height,
    label: chart.label,
    legend: chart.curves.length < 2 ? [] : chart.curves.map(({ label, ink }) => ({ label, ink })),
    shapes: [
      ...(chart.stretches ?? []).map(({ fromMs: from, toMs: to, ink, title }): Shape => {
        const [x0, x1] = [px(Math.max(from, fromMs)), px(Math.min(to, toMs))];
        return {
          kind: "area",
          points: [
            [x0, frame.top],
            [x1, frame.top],
            [x1, frame.bottom],
            [x0, frame.bottom],
          ],
          ink,
          opacity: 0.14,
          title,
        };
      }),
      ...roundSteps(least, most, 5).flatMap((value) => valueRule(frame, py(value), chart.show(value))),
      ...timeSteps(fromMs, toMs, 10).flatMap(({ atMs, text }) => placeRule(frame, px(atMs), text)),
      ...chart.curves.flatMap((curve, k) => curveShapes(curve, px, py, k === 0 && chart.filled === true)),
      ...(chart.marks ?? []).map((mark) => markShape(mark, px, py)),
    ],
  };
}

/** Least and most without spreading a long array over the stack. */
function extent(values: readonly number[]): [number, number] {
  let [least, most] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return values.length === 0 ? [0, 1] : [least, most];
}

type Place = (value: number) => number;

function curveShapes({ atMs, values, ink }: Curve, px: Place, py: Place, filled: boolean): Shape[] {
  const runs: Point[][] = [[]];
  values.forEach((value, i) => {
    if (value === null) runs.push([]);
    else runs.at(-1)!.push([px(atMs[i]!), py(value)]);
  });
  return runs
    .filter((points) => points.length > 0)
    .flatMap((points): Shape[] => {
      const path: Shape = { kind: "path", points, ink, width: 1.5 };
      if (!filled) return [path];
      const ends: Point[] = [
        [points.at(-1)![0], py(0)],
        [points[0]![0], py(0)],
      ];
      return [{ kind: "area", points: [...points, ...ends], ink, opacity: 0.2 }, path];
    });
}

/** Triangles: a purchase points up below its price, a sale down above it. */
function markShape({ atMs, value, side, title }: CurveMark, px: Place, py: Place): Shape {
  const direction = side === "buy" ? 1 : -1;
  const [x, y] = [px(atMs), py(value) + direction * 3];
  const half = textSize / 3;
  return {
    kind: "area",
    points: [
      [x, y],
      [x - half, y + direction * 2 * half],
      [x + half, y + direction * 2 * half],
    ],
    ink: side === "buy" ? "good" : "bad",
    opacity: 0.9,
    title,
  };
}
