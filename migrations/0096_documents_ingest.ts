import { sql } from "kysely";
import type { Kysely } from "kysely";

/** What readers find out about documents, near-duplicates, and what became of each document of an import. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table documents
      -- Names it within its space where new versions come from outside: an accession number, a message's id, a file.
      add column source_key text,
      -- It tells what an earlier one does: kept, and not searched.
      add column duplicate_of text references documents on delete set null`.execute(db);
  await sql`create unique index documents_source_key on documents (space, source_key) where source_key is not null`.execute(
    db,
  );
  await sql`create index documents_duplicate_of on documents (duplicate_of) where duplicate_of is not null`.execute(
    db,
  );
  await sql`
    alter table document_versions
      add column kind text not null default 'note',
      add column company text,
      add column publisher text,
      add column url text,
      add column licence text,
      add column language text,
      -- Spans of its text with their cells.
      add column tables jsonb not null default '[]',
      -- What its source did not state, and what each guess rests on.
      add column guesses jsonb not null default '[]'`.execute(db);
  await sql`
    update document_versions set
      kind = case
        when filing is not null then 'filing'
        when exists (select from documents where id = document_id and path is not null) then 'reference'
        else 'note'
      end,
      company = (filing::jsonb)->>'company'`.execute(db);
  await sql`create index document_versions_kind on document_versions (kind, published_ms)`.execute(db);
  await sql`
    create table document_near_keys (
      space text not null,
      near_key text not null,
      document_id text not null references documents on delete cascade,
      primary key (space, near_key, document_id)
    )`.execute(db);
  await sql`create index document_near_keys_document on document_near_keys (document_id)`.execute(db);
  await sql`
    create table document_ingest_items (
      job_id uuid not null,
      -- Place of its source among the job's.
      source integer not null,
      -- Names it within its source.
      item text not null,
      seq int8 generated always as identity,
      tenant_id uuid not null,
      status text not null,
      source_label text not null,
      title text,
      document_id text,
      version integer,
      duplicate_of text,
      message text,
      guesses jsonb not null,
      primary key (job_id, source, item)
    )`.execute(db);
  await sql`create index document_ingest_items_seq on document_ingest_items (job_id, seq)`.execute(db);
}
