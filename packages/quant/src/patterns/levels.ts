/** Support and resistance: prices at which swings turned several times, from data up to the last bar given. */
import { createSwings } from "./swings.ts";
import type { Pivot } from "./swings.ts";

export interface PriceLevel {
  /** Geometric mean of the turning closes. */
  readonly price: number;
  readonly lowest: number;
  readonly highest: number;
  /** Below the last close it supports, above it resists. */
  readonly side: "support" | "resistance";
  /** Swings that turned here, oldest first; `high` ones from above it, the others from below. */
  readonly touches: readonly { readonly index: number; readonly price: number; readonly high: boolean }[];
}

export interface LevelOptions {
  /** Least size of a swing as a change of the logarithm of price. Default 0.03. */
  readonly swing?: number;
  /** Most that the touches of a level lie apart, likewise. Default a third of the swing. */
  readonly width?: number;
  /** Default 2. */
  readonly minTouches?: number;
}

/**
 * Levels of the closes, the most touched first. The tightest groups of turning points are taken one after the other;
 * no turning point counts twice. A turn counts from the bar that completes the way back, so that cutting later bars
 * changes nothing. Throws a RangeError at a close that is not above 0.
 */
export function findLevels(close: Float64Array, options: LevelOptions = {}): PriceLevel[] {
  const { swing = 0.03, minTouches = 2 } = options;
  const { width = swing / 3 } = options;
  if (!(swing > 0) || !(width >= 0) || !(minTouches >= 2)) {
    throw new RangeError("levels need swing > 0, width >= 0 and minTouches >= 2");
  }
  const swings = createSwings(swing, Infinity);
  close.forEach((v, i) => {
    if (!(v > 0 && v < Infinity)) {
      throw new RangeError(`levels need finite closes above 0, not ${v} (bar ${i})`);
    }
    swings.push(i, Math.log(v));
  });
  const last = Math.log(close.at(-1) ?? 1);
  let left = swings.pivots.toSorted((a, b) => a.value - b.value);
  const levels: PriceLevel[] = [];
  for (;;) {
    const group = densest(left, width);
    if (group.length < minTouches) return levels;
    left = left.filter((p) => !group.includes(p));
    levels.push(levelOf(group, last));
  }
}

/** The largest group within `width`, of equal ones the narrowest, of sorted pivots. */
function densest(sorted: readonly Pivot[], width: number): readonly Pivot[] {
  let best: readonly Pivot[] = [];
  let spread = Infinity;
  let from = 0;
  for (let to = 0; to < sorted.length; to++) {
    while (sorted[to]!.value - sorted[from]!.value > width) from++;
    const span = sorted[to]!.value - sorted[from]!.value;
    const size = to - from + 1;
    if (size > best.length || (size === best.length && span < spread)) {
      best = sorted.slice(from, to + 1);
      spread = span;
    }
  }
  return best;
}

function levelOf(group: readonly Pivot[], last: number): PriceLevel {
  const mean = group.reduce((s, p) => s + p.value, 0) / group.length;
  return {
    price: Math.exp(mean),
    lowest: Math.exp(group[0]!.value),
    highest: Math.exp(group.at(-1)!.value),
    side: mean <= last ? "support" : "resistance",
    touches: group
      .toSorted((a, b) => a.index - b.index)
      .map((p) => ({ index: p.index, price: Math.exp(p.value), high: p.sign > 0 })),
  };
}
