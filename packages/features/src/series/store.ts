import { sql } from "kysely";
import type { Db } from "../db.ts";
import type { CorporateAction, Instrument, RevisedRow } from "./contract.ts";
import type { SeriesTables } from "./tables.ts";

export const sharedSpace = "shared";
/** Bounds of time as JavaScript has it: what an absent fromMs, toMs or asOf is in the index. */
export const beginningMs = -8.64e15;
export const endMs = 8.64e15;

const barBytes = 7 * 8;
const pageBars = 20_000;

export const instrumentColumns = [
  "instrumentId",
  "symbol",
  "venue",
  "name",
  "assetClass",
  "currency",
  "calendar",
  "tickSize",
  "lotSize",
  "minNotional",
  "space",
] as const;

/** Of the instruments that both spaces have, the tenant's own. */
export function preferOwn<T extends { instrumentId: string; space: string }>(rows: readonly T[]): T[] {
  const chosen = new Map<string, T>();
  for (const row of rows) {
    const have = chosen.get(row.instrumentId);
    if (have === undefined || have.space === sharedSpace) chosen.set(row.instrumentId, row);
  }
  return [...chosen.values()];
}

export async function loadInstruments(db: Db, tenantId: string): Promise<Instrument[]> {
  const rows = await db
    .selectFrom("instruments")
    .select(instrumentColumns)
    .where("space", "in", [sharedSpace, tenantId])
    .orderBy("instrumentId")
    .execute();
  return preferOwn(rows as Instrument[]);
}

export async function loadInstrument(db: Db, tenantId: string, id: string): Promise<Instrument | undefined> {
  const rows = await db
    .selectFrom("instruments")
    .select(instrumentColumns)
    .where("space", "in", [sharedSpace, tenantId])
    .where("instrumentId", "=", id)
    .execute();
  return preferOwn(rows as Instrument[])[0];
}

/** By symbol or by whole name, capitals or not. */
export async function findInstruments(db: Db, tenantId: string, text: string): Promise<Instrument[]> {
  const rows = await db
    .selectFrom("instruments")
    .select(instrumentColumns)
    .where("space", "in", [sharedSpace, tenantId])
    .where((eb) =>
      eb.or([eb("symbol", "=", text.toUpperCase()), eb(eb.fn("lower", ["name"]), "=", text.toLowerCase())]),
    )
    .orderBy("instrumentId")
    .execute();
  return preferOwn(rows as Instrument[]);
}

export interface SeriesState {
  instrument: Instrument;
  actionsVersion: number;
  actionsMaxMs: number | null;
  /** Undefined where there are no bars of this timeframe. */
  series:
    | {
        seriesId: number;
        rows: number;
        fromMs: number | null;
        toMs: number | null;
        dataVersion: number;
        revised: boolean;
        maxVisibleMs: number | null;
      }
    | undefined;
}

/** The instrument (the tenant's own first) and its bars' state, in one statement. */
export async function loadState(
  db: Db,
  tenantId: string,
  instrumentId: string,
  timeframe: string,
): Promise<SeriesState | undefined> {
  const rows = await db
    .selectFrom("instruments as i")
    .leftJoin("series as s", (join) =>
      join
        .onRef("s.space", "=", "i.space")
        .onRef("s.instrumentId", "=", "i.instrumentId")
        .on("s.kind", "=", "bars")
        .on("s.timeframe", "=", timeframe),
    )
    .select([
      "i.instrumentId",
      "i.symbol",
      "i.venue",
      "i.name",
      "i.assetClass",
      "i.currency",
      "i.calendar",
      "i.tickSize",
      "i.lotSize",
      "i.minNotional",
      "i.space",
      "i.actionsVersion",
      "i.actionsMaxMs",
      "s.seriesId",
      "s.rows",
      "s.fromMs",
      "s.toMs",
      "s.dataVersion",
      "s.revised",
      "s.maxVisibleMs",
    ])
    .where("i.space", "in", [sharedSpace, tenantId])
    .where("i.instrumentId", "=", instrumentId)
    .execute();
  const row = preferOwn(rows)[0];
  if (row === undefined) return undefined;
  const {
    actionsVersion,
    actionsMaxMs,
    seriesId,
    rows: count,
    fromMs,
    toMs,
    dataVersion,
    revised,
    maxVisibleMs,
    ...instrument
  } = row;
  return {
    instrument: instrument as Instrument,
    actionsVersion: Number(actionsVersion),
    actionsMaxMs,
    series:
      seriesId === null || count === null || dataVersion === null || revised === null
        ? undefined
        : { seriesId, rows: count, fromMs, toMs, dataVersion, revised, maxVisibleMs },
  };
}

export interface BarPage {
  bars: number;
  /** Row-major big-endian float64: openMs closeMs open high low close volume. */
  data: Buffer;
}

/**
 * Visible bars in order, a page at a time, as bytes: a page is one cell, which costs a fraction of decoding rows.
 * A missing volume is NaN.
 */
export async function* loadBarPages(
  db: Db,
  range: { seriesId: number; fromMs: number; toMs: number; asOfMs: number; revised: boolean },
): AsyncGenerator<BarPage> {
  let from = range.fromMs;
  for (;;) {
    const distinct = range.revised ? sql`distinct on (open_ms)` : sql``;
    const result = await sql<{ bars: number; last: number | null; data: Buffer | null }>`
      select count(*)::int as bars, max(open_ms) as last, string_agg(cells, ''::bytea order by open_ms) as data
      from (
        select ${distinct} open_ms, float8send(open_ms::float8) || float8send(close_ms::float8)
          || float8send(open) || float8send(high) || float8send(low) || float8send(close)
          || float8send(coalesce(volume, 'NaN')) as cells
        from bars
        where series_id = ${range.seriesId} and open_ms >= ${from} and open_ms < ${range.toMs}
          and visible_ms <= ${range.asOfMs}
        order by open_ms, revision desc
        limit ${pageBars}
      ) as page`.execute(db);
    const page = result.rows[0]!;
    if (page.last === null || page.data === null) return;
    if (page.data.length !== page.bars * barBytes)
      throw new RangeError("a page of bars has the wrong length");
    yield { bars: page.bars, data: page.data };
    if (page.bars < pageBars) return;
    from = page.last + 1;
  }
}

/** Bars of a range that have later revisions, oldest first. */
export function loadRevisedBars(
  db: Db,
  { space, instrumentId }: Instrument,
  timeframe: string,
  range: { fromMs: number; toMs: number; asOfMs: number; limit: number },
): Promise<RevisedRow[]> {
  return db
    .selectFrom("bars")
    .innerJoin("series", "series.seriesId", "bars.seriesId")
    .select((eb) => ["bars.closeMs", eb.fn.max("bars.visibleMs").as("visibleMs")])
    .where("series.space", "=", space)
    .where("series.instrumentId", "=", instrumentId)
    .where("series.kind", "=", "bars")
    .where("series.timeframe", "=", timeframe)
    .where("series.revised", "=", true)
    .where("bars.revision", ">", 1)
    .where("bars.openMs", ">=", range.fromMs)
    .where("bars.openMs", "<", range.toMs)
    .where("bars.visibleMs", "<=", range.asOfMs)
    .groupBy(["bars.openMs", "bars.closeMs"])
    .orderBy("bars.openMs")
    .limit(range.limit)
    .execute();
}

/** Trades of a range that have later revisions, oldest first. */
export function loadRevisedTrades(
  db: Db,
  { space, instrumentId }: Instrument,
  range: { fromMs: number; toMs: number; asOfMs: number; limit: number },
): Promise<RevisedRow[]> {
  return db
    .selectFrom("trades")
    .innerJoin("series", "series.seriesId", "trades.seriesId")
    .select((eb) => ["trades.eventMs as closeMs", eb.fn.max("trades.visibleMs").as("visibleMs")])
    .where("series.space", "=", space)
    .where("series.instrumentId", "=", instrumentId)
    .where("series.kind", "=", "trades")
    .where("trades.revision", ">", 1)
    .where("trades.eventMs", ">=", range.fromMs)
    .where("trades.eventMs", "<", range.toMs)
    .where("trades.visibleMs", "<=", range.asOfMs)
    .groupBy(["trades.eventMs", "trades.ordinal"])
    .orderBy("trades.eventMs")
    .limit(range.limit)
    .execute();
}

/** Actions that were known and in force at `asOfMs`, newest revision each. */
export async function loadActions(
  db: Db,
  instrument: Instrument,
  asOfMs: number,
): Promise<CorporateAction[]> {
  const rows = await db
    .selectFrom("corporateActions")
    .distinctOn(["exMs", "kind"])
    .select(["exMs", "kind", "ratio", "amount", "priceRatio", "splitRatio"])
    .where("space", "=", instrument.space)
    .where("instrumentId", "=", instrument.instrumentId)
    .where("exMs", "<=", asOfMs)
    .where("visibleMs", "<=", asOfMs)
    .orderBy("exMs")
    .orderBy("kind")
    .orderBy("revision", "desc")
    .execute();
  return rows.map((row): CorporateAction => {
    if (row.kind === "split") return { kind: "split", exMs: row.exMs, ratio: row.ratio! };
    if (row.kind === "dividend") return { kind: "dividend", exMs: row.exMs, amount: row.amount! };
    return { kind: "factor", exMs: row.exMs, priceRatio: row.priceRatio!, splitRatio: row.splitRatio! };
  });
}

export interface IndexKey {
  seriesId: number;
  adjustment: string;
  fromMs: number;
  toMs: number;
  asOfMs: number;
}

/** The dataset that the request meant when the versions were these, and when it was last used. */
export async function loadIndexed(
  db: Db,
  key: IndexKey,
  versions: { dataVersion: number; actionsVersion: number },
): Promise<{ hash: string; usedMs: number } | undefined> {
  return db
    .selectFrom("datasetIndex")
    .innerJoin("datasets", "datasets.hash", "datasetIndex.hash")
    .select(["datasets.hash", "datasets.usedMs"])
    .where("seriesId", "=", key.seriesId)
    .where("datasetIndex.adjustment", "=", key.adjustment)
    .where("datasetIndex.fromMs", "=", key.fromMs)
    .where("datasetIndex.toMs", "=", key.toMs)
    .where("datasetIndex.asOfMs", "=", key.asOfMs)
    .where("dataVersion", "=", versions.dataVersion)
    .where("actionsVersion", "=", versions.actionsVersion)
    .executeTakeFirst();
}

/** Says that a dataset is used now; false where it has been erased. */
export async function touchDataset(db: Db, hash: string, nowMs: number): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable("datasets")
    .set({ usedMs: nowMs })
    .where("hash", "=", hash)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

export async function storeDataset(
  db: Db,
  dataset: SeriesTables["datasets"],
  index: SeriesTables["datasetIndex"] | undefined,
): Promise<void> {
  await db
    .insertInto("datasets")
    .values(dataset)
    .onConflict((conflict) => conflict.column("hash").doUpdateSet({ usedMs: dataset.usedMs }))
    .execute();
  if (index === undefined) return;
  await db
    .insertInto("datasetIndex")
    .values(index)
    .onConflict((conflict) =>
      conflict.columns(["seriesId", "adjustment", "fromMs", "toMs", "asOfMs"]).doUpdateSet({
        hash: index.hash,
        dataVersion: index.dataVersion,
        actionsVersion: index.actionsVersion,
      }),
    )
    .execute();
}

/** What is stored of an instrument. */
export async function loadSeriesRows(db: Db, instrument: Instrument) {
  const rows = await db
    .selectFrom("series")
    .select(["kind", "timeframe", "rows", "fromMs", "toMs", "jobId"])
    .where("space", "=", instrument.space)
    .where("instrumentId", "=", instrument.instrumentId)
    .where("rows", ">", 0)
    .orderBy("kind")
    .orderBy("timeframe")
    .execute();
  return rows.map((row) => ({ ...row, fromMs: row.fromMs!, toMs: row.toMs! }));
}

/** Newest revisions, in order. */
export async function loadActionRows(db: Db, instrument: Instrument) {
  return db
    .selectFrom("corporateActions")
    .distinctOn(["exMs", "kind"])
    .select(["exMs", "kind", "ratio", "amount", "currency", "priceRatio", "splitRatio"])
    .where("space", "=", instrument.space)
    .where("instrumentId", "=", instrument.instrumentId)
    .orderBy("exMs")
    .orderBy("kind")
    .orderBy("revision", "desc")
    .execute();
}

export interface TradeRange {
  fromMs: number | undefined;
  toMs: number | undefined;
  asOfMs: number;
  after: { eventMs: number; ordinal: number } | undefined;
  limit: number;
}

/** First and last time of the trades that are stored; undefined where none are. */
export async function loadTradeSpan(
  db: Db,
  instrument: Instrument,
): Promise<{ fromMs: number; toMs: number } | undefined> {
  const row = await db
    .selectFrom("series")
    .select(["fromMs", "toMs"])
    .where("space", "=", instrument.space)
    .where("instrumentId", "=", instrument.instrumentId)
    .where("kind", "=", "trades")
    .where("rows", ">", 0)
    .executeTakeFirst();
  return row === undefined ? undefined : { fromMs: row.fromMs!, toMs: row.toMs! };
}

/** Visible prints in order, newest revision each. */
export async function loadTradePage(db: Db, instrument: Instrument, range: TradeRange) {
  const after = range.after ?? { eventMs: beginningMs, ordinal: -1 };
  return db
    .selectFrom("trades")
    .innerJoin("series", "series.seriesId", "trades.seriesId")
    .distinctOn(["trades.eventMs", "trades.ordinal"])
    .select(["trades.eventMs", "trades.ordinal", "trades.price", "trades.size", "trades.venue"])
    .where("series.space", "=", instrument.space)
    .where("series.instrumentId", "=", instrument.instrumentId)
    .where("series.kind", "=", "trades")
    .where("trades.visibleMs", "<=", range.asOfMs)
    .where("trades.eventMs", ">=", Math.max(range.fromMs ?? beginningMs, after.eventMs))
    .where("trades.eventMs", "<", range.toMs ?? endMs)
    .where((eb) =>
      eb.or([eb("trades.eventMs", ">", after.eventMs), eb("trades.ordinal", ">", after.ordinal)]),
    )
    .orderBy("trades.eventMs")
    .orderBy("trades.ordinal")
    .orderBy("trades.revision", "desc")
    .limit(range.limit)
    .execute();
}

/** What changes whenever a print of the instrument is stored, revised or erased, and up to when any becomes visible by itself. */
export async function loadTradesVersion(
  db: Db,
  instrument: Instrument,
): Promise<{ version: string; maxVisibleMs: number }> {
  const rows = await db
    .selectFrom("series")
    .select(["seriesId", "dataVersion", "maxVisibleMs"])
    .where("space", "=", instrument.space)
    .where("instrumentId", "=", instrument.instrumentId)
    .where("kind", "=", "trades")
    .orderBy("seriesId")
    .execute();
  return {
    version: rows.map(({ seriesId, dataVersion }) => `${seriesId}.${dataVersion}`).join(" "),
    maxVisibleMs: Math.max(beginningMs, ...rows.map((row) => row.maxVisibleMs ?? beginningMs)),
  };
}

/** The newest visible prints of a range, oldest first, newest revision each. */
export async function loadNewestTrades(db: Db, instrument: Instrument, range: Omit<TradeRange, "after">) {
  const rows = await db
    .selectFrom("trades")
    .innerJoin("series", "series.seriesId", "trades.seriesId")
    .distinctOn(["trades.eventMs", "trades.ordinal"])
    .select(["trades.eventMs", "trades.ordinal", "trades.price", "trades.size", "trades.venue"])
    .where("series.space", "=", instrument.space)
    .where("series.instrumentId", "=", instrument.instrumentId)
    .where("series.kind", "=", "trades")
    .where("trades.visibleMs", "<=", range.asOfMs)
    .where("trades.eventMs", ">=", range.fromMs ?? beginningMs)
    .where("trades.eventMs", "<", range.toMs ?? endMs)
    .orderBy("trades.eventMs", "desc")
    .orderBy("trades.ordinal", "desc")
    .orderBy("trades.revision", "desc")
    .limit(range.limit)
    .execute();
  return rows.toReversed();
}
