import { sql } from "kysely";
import type { Kysely } from "kysely";

/** Fills and report of a run; null for runs that were stored before both were kept. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table backtest_runs
    add column fills_blob text,
    add column fill_count integer,
    add column report jsonb`.execute(db);
  await sql`create index backtest_runs_instrument on backtest_runs (tenant_id, instrument_id, timeframe)`.execute(
    db,
  );
}
