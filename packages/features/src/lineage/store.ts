import { AppError } from "@tapedeck/core";
import { sql } from "kysely";
import type { Db } from "../db.ts";
import { tickTimeframe } from "../series/contract.ts";
import type { LineageStreamRun } from "./contract.ts";

export interface JobRecord {
  id: string;
  tenantId: string;
  type: string;
  state: string;
  version: number;
  payload: string;
  seed: number;
  codeVersion: string | null;
  endedMs: number | null;
  reusedFrom: string | null;
}

export interface InputRecord {
  jobId: string;
  kind: string;
  ref: string;
  label: string;
  details: string | null;
}

export async function loadJobs(db: Db, ids: readonly string[]): Promise<Map<string, JobRecord>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom("jobs")
    .select([
      "id",
      "tenantId",
      "type",
      "state",
      "version",
      "payload",
      "seed",
      "codeVersion",
      "endedMs",
      "reusedFrom",
    ])
    .where("id", "in", [...ids])
    .execute();
  return new Map(rows.map((row) => [row.id, row]));
}

/** A job's first inputs, and how many it has. */
export async function loadInputs(
  db: Db,
  jobId: string,
  limit: number,
): Promise<{ inputs: InputRecord[]; count: number }> {
  const { count } = await db
    .selectFrom("jobInputs")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("jobId", "=", jobId)
    .executeTakeFirstOrThrow();
  const inputs = await db
    .selectFrom("jobInputs")
    .select(["jobId", "kind", "ref", "label", "details"])
    .where("jobId", "=", jobId)
    .orderBy("kind")
    .orderBy("ref")
    .limit(limit)
    .execute();
  return { inputs, count: Number(count) };
}

/**
 * The jobs and stream runs that wrote the revisions that a dataset is made of: its bars or trades and, where it is adjusted, its
 * corporate actions.
 */
export async function loadDatasetSources(db: Db, hash: string): Promise<string[]> {
  const { rows } = await sql<{ jobId: string }>`
    with d as (select * from datasets where hash = ${hash})
    select distinct b.job_id from d
      join series s on s.space = d.space and s.instrument_id = d.instrument_id and s.timeframe = d.timeframe and s.kind = 'bars'
      join bars b on b.series_id = s.series_id and b.open_ms >= d.from_ms and b.open_ms < d.to_ms and b.visible_ms <= d.as_of_ms
    union
    select distinct t.job_id from d
      join series s on s.space = d.space and s.instrument_id = d.instrument_id and s.kind = 'trades'
      join trades t on t.series_id = s.series_id and t.event_ms between d.from_ms and d.to_ms and t.visible_ms <= d.as_of_ms
      where d.timeframe = ${tickTimeframe}
    union
    select distinct a.job_id from d
      join corporate_actions a on a.space = d.space and a.instrument_id = d.instrument_id and a.visible_ms <= d.as_of_ms
      where d.adjustment <> 'raw'
    order by job_id`.execute(db);
  return rows.map((row) => row.jobId);
}

export async function loadStreamRuns(db: Db, ids: readonly string[]): Promise<LineageStreamRun[]> {
  if (ids.length === 0) return [];
  return db
    .selectFrom("streamRuns")
    .select(["id as runId", "venue", "simulated", "seed", "codeVersion", "startedMs", "stoppedMs"])
    .where("id", "in", ids)
    .orderBy("startedMs")
    .execute();
}

/**
 * The time up to which the data of a run was known to it: what its result says, else the newest of its datasets;
 * undefined where it read none.
 */
export async function loadDataTime(db: Db, jobId: string): Promise<number | undefined> {
  const { rows } = await sql<{ said: string | null; read: number | null }>`
    select j.result::jsonb ->> 'asOfMs' as said,
      (select max(d.as_of_ms) from job_inputs i join datasets d on d.hash = i.ref
        where i.job_id = j.id and i.kind = 'dataset') as read
    from jobs j where j.id = ${jobId}::uuid`.execute(db);
  const row = rows[0];
  if (row === undefined) return undefined;
  return row.said === null ? (row.read ?? undefined) : Number(row.said);
}

export interface RunRecord {
  id: string;
  state: string;
  version: number;
  codeVersion: string | null;
  result: string | null;
}

/** A replay and the run that it repeats. */
export async function loadReplayPair(
  db: Db,
  tenantId: string,
  jobId: string,
): Promise<{ original: RunRecord; replay: RunRecord }> {
  const columns = ["id", "state", "version", "codeVersion", "result", "replayOf"] as const;
  const own = () => db.selectFrom("jobs").select(columns).where("tenantId", "=", tenantId);
  const replay = await own().where("id", "=", jobId).executeTakeFirst();
  if (replay === undefined) throw new AppError("job.unknown", `There is no job ${jobId}.`);
  if (replay.replayOf === null)
    throw new AppError("resource.unknown", `The job ${jobId} is not a replay; POST here makes one.`);
  const original = await own().where("id", "=", replay.replayOf).executeTakeFirst();
  if (original === undefined)
    throw new AppError("resource.unknown", `The run that ${jobId} repeats has been erased.`);
  return { original, replay };
}
