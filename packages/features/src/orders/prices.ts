import { decimal, timeframeMs } from "@tapedeck/core";
import type { VenueBar } from "@tapedeck/core";
import type * as z from "zod";
import type { Db } from "../db.ts";
import type { Instrument, SeriesReader } from "../series/contract.ts";
import type { Mark } from "./contract.ts";

export interface LastPrice {
  price: number;
  /** Close of the bar that it is of. */
  atMs: number;
  source: string;
  datasetHash: string;
}

/** The close of the latest bar on file, of whichever timeframe reaches furthest (ties: the finest). Undefined when there is none. */
export async function loadLastPrice(
  series: SeriesReader,
  tenantId: string,
  instrument: Instrument,
  signal?: AbortSignal,
): Promise<LastPrice | undefined> {
  const coverage = await series.coverage(tenantId, instrument.instrumentId);
  const latest = coverage
    .filter((entry) => entry.bars > 0)
    .toSorted((a, b) => b.toMs - a.toMs || timeframeMs(a.timeframe) - timeframeMs(b.timeframe))[0];
  if (latest === undefined) return undefined;
  const dataset = await series.dataset(
    {
      tenantId,
      instrumentId: instrument.instrumentId,
      timeframe: latest.timeframe,
      // Enough for the last bar, and small: each new bar makes another of these.
      fromMs: latest.toMs - 3 * timeframeMs(latest.timeframe),
      adjustment: "raw",
    },
    signal,
  );
  const last = dataset.length - 1;
  if (last < 0) return undefined;
  return {
    price: dataset.columns.close[last]!,
    atMs: dataset.columns.closeMs[last]!,
    source: `close of ${instrument.instrumentId} ${latest.timeframe}`,
    datasetHash: dataset.hash,
  };
}

/** The close of the newest bar on file as a mark, read from the rows: no dataset is made. Undefined when there is none. */
export async function loadLastClose(
  db: Db,
  tenantId: string,
  instrumentId: string,
): Promise<z.output<typeof Mark> | undefined> {
  const row = await db
    .selectFrom("bars")
    .innerJoin("series", "series.seriesId", "bars.seriesId")
    .select(["bars.close", "bars.closeMs", "series.timeframe"])
    .where("series.instrumentId", "=", instrumentId)
    .where("series.space", "in", ["shared", tenantId])
    .where("series.kind", "=", "bars")
    .whereRef("bars.openMs", "=", "series.toMs")
    // An instrument of the tenant's own hides the shared one of the same id.
    .orderBy((eb) => eb("series.space", "=", tenantId), "desc")
    .orderBy("bars.closeMs", "desc")
    .orderBy("bars.revision", "desc")
    .limit(1)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const source = `close of ${instrumentId} ${row.timeframe}`;
  return { price: decimal(row.close).toFixed(), atMs: row.closeMs, source, datasetHash: null };
}

/** Bars that one look takes; the rest comes with the next. */
const mostBars = 5_000;

/**
 * Closed bars as traded that open at or after `fromMs`, newest revision each, of the finest timeframe that has any.
 * Read from the rows: a dataset of its own for every look at every resting order would pile up.
 */
export function createPaperPrices(options: { db: Db; now(): number }) {
  const { db, now } = options;
  return {
    async barsFrom(
      tenantId: string,
      instrumentId: string,
      fromMs: number,
      signal: AbortSignal,
    ): Promise<{ timeframe: string; bars: Array<VenueBar & { closeMs: number }> }> {
      const rows = await db
        .selectFrom("series")
        .select(["seriesId", "space", "timeframe"])
        .where("instrumentId", "=", instrumentId)
        .where("space", "in", ["shared", tenantId])
        .where("kind", "=", "bars")
        .where("toMs", ">", fromMs)
        .execute();
      // An instrument of the tenant's own hides the shared one of the same id.
      const own = await db
        .selectFrom("instruments")
        .select("space")
        .where("instrumentId", "=", instrumentId)
        .where("space", "=", tenantId)
        .executeTakeFirst();
      const series = rows
        .filter((row) => row.space === (own === undefined ? "shared" : tenantId))
        .toSorted((a, b) => timeframeMs(a.timeframe) - timeframeMs(b.timeframe));
      for (const { seriesId, timeframe } of series) {
        signal.throwIfAborted();
        const bars = await loadBars(db, seriesId, fromMs, now());
        if (bars.length > 0) return { timeframe, bars };
      }
      return { timeframe: "", bars: [] };
    },
  };
}

async function loadBars(
  db: Db,
  seriesId: number,
  fromMs: number,
  nowMs: number,
): Promise<Array<VenueBar & { closeMs: number }>> {
  const rows = await db
    .selectFrom("bars")
    .distinctOn("openMs")
    .select(["openMs", "closeMs", "open", "high", "low", "close", "volume"])
    .where("seriesId", "=", seriesId)
    .where("openMs", ">=", fromMs)
    .where("visibleMs", "<=", nowMs)
    .orderBy("openMs")
    .orderBy("revision", "desc")
    .limit(mostBars)
    .execute();
  return rows.map((row) => ({ ...row, volume: row.volume ?? Number.NaN }));
}
