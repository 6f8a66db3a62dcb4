import { sql } from "kysely";
import type { Kysely } from "kysely";

/** What erasing old jobs needs to know: who still refers to what is to go. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // The newest job that cites the item: it goes with that job.
  await sql`alter table evidence add column last_job_id uuid`.execute(db);
  await sql`update evidence set last_job_id = job_id`.execute(db);
  await sql`alter table evidence alter column last_job_id set not null`.execute(db);
  await sql`create index evidence_last_job on evidence (last_job_id)`.execute(db);
  await sql`create index jobs_reused on jobs (reused_from) where reused_from is not null`.execute(db);
  await sql`create index jobs_series_ref on jobs (substring(result from '"seriesRef":"([^"]+)"'))
    where type = 'analyze' and result is not null`.execute(db);
  await sql`create index backtest_runs_equity on backtest_runs (equity_blob)`.execute(db);
}
