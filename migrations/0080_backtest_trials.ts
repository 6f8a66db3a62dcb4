import { sql } from "kysely";
import type { Kysely } from "kysely";

/** Every combination that a search tried: what a report must know to say how many there were. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table backtest_trials (
    job_id uuid not null,
    number integer not null,
    tenant_id uuid not null,
    dataset_hash text not null,
    params jsonb not null,
    measure jsonb,
    failure text,
    primary key (job_id, number)
  )`.execute(db);
  await sql`create index backtest_trials_dataset on backtest_trials (tenant_id, dataset_hash)`.execute(db);
}
