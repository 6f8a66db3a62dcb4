import { newId, seededRandom, timeframeMs } from "@tapedeck/core";
import type { JobContext, JobInput } from "@tapedeck/core";
import type { Db, Tx } from "../db.ts";
import type { Instrument } from "../series/contract.ts";
import { fixtureInstrument } from "../series/instrument.fixture.ts";

/** Bars as tests write them: [openMs, open, high, low, close, volume]. */
export type FixtureBar = readonly [number, number, number, number, number, number];

/** Puts an instrument and its bars straight into the tables, as an ingest leaves them. */
export async function putBars(
  db: Db,
  given: Partial<Instrument> & { instrumentId: string },
  timeframe: string,
  bars: readonly FixtureBar[],
): Promise<void> {
  const space = given.space ?? "shared";
  const lengthMs = timeframeMs(timeframe);
  await db
    .insertInto("instruments")
    .values({
      ...fixtureInstrument(given.instrumentId, given),
      createdMs: 0,
      jobId: null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const { seriesId } = await db
    .insertInto("series")
    .values({
      space,
      instrumentId: given.instrumentId,
      kind: "bars",
      timeframe,
      fromMs: null,
      toMs: null,
      maxVisibleMs: null,
      jobId: null,
    })
    .onConflict((conflict) =>
      conflict.columns(["space", "instrumentId", "kind", "timeframe"]).doUpdateSet({ kind: "bars" }),
    )
    .returning("seriesId")
    .executeTakeFirstOrThrow();
  const jobId = newId(0);
  for (let start = 0; start < bars.length; start += 2_000) {
    await db
      .insertInto("bars")
      .values(
        bars.slice(start, start + 2_000).map(([openMs, open, high, low, close, volume]) => ({
          seriesId,
          openMs,
          revision: 1,
          closeMs: openMs + lengthMs,
          open,
          high,
          low,
          close,
          volume,
          visibleMs: openMs + lengthMs,
          recordedMs: openMs + lengthMs,
          jobId,
        })),
      )
      .execute();
  }
  await db
    .updateTable("series")
    .set((eb) => ({
      rows: eb("rows", "+", bars.length),
      fromMs: eb.fn.coalesce("fromMs", eb.val(bars[0]![0])),
      toMs: bars.at(-1)![0] + lengthMs,
      maxVisibleMs: bars.at(-1)![0] + lengthMs,
      dataVersion: eb("dataVersion", "+", 1),
    }))
    .where("seriesId", "=", seriesId)
    .execute();
}

export interface FixtureContext<Progress> extends JobContext<Progress, Tx> {
  progressed: Progress[];
  inputs: JobInput[];
}

/** A context as the worker makes it, without the fence: its commit is a plain transaction. */
export function fixtureContext<Progress>(
  db: Db,
  facts: { tenantId: string; jobId?: string; pickup?: number; now?: () => number; signal?: AbortSignal },
): FixtureContext<Progress> {
  const progressed: Progress[] = [];
  const inputs: JobInput[] = [];
  const now = facts.now ?? Date.now;
  return {
    jobId: facts.jobId ?? newId(now()),
    tenantId: facts.tenantId,
    replayOf: null,
    submittedBy: "fixture",
    pickup: facts.pickup ?? 1,
    signal: facts.signal ?? new AbortController().signal,
    seed: 1,
    now,
    random: (stream) => seededRandom(1, stream),
    progress: (progress) => void progressed.push(progress),
    log: () => undefined,
    step: () => undefined,
    sentence: () => undefined,
    input: (input) => void inputs.push(input),
    commit: (fn) => db.transaction().execute(fn),
    progressed,
    inputs,
  };
}
