/**
 * Outlines of chart patterns that end with a break upwards. Those that end with a break downwards are the same on
 * prices with their sign exchanged. An outline is prepared from the last pivots, of which the last is a low, and
 * finished at the bar that closes above its neckline.
 */
import type { Pivot } from "./swings.ts";
import type { Row } from "./shapeFit.ts";
import { at, fitShape, polyline } from "./shapeFit.ts";

/** A straight line through two bars, in the logarithm of price. */
export interface Line {
  readonly fromIndex: number;
  readonly fromValue: number;
  readonly toIndex: number;
  readonly toValue: number;
}

export interface Outline {
  /** Name when the break is upwards, and when it is downwards; "" where it has none. */
  readonly names: readonly [up: string, down: string];
  readonly start: number;
  /** The bar that broke. */
  readonly end: number;
  readonly points: readonly Pivot[];
  /** The line that was broken, and the opposite one where there is one. */
  readonly neckline: Line;
  readonly base?: Line;
  /** Expected way beyond the break. */
  readonly height: number;
  readonly fit: number;
}

/** An outline that waits for its break: a value above the neckline by the margin. */
export interface Prospect {
  readonly neckline: Line;
  readonly margin: number;
  /** The outline with `end` as the bar that broke; undefined where it does not hold together. */
  finish(y: Float64Array, end: number): Outline | undefined;
}

/** Reads the last pivots, of which the last is a low. */
export type Maker = (pivots: readonly Pivot[]) => Prospect | undefined;

export const valueAt = (line: Line, i: number): number =>
  line.fromValue + ((line.toValue - line.fromValue) * (i - line.fromIndex)) / (line.toIndex - line.fromIndex);

const ratioWithin = (a: number, b: number, most: number): boolean => a <= b * most && b <= a * most;

function through(from: Pivot, to: Pivot): Line {
  return { fromIndex: from.index, fromValue: from.value, toIndex: to.index, toValue: to.value };
}

/** The same line drawn to another bar. */
function drawnTo(line: Line, toIndex: number): Line {
  return { ...line, toIndex, toValue: valueAt(line, toIndex) };
}

/** Two lows of like depth with a high between. */
export const doubleBottom: Maker = (pivots) => {
  const [before, first, peak, second] = pivots.slice(-4);
  if (!before || !first || !peak || !second) return undefined;
  const height = peak.value - (first.value + second.value) / 2;
  if (Math.abs(first.value - second.value) > 0.2 * height) return undefined;
  if (before.value - first.value < 1.1 * height) return undefined;
  if (!ratioWithin(peak.index - first.index, second.index - peak.index, 2.5)) return undefined;
  const neckline = through(peak, { ...second, value: peak.value });
  return {
    neckline,
    margin: 0.02 * height,
    finish(y, end) {
      // as long before the first low as the break is after the second
      const start = Math.max(before.index, first.index - (end - second.index));
      const row = polyline([
        at(start, 0),
        at(first.index, 1),
        at(peak.index, 2),
        at(second.index, 1),
        at(end, 3),
      ]);
      const fit = fitShape(y, start, end, 4, row);
      if (!fit) return undefined;
      return {
        names: ["double_bottom", "double_top"],
        start,
        end,
        points: [first, peak, second],
        neckline: drawnTo(neckline, end),
        height,
        fit: fit.explained,
      };
    },
  };
};

/** Three lows, the middle one deepest, and a neckline over the two highs between. */
export const inverseHeadAndShoulders: Maker = (pivots) => {
  const [before, left, neck1, head, neck2, right] = pivots.slice(-6);
  if (!before || !left || !neck1 || !head || !neck2 || !right) return undefined;
  const neckline = through(neck1, neck2);
  const height = valueAt(neckline, head.index) - head.value;
  const shoulder = (left.value + right.value) / 2;
  if (Math.abs(left.value - right.value) > 0.25 * height) return undefined;
  if (Math.abs(neck1.value - neck2.value) > 0.25 * height) return undefined;
  if (Math.min(left.value, right.value) - head.value < 0.2 * height) return undefined;
  if (valueAt(neckline, head.index) - shoulder < 0.25 * height || before.value < neck1.value)
    return undefined;
  if (!ratioWithin(head.index - left.index, right.index - head.index, 2.2)) return undefined;
  return {
    neckline,
    margin: 0.02 * height,
    finish(y, end) {
      const start = Math.max(before.index, left.index - (end - right.index));
      const row = polyline([
        at(start, 0),
        at(left.index, 1),
        at(neck1.index, 2),
        at(head.index, 3),
        at(neck2.index, 4),
        at(right.index, 1),
        at(end, 5),
      ]);
      const fit = fitShape(y, start, end, 6, row);
      if (!fit) return undefined;
      return {
        names: ["inverse_head_and_shoulders", "head_and_shoulders"],
        start,
        end,
        points: [left, neck1, head, neck2, right],
        neckline: drawnTo(neckline, end),
        height,
        fit: fit.explained,
      };
    },
  };
};

/** A rounded low between two rims and a shallow handle; it has a name only upwards. */
export const cupAndHandle: Maker = (pivots) => {
  const [before, left, bottom, right, handle] = pivots.slice(-5);
  if (!before || !left || !bottom || !right || !handle) return undefined;
  const rim = Math.max(left.value, right.value);
  const depth = (left.value + right.value) / 2 - bottom.value;
  const width = right.index - left.index;
  if (Math.abs(left.value - right.value) > 0.2 * depth) return undefined;
  if (right.value - handle.value > 0.5 * depth || left.value - before.value < 0.5 * depth) return undefined;
  const place = (bottom.index - left.index) / width;
  if (place < 0.3 || place > 0.7) return undefined;
  const neckline = through({ ...left, value: rim }, { ...right, value: rim });
  return {
    neckline,
    margin: 0,
    finish(y, end) {
      if (end - right.index > 0.6 * width) return undefined;
      const tail = polyline([at(right.index, 0), at(handle.index, 2), at(end, 3)]);
      const cup =
        (rise: (u: number) => number): Row =>
        (i, weights) => {
          if (i > right.index) return tail(i, weights);
          const share = rise((2 * (i - left.index)) / width - 1);
          weights[0] = share;
          weights[1] = 1 - share;
        };
      const round = fitShape(
        y,
        left.index,
        end,
        4,
        cup((u) => u * u),
      );
      const sharp = fitShape(y, left.index, end, 4, cup(Math.abs));
      if (!round || !sharp || round.squares > 0.7 * sharp.squares) return undefined;
      return {
        names: ["cup_and_handle", ""],
        start: left.index,
        end,
        points: [left, bottom, right, handle],
        neckline: drawnTo(neckline, end),
        height: depth,
        fit: round.explained,
      };
    },
  };
};
