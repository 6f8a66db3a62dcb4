import { sql } from "kysely";
import type { Kysely } from "kysely";

/** Runs over several instruments, and the orders of runs of the event engine; null for runs without any. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table backtest_runs
    add column kind text not null default 'single' check (kind in ('single', 'portfolio')),
    add column orders_blob text,
    add column order_count integer`.execute(db);
  await sql`alter table backtest_trades add column instrument_id text`.execute(db);
}
