import type { TradeRows } from "./contract.ts";

/** New prints of one series: those of `rows` at the places `at`. */
export interface NewTrades {
  seriesId: number;
  rows: TradeRows;
  at: readonly number[];
}

/** Takes what `encodeTrades` gives. */
export const copyTrades = `copy trades (series_id, event_ms, ordinal, revision, price, size, venue, visible_ms,
  recorded_ms, job_id) from stdin (format binary)`;

const columns = 10;
const header = Buffer.from("5047434f50590aff0d0a000000000000000000", "hex");
const trailer = Buffer.from([0xff, 0xff]);
const int32Range = 4_294_967_296;
/** Bytes of a row without its venue: the count of columns, a length before each, and the values. */
const rowBytes = 2 + 4 * columns + 5 * 8 + 2 * 4 + 8 + 16;

/**
 * Prints as first revisions, in PostgreSQL's binary copy format: visible from the time they happened.
 * https://www.postgresql.org/docs/current/sql-copy.html
 */
export function encodeTrades(
  parts: readonly NewTrades[],
  origin: { recordedMs: number; jobId: string },
): Uint8Array {
  const venues = new Map<string, Buffer>();
  let bytes = header.length + trailer.length;
  for (const { rows, at } of parts)
    for (const i of at) {
      bytes += rowBytes;
      const venue = rows.venue[i];
      if (venue === null || venue === undefined) continue;
      let text = venues.get(venue);
      if (text === undefined) venues.set(venue, (text = Buffer.from(venue)));
      bytes += text.length;
    }
  const target = Buffer.allocUnsafe(bytes);
  const view = new DataView(target.buffer, target.byteOffset, bytes);
  const job = Buffer.from(origin.jobId.replaceAll("-", ""), "hex");
  let place = header.copy(target);

  function int32(value: number): void {
    view.setInt32(place, 4);
    view.setInt32(place + 4, value);
    place += 8;
  }

  function int64(value: number): void {
    const high = Math.floor(value / int32Range);
    view.setInt32(place, 8);
    view.setInt32(place + 4, high);
    view.setUint32(place + 8, value - high * int32Range);
    place += 12;
  }

  function float64(value: number): void {
    view.setInt32(place, 8);
    view.setFloat64(place + 4, value);
    place += 12;
  }

  /** Null: a length of -1 and no bytes. */
  function raw(value: Buffer | undefined): void {
    view.setInt32(place, value === undefined ? -1 : value.length);
    place += 4;
    if (value !== undefined) place += value.copy(target, place);
  }

  for (const { seriesId, rows, at } of parts)
    for (const i of at) {
      view.setInt16(place, columns);
      place += 2;
      int64(seriesId);
      int64(rows.eventMs[i]!);
      int32(rows.ordinal[i]!);
      int32(1);
      float64(rows.price[i]!);
      float64(rows.size[i]!);
      const venue = rows.venue[i];
      raw(venue === null || venue === undefined ? undefined : venues.get(venue));
      int64(rows.eventMs[i]!);
      int64(origin.recordedMs);
      raw(job);
    }
  place += trailer.copy(target, place);
  return target;
}
