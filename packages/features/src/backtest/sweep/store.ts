import { AppError } from "@tapedeck/core";
import { sql } from "kysely";
import type { Db, Tx } from "../../db.ts";
import { StoredMeasure, TrialParams } from "./contract.ts";
import type { SweepTrial } from "./contract.ts";

export interface StoredTrial {
  number: number;
  params: Record<string, number | string>;
  measure: StoredMeasure | null;
  failure: string | null;
}

/** Whose trials they are, and what they were made on. */
export interface TrialOwner {
  jobId: string;
  tenantId: string;
  datasetHash: string;
  instrumentsHash: string;
  timeframe: string;
}

/** A combination tried again, after a kill or in another fold, keeps its first row. */
export async function saveTrials(
  tx: Tx,
  { jobId, tenantId, datasetHash, instrumentsHash, timeframe }: TrialOwner,
  trials: readonly StoredTrial[],
): Promise<void> {
  const rows = trials.map(({ number, params, measure, failure }) => ({ number, params, measure, failure }));
  await sql`
    insert into backtest_trials (job_id, number, tenant_id, dataset_hash, instruments_hash, timeframe, params, measure, failure)
    select ${jobId}::uuid, number, ${tenantId}::uuid, ${datasetHash}, ${instrumentsHash}, ${timeframe}, params, measure, failure
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as t (number int, params jsonb, measure jsonb, failure text)
    on conflict do nothing`.execute(tx);
}

/** Puts in what came of combinations that are there already. */
export async function updateTrials(tx: Tx, jobId: string, trials: readonly StoredTrial[]): Promise<void> {
  const rows = trials.map(({ number, measure, failure }) => ({ number, measure, failure }));
  await sql`
    update backtest_trials t set measure = new.measure, failure = new.failure
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as new (number int, measure jsonb, failure text)
    where t.job_id = ${jobId}::uuid and t.number = new.number`.execute(tx);
}

export async function deleteTrials(tx: Tx, jobId: string): Promise<void> {
  await tx.deleteFrom("backtestTrials").where("jobId", "=", jobId).execute();
}

/** In the order tried, after a number. */
export async function loadTrials(
  db: Db,
  jobId: string,
  afterNumber: number,
  limit: number,
): Promise<StoredTrial[]> {
  const rows = await db
    .selectFrom("backtestTrials")
    .select(["number", "params", "measure", "failure"])
    .where("jobId", "=", jobId)
    .where("number", ">", afterNumber)
    .orderBy("number")
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    number: row.number,
    params: TrialParams.parse(row.params),
    measure: row.measure === null ? null : StoredMeasure.parse(row.measure),
    failure: row.failure,
  }));
}

/** Combinations that a tenant's searches have tried on a dataset, and how many searches they were; replays are no new trials. */
export async function countTrials(
  db: Db,
  tenantId: string,
  datasetHash: string,
): Promise<{ trials: number; searches: number }> {
  const row = await db
    .selectFrom("backtestTrials")
    .select((eb) => [
      eb.fn.countAll<string>().as("trials"),
      eb.fn.count<string>("jobId").distinct().as("searches"),
    ])
    .where("tenantId", "=", tenantId)
    .where("datasetHash", "=", datasetHash)
    .where("jobId", "not in", (eb) => eb.selectFrom("jobs").select("id").where("replayOf", "is not", null))
    .executeTakeFirstOrThrow();
  return { trials: Number(row.trials), searches: Number(row.searches) };
}

/** Kinds of jobs whose combinations are in the ledger. */
const searchTypes = ["sweep", "walkForward"];

/** Its payload as it was submitted; `types`: what it may be. Throws AppError `resource.unknown`. */
export async function loadSearch(
  db: Db,
  tenantId: string,
  jobId: string,
  types: readonly string[] = searchTypes,
): Promise<unknown> {
  const row = await db
    .selectFrom("jobs")
    .select("payload")
    .where("id", "=", jobId)
    .where("tenantId", "=", tenantId)
    .where("type", "in", types)
    .executeTakeFirst();
  if (row === undefined)
    throw new AppError("resource.unknown", `There is no ${types.join(" or ")} ${jobId}.`);
  return JSON.parse(row.payload);
}

export function trialView({ number, params, measure, failure }: StoredTrial): SweepTrial {
  if (measure === null) return { number, params, figures: null, failure };
  const { totalReturn, sharpe, maxDrawdown, returnOverDrawdown, fills } = measure;
  return {
    number,
    params,
    figures: { totalReturn, sharpe, maxDrawdown, returnOverDrawdown, fills },
    failure,
  };
}
