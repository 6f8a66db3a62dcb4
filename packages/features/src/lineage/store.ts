import { sql } from "kysely";
import type { Db } from "../db.ts";

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

export async function loadInputs(db: Db, jobId: string, limit: number): Promise<InputRecord[]> {
  return db
    .selectFrom("jobInputs")
    .select(["jobId", "kind", "ref", "label", "details"])
    .where("jobId", "=", jobId)
    .orderBy("kind")
    .orderBy("ref")
    .limit(limit)
    .execute();
}

/** The jobs that wrote the revisions that a dataset is made of: its bars and, where it is adjusted, its corporate actions. */
export async function loadDatasetSources(db: Db, hash: string, limit: number): Promise<string[]> {
  const { rows } = await sql<{ jobId: string }>`
    with d as (select * from datasets where hash = ${hash})
    select distinct b.job_id from d
      join series s on s.space = d.space and s.instrument_id = d.instrument_id and s.timeframe = d.timeframe and s.kind = 'bars'
      join bars b on b.series_id = s.series_id and b.open_ms >= d.from_ms and b.open_ms < d.to_ms and b.visible_ms <= d.as_of_ms
    union
    select distinct a.job_id from d
      join corporate_actions a on a.space = d.space and a.instrument_id = d.instrument_id and a.visible_ms <= d.as_of_ms
      where d.adjustment <> 'raw'
    order by job_id limit ${limit}`.execute(db);
  return rows.map((row) => row.jobId);
}
