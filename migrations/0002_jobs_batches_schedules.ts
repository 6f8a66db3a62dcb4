import { sql } from "kysely";
import type { Kysely } from "kysely";

/** Batches, schedules and the outbox of notifications: rows, so that both queues and an emptied one behave alike. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table batches (
      id uuid primary key,
      tenant_id uuid not null,
      label text,
      total int not null,
      completed int not null default 0,
      failed int not null default 0,
      cancelled int not null default 0,
      -- the job that the end of the last child releases
      afterwards_job_id uuid,
      callback_url text,
      idempotency_key text,
      body_hash text,
      submitted_by text not null,
      created_ms bigint not null,
      ended_ms bigint,
      unique (tenant_id, idempotency_key)
    )`.execute(db);
  await sql`create index batches_tenant on batches (tenant_id, id)`.execute(db);
  await sql`
    create table schedules (
      id uuid primary key,
      tenant_id uuid not null,
      name text not null,
      type text not null,
      payload text not null,
      cron text not null,
      time_zone text not null,
      misfire text not null check (misfire in ('once', 'skip')),
      enabled boolean not null,
      priority int not null,
      callback_url text,
      submitted_by text not null,
      principal_kind text not null,
      role text not null,
      next_ms bigint,
      last_due_ms bigint,
      last_job_id uuid,
      last_error text,
      created_ms bigint not null,
      updated_ms bigint not null,
      unique (tenant_id, name)
    )`.execute(db);
  await sql`create index schedules_due on schedules (next_ms) where enabled`.execute(db);
  await sql`
    create table notifications (
      id uuid primary key,
      tenant_id uuid not null,
      -- the same event is sent once: job.ended:<job id>, alert:<alert id>:<time>
      dedupe_key text not null,
      url text not null,
      body text not null,
      state text not null check (state in ('pending', 'delivered', 'failed')),
      attempts int not null default 0,
      next_ms bigint not null,
      last_error text,
      created_ms bigint not null,
      delivered_ms bigint,
      unique (tenant_id, dedupe_key)
    )`.execute(db);
  await sql`create index notifications_due on notifications (next_ms) where state = 'pending'`.execute(db);
  await sql`create index notifications_tenant on notifications (tenant_id, id)`.execute(db);
  await sql`
    create table callback_secrets (
      tenant_id uuid primary key,
      secret text not null,
      created_ms bigint not null
    )`.execute(db);
}
