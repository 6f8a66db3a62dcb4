/** What a window of history, or a set of shocks, would do. */
import { QuantError, requireSameLength, requireSeries } from "../error.ts";
import { standardDeviation } from "../statistics/moments.ts";
import { drawdownsOf, totalReturn } from "./performance.ts";

export interface StressResult {
  readonly returns: number;
  /** Compound of every return of the window, so from the close before it. */
  readonly total: number;
  /** Compound from the first close inside the window to the last. */
  readonly totalCloseToClose: number;
  readonly maxDrawdown: number;
  readonly worst: number;
  readonly volatilityAnnual: number;
}

/** Statistics of returns [from, to) of a series. */
export function stressWindow(
  returns: Float64Array,
  from: number,
  to: number,
  periodsPerYear = 252,
): StressResult {
  const window = returns.subarray(from, to);
  requireSeries(window, "returns of the window", 2);
  return {
    returns: window.length,
    total: totalReturn(window),
    totalCloseToClose: totalReturn(window.subarray(1)),
    maxDrawdown: drawdownsOf(window).drawdown.reduce((a, d) => Math.max(a, d), 0),
    worst: window.reduce((a, r) => Math.min(a, r), Infinity),
    volatilityAnnual: standardDeviation(window) * Math.sqrt(periodsPerYear),
  };
}

/** Return of weights [k] that are bought and held while each asset makes its total return [k]. */
export function shockedReturn(weights: Float64Array, shocks: Float64Array): number {
  requireSameLength(weights, shocks, "weights and shocks");
  requireSeries(weights, "weights", 1);
  requireSeries(shocks, "shocks", 1);
  if (shocks.some((s) => s < -1)) throw new QuantError("outOfRange", "a shock below -1 loses more than all");
  return weights.reduce((a, w, i) => a + w * shocks[i]!, 0);
}
