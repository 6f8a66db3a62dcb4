import { createHash } from "node:crypto";
import { canonicalJson } from "@tapedeck/core/hash";
import type { SeriesColumns } from "./contract.ts";
import type { BarPage } from "./store.ts";

/** Order of the columns in a dataset's file: each is `length` little-endian float64, one after the other, no header. */
export const columnNames = ["openMs", "closeMs", "open", "high", "low", "close", "volume"] as const;

/** Bytes of one bar over all columns. */
export const barBytes = columnNames.length * 8;

const sliceBytes = 1 << 20;

/** Views of the whole file, `[length]` each. */
export function viewColumns(buffer: SharedArrayBuffer): SeriesColumns {
  const length = buffer.byteLength / barBytes;
  const view = (i: number): Float64Array => new Float64Array(buffer, i * length * 8, length);
  return {
    openMs: view(0),
    closeMs: view(1),
    open: view(2),
    high: view(3),
    low: view(4),
    close: view(5),
    volume: view(6),
  };
}

/** Columns in one shared buffer. */
export function bufferOf(columns: SeriesColumns): SharedArrayBuffer {
  const { length } = columns.openMs;
  const buffer = new SharedArrayBuffer(length * barBytes);
  const target = new Float64Array(buffer);
  columnNames.forEach((name, i) => target.set(columns[name], i * length));
  return buffer;
}

/** Pages of rows as columns of one shared buffer. Pages are let go as they are copied. */
export function columnsFromPages(pages: BarPage[]): SharedArrayBuffer {
  const length = pages.reduce((sum, page) => sum + page.bars, 0);
  const buffer = new SharedArrayBuffer(length * barBytes);
  const target = new Float64Array(buffer);
  let at = 0;
  for (let page = pages.shift(); page !== undefined; page = pages.shift()) {
    const rows = new DataView(page.data.buffer, page.data.byteOffset, page.data.byteLength);
    for (let row = 0; row < page.bars; row++) {
      for (let column = 0; column < columnNames.length; column++) {
        target[column * length + at + row] = rows.getFloat64((row * columnNames.length + column) * 8);
      }
    }
    at += page.bars;
  }
  return buffer;
}

/** The buffer in slices that are safe to hand to a file, a socket or a hash. */
export function* slices(buffer: SharedArrayBuffer): Generator<Uint8Array> {
  const bytes = new Uint8Array(buffer);
  for (let start = 0; start < bytes.length; start += sliceBytes) {
    yield bytes.slice(start, start + sliceBytes);
  }
}

/** sha256 over what the columns are of and the columns themselves. */
export function datasetHash(
  meta: { space: string; instrumentId: string; timeframe: string; adjustment: string },
  buffer: SharedArrayBuffer,
): string {
  const hash = createHash("sha256").update(canonicalJson({ format: 1, ...meta }));
  for (const slice of slices(buffer)) hash.update(slice);
  return hash.digest("hex");
}

export function datasetKey(hash: string): string {
  return `datasets/${hash.slice(0, 2)}/${hash}.f64`;
}
