import { mean, standardDeviation } from "@tapedeck/quant/statistics/index";
import { leastReturns } from "@tapedeck/trading";

/** Simple returns of a curve `[n]` from `start`, which it had before the first bar: `[n]`. */
export function returnsFrom(start: number, curve: Float64Array): Float64Array {
  return curve.map((value, i) => value / (i === 0 ? start : curve[i - 1]!) - 1);
}

export interface Annualisation {
  barsPerYear: number;
  /** Annual fraction. */
  riskFreeRate: number;
}

/** Annualised Sharpe ratio of bar returns (ddof 1); null below 30 returns or without variance. */
export function sharpeOf(returns: Float64Array, { barsPerYear, riskFreeRate }: Annualisation): number | null {
  if (returns.length < leastReturns) return null;
  const deviation = standardDeviation(returns);
  if (!(deviation > 1e-15)) return null;
  return ((mean(returns) - riskFreeRate / barsPerYear) / deviation) * Math.sqrt(barsPerYear);
}
