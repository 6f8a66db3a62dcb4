/**
 * Prices at which a position is given up. `side` is 1 for a long position and -1 for a short one; `best` is the highest
 * high (long) or lowest low (short) of the bars closed since the entry. A stop may be used from the bar after.
 */
import { QuantError, requireRange, requireWhole } from "../error.ts";

export type Side = 1 | -1;

const MOST = Number.MAX_VALUE;

function requireSide(side: Side): void {
  if (side !== 1 && side !== -1)
    throw new QuantError("outOfRange", `side must be 1 or -1, not ${String(side)}`);
}

function requirePrice(value: number, name: string): void {
  requireRange(value, name, 0, MOST, true);
}

/** `fraction` of the entry price away from it. */
export function fixedStop(side: Side, entry: number, fraction: number): number {
  requireSide(side);
  requirePrice(entry, "entry");
  requireRange(fraction, "fraction", 0, 1, true);
  return entry * (1 - side * fraction);
}

/** `fraction` of the best price away from it. */
export function trailingStop(side: Side, best: number, fraction: number): number {
  return fixedStop(side, best, fraction);
}

/** `multiple` average true ranges, as they were at the entry, away from the entry price. */
export function atrStop(side: Side, entry: number, atr: number, multiple: number): number {
  requireSide(side);
  requirePrice(entry, "entry");
  requireRange(atr, "atr", 0, MOST);
  requireRange(multiple, "multiple", 0, MOST, true);
  return entry - side * multiple * atr;
}

/**
 * `multiple` present average true ranges away from the best price. Since the range moves, hold it with `tighterStop`.
 * Source: Le Beau; Elder, Come into my trading room (2002).
 */
export function chandelierStop(side: Side, best: number, atr: number, multiple: number): number {
  return atrStop(side, best, atr, multiple);
}

/** Whether a position is to be closed for its age. */
export function timeStop(barsHeld: number, maxBars: number): boolean {
  requireWhole(barsHeld, "barsHeld", 0);
  requireWhole(maxBars, "maxBars", 1);
  return barsHeld >= maxBars;
}

/**
 * The price at which a trade pays its costs, once the best price has been `trigger` of the entry price in favour; null
 * before that.
 * @param cost of the round trip, as a fraction of the entry price.
 */
export function breakEvenStop(
  side: Side,
  entry: number,
  best: number,
  trigger: number,
  cost = 0,
): number | null {
  requireSide(side);
  requirePrice(entry, "entry");
  requirePrice(best, "best");
  requireRange(cost, "cost", 0, 1);
  requireRange(trigger, "trigger", 0, MOST);
  if (trigger <= cost) {
    throw new QuantError("outOfRange", `trigger must be above the cost ${cost}, not ${trigger}`);
  }
  return side * (best - entry) >= trigger * entry ? entry * (1 + side * cost) : null;
}

/** The one of two stops that gives up first, null being none: of the last stop and a new one, it never loosens. */
export function tighterStop(side: Side, a: number | null, b: number | null): number | null {
  if (a === null) return b;
  if (b === null) return a;
  return side > 0 ? Math.max(a, b) : Math.min(a, b);
}
