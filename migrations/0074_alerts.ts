import { sql } from "kysely";
import type { Kysely } from "kysely";

/** Alerts, their state as of the last change of it, and what they told. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create sequence alerts_change`.execute(db);
  await sql`create table alerts (
    id uuid primary key,
    tenant_id uuid not null,
    name text not null,
    instrument_id text not null,
    rule jsonb not null,
    cooldown_ms int8 not null,
    expires_ms int8,
    callback_url text,
    muted boolean not null,
    created_by text not null,
    created_ms int8 not null,
    deleted_ms int8,
    armed boolean not null,
    state_ms int8 not null,
    fired_ms int8,
    change int8 not null default nextval('alerts_change')
  )`.execute(db);
  await sql`create index alerts_of_tenant on alerts (tenant_id, created_ms)`.execute(db);
  await sql`create index alerts_changed on alerts (change)`.execute(db);
  await sql`create table alert_triggers (
    seq bigserial primary key,
    id uuid not null unique,
    alert_id uuid not null references alerts (id) on delete cascade,
    tenant_id uuid not null,
    edge_ms int8 not null,
    value float8,
    message text not null,
    test boolean not null,
    created_ms int8 not null
  )`.execute(db);
  await sql`create unique index alert_triggers_edge on alert_triggers (alert_id, edge_ms) where not test`.execute(
    db,
  );
  await sql`create index alert_triggers_of_tenant on alert_triggers (tenant_id, seq)`.execute(db);
}
