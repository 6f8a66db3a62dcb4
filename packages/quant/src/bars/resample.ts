/** Bars of a higher timeframe, from closed bars. */
import type { Bar } from "./table.ts";

/** Columns of bars in order of time, `[n]` each; a volume that is not known is NaN. */
export type PricedBars = Readonly<
  Record<"openMs" | "closeMs" | "open" | "high" | "low" | "close" | "volume", Float64Array>
>;

/** A half-open bucket of time. */
export interface Bucket {
  readonly startMs: number;
  readonly endMs: number;
}

/**
 * Joins the bars of each bucket into one: first open, highest high, lowest low, last close, summed volume (NaN where one
 * is), from the bucket's start to its end. `bucketOf` gives the bucket of a bar by its open and close, undefined where it
 * belongs to none; buckets ascend with the bars. A bucket without bars makes none, and one that ends after `untilMs` is
 * still open and left out.
 */
export function resampleBars(
  bars: PricedBars,
  bucketOf: (openMs: number, closeMs: number) => Bucket | undefined,
  untilMs = Infinity,
): PricedBars {
  const { openMs, closeMs, open, high, low, close, volume } = bars;
  const rows: Omit<Bar, "ticks">[] = [];
  let row: Omit<Bar, "ticks"> | undefined;
  for (let i = 0; i < openMs.length; i++) {
    const inside = row !== undefined && openMs[i]! >= row.openMs && closeMs[i]! <= row.closeMs;
    const bucket = inside ? undefined : bucketOf(openMs[i]!, closeMs[i]!);
    if (!inside && bucket === undefined) continue;
    if (row === undefined || (bucket !== undefined && bucket.startMs !== row.openMs)) {
      row = {
        openMs: bucket!.startMs,
        closeMs: bucket!.endMs,
        open: open[i]!,
        high: high[i]!,
        low: low[i]!,
        close: close[i]!,
        volume: volume[i]!,
      };
      rows.push(row);
      continue;
    }
    row.high = Math.max(row.high, high[i]!);
    row.low = Math.min(row.low, low[i]!);
    row.close = close[i]!;
    row.volume += volume[i]!;
  }
  const closed = rows.filter((one) => one.closeMs <= untilMs);
  const column = (name: keyof PricedBars): Float64Array => Float64Array.from(closed, (one) => one[name]);
  return {
    openMs: column("openMs"),
    closeMs: column("closeMs"),
    open: column("open"),
    high: column("high"),
    low: column("low"),
    close: column("close"),
    volume: column("volume"),
  };
}
