import type { Kysely } from "kysely";
import { sql } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table backtest_runs (
      id uuid primary key,
      job_id uuid not null,
      tenant_id uuid not null,
      created_ms bigint not null,
      instrument_id text not null,
      timeframe text not null,
      title text not null,
      dataset_hash text not null,
      bars integer not null,
      equity_blob text not null,
      payload jsonb not null,
      result jsonb not null
    )`.execute(db);
  await sql`create index backtest_runs_tenant on backtest_runs (tenant_id, id desc)`.execute(db);
  await sql`
    create table backtest_trades (
      run_id uuid not null references backtest_runs (id) on delete cascade,
      number integer not null,
      side text not null check (side in ('long', 'short')),
      quantity double precision not null,
      entry_ms bigint not null,
      entry_price double precision not null,
      exit_ms bigint,
      exit_price double precision,
      exit_reason text,
      bars_held integer not null,
      fees double precision not null,
      profit double precision not null,
      profit_return double precision not null,
      primary key (run_id, number)
    )`.execute(db);
}
