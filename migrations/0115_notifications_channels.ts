import { sql } from "kysely";
import type { Kysely } from "kysely";

/** Where a tenant's alerts are sent, and the keys that sign browser pushes. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table notification_channels (
    id uuid primary key,
    tenant_id uuid not null,
    name text not null,
    -- JSON with its kind; holds secrets
    settings text not null,
    created_by text not null,
    created_ms int8 not null,
    unique (tenant_id, name)
  )`.execute(db);
  await sql`create table push_keys (
    single boolean primary key default true check (single),
    public_key text not null,
    private_key text not null,
    created_ms int8 not null
  )`.execute(db);
  await sql`alter table notifications alter column url drop not null`.execute(db);
  await sql`alter table notifications add column channel_id uuid`.execute(db);
  await sql`alter table notifications add constraint notifications_target
    check ((url is null) <> (channel_id is null))`.execute(db);
  // Null: every channel that the tenant has when the alert fires.
  await sql`alter table alerts add column channel_ids jsonb`.execute(db);
}
