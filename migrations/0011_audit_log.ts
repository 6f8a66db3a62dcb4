import { sql } from "kysely";
import type { Kysely } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table audit_log (
      id uuid primary key,
      tenant_id uuid,
      at_ms bigint not null,
      principal_id text not null,
      principal_kind text not null,
      action text not null,
      target text not null,
      status integer not null,
      request_id text not null,
      address text,
      details jsonb
    )`.execute(db);
  await sql`create index audit_log_tenant on audit_log (tenant_id, id desc)`.execute(db);
  await sql`
    create function audit_log_refuse() returns trigger language plpgsql as $$
    begin
      raise exception 'audit_log is append-only';
    end $$`.execute(db);
  await sql`
    create trigger audit_log_append_only before update or delete on audit_log
    for each row execute function audit_log_refuse()`.execute(db);
  await sql`
    create trigger audit_log_no_truncate before truncate on audit_log
    for each statement execute function audit_log_refuse()`.execute(db);
}
