import { sql } from "kysely";
import type { Kysely } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table documents (
      id text primary key,
      space text not null,
      -- Path below the knowledge base's folder; null for documents that were sent.
      path text,
      current_version integer not null,
      created_ms int8 not null,
      -- Its file is gone: no longer found, but for reads as of before.
      retired_ms int8,
      -- Does the index hold what is here?
      indexed boolean not null default false
    )`.execute(db);
  await sql`create unique index documents_path on documents (path) where path is not null`.execute(db);
  await sql`create index documents_space on documents (space, id)`.execute(db);
  await sql`create index documents_unindexed on documents (id) where not indexed`.execute(db);
  await sql`
    create table document_versions (
      document_id text not null references documents on delete cascade,
      version integer not null,
      title text not null,
      topic text not null,
      sources jsonb not null,
      formulas jsonb not null,
      text text not null,
      -- Of everything above: an unchanged document is left alone.
      content_hash text not null,
      -- Visible in [published_ms, superseded_ms).
      published_ms int8 not null,
      superseded_ms int8,
      recorded_ms int8 not null,
      primary key (document_id, version)
    )`.execute(db);
  await sql`
    create table document_chunks (
      id text primary key,
      document_id text not null,
      version integer not null,
      ordinal integer not null,
      section text not null,
      span_start integer not null,
      span_end integer not null,
      foreign key (document_id, version) references document_versions on delete cascade
    )`.execute(db);
  await sql`create unique index document_chunks_version on document_chunks (document_id, version, ordinal)`.execute(
    db,
  );
}
