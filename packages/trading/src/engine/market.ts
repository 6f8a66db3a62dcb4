/**
 * Bars in time order, `[n]` each; prices as traded, in the instrument's currency. A trade print is a bar of no length: `openMs` equals
 * `closeMs` and the four prices are one. Volume NaN: the source states none.
 */
export interface PriceSeries {
  readonly openMs: Float64Array;
  readonly closeMs: Float64Array;
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
  readonly volume: Float64Array;
}

/** Takes effect before the first bar that opens at `atMs` or later. */
export type MarketEvent =
  /** `ratio` new units for one old. */
  | { readonly kind: "split"; readonly atMs: number; readonly ratio: number }
  /** Paid by shorts, received by longs. */
  | { readonly kind: "dividend"; readonly atMs: number; readonly perUnit: number }
  /** Perpetual futures: longs pay position × last price × `rate`, shorts receive it. */
  | { readonly kind: "funding"; readonly atMs: number; readonly rate: number };

export interface MarketInstrument {
  readonly id: string;
  readonly currency: string;
  readonly bars: PriceSeries;
  /**
   * What a strategy sees: the bars in other prices, such as adjusted ones where `bars` are as traded, or bars of a longer timeframe, at
   * whose closes it is asked while orders meet `bars`. Absent: the bars.
   */
  readonly signalBars?: PriceSeries | undefined;
  /** Bars of a shorter timeframe in the prices of `bars`: orders inside a bar meet those within it, one after the other. */
  readonly finerBars?: PriceSeries | undefined;
  /** Nothing trades after its last bar: what is held then is closed at that bar's close, without costs. */
  readonly delists?: boolean | undefined;
  /** Quantities are rounded down to multiples of it; 0: fractional. */
  readonly lotSize: number;
  /** Limits are rounded to it so that they are not worsened, stops and what a taker pays or gets against the order; 0: any price. */
  readonly tickSize: number;
  /** Least notional of an order, 0: none. */
  readonly minNotional: number;
  /** Currency a unit and a point of price; 1 for shares and coins. */
  readonly multiplier: number;
  /** Share of the notional that a position ties up; 1: no leverage. */
  readonly initialMargin: number;
  /** Share of the notional below which equity may not fall; 0: only equity of zero liquidates. */
  readonly maintenanceMargin: number;
  /** Annual, on the notional of a short. */
  readonly borrowRate: number;
  /** In time order. */
  readonly events: readonly MarketEvent[];
}

/** Base currency for one unit of a currency, known from each `closeMs` on. */
export interface RateSeries {
  readonly closeMs: Float64Array;
  readonly rate: Float64Array;
}

/** What an instrument is without further words: fractional, no leverage, no events. */
export function plainInstrument(id: string, bars: PriceSeries, currency = "USD"): MarketInstrument {
  return {
    id,
    currency,
    bars,
    lotSize: 0,
    tickSize: 0,
    minNotional: 0,
    multiplier: 1,
    initialMargin: 1,
    maintenanceMargin: 0,
    borrowRate: 0,
    events: [],
  };
}
