import { sql } from "kysely";
import type { Kysely } from "kysely";

/**
 * Findings: what looked wrong with what a venue sent. Funding rates: as last told before each settlement.
 * An instrument is taken by one run at a time, until a time by the server's clock; the last one to have taken it may store
 * rows of it. Hours and days in the making are kept: their ticks are not read again.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table stream_places
    alter column place drop not null,
    add column bars jsonb not null default '[]',
    add column run_id uuid,
    add column until_ms int8 not null default 0`.execute(db);
  // What older programs wrote of their connection lacks what is shown now.
  await sql`update stream_runs set feed = null`.execute(db);
  await sql`alter table stream_runs add column instruments int4 not null default 0`.execute(db);
  await sql`create table stream_findings (
    venue text not null,
    instrument_id text not null,
    kind text not null,
    from_ms int8 not null,
    to_ms int8,
    detail text not null,
    primary key (instrument_id, kind, from_ms)
  )`.execute(db);
  await sql`create index stream_findings_found on stream_findings (from_ms)`.execute(db);
  await sql`create table funding_rates (
    venue text not null,
    instrument_id text not null,
    funding_ms int8 not null,
    rate float8 not null,
    mark_price float8 not null,
    event_ms int8 not null,
    primary key (instrument_id, funding_ms)
  )`.execute(db);
}
