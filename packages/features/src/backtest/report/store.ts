import { AppError } from "@tapedeck/core";
import { sql } from "kysely";
import type { Db } from "../../db.ts";
import { StoredMeasure } from "../sweep/contract.ts";

/** Trials of one search, or a single run, on a set of instruments and a timeframe. */
export interface LedgerEntry {
  jobId: string;
  /** As asked; null where the job has been erased. */
  payload: unknown;
  datasetHash: string;
  trials: number;
  /** Sharpe ratios per bar: their number, sum and sum of squares. */
  ratios: number;
  sum: number;
  squares: number;
}

interface LedgerRow extends Omit<LedgerEntry, "payload" | "trials" | "ratios"> {
  payload: string | null;
  trials: string;
  ratios: string;
}

function entryOf({ payload, trials, ratios, ...rest }: LedgerRow): LedgerEntry {
  return {
    ...rest,
    payload: payload === null ? null : JSON.parse(payload),
    trials: Number(trials),
    ratios: Number(ratios),
  };
}

interface LedgerScope {
  tenantId: string;
  instrumentsHash: string;
  timeframe: string;
  /** Counted even where its instruments are no longer known. */
  datasetHash: string;
}

/**
 * What every search and walk-forward of the tenant tried on the instruments at the timeframe, one entry a search and dataset; replays are
 * no new trials.
 */
export async function loadSearchLedger(db: Db, scope: LedgerScope): Promise<LedgerEntry[]> {
  const { rows } = await sql<LedgerRow>`
    with tried as (
      select job_id, dataset_hash, count(*) as trials, count(measure ->> 'sharpePerBar') as ratios,
        coalesce(sum((measure ->> 'sharpePerBar')::float8), 0) as sum,
        coalesce(sum((measure ->> 'sharpePerBar')::float8 ^ 2), 0) as squares
      from backtest_trials
      where tenant_id = ${scope.tenantId} and (
        (instruments_hash = ${scope.instrumentsHash} and timeframe = ${scope.timeframe})
        or dataset_hash = ${scope.datasetHash})
      group by job_id, dataset_hash)
    select tried.*, jobs.payload from tried left join jobs on jobs.id = tried.job_id
    where jobs.replay_of is null
    order by tried.job_id`.execute(db);
  return rows.map(entryOf);
}

/** Single runs of the tenant on the instruments at the timeframe; replays are no new trial. */
export async function loadRunLedger(db: Db, scope: LedgerScope): Promise<LedgerEntry[]> {
  const { rows } = await sql<LedgerRow>`
    select run.id as job_id, run.dataset_hash, 1 as trials, jobs.payload,
      (ratio is not null)::int as ratios, coalesce(ratio, 0) as sum, coalesce(ratio ^ 2, 0) as squares
    from backtest_runs run
    left join jobs on jobs.id = run.job_id
    cross join lateral (
      select (run.result -> 'statistics' ->> 'sharpe')::float8
        / sqrt((run.result -> 'statistics' ->> 'barsPerYear')::float8) as ratio) one
    where run.tenant_id = ${scope.tenantId} and run.instruments_hash = ${scope.instrumentsHash}
      and run.timeframe = ${scope.timeframe} and jobs.replay_of is null
    order by run.id`.execute(db);
  return rows.map(entryOf);
}

/** Measures of the first trials of searches that vary; for the probability of overfitting. */
export async function loadMeasures(
  db: Db,
  jobIds: readonly string[],
  datasetHash: string,
  limit: number,
): Promise<StoredMeasure[]> {
  if (jobIds.length === 0) return [];
  const rows = await db
    .selectFrom("backtestTrials")
    .select("measure")
    .where("jobId", "in", jobIds)
    .where("datasetHash", "=", datasetHash)
    .where(sql<boolean>`measure ->> 'sharpePerBar' is not null`)
    .orderBy("jobId")
    .orderBy("number")
    .limit(limit)
    .execute();
  return rows.map((row) => StoredMeasure.parse(row.measure));
}

/** Type, payload and result of a completed job. Throws `job.unknown`, or `job.notEnded` where there is no result. */
export async function loadJobResult(
  db: Db,
  tenantId: string,
  id: string,
): Promise<{ type: string; payload: unknown; result: unknown }> {
  const row = await db
    .selectFrom("jobs")
    .select(["type", "state", "payload", "result"])
    .where("id", "=", id)
    .where("tenantId", "=", tenantId)
    .executeTakeFirst();
  if (row === undefined) throw new AppError("job.unknown", `There is no job ${id}.`);
  if (row.result === null) {
    throw new AppError("job.notEnded", `Job ${id} is ${row.state}: it has no result to report.`);
  }
  return { type: row.type, payload: JSON.parse(row.payload), result: JSON.parse(row.result) };
}

/** Bars of one instrument that were read. */
export interface DatasetRead {
  instrumentId: string;
  datasetHash: string;
}

/** The datasets that a job read, or the one whose result it took over, by name. Throws AppError `job.unknown`. */
export async function loadReads(db: Db, tenantId: string, jobId: string): Promise<DatasetRead[]> {
  const job = await db
    .selectFrom("jobs")
    .select(["id", "reusedFrom"])
    .where("id", "=", jobId)
    .where("tenantId", "=", tenantId)
    .executeTakeFirst();
  if (job === undefined) throw new AppError("job.unknown", `There is no job ${jobId}.`);
  const rows = await db
    .selectFrom("jobInputs")
    .select(["ref", sql<string>`details::jsonb ->> 'instrumentId'`.as("instrumentId")])
    .distinct()
    .where("jobId", "=", job.reusedFrom ?? job.id)
    .where("kind", "=", "dataset")
    .orderBy("instrumentId")
    .orderBy("ref")
    .execute();
  return rows.map(({ ref, instrumentId }) => ({ instrumentId, datasetHash: ref }));
}

/** Undefined where there is no such job, or no longer. */
export async function loadJobType(db: Db, tenantId: string, id: string): Promise<string | undefined> {
  const row = await db
    .selectFrom("jobs")
    .select("type")
    .where("id", "=", id)
    .where("tenantId", "=", tenantId)
    .executeTakeFirst();
  return row?.type;
}
