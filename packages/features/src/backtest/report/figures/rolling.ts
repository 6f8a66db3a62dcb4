import { leastReturns } from "@tapedeck/trading";
import type { RollingSharpe } from "./contract.ts";
import { runningSums, sharpeOf } from "./returns.ts";
import type { Annualisation } from "./returns.ts";

const mostPoints = 250;

/**
 * Sharpe ratios of the last year's bars (of a quarter of a shorter run) at up to 250 closes, of bar returns `[n]` of
 * strategy and benchmark. Null where that window has fewer than 30 returns.
 */
export function rollingSharpe(
  closeMs: Float64Array,
  strategy: Float64Array,
  benchmark: Float64Array,
  annual: Annualisation,
): RollingSharpe | null {
  const n = strategy.length;
  const windowBars = Math.min(Math.round(annual.barsPerYear), Math.floor(n / 4));
  if (windowBars < leastReturns) return null;
  const places = n - windowBars + 1;
  const points = Math.min(mostPoints, places);
  const ends = Array.from({ length: points }, (_, p) =>
    Math.round(windowBars + (p * (places - 1)) / Math.max(1, points - 1)),
  );
  const ratios = (returns: Float64Array) => {
    const { sum, squares } = runningSums(returns);
    return ends.map((end) => {
      const start = end - windowBars;
      return sharpeOf(windowBars, sum[end]! - sum[start]!, squares[end]! - squares[start]!, annual);
    });
  };
  return {
    windowBars,
    atMs: ends.map((end) => closeMs[end - 1]!),
    strategy: ratios(strategy),
    benchmark: ratios(benchmark),
  };
}
