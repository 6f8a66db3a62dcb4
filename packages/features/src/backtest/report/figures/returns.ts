import { leastReturns } from "@tapedeck/trading";

/** Simple returns of a curve `[n]` from `start`, which it had before the first bar: `[n]`. */
export function returnsFrom(start: number, curve: Float64Array): Float64Array {
  const out = new Float64Array(curve.length);
  let before = start;
  for (let i = 0; i < curve.length; i++) {
    out[i] = curve[i]! / before - 1;
    before = curve[i]!;
  }
  return out;
}

export interface Annualisation {
  barsPerYear: number;
  /** Annual fraction. */
  riskFreeRate: number;
}

/** Sums of returns and of their squares before each place, `[n + 1]`: any window's are differences of two. */
export interface RunningSums {
  sum: Float64Array;
  squares: Float64Array;
}

export function runningSums(returns: Float64Array): RunningSums {
  const n = returns.length;
  const sum = new Float64Array(n + 1);
  const squares = new Float64Array(n + 1);
  for (let i = 0; i < n; i++) {
    const r = returns[i]!;
    sum[i + 1] = sum[i]! + r;
    squares[i + 1] = squares[i]! + r * r;
  }
  return { sum, squares };
}

/** Less than this share of the mean square is rounding, not variance. */
const leastVariation = 1e-10;

/** Population variance of so many returns with these sums; 0 where it is rounding only. */
export function varianceOf(count: number, sum: number, squares: number): number {
  const variance = squares / count - (sum / count) ** 2;
  return variance > (leastVariation * squares) / count ? variance : 0;
}

/** Annualised Sharpe ratio (ddof 1) of so many bar returns with these sums; null below 30 or without variance. */
export function sharpeOf(
  count: number,
  sum: number,
  squares: number,
  { barsPerYear, riskFreeRate }: Annualisation,
): number | null {
  const variance = varianceOf(count, sum, squares);
  if (count < leastReturns || variance === 0) return null;
  const deviation = Math.sqrt((variance * count) / (count - 1));
  return ((sum / count - riskFreeRate / barsPerYear) / deviation) * Math.sqrt(barsPerYear);
}
