import { AppError } from "@tapedeck/core";
import type { BlobStore } from "@tapedeck/core";
import { sha256 } from "@tapedeck/core/hash";

/** Stores columns of one length, one after the other, under the hash of their bytes; returns the key. */
export async function saveColumns(blobs: BlobStore, columns: readonly Float64Array[]): Promise<string> {
  const length = columns[0]!.length;
  const all = new Float64Array(length * columns.length);
  columns.forEach((column, k) => all.set(column, k * length));
  const bytes = new Uint8Array(all.buffer);
  const key = `backtests/${sha256(bytes)}.f64`;
  await blobs.put(key, bytes);
  return key;
}

/** The columns under a key, `[length]` each. Throws `data.missing` when they are no longer stored. */
export async function loadColumns(
  blobs: BlobStore,
  key: string,
  count: number,
  length: number,
): Promise<Float64Array[]> {
  const all = new Float64Array(length * count);
  if ((await blobs.size(key)) === undefined) {
    throw new AppError(
      "data.missing",
      "The columns of this run are no longer stored; run the backtest again.",
    );
  }
  await blobs.readInto(key, new Uint8Array(all.buffer));
  return Array.from({ length: count }, (_, k) => all.subarray(k * length, (k + 1) * length));
}

/** First index whose value is at least `value`; the column ascends. */
export function lowerBound(column: Float64Array, value: number): number {
  let low = 0;
  let high = column.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (column[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
