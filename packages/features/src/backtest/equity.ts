import type { BlobStore } from "@tapedeck/core";
import { loadColumns, saveColumns } from "./columns.ts";

/** The curves of a run, `[bars]` each. */
export interface EquityColumns {
  closeMs: Float64Array;
  equity: Float64Array;
  benchmark: Float64Array;
  position: Float64Array;
}

export function saveEquity(blobs: BlobStore, columns: EquityColumns): Promise<string> {
  return saveColumns(blobs, [columns.closeMs, columns.equity, columns.benchmark, columns.position]);
}

export async function loadEquity(blobs: BlobStore, key: string, bars: number): Promise<EquityColumns> {
  const [closeMs, equity, benchmark, position] = await loadColumns(blobs, key, 4, bars);
  return { closeMs: closeMs!, equity: equity!, benchmark: benchmark!, position: position! };
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

/** Of a run's payload. */
export function initialCashOf(payload: unknown): number {
  return Number((payload as { initialCash: string }).initialCash);
}
