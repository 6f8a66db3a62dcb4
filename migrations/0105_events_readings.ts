import { sql } from "kysely";
import type { Kysely } from "kysely";

/** What documents tell: events, and how good the news is for whom; with what has been read of them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table document_readings (
    document_id text not null,
    version integer not null,
    read_ms int8 not null,
    job_id uuid not null,
    primary key (document_id, version),
    foreign key (document_id, version) references document_versions on delete cascade
  )`.execute(db);
  // Instruments that the documents read before them have been searched for.
  await sql`create table swept_instruments (
    space text not null,
    instrument_id text not null,
    swept_ms int8 not null,
    primary key (space, instrument_id)
  )`.execute(db);
  // A row a report; story_id is the id of the first row stored of what happened. Rows become visible in the order of seq.
  await sql`create table events (
    seq bigserial primary key,
    id uuid not null unique,
    story_id uuid not null,
    space text not null,
    kind text not null,
    instrument_id text,
    direction text not null,
    score float8 not null,
    important boolean not null,
    expected boolean not null,
    text text not null,
    document_id text not null,
    version integer not null,
    span_start integer not null,
    span_end integer not null,
    published_ms int8 not null,
    at_ms int8,
    recorded_ms int8 not null,
    foreign key (document_id, version) references document_versions on delete cascade
  )`.execute(db);
  await sql`create index events_instrument on events (instrument_id, published_ms)`.execute(db);
  await sql`create index events_published on events (published_ms)`.execute(db);
  await sql`create index events_story on events (story_id, published_ms, seq)`.execute(db);
  await sql`create index events_document on events (document_id)`.execute(db);
  // One row a document and instrument: of the first version that names it.
  await sql`create table sentiment_items (
    seq bigserial primary key,
    space text not null,
    instrument_id text not null,
    document_id text not null,
    version integer not null,
    source text not null,
    score float8 not null,
    weight float8 not null,
    mentions integer not null,
    span_start integer not null,
    span_end integer not null,
    published_ms int8 not null,
    recorded_ms int8 not null,
    unique (instrument_id, document_id),
    foreign key (document_id, version) references document_versions on delete cascade
  )`.execute(db);
  await sql`create index sentiment_items_instrument on sentiment_items (instrument_id, published_ms, seq)`.execute(
    db,
  );
  await sql`create index sentiment_items_document on sentiment_items (document_id)`.execute(db);
}
