import { AppError } from "@tapedeck/core";
import type { BlobStore } from "@tapedeck/core";
import { sha256 } from "@tapedeck/core/hash";

/** The curves of a run, `[bars]` each. */
export interface EquityColumns {
  closeMs: Float64Array;
  equity: Float64Array;
  benchmark: Float64Array;
  position: Float64Array;
}

/** Stores the columns one after the other under the hash of their bytes; returns the key. */
export async function saveEquity(blobs: BlobStore, columns: EquityColumns): Promise<string> {
  const bars = columns.closeMs.length;
  const all = new Float64Array(bars * 4);
  [columns.closeMs, columns.equity, columns.benchmark, columns.position].forEach((column, k) =>
    all.set(column, k * bars),
  );
  const bytes = new Uint8Array(all.buffer);
  const key = `backtests/${sha256(bytes)}.f64`;
  await blobs.put(key, bytes);
  return key;
}

export async function loadEquity(blobs: BlobStore, key: string, bars: number): Promise<EquityColumns> {
  const all = new Float64Array(bars * 4);
  if ((await blobs.size(key)) === undefined) {
    throw new AppError(
      "data.missing",
      "The equity curve of this run is no longer stored; run the backtest again.",
    );
  }
  await blobs.readInto(key, new Uint8Array(all.buffer));
  const column = (k: number) => all.subarray(k * bars, (k + 1) * bars);
  return { closeMs: column(0), equity: column(1), benchmark: column(2), position: column(3) };
}

/** Fall from the highest equity so far (the initial cash at first), in [0, 1]. */
export function drawdownsOf(equity: Float64Array, initialCash: number): Float64Array {
  const out = new Float64Array(equity.length);
  let peak = initialCash;
  for (let i = 0; i < equity.length; i++) {
    if (equity[i]! > peak) peak = equity[i]!;
    out[i] = Math.min(1, 1 - equity[i]! / peak);
  }
  return out;
}

/** At most `points` bar numbers, ascending: the first, and of each bucket its lowest, highest and last equity, so that no extreme is lost. */
export function downsample(equity: Float64Array, points: number): number[] {
  const n = equity.length;
  if (n <= points) return Array.from({ length: n }, (_, i) => i);
  const buckets = Math.max(1, Math.floor((points - 1) / 3));
  const kept: number[] = [0];
  for (let b = 0; b < buckets; b++) {
    const from = Math.max(1, Math.floor((b * n) / buckets));
    const to = Math.floor(((b + 1) * n) / buckets);
    let low = from;
    let high = from;
    for (let i = from; i < to; i++) {
      if (equity[i]! < equity[low]!) low = i;
      if (equity[i]! > equity[high]!) high = i;
    }
    kept.push(...[...new Set([low, high, to - 1])].sort((x, y) => x - y));
  }
  return kept;
}
