import { sql } from "kysely";
import type { Kysely } from "kysely";

/**
 * Trials and runs say which instruments they were on by sha256 over the sorted ids, one a line: runs over other instruments that are as
 * many and begin alike are no kin.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table backtest_trials add column instruments_hash text, add column timeframe text`.execute(
    db,
  );
  await sql`
    update backtest_trials t
    set instruments_hash = encode(sha256(convert_to(d.instrument_id, 'UTF8')), 'hex'), timeframe = d.timeframe
    from datasets d where d.hash = t.dataset_hash`.execute(db);
  await sql`create index backtest_trials_instruments on backtest_trials (tenant_id, instruments_hash, timeframe)`.execute(
    db,
  );
  await sql`alter table backtest_runs add column instruments_hash text`.execute(db);
  await sql`
    update backtest_runs
    set instruments_hash = encode(sha256(convert_to(
      case when kind = 'single' then instrument_id
        else (select string_agg(one ->> 'instrumentId', E'\n' order by one ->> 'instrumentId' collate "C")
          from jsonb_array_elements(result -> 'instruments') one)
      end, 'UTF8')), 'hex')`.execute(db);
  await sql`alter table backtest_runs alter column instruments_hash set not null`.execute(db);
  await sql`drop index backtest_runs_instrument`.execute(db);
  await sql`create index backtest_runs_instruments on backtest_runs (tenant_id, instruments_hash, timeframe)`.execute(
    db,
  );
}
