import { sql } from "kysely";
import type { Kysely } from "kysely";

/** What erasing stored things needs to know, and an audit log that lets its oldest entries go. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table datasets add column used_ms int8`.execute(db);
  await sql`update datasets set used_ms = created_ms`.execute(db);
  await sql`alter table datasets alter column used_ms set not null`.execute(db);
  await sql`create index datasets_used on datasets (used_ms)`.execute(db);
  await sql`create index dataset_index_hash on dataset_index (hash)`.execute(db);
  await sql`create index job_inputs_dataset on job_inputs (ref) where kind = 'dataset'`.execute(db);
  await sql`create index venue_bar_pages_fetched on venue_bar_pages (fetched_ms)`.execute(db);
  await sql`create index uploads_created on uploads (created_ms)`.execute(db);
  await sql`create index audit_log_at on audit_log (at_ms)`.execute(db);
  await sql`
    create or replace function audit_log_refuse() returns trigger language plpgsql as $$
    begin
      if tg_op = 'DELETE' and old.at_ms < (extract(epoch from now()) - 90 * 86400) * 1000 then
        return old;
      end if;
      raise exception 'audit_log is append-only; entries may go after 90 days';
    end $$`.execute(db);
}
