import type { TradePlace } from "@tapedeck/core";
import { sql } from "kysely";
import type { Db, Tx } from "../db.ts";

/**
 * Which process takes an instrument's ticks, and what one goes on from. The server's clock counts: those of two
 * machines differ.
 */

/** What is known of an instrument as of the rows that are stored with it. */
export interface KeptPlace<Bar> {
  /** Null where the venue has no history. */
  place: TradePlace | null;
  /** Bars in the making that are longer than what is read again. */
  bars: readonly Bar[];
}

const clockMs = sql<number>`(extract(epoch from clock_timestamp()) * 1000)::int8`;

/**
 * Takes up to `most` instruments that nobody holds, or whose holder has not renewed in time, for a run, until `ttlMs` from
 * now. One claims at a time, so that two never take the same one and waiting ones share fairly.
 */
export async function claimInstruments(
  db: Db,
  claim: { venue: string; runId: string; instrumentIds: readonly string[]; most: number; ttlMs: number },
): Promise<string[]> {
  const { venue, runId, instrumentIds, most, ttlMs } = claim;
  if (instrumentIds.length === 0 || most <= 0) return [];
  return db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${`stream ${venue}`}, 0))`.execute(tx);
    await sql`insert into stream_places (venue, instrument_id)
      select ${venue}, unnest(${[...instrumentIds]}::text[]) on conflict do nothing`.execute(tx);
    const { rows } = await sql<{ instrumentId: string }>`
      update stream_places set run_id = ${runId}::uuid, until_ms = ${clockMs} + ${ttlMs}
      where venue = ${venue} and instrument_id in (
        select instrument_id from stream_places
        where venue = ${venue} and instrument_id = any(${[...instrumentIds]}::text[]) and until_ms < ${clockMs}
        order by instrument_id limit ${most}
      ) returning instrument_id`.execute(tx);
    return rows.map(({ instrumentId }) => instrumentId).toSorted();
  });
}

/** Holds what a run has of these instruments, and has not given back, for `ttlMs` more; gives those. */
export async function renewInstruments(
  db: Db,
  holder: { venue: string; runId: string; instrumentIds: readonly string[]; ttlMs: number },
): Promise<Set<string>> {
  const rows = await db
    .updateTable("streamPlaces")
    .set({ untilMs: sql<number>`${clockMs} + ${holder.ttlMs}` })
    .where("venue", "=", holder.venue)
    .where("runId", "=", holder.runId)
    .where("instrumentId", "in", holder.instrumentIds)
    .where("untilMs", ">", 0)
    .returning("instrumentId")
    .execute();
  return new Set(rows.map(({ instrumentId }) => instrumentId));
}

/** Those of the instruments that a run still has: nobody takes them from it before the transaction ends. */
export async function holdInstruments(
  tx: Tx,
  holder: { venue: string; runId: string; instrumentIds: readonly string[] },
): Promise<Set<string>> {
  const rows = await tx
    .selectFrom("streamPlaces")
    .select("instrumentId")
    .where("venue", "=", holder.venue)
    .where("runId", "=", holder.runId)
    .where("instrumentId", "in", holder.instrumentIds)
    .orderBy("instrumentId")
    .forShare()
    .execute();
  return new Set(rows.map(({ instrumentId }) => instrumentId));
}

/** The address of the process that holds an instrument; undefined where none does, or it is not reached. */
export async function loadHolder(db: Db, venue: string, instrumentId: string): Promise<string | undefined> {
  const row = await db
    .selectFrom("streamPlaces")
    .innerJoin("streamRuns", "streamRuns.id", "streamPlaces.runId")
    .select("streamRuns.address")
    .where("streamPlaces.venue", "=", venue)
    .where("streamPlaces.instrumentId", "=", instrumentId)
    .where("streamPlaces.untilMs", ">=", clockMs)
    .executeTakeFirst();
  return row?.address ?? undefined;
}

/** Gives instruments back: anybody may take them at once. Rows of this run are taken until somebody does. */
export async function releaseInstruments(
  db: Db,
  holder: { venue: string; runId: string; instrumentIds: readonly string[] },
): Promise<void> {
  await db
    .updateTable("streamPlaces")
    .set({ untilMs: 0 })
    .where("venue", "=", holder.venue)
    .where("runId", "=", holder.runId)
    .where("instrumentId", "in", holder.instrumentIds)
    .execute();
}

/**
 * Stores what is known of a run's instruments, in the transaction of the rows that it speaks of; gives the instruments
 * whose rows may be stored. Those that another run has taken since are not among them: it has fetched them itself.
 */
export async function keepPlaces(
  tx: Tx,
  venue: string,
  runId: string,
  kept: Readonly<Record<string, KeptPlace<unknown>>>,
): Promise<Set<string>> {
  const ids = Object.keys(kept).toSorted();
  const column = (name: keyof KeptPlace<unknown>) => ids.map((id) => JSON.stringify(kept[id]![name]));
  const { rows } = await sql<{ instrumentId: string }>`
    update stream_places p set place = nullif(i.place, 'null'::jsonb), bars = i.bars
    from unnest(${ids}::text[], ${column("place")}::jsonb[], ${column("bars")}::jsonb[])
      as i (instrument_id, place, bars)
    where p.venue = ${venue} and p.instrument_id = i.instrument_id and p.run_id = ${runId}::uuid
    returning p.instrument_id`.execute(tx);
  return new Set(rows.map(({ instrumentId }) => instrumentId));
}

/** What an instrument goes on from. */
export async function loadPlace<Bar>(db: Db, venue: string, instrumentId: string): Promise<KeptPlace<Bar>> {
  const row = await db
    .selectFrom("streamPlaces")
    .select(["place", "bars"])
    .where("venue", "=", venue)
    .where("instrumentId", "=", instrumentId)
    .executeTakeFirstOrThrow();
  return { place: row.place as TradePlace | null, bars: row.bars as Bar[] };
}
