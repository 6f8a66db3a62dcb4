import { sql } from "kysely";
import type { Kysely } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table uploads (
    id uuid primary key,
    tenant_id uuid not null,
    filename text not null,
    bytes int8 not null,
    sha256 text not null,
    blob_key text not null,
    created_ms int8 not null
  )`.execute(db);
  await sql`create index uploads_tenant on uploads (tenant_id, id desc)`.execute(db);

  // Written in the transaction that writes the rows, so that a killed import goes on exactly where it was.
  await sql`create table ingest_checkpoints (
    job_id uuid primary key,
    tenant_id uuid not null,
    records int8 not null,
    state text not null
  )`.execute(db);

  await sql`create table ingest_quarantine (
    job_id uuid not null,
    seq int8 not null,
    tenant_id uuid not null,
    line int8 not null,
    reason text not null,
    message text not null,
    row text not null,
    primary key (job_id, seq)
  )`.execute(db);

  await sql`create table quality_reports (
    space text not null,
    instrument_id text not null,
    timeframe text not null,
    job_id uuid not null,
    created_ms int8 not null,
    report text not null,
    primary key (space, instrument_id, timeframe)
  )`.execute(db);

  // Answers of venues for ranges that are over: never asked for twice.
  await sql`create table venue_bar_pages (
    venue text not null,
    symbol text not null,
    timeframe text not null,
    from_ms int8 not null,
    to_ms int8 not null,
    bars text not null,
    fetched_ms int8 not null,
    primary key (venue, symbol, timeframe, from_ms, to_ms)
  )`.execute(db);
}
