import type { PriceSeries } from "./market.ts";

/** Rates are fractions of a fill's notional; `perUnit` and `minimum` are in the instrument's currency. */
export interface FeeSchedule {
  /** Of a limit order that rested before the bar; below zero: a rebate. */
  readonly makerRate: number;
  readonly takerRate: number;
  readonly perUnit: number;
  /** Least fee of a fill that is not a rebate. */
  readonly minimum: number;
  /** Ascending by the notional (base currency) traded since the start of the month, UTC; the last one reached replaces the rates. */
  readonly tiers: readonly FeeTier[];
}

export interface FeeTier {
  readonly fromNotional: number;
  readonly makerRate: number;
  readonly takerRate: number;
}

/**
 * How much worse than the reference price a taker's fill is.
 * - fixed: a fraction, and currency a unit.
 * - volumeShare: coefficient × (quantity / the bar's volume)², as zipline's.
 * - squareRoot: coefficient × volatility a bar × √(quantity / average volume), both over the 20 bars before.
 */
export type Slippage =
  | { readonly kind: "fixed"; readonly rate: number; readonly perUnit: number }
  | { readonly kind: "volumeShare"; readonly coefficient: number }
  | { readonly kind: "squareRoot"; readonly coefficient: number };

export interface TradingCosts {
  readonly fees: FeeSchedule;
  /** Full spread as a fraction of the price; a taker pays half. */
  readonly spreadRate: number;
  readonly slippage: Slippage;
  /** From the decision until the order can trade. */
  readonly latencyMs: number;
  /** Share of a bar's volume that all orders on it may take together; 0: no cap. */
  readonly volumeShare: number;
  /** Of the amount, when a currency is bought to pay for a fill. */
  readonly conversionRate: number;
  /** Annual interest on cash above zero, and on cash below it. */
  readonly cashRate: number;
  readonly debitRate: number;
}

export const noCosts: TradingCosts = {
  fees: { makerRate: 0, takerRate: 0, perUnit: 0, minimum: 0, tiers: [] },
  spreadRate: 0,
  slippage: { kind: "fixed", rate: 0, perUnit: 0 },
  latencyMs: 0,
  volumeShare: 0,
  conversionRate: 0,
  cashRate: 0,
  debitRate: 0,
};

/** The fee's rate by side of the book and by the month's notional so far. */
export function feeRateOf(fees: FeeSchedule, maker: boolean, monthNotional: number): number {
  let rate = maker ? fees.makerRate : fees.takerRate;
  for (const tier of fees.tiers) {
    if (monthNotional >= tier.fromNotional) rate = maker ? tier.makerRate : tier.takerRate;
  }
  return rate;
}

/** Below zero: a rebate, which the minimum leaves alone. */
export function feeOfFill(fees: FeeSchedule, rate: number, notional: number, quantity: number): number {
  const fee = notional * rate + quantity * fees.perUnit;
  return fee < 0 || fee > fees.minimum ? fee : fees.minimum;
}

/** Trailing activity of a series, from the bars before each; NaN while there are fewer than `window`. */
export interface Activity {
  /** Standard deviation (ddof 0) of the closes' simple returns, a bar. */
  readonly volatility: Float64Array;
  readonly averageVolume: Float64Array;
}

const activityBars = 20;

export function activityOf(bars: PriceSeries): Activity {
  const n = bars.close.length;
  const volatility = new Float64Array(n).fill(Number.NaN);
  const averageVolume = new Float64Array(n).fill(Number.NaN);
  for (let i = activityBars + 1; i < n; i++) {
    let volume = 0;
    let sum = 0;
    for (let j = i - activityBars; j < i; j++) {
      volume += bars.volume[j]!;
      sum += bars.close[j]! / bars.close[j - 1]! - 1;
    }
    const mean = sum / activityBars;
    let squares = 0;
    for (let j = i - activityBars; j < i; j++) {
      squares += (bars.close[j]! / bars.close[j - 1]! - 1 - mean) ** 2;
    }
    volatility[i] = Math.sqrt(squares / activityBars);
    averageVolume[i] = volume / activityBars;
  }
  return { volatility, averageVolume };
}

/**
 * A taker's price: the reference worsened by half the spread and the slippage, never below zero. A model that lacks its volume or its
 * history (NaN, or zero volume) adds nothing.
 */
export function takerPrice(
  costs: TradingCosts,
  direction: 1 | -1,
  reference: number,
  quantity: number,
  volume: number,
  activity: Activity | undefined,
  bar: number,
): number {
  const { slippage } = costs;
  let worse = costs.spreadRate / 2;
  let perUnit = 0;
  if (slippage.kind === "fixed") {
    worse += slippage.rate;
    perUnit = slippage.perUnit;
  } else if (slippage.kind === "volumeShare") {
    if (volume > 0) worse += slippage.coefficient * (quantity / volume) ** 2;
  } else if (activity !== undefined) {
    const average = activity.averageVolume[bar]!;
    if (average > 0)
      worse += slippage.coefficient * activity.volatility[bar]! * Math.sqrt(quantity / average);
  }
  return Math.max(0, reference * (1 + direction * worse) + direction * perUnit);
}
