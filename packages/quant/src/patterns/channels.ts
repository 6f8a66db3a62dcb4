/** Outlines between two straight lines: triangles, wedges and flags. Written for the break upwards, as outlines.ts. */
import type { Line, Maker } from "./outlines.ts";
import { valueAt } from "./outlines.ts";
import type { Knot } from "./shapeFit.ts";
import { at, fitShape, polyline } from "./shapeFit.ts";
import type { Pivot } from "./swings.ts";

type Kind = "rising base" | "symmetrical" | "wedge" | "flag";

const NAMES: Readonly<Record<Kind, readonly [string, string]>> = {
  "rising base": ["ascending_triangle", "descending_triangle"],
  symmetrical: ["symmetrical_triangle", "symmetrical_triangle"],
  wedge: ["falling_wedge", "rising_wedge"],
  flag: ["bull_flag", "bear_flag"],
};

/** Least share that the lines of a flag explain by themselves, its pole aside. */
const LEAST_INSIDE = 0.6;

/** Straight line of least squares through pivots. */
function lineThrough(points: readonly Pivot[], from: number, to: number): Line {
  const n = points.length;
  const meanX = points.reduce((s, p) => s + p.index, 0) / n;
  const meanY = points.reduce((s, p) => s + p.value, 0) / n;
  let xx = 0;
  let xy = 0;
  for (const p of points) {
    xx += (p.index - meanX) ** 2;
    xy += (p.index - meanX) * (p.value - meanY);
  }
  const slope = xy / xx;
  const value = (i: number): number => meanY + slope * (i - meanX);
  return { fromIndex: from, fromValue: value(from), toIndex: to, toValue: value(to) };
}

/** What two lines enclose, by their slopes in shares of the first width; undefined where it has no name. */
function kindOf(upper: Line, lower: Line, pole: number): Kind | undefined {
  const first = upper.fromValue - lower.fromValue;
  const last = upper.toValue - lower.toValue;
  if (!(first > 0) || !(last > 0)) return undefined;
  const rise = (upper.toValue - upper.fromValue) / first;
  const climb = (lower.toValue - lower.fromValue) / first;
  const narrowing = last / first;
  if (pole > 2 * first && rise < 0.1 && narrowing > 0.45 && narrowing < 1.6) {
    return upper.fromValue - lower.toValue < 0.7 * pole ? "flag" : undefined;
  }
  if (narrowing > 0.75) return undefined;
  if (Math.abs(rise) <= 0.2) return climb > 0.25 ? "rising base" : undefined;
  if (rise < 0 && climb > 0.2) return "symmetrical";
  return rise < 0 && climb < -0.2 ? "wedge" : undefined;
}

/** Share explained by highs tied to one line and lows to another; a pole before them has a level of its own. */
function explainedBy(y: Float64Array, points: readonly Pivot[], start: number, end: number): number {
  const origin = points[0]!.index;
  const knots: Knot[] = points.map((p) => {
    const line = p.sign > 0 ? 0 : 2;
    return {
      index: p.index,
      parts: [
        [line, 1],
        [line + 1, (p.index - origin) / (end - origin)],
      ],
    };
  });
  knots.push(at(end, 4));
  const poled = start < origin;
  if (poled) knots.unshift(at(start, 5));
  return fitShape(y, start, end, poled ? 6 : 5, polyline(knots))?.explained ?? 0;
}

/** The last bar near the low that the pole rises from. */
function poleStart(y: Float64Array, before: Pivot, first: Pivot): number {
  const near = before.value + 0.06 * (first.value - before.value);
  for (let i = first.index - 1; i > before.index; i--) if (y[i]! <= near) return i;
  return before.index;
}

/** Where the leg into the first pivot leaves the opposite line, if it comes near to it; else the first pivot. */
function legStart(y: Float64Array, earliest: number, first: Pivot, upper: Line, lower: Line): number {
  const line = first.sign > 0 ? lower : upper;
  const near = 0.15 * (upper.fromValue - lower.fromValue);
  for (let i = first.index - 1; i >= earliest; i--) {
    if ((y[i]! - valueAt(line, i)) * first.sign <= near) return i;
  }
  return first.index;
}

/** Highs on one line and lows on another, `count` pivots of them: five or more, so that a line can fail to fit. */
export function betweenLines(count: number): Maker {
  return (pivots) => {
    if (pivots.length < count) return undefined;
    const points = pivots.slice(-count);
    const before = pivots.at(-count - 1);
    const [first, last] = [points[0]!, points.at(-1)!];
    const sideLine = (sign: number, to: number): Line =>
      lineThrough(
        points.filter((p) => p.sign === sign),
        first.index,
        to,
      );
    const neckline = sideLine(1, last.index);
    const width = neckline.fromValue - sideLine(-1, last.index).fromValue;
    if (!(width > 0)) return undefined;
    const pole = before && first.sign > 0 ? first.value - before.value : 0;
    return {
      neckline,
      margin: 0.05 * width,
      finish(y, end) {
        const [upper, lower] = [sideLine(1, end), sideLine(-1, end)];
        const kind = kindOf(upper, lower, pole);
        if (!kind) return undefined;
        const inside = explainedBy(y, points, first.index, end);
        const isFlag = kind === "flag";
        if (isFlag && inside < LEAST_INSIDE) return undefined;
        const earliest = Math.max(before?.index ?? 0, 2 * first.index - end);
        const start = isFlag ? poleStart(y, before!, first) : legStart(y, earliest, first, upper, lower);
        return {
          names: NAMES[kind],
          start,
          end,
          points,
          neckline: upper,
          base: lower,
          height: isFlag ? pole : width,
          fit: isFlag ? explainedBy(y, points, start, end) : inside,
        };
      },
    };
  };
}
