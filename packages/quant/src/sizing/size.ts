/** How much to trade. Quantities are not rounded: round them down to the instrument's lot. */
import { QuantError, requireRange, requireSeries } from "../error.ts";
import { kellyEmpirical } from "../portfolio/kelly.ts";

const MOST = Number.MAX_VALUE;

/**
 * A share of the Kelly fraction, or of Kelly weights [k], held within a gross sum of `most`: half Kelly gives three
 * quarters of the growth at half the volatility.
 */
export function fractionalKelly(kelly: Float64Array, share: number, most = Infinity): Float64Array {
  requireSeries(kelly, "kelly", 1);
  requireRange(share, "share", 0, 1);
  requireRange(most, "most", 0, Infinity);
  const gross = kelly.reduce((s, f) => s + Math.abs(f) * share, 0);
  const scale = gross > most ? most / gross : 1;
  return kelly.map((f) => f * share * scale);
}

/** Quantity at which the loss from entry to stop is `fraction` of the equity. */
export function fixedFractional(equity: number, fraction: number, entry: number, stop: number): number {
  requireRange(equity, "equity", 0, MOST);
  requireRange(fraction, "fraction", 0, 1);
  requireRange(entry, "entry", 0, MOST);
  requireRange(stop, "stop", 0, MOST);
  if (entry === stop)
    throw new QuantError("outOfRange", "stop must differ from entry: nothing would be at risk");
  return (equity * fraction) / Math.abs(entry - stop);
}

/**
 * Units after `profit` made so far: one more for each `delta` of profit per unit held; at least 1. The n-th unit is
 * reached at a profit of delta n (n - 1) / 2.
 * Source: Jones, The trading game (1999).
 */
export function fixedRatio(profit: number, delta: number): number {
  requireRange(profit, "profit", -MOST, MOST);
  requireRange(delta, "delta", 0, MOST, true);
  return Math.max(1, Math.floor((1 + Math.sqrt(1 + (8 * Math.max(0, profit)) / delta)) / 2));
}

/** Quantity at which the position's volatility is `target` of the equity; both volatilities per the same period. */
export function volatilityTarget(
  equity: number,
  price: number,
  volatility: number,
  target: number,
  maxLeverage = 1,
): number {
  requireRange(equity, "equity", 0, MOST);
  requireRange(price, "price", 0, MOST, true);
  requireRange(volatility, "volatility", 0, MOST, true);
  requireRange(target, "target", 0, MOST);
  requireRange(maxLeverage, "maxLeverage", 0, MOST);
  return (equity * Math.min(target / volatility, maxLeverage)) / price;
}

/** Quantity at which a move of `multiple` average true ranges is `fraction` of the equity. */
export function atrRisk(equity: number, fraction: number, atr: number, multiple: number): number {
  requireRange(equity, "equity", 0, MOST);
  requireRange(fraction, "fraction", 0, 1);
  requireRange(atr, "atr", 0, MOST, true);
  requireRange(multiple, "multiple", 0, MOST, true);
  return (equity * fraction) / (atr * multiple);
}

export interface OptimalFraction {
  /** Of the equity put at risk against the largest loss so far, in [0, 1). */
  readonly fraction: number;
  /** Largest loss of a unit, positive. Quantity = equity x fraction / worstLoss. */
  readonly worstLoss: number;
  /** mean ln(1 + fraction x profit / worstLoss) per trade. */
  readonly growth: number;
}

/**
 * The fraction at which past trades, each a profit per unit, would have grown the equity most.
 * Source: Vince, Portfolio management formulas (1990).
 * @throws QuantError undefined where no trade lost, tooFew below 2 trades.
 */
export function optimalF(profits: Float64Array): OptimalFraction {
  requireSeries(profits, "profits", 2);
  const worstLoss = -profits.reduce((a, b) => Math.min(a, b), Infinity);
  if (!(worstLoss > 0)) {
    throw new QuantError("undefined", "no trade lost, so that the largest loss is unknown; take more trades");
  }
  const { fraction, growth } = kellyEmpirical(profits.map((p) => p / worstLoss));
  return { fraction, worstLoss, growth };
}
