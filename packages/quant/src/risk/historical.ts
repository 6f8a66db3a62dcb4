/** Value at risk and expected shortfall of a sample: positive numbers for losses. */
import { QuantError, requireRange, requireSeries } from "../error.ts";
import { quantileSorted, sorted } from "../statistics/moments.ts";

export interface TailRisk {
  /** Loss that is exceeded with probability 1 - level. */
  readonly valueAtRisk: number;
  /** Mean loss of the worst 1 - level. */
  readonly expectedShortfall: number;
}

/** 1 - level without the rounding that would move n (1 - level) across a whole number. */
export function tailShare(level: number): number {
  requireRange(level, "level", 0, 1, true);
  return Math.round((1 - level) * 1e12) / 1e12;
}

/**
 * Expected shortfall by Acerbi and Tasche: the mean of the worst n(1 - level) outcomes, the last one counted by its
 * fraction. Coherent, and exact for a discrete sample.
 */
export function shortfallSorted(ascending: Float64Array, level: number): number {
  const count = ascending.length * tailShare(level);
  const whole = Math.floor(count + 1e-9);
  let sum = 0;
  for (let i = 0; i < whole; i++) sum += ascending[i]!;
  const part = count - whole;
  if (part > 0 && whole < ascending.length) sum += part * ascending[whole]!;
  return -sum / count;
}

/** Historical VaR (minus the type-7 quantile at 1 - level) and Acerbi-Tasche expected shortfall. */
export function historicalRisk(returns: Float64Array, level: number): TailRisk {
  requireSeries(returns, "returns", 2);
  const ascending = sorted(returns);
  return {
    valueAtRisk: -quantileSorted(ascending, tailShare(level)),
    expectedShortfall: shortfallSorted(ascending, level),
  };
}

/** Historical VaR as an observed loss: minus the order statistic ceil(n (1 - level)). */
export function historicalRiskLower(returns: Float64Array, level: number): number {
  requireSeries(returns, "returns", 2);
  const at = Math.max(Math.ceil(returns.length * tailShare(level) - 1e-9), 1);
  return -sorted(returns)[at - 1]!;
}

/** Mean loss of the returns at or below the type-7 quantile: what some libraries call expected shortfall. */
export function meanBeyondQuantile(returns: Float64Array, level: number): number {
  requireSeries(returns, "returns", 2);
  const bound = quantileSorted(sorted(returns), tailShare(level));
  const beyond = returns.filter((r) => r <= bound);
  if (beyond.length === 0) throw new QuantError("undefined", "no return is beyond the quantile");
  return -beyond.reduce((a, b) => a + b, 0) / beyond.length;
}
