import { CompiledQuery, sql } from "kysely";
import type { Db, Tx } from "../db.ts";
import type {
  ActionRow,
  BarRows,
  Instrument,
  SeriesColumns,
  SeriesWriter,
  TradeRows,
  WriteCounts,
  WriteTarget,
} from "./contract.ts";
import { copyTrades, encodeTrades } from "./tradeCopy.ts";
import type { NewTrades } from "./tradeCopy.ts";
import { columnsFromPages, viewColumns } from "./columns.ts";
import { beginningMs, endMs, instrumentColumns, loadBarPages } from "./store.ts";

/** The series' row, locked until the transaction ends, so that two imports into it cannot interleave. */
async function lockSeries(tx: Tx, target: WriteTarget, kind: "bars" | "trades"): Promise<number> {
  await tx
    .insertInto("series")
    .values({
      space: target.space,
      instrumentId: target.instrumentId,
      kind,
      timeframe: target.timeframe,
      fromMs: null,
      toMs: null,
      maxVisibleMs: null,
      jobId: target.jobId,
    })
    .onConflict((conflict) => conflict.columns(["space", "instrumentId", "kind", "timeframe"]).doNothing())
    .execute();
  const row = await tx
    .selectFrom("series")
    .select("seriesId")
    .where("space", "=", target.space)
    .where("instrumentId", "=", target.instrumentId)
    .where("kind", "=", kind)
    .where("timeframe", "=", target.timeframe)
    .forUpdate()
    .executeTakeFirstOrThrow();
  return row.seriesId;
}

/** What an insert changed. */
interface Written {
  inserted: number;
  revised: number;
  fromMs: number | null;
  toMs: number | null;
  visibleMs: number | null;
}

async function finishSeries(
  tx: Tx,
  seriesId: number,
  target: WriteTarget,
  total: number,
  written: Written,
): Promise<WriteCounts> {
  const changed = written.inserted + written.revised;
  if (changed > 0) {
    await tx
      .updateTable("series")
      .set((eb) => ({
        rows: eb("rows", "+", written.inserted),
        fromMs: sql<number>`least(from_ms, ${written.fromMs}::int8)`,
        toMs: sql<number>`greatest(to_ms, ${written.toMs}::int8)`,
        maxVisibleMs: sql<number>`greatest(max_visible_ms, ${written.visibleMs}::int8)`,
        revised: sql<boolean>`revised or ${written.revised > 0}`,
        dataVersion: eb("dataVersion", "+", 1),
        jobId: target.jobId,
      }))
      .where("seriesId", "=", seriesId)
      .execute();
  }
  return { inserted: written.inserted, revised: written.revised, unchanged: total - changed };
}

const written = sql`
  count(*) filter (where revision = 1)::int as inserted,
  count(*) filter (where revision > 1)::int as revised,
  max(visible_ms) as visible_ms`;

async function writeBars(tx: Tx, target: WriteTarget, rows: BarRows): Promise<WriteCounts> {
  if (rows.openMs.length === 0) return { inserted: 0, revised: 0, unchanged: 0 };
  const seriesId = await lockSeries(tx, target, "bars");
  const result = await sql<Written>`
    with incoming as (
      select * from unnest(${rows.openMs}::int8[], ${rows.closeMs}::int8[], ${rows.open}::float8[],
        ${rows.high}::float8[], ${rows.low}::float8[], ${rows.close}::float8[], ${rows.volume}::float8[])
        as t (open_ms, close_ms, open, high, low, close, volume)
    ), latest as (
      select distinct on (b.open_ms) b.*
      from incoming i join bars b on b.series_id = ${seriesId} and b.open_ms = i.open_ms
      where b.open_ms between ${min(rows.openMs)} and ${max(rows.openMs)}
      order by b.open_ms, b.revision desc
    ), changed as (
      insert into bars (series_id, open_ms, revision, close_ms, open, high, low, close, volume, visible_ms,
        recorded_ms, job_id)
      select ${seriesId}, i.open_ms, coalesce(l.revision, 0) + 1, i.close_ms, i.open, i.high, i.low, i.close,
        i.volume, case when l.revision is null then i.close_ms else ${target.recordedMs}::int8 end,
        ${target.recordedMs}::int8, ${target.jobId}::uuid
      from incoming i left join latest l using (open_ms)
      where l.revision is null or (l.close_ms, l.open, l.high, l.low, l.close, l.volume)
        is distinct from (i.close_ms, i.open, i.high, i.low, i.close, i.volume)
      returning revision, open_ms, close_ms, visible_ms
    ) select ${written}, min(open_ms) as from_ms, max(close_ms) as to_ms from changed`.execute(tx);
  return finishSeries(tx, seriesId, target, rows.openMs.length, result.rows[0]!);
}

async function writeTrades(tx: Tx, target: WriteTarget, rows: TradeRows): Promise<WriteCounts> {
  if (rows.eventMs.length === 0) return { inserted: 0, revised: 0, unchanged: 0 };
  const seriesId = await lockSeries(tx, target, "trades");
  const result = await sql<Written>`
    with incoming as (
      select * from unnest(${rows.eventMs}::int8[], ${rows.ordinal}::int4[], ${rows.price}::float8[],
        ${rows.size}::float8[], ${rows.venue}::text[]) as t (event_ms, ordinal, price, size, venue)
    ), latest as (
      select distinct on (b.event_ms, b.ordinal) b.*
      from incoming i join trades b
        on b.series_id = ${seriesId} and b.event_ms = i.event_ms and b.ordinal = i.ordinal
      where b.event_ms between ${min(rows.eventMs)} and ${max(rows.eventMs)}
      order by b.event_ms, b.ordinal, b.revision desc
    ), changed as (
      insert into trades (series_id, event_ms, ordinal, revision, price, size, venue, visible_ms, recorded_ms,
        job_id)
      select ${seriesId}, i.event_ms, i.ordinal, coalesce(l.revision, 0) + 1, i.price, i.size, i.venue,
        case when l.revision is null then i.event_ms else ${target.recordedMs}::int8 end,
        ${target.recordedMs}::int8, ${target.jobId}::uuid
      from incoming i left join latest l using (event_ms, ordinal)
      where l.revision is null or (l.price, l.size, l.venue) is distinct from (i.price, i.size, i.venue)
      returning revision, event_ms, visible_ms
    ) select ${written}, min(event_ms) as from_ms, max(event_ms) as to_ms from changed`.execute(tx);
  return finishSeries(tx, seriesId, target, rows.eventMs.length, result.rows[0]!);
}

/** Makes the series of these instruments' prints known and locks them until the transaction ends. */
async function lockTradeSeries(
  tx: Tx,
  target: Omit<WriteTarget, "instrumentId">,
  instrumentIds: readonly string[],
): Promise<{ seriesId: number; instrumentId: string; toMs: number | null }[]> {
  const { space, timeframe, jobId } = target;
  await sql`insert into series (space, instrument_id, kind, timeframe, job_id)
    select ${space}, unnest(${instrumentIds}::text[]), 'trades', ${timeframe}, ${jobId}::uuid
    on conflict do nothing`.execute(tx);
  return tx
    .selectFrom("series")
    .select(["seriesId", "instrumentId", "toMs"])
    .where("space", "=", space)
    .where("kind", "=", "trades")
    .where("timeframe", "=", timeframe)
    .where("instrumentId", "in", instrumentIds)
    .orderBy("seriesId")
    .forUpdate()
    .execute();
}

/** Counts copied prints in their series; a place in each column is a series. */
async function finishCopied(tx: Tx, copied: readonly NewTrades[], jobId: string): Promise<void> {
  const firstMs = copied.map(({ rows, at }) =>
    at.reduce((least, i) => Math.min(least, rows.eventMs[i]!), Infinity),
  );
  const lastMs = copied.map(({ rows, at }) =>
    at.reduce((most, i) => Math.max(most, rows.eventMs[i]!), -Infinity),
  );
  await sql`update series s set rows = s.rows + c.rows, from_ms = least(s.from_ms, c.first_ms),
      to_ms = greatest(s.to_ms, c.last_ms), max_visible_ms = greatest(s.max_visible_ms, c.last_ms),
      data_version = s.data_version + 1, job_id = ${jobId}::uuid
    from unnest(${copied.map(({ seriesId }) => seriesId)}::int8[], ${copied.map(({ at }) => at.length)}::int8[],
      ${firstMs}::int8[], ${lastMs}::int8[]) as c (series_id, rows, first_ms, last_ms)
    where s.series_id = c.series_id`.execute(tx);
}

function pick(rows: TradeRows, at: readonly number[]): TradeRows {
  const { eventMs, ordinal, price, size, venue } = rows;
  return {
    eventMs: at.map((i) => eventMs[i]!),
    ordinal: at.map((i) => ordinal[i]!),
    price: at.map((i) => price[i]!),
    size: at.map((i) => size[i]!),
    venue: at.map((i) => venue[i]!),
  };
}

async function writeLiveTrades(
  tx: Tx,
  target: Omit<WriteTarget, "instrumentId">,
  byInstrument: ReadonlyMap<string, TradeRows>,
): Promise<void> {
  const instrumentIds = [...byInstrument.keys()].toSorted();
  if (instrumentIds.length === 0) return;
  const copied: NewTrades[] = [];
  const late: { instrumentId: string; rows: TradeRows }[] = [];
  for (const { seriesId, instrumentId, toMs } of await lockTradeSeries(tx, target, instrumentIds)) {
    const rows = byInstrument.get(instrumentId)!;
    const at: number[] = [];
    const others: number[] = [];
    // The series is locked: what is after its last print cannot be there already.
    rows.eventMs.forEach((eventMs, i) => (toMs === null || eventMs > toMs ? at : others).push(i));
    if (at.length > 0) copied.push({ seriesId, rows, at });
    if (others.length > 0) late.push({ instrumentId, rows: pick(rows, others) });
  }
  if (copied.length > 0) {
    await tx.executeQuery(CompiledQuery.raw(copyTrades, [encodeTrades(copied, target)]));
    await finishCopied(tx, copied, target.jobId);
  }
  for (const { instrumentId, rows } of late) await writeTrades(tx, { ...target, instrumentId }, rows);
}

/** Makes series of bars known and locks them, in one order, until the transaction ends; gives ids by `lockKey`. */
async function lockBarSeries(
  tx: Tx,
  target: { space: string; jobId: string },
  series: readonly { instrumentId: string; timeframe: string }[],
): Promise<Map<string, number>> {
  const wanted = sql`unnest(${series.map(({ instrumentId }) => instrumentId)}::text[],
    ${series.map(({ timeframe }) => timeframe)}::text[]) as w (instrument_id, timeframe)`;
  await sql`insert into series (space, instrument_id, kind, timeframe, job_id)
    select ${target.space}, w.instrument_id, 'bars', w.timeframe, ${target.jobId}::uuid from ${wanted}
    on conflict do nothing`.execute(tx);
  const { rows } = await sql<{ seriesId: number; instrumentId: string; timeframe: string }>`
    select s.series_id, s.instrument_id, s.timeframe from series s join ${wanted} using (instrument_id, timeframe)
    where s.space = ${target.space} and s.kind = 'bars' order by s.series_id for update of s`.execute(tx);
  return new Map(
    rows.map(({ seriesId, instrumentId, timeframe }) => [lockKey(instrumentId, timeframe), seriesId]),
  );
}

const lockKey = (instrumentId: string, timeframe: string) => `${instrumentId} ${timeframe}`;

async function writeLiveBars(
  tx: Tx,
  target: Omit<WriteTarget, "instrumentId" | "timeframe">,
  byInstrument: ReadonlyMap<string, Partial<Record<string, BarRows>>>,
): Promise<void> {
  const series = [...byInstrument].flatMap(([instrumentId, byTimeframe]) =>
    Object.entries(byTimeframe).map(([timeframe, rows]) => ({ instrumentId, timeframe, rows: rows! })),
  );
  if (series.length === 0) return;
  const ids = await lockBarSeries(tx, target, series);
  const seriesIds = series.flatMap(({ instrumentId, timeframe, rows }) =>
    rows.openMs.map(() => ids.get(lockKey(instrumentId, timeframe))!),
  );
  const column = <K extends keyof BarRows>(name: K) =>
    series.flatMap(({ rows }): BarRows[K][number][] => rows[name]);
  const { recordedMs, jobId } = target;
  await sql`
    with incoming as (
      select * from unnest(${seriesIds}::int8[], ${column("openMs")}::int8[], ${column("closeMs")}::int8[],
        ${column("open")}::float8[], ${column("high")}::float8[], ${column("low")}::float8[],
        ${column("close")}::float8[], ${column("volume")}::float8[])
        as t (series_id, open_ms, close_ms, open, high, low, close, volume)
    ), latest as (
      select distinct on (b.series_id, b.open_ms) b.*
      from incoming i join bars b using (series_id, open_ms)
      where b.open_ms between ${min(column("openMs"))} and ${max(column("openMs"))}
      order by b.series_id, b.open_ms, b.revision desc
    ), changed as (
      insert into bars (series_id, open_ms, revision, close_ms, open, high, low, close, volume, visible_ms,
        recorded_ms, job_id)
      select i.series_id, i.open_ms, coalesce(l.revision, 0) + 1, i.close_ms, i.open, i.high, i.low, i.close,
        i.volume, case when l.revision is null then i.close_ms else ${recordedMs}::int8 end, ${recordedMs}::int8,
        ${jobId}::uuid
      from incoming i left join latest l using (series_id, open_ms)
      where l.revision is null or (l.close_ms, l.open, l.high, l.low, l.close, l.volume)
        is distinct from (i.close_ms, i.open, i.high, i.low, i.close, i.volume)
      returning series_id, revision, open_ms, close_ms, visible_ms
    ), counted as (
      select series_id, count(*) filter (where revision = 1) as inserted, bool_or(revision > 1) as revised,
        min(open_ms) as from_ms, max(close_ms) as to_ms, max(visible_ms) as visible_ms
      from changed group by series_id
    )
    update series s set rows = s.rows + c.inserted, from_ms = least(s.from_ms, c.from_ms),
      to_ms = greatest(s.to_ms, c.to_ms), max_visible_ms = greatest(s.max_visible_ms, c.visible_ms),
      revised = s.revised or c.revised, data_version = s.data_version + 1, job_id = ${jobId}::uuid
    from counted c where s.series_id = c.series_id`.execute(tx);
}

async function writeActions(tx: Tx, target: WriteTarget, rows: readonly ActionRow[]): Promise<WriteCounts> {
  if (rows.length === 0) return { inserted: 0, revised: 0, unchanged: 0 };
  const { space, instrumentId, jobId, recordedMs } = target;
  await tx
    .selectFrom("instruments")
    .select("instrumentId")
    .where("space", "=", space)
    .where("instrumentId", "=", instrumentId)
    .forUpdate()
    .executeTakeFirstOrThrow();
  const column = <K extends keyof ActionRow>(name: K): ActionRow[K][] => rows.map((row) => row[name]);
  const result = await sql<{ inserted: number; revised: number; visibleMs: number | null }>`
    with incoming as (
      select * from unnest(${column("exMs")}::int8[], ${column("kind")}::text[], ${column("ratio")}::float8[],
        ${column("amount")}::float8[], ${column("currency")}::text[], ${column("priceRatio")}::float8[],
        ${column("splitRatio")}::float8[])
        as t (ex_ms, kind, ratio, amount, currency, price_ratio, split_ratio)
    ), latest as (
      select distinct on (ex_ms, kind) * from corporate_actions
      where space = ${space} and instrument_id = ${instrumentId}
      order by ex_ms, kind, revision desc
    ), changed as (
      insert into corporate_actions (space, instrument_id, ex_ms, kind, revision, ratio, amount, currency,
        price_ratio, split_ratio, visible_ms, recorded_ms, job_id)
      select ${space}, ${instrumentId}, i.ex_ms, i.kind, coalesce(l.revision, 0) + 1, i.ratio, i.amount,
        i.currency, i.price_ratio, i.split_ratio,
        case when l.revision is null then i.ex_ms else ${recordedMs}::int8 end, ${recordedMs}::int8,
        ${jobId}::uuid
      from incoming i left join latest l using (ex_ms, kind)
      where l.revision is null or (l.ratio, l.amount, l.currency, l.price_ratio, l.split_ratio)
        is distinct from (i.ratio, i.amount, i.currency, i.price_ratio, i.split_ratio)
      returning revision, greatest(visible_ms, ex_ms) as visible_ms
    ) select ${written} from changed`.execute(tx);
  const { inserted, revised, visibleMs } = result.rows[0]!;
  if (inserted + revised > 0) {
    await tx
      .updateTable("instruments")
      .set((eb) => ({
        actionsVersion: eb("actionsVersion", "+", 1),
        actionsMaxMs: sql<number>`greatest(actions_max_ms, ${visibleMs}::int8)`,
      }))
      .where("space", "=", space)
      .where("instrumentId", "=", instrumentId)
      .execute();
  }
  return { inserted, revised, unchanged: rows.length - inserted - revised };
}

async function ensureInstrument(
  tx: Tx,
  instrument: Instrument,
  jobId: string,
  nowMs: number,
): Promise<Instrument> {
  await tx
    .insertInto("instruments")
    .values({ ...instrument, actionsMaxMs: null, createdMs: nowMs, jobId })
    .onConflict((conflict) => conflict.columns(["space", "instrumentId"]).doNothing())
    .execute();
  const row = await tx
    .selectFrom("instruments")
    .select(instrumentColumns)
    .where("space", "=", instrument.space)
    .where("instrumentId", "=", instrument.instrumentId)
    .executeTakeFirstOrThrow();
  return row as Instrument;
}

/** The one way in for bars, trades and actions: see SeriesWriter. */
export function createSeriesWriter(options: { db: Db }): SeriesWriter {
  const { db } = options;
  return {
    ensureInstrument,
    writeBars,
    writeTrades,
    writeLiveTrades,
    writeLiveBars,
    writeActions,
    async summary(target) {
      return db
        .selectFrom("series")
        .select(["instrumentId", "kind", "timeframe", "rows", "fromMs", "toMs"])
        .where("space", "=", target.space)
        .where("instrumentId", "=", target.instrumentId)
        .where("kind", "=", target.kind)
        .where("timeframe", "=", target.timeframe)
        .executeTakeFirst();
    },
    async *scanBars(target): AsyncGenerator<SeriesColumns> {
      const series = await db
        .selectFrom("series")
        .select(["seriesId", "revised"])
        .where("space", "=", target.space)
        .where("instrumentId", "=", target.instrumentId)
        .where("kind", "=", "bars")
        .where("timeframe", "=", target.timeframe)
        .executeTakeFirst();
      if (series === undefined) return;
      const all = { fromMs: beginningMs, toMs: endMs, asOfMs: endMs };
      for await (const page of loadBarPages(db, { ...series, ...all }))
        yield viewColumns(columnsFromPages([page]));
    },
    async splitTimes(space, instrumentId) {
      const rows = await db
        .selectFrom("corporateActions")
        .select("exMs")
        .distinct()
        .where("space", "=", space)
        .where("instrumentId", "=", instrumentId)
        .where((eb) =>
          eb.or([eb("kind", "=", "split"), eb.and([eb("kind", "=", "factor"), eb("splitRatio", "!=", 1)])]),
        )
        .execute();
      return rows.map((row) => row.exMs);
    },
  };
}

function min(values: readonly number[]): number {
  return values.reduce((least, value) => (value < least ? value : least));
}

function max(values: readonly number[]): number {
  return values.reduce((most, value) => (value > most ? value : most));
}
