import type { TradeFeedStatus } from "@tapedeck/core";
import { sql } from "kysely";
import type { Insertable, Selectable } from "kysely";
import type { Db } from "../db.ts";
import type { Instrument } from "../series/contract.ts";
import type { StreamRunsTable, TicksTables } from "./tables.ts";

/** Rows that one statement erases, so that a long backlog holds no lock for long. */
const trimRows = 20_000;

export async function openRun(db: Db, run: Insertable<StreamRunsTable>): Promise<void> {
  await db.insertInto("streamRuns").values(run).execute();
}

export async function beatRun(
  db: Db,
  id: string,
  nowMs: number,
  beat: { feed: TradeFeedStatus | null; instruments: number },
): Promise<void> {
  const { feed, instruments } = beat;
  await db
    .updateTable("streamRuns")
    .set({ heartbeatMs: nowMs, instruments, feed: feed === null ? null : JSON.stringify(feed) })
    .where("id", "=", id)
    .execute();
}

export async function setRunAddress(db: Db, id: string, address: string): Promise<void> {
  await db.updateTable("streamRuns").set({ address }).where("id", "=", id).execute();
}

/** Runs of a venue that have beaten since a time and have not ended. */
export async function countRuns(db: Db, venue: string, sinceMs: number): Promise<number> {
  const { runs } = await db
    .selectFrom("streamRuns")
    .select((eb) => eb.fn.countAll<number>().as("runs"))
    .where("venue", "=", venue)
    .where("stoppedMs", "is", null)
    .where("heartbeatMs", ">=", sinceMs)
    .executeTakeFirstOrThrow();
  return runs;
}

export async function closeRun(db: Db, id: string, nowMs: number): Promise<void> {
  await db
    .updateTable("streamRuns")
    .set({ stoppedMs: nowMs })
    .where("id", "=", id)
    .where("stoppedMs", "is", null)
    .execute();
}

/** Records a gap, or closes what was recorded of it. One part that is lost makes all of it lost. */
export async function writeGap(
  db: Db,
  gap: {
    venue: string;
    instrumentId: string;
    fromId: number;
    toId: number;
    state: "open" | "healed" | "lost";
  },
  nowMs: number,
): Promise<void> {
  const { venue, instrumentId, fromId, toId, state } = gap;
  if (state === "open") {
    await db
      .insertInto("streamGaps")
      .values({ ...gap, foundMs: nowMs, closedMs: null })
      .onConflict((on) => on.columns(["venue", "instrumentId", "fromId"]).doNothing())
      .execute();
    return;
  }
  await db
    .updateTable("streamGaps")
    .set({ state, closedMs: nowMs })
    .where("venue", "=", venue)
    .where("instrumentId", "=", instrumentId)
    .where("fromId", "<=", toId)
    .where("toId", ">=", fromId)
    .where("state", "!=", "lost")
    .execute();
}

/** The newest runs, those that have not ended first. */
export async function loadRuns(
  db: Db,
  limit: number,
): Promise<(Omit<Selectable<StreamRunsTable>, "feed"> & { feed: TradeFeedStatus | null })[]> {
  const rows = await db
    .selectFrom("streamRuns")
    .selectAll()
    .orderBy((eb) => eb("stoppedMs", "is", null), "desc")
    .orderBy("startedMs", "desc")
    .limit(limit)
    .execute();
  return rows.map((row) => ({ ...row, feed: row.feed as TradeFeedStatus | null }));
}

/** The gaps found last, newest first. */
export function loadGaps(db: Db, limit: number): Promise<TicksTables["streamGaps"][]> {
  return db.selectFrom("streamGaps").selectAll().orderBy("foundMs", "desc").limit(limit).execute();
}

/** Records a finding, or its end. */
export async function writeFinding(db: Db, finding: TicksTables["streamFindings"]): Promise<void> {
  await db
    .insertInto("streamFindings")
    .values(finding)
    .onConflict((on) => on.columns(["instrumentId", "kind", "fromMs"]).doUpdateSet({ toMs: finding.toMs }))
    .execute();
}

/** Ends what the last holder of instruments found and did not see the end of. */
export async function endFindings(db: Db, instrumentIds: readonly string[], nowMs: number): Promise<void> {
  await db
    .updateTable("streamFindings")
    .set({ toMs: nowMs })
    .where("instrumentId", "in", instrumentIds)
    .where("toMs", "is", null)
    .execute();
}

/** The findings that began last, newest first. */
export function loadFindings(db: Db, limit: number): Promise<TicksTables["streamFindings"][]> {
  return db.selectFrom("streamFindings").selectAll().orderBy("fromMs", "desc").limit(limit).execute();
}

export async function writeFunding(db: Db, funding: TicksTables["fundingRates"]): Promise<void> {
  const { rate, markPrice, eventMs } = funding;
  await db
    .insertInto("fundingRates")
    .values(funding)
    .onConflict((on) => on.columns(["instrumentId", "fundingMs"]).doUpdateSet({ rate, markPrice, eventMs }))
    .execute();
}

export interface StoredTick {
  eventMs: number;
  ordinal: number;
  price: number;
  size: number;
}

/** Ticks of an instrument from a time on, in pages, in their order. */
export async function* loadTicks(
  db: Db,
  instrument: Instrument,
  fromMs: number,
): AsyncGenerator<StoredTick[]> {
  const page = 10_000;
  for (let after = { eventMs: fromMs, ordinal: -1 }; ;) {
    const rows = await db
      .selectFrom("trades")
      .innerJoin("series", "series.seriesId", "trades.seriesId")
      .distinctOn(["trades.eventMs", "trades.ordinal"])
      .select(["trades.eventMs", "trades.ordinal", "trades.price", "trades.size"])
      .where("series.space", "=", instrument.space)
      .where("series.instrumentId", "=", instrument.instrumentId)
      .where("series.kind", "=", "trades")
      .where("trades.eventMs", ">=", after.eventMs)
      .where((eb) =>
        eb.or([eb("trades.eventMs", ">", after.eventMs), eb("trades.ordinal", ">", after.ordinal)]),
      )
      .orderBy("trades.eventMs")
      .orderBy("trades.ordinal")
      .orderBy("trades.revision", "desc")
      .limit(page)
      .execute();
    if (rows.length > 0) yield rows;
    if (rows.length < page) return;
    after = rows.at(-1)!;
  }
}

/**
 * Of the prints of a shared instrument in [fromMs, toMs] those that no later one of them is below, or above, oldest first:
 * all that the largest moves to any later print depend on.
 */
export async function loadExtremePrints(
  db: Db,
  { instrumentId, fromMs, toMs }: { instrumentId: string; fromMs: number; toMs: number },
): Promise<{ atMs: number; price: number }[]> {
  const { rows } = await sql<{ atMs: number; price: number }>`
    with prints as (
      select distinct on (event_ms, ordinal) event_ms, ordinal, price
      from trades join series using (series_id)
      where space = 'shared' and instrument_id = ${instrumentId} and kind = 'trades'
        and event_ms between ${fromMs} and ${toMs}
      order by event_ms, ordinal, revision desc
    ), compared as (
      select event_ms, ordinal, price, min(price) over later as lowest, max(price) over later as highest from prints
      window later as (order by event_ms desc, ordinal desc rows between unbounded preceding and 1 preceding)
    )
    select event_ms as at_ms, price from compared
    where lowest is null or price < lowest or price > highest
    order by event_ms, ordinal`.execute(db);
  return rows;
}

/** Symbols of a venue's shared instruments. */
export async function loadSymbols(db: Db, venue: string, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom("instruments")
    .select("symbol")
    .distinct()
    .where("venue", "=", venue)
    .where("space", "=", "shared")
    .orderBy("symbol")
    .limit(limit)
    .execute();
  return rows.map(({ symbol }) => symbol);
}

/** The newest bars of a shared series that ended by a time, each in its newest revision, oldest first. */
export async function loadLatestBars(
  db: Db,
  series: { instrumentId: string; timeframe: string; beforeMs: number; limit: number },
): Promise<StoredBar[]> {
  const rows = await db
    .selectFrom("bars")
    .innerJoin("series", "series.seriesId", "bars.seriesId")
    .distinctOn("bars.openMs")
    .select([
      "bars.openMs",
      "bars.closeMs",
      "bars.open",
      "bars.high",
      "bars.low",
      "bars.close",
      "bars.volume",
    ])
    .where("series.space", "=", "shared")
    .where("series.instrumentId", "=", series.instrumentId)
    .where("series.kind", "=", "bars")
    .where("series.timeframe", "=", series.timeframe)
    .where("bars.closeMs", "<=", series.beforeMs)
    .orderBy("bars.openMs", "desc")
    .orderBy("bars.revision", "desc")
    .limit(series.limit)
    .execute();
  return rows.toReversed().map((row) => ({ ...row, volume: row.volume ?? Number.NaN }));
}

/** `volume` is NaN where the source told none. */
export interface StoredBar {
  openMs: number;
  closeMs: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
}

/** Erases what a venue's series in the shared space hold from before a time; gives the number of rows. */
export async function trimSeries(db: Db, venue: string, beforeMs: number): Promise<number> {
  const series = await db
    .selectFrom("series")
    .innerJoin("instruments", (join) =>
      join
        .onRef("instruments.space", "=", "series.space")
        .onRef("instruments.instrumentId", "=", "series.instrumentId"),
    )
    .select(["series.seriesId", "series.kind"])
    .where("series.space", "=", "shared")
    .where("instruments.venue", "=", venue)
    .where("series.fromMs", "<", beforeMs)
    .execute();
  let erased = 0;
  for (const { seriesId, kind } of series) {
    for (;;) {
      const count = await trimOnce(db, seriesId, kind, beforeMs);
      erased += count;
      if (count < trimRows) break;
    }
  }
  return erased;
}

async function trimOnce(
  db: Db,
  seriesId: number,
  kind: "bars" | "trades",
  beforeMs: number,
): Promise<number> {
  const table = sql.table(kind);
  const time = sql.ref(kind === "bars" ? "openMs" : "eventMs");
  return db.transaction().execute(async (tx) => {
    await tx
      .selectFrom("series")
      .select("seriesId")
      .where("seriesId", "=", seriesId)
      .forUpdate()
      .executeTakeFirstOrThrow();
    // All revisions of a time go together: the bound is a time, not a row.
    const result = await sql<{ rows: number; firsts: number }>`
      with bound as (
        select max(at) as at from (
          select ${time} as at from ${table} where series_id = ${seriesId} and ${time} < ${beforeMs}
          order by ${time} limit ${trimRows}
        ) as oldest
      ), erased as (
        delete from ${table} where series_id = ${seriesId} and ${time} <= (select at from bound)
        returning revision
      ) select count(*)::int as rows, count(*) filter (where revision = 1)::int as firsts from erased`.execute(
      tx,
    );
    const { rows, firsts } = result.rows[0]!;
    if (rows === 0) return 0;
    await tx
      .updateTable("series")
      .set((eb) => ({
        rows: eb("rows", "-", firsts),
        fromMs: sql<number>`(select min(${time}) from ${table} where series_id = ${seriesId})`,
        dataVersion: eb("dataVersion", "+", 1),
      }))
      .where("seriesId", "=", seriesId)
      .execute();
    return rows;
  });
}
