import type { JobContext } from "@tapedeck/core";
import type { Tx } from "../db.ts";
import type { BarRows, Instrument, SeriesWriter, TradeRows, WriteCounts } from "../series/contract.ts";
import type { Bar, Trade } from "./convert.ts";
import { saveCheckpoint, saveQuarantine } from "./store.ts";
import type { IngestState, QuarantineRow, SeriesCount } from "./store.ts";

/** Rows of one series that wait for the next commit. */
type Pending =
  | { kind: "bars"; instrument: Instrument; timeframe: string; rows: BarRows }
  | { kind: "trades"; instrument: Instrument; timeframe: string; rows: TradeRows };

/** What is read and not yet committed. */
export interface Batch {
  readonly rows: number;
  addBar(instrument: Instrument, timeframe: string, bar: Omit<Bar, "kind" | "symbol">): void;
  addTrade(instrument: Instrument, trade: Trade, ordinal: number): void;
  reject(row: QuarantineRow): void;
  /** One transaction: the rows, the refused ones, and the checkpoint behind `records`. */
  commit(records: number, also?: (tx: Tx) => Promise<void>): Promise<void>;
  clear(): void;
}

export function seriesKey(kind: string, instrumentId: string, timeframe: string): string {
  return `${kind} ${instrumentId} ${timeframe}`;
}

/** Adds to a series' counts; a series that is not there yet is added. */
export function count(
  state: IngestState,
  series: Omit<SeriesCount, "inserted" | "revised" | "unchanged">,
  counts: WriteCounts,
): void {
  const key = seriesKey(series.kind, series.instrumentId, series.timeframe);
  const before = state.series[key] ?? { ...series, inserted: 0, revised: 0, unchanged: 0 };
  state.series[key] = {
    ...before,
    inserted: before.inserted + counts.inserted,
    revised: before.revised + counts.revised,
    unchanged: before.unchanged + counts.unchanged,
  };
}

export function createBatch(options: {
  writer: SeriesWriter;
  ctx: JobContext<never, Tx>;
  state: IngestState;
}): Batch {
  const { writer, ctx, state } = options;
  let pending = new Map<string, Pending>();
  let rejected: QuarantineRow[] = [];
  let rows = 0;

  function clear(): void {
    pending = new Map();
    rejected = [];
    rows = 0;
  }

  function barsOf(instrument: Instrument, timeframe: string): BarRows {
    const key = seriesKey("bars", instrument.instrumentId, timeframe);
    const have = pending.get(key);
    if (have?.kind === "bars") return have.rows;
    const fresh: BarRows = { openMs: [], closeMs: [], open: [], high: [], low: [], close: [], volume: [] };
    pending.set(key, { kind: "bars", instrument, timeframe, rows: fresh });
    return fresh;
  }

  function tradesOf(instrument: Instrument): TradeRows {
    const key = seriesKey("trades", instrument.instrumentId, "tick");
    const have = pending.get(key);
    if (have?.kind === "trades") return have.rows;
    const fresh: TradeRows = { eventMs: [], ordinal: [], price: [], size: [], venue: [] };
    pending.set(key, { kind: "trades", instrument, timeframe: "tick", rows: fresh });
    return fresh;
  }

  return {
    get rows() {
      return rows + rejected.length;
    },
    addBar(instrument, timeframe, bar) {
      const target = barsOf(instrument, timeframe);
      target.openMs.push(bar.openMs);
      target.closeMs.push(bar.closeMs);
      target.open.push(bar.open);
      target.high.push(bar.high);
      target.low.push(bar.low);
      target.close.push(bar.close);
      target.volume.push(bar.volume);
      rows++;
    },
    addTrade(instrument, trade, ordinal) {
      const target = tradesOf(instrument);
      target.eventMs.push(trade.eventMs);
      target.ordinal.push(ordinal);
      target.price.push(trade.price);
      target.size.push(trade.size);
      target.venue.push(trade.venue);
      rows++;
    },
    reject(row) {
      rejected.push(row);
    },
    async commit(records, also) {
      const next = structuredClone(state);
      next.rowsRead = records;
      next.quarantined += rejected.length;
      for (const { reason } of rejected) next.reasons[reason] = (next.reasons[reason] ?? 0) + 1;
      await ctx.commit(async (tx) => {
        // In one order, so that two imports never wait for each other crosswise.
        for (const [, item] of [...pending].sort(([a], [b]) => (a < b ? -1 : 1))) {
          const nowMs = ctx.now();
          await writer.ensureInstrument(tx, item.instrument, ctx.jobId, nowMs);
          const { instrumentId, space, name } = item.instrument;
          const target = {
            space,
            instrumentId,
            timeframe: item.timeframe,
            jobId: ctx.jobId,
            recordedMs: nowMs,
          };
          const counts =
            item.kind === "bars"
              ? await writer.writeBars(tx, target, item.rows)
              : await writer.writeTrades(tx, target, item.rows);
          count(next, { instrumentId, name, kind: item.kind, timeframe: item.timeframe }, counts);
        }
        const job = { jobId: ctx.jobId, tenantId: ctx.tenantId };
        await saveQuarantine(tx, job, state.quarantined, rejected);
        await also?.(tx);
        await saveCheckpoint(tx, { ...job, records, state: next });
      });
      Object.assign(state, next);
      clear();
    },
    clear,
  };
}
