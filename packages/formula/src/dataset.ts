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
  /** Bars of another instrument, by the name written in the formula. */
  resolve?(symbol: string): Dataset | undefined;
}

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
