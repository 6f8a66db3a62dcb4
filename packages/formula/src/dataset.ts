/** Bars in columns, in time order. Columns are read only. */
export interface Dataset {
  /** Bars in use: columns may be longer. */
  readonly length: number;
  /** Open and close time of each bar, ms UTC. A bar is usable from its close. */
  readonly openMs: Float64Array;
  readonly closeMs: Float64Array;
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
  readonly volume: Float64Array;
  readonly timeframeMs: number;
  /** How bars join to higher timeframes; half-open UTC buckets where it is absent. */
  readonly bucketOf?: BucketRule;
  /** Bars of another instrument, by the name written in the formula. */
  resolve?(symbol: string): Dataset | undefined;
}

/**
 * The bar of a higher timeframe (1h, 1d, 1w, 3mo) that a bar [openMs, closeMs) is part of, as that bar's half-open bounds;
 * undefined where it is part of none. Bounds ascend with the bars.
 */
export type BucketRule = (
  timeframe: string,
  openMs: number,
  closeMs: number,
) => { readonly startMs: number; readonly endMs: number } | undefined;

/** One bar for live use. */
export interface Bar {
  readonly openMs: number;
  readonly closeMs: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
}

export const COLUMNS = ["openMs", "closeMs", "open", "high", "low", "close", "volume"] as const;
