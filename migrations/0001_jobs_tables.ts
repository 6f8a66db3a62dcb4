import { sql } from "kysely";
import type { Kysely } from "kysely";

/**
 * The row in `jobs` is the truth; the queue only delivers. JSON is kept as text: what was sent comes back byte
 * for byte, and storing costs no parsing in the server.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table jobs (
      id uuid primary key,
      tenant_id uuid not null,
      type text not null,
      queue text not null,
      version int not null,
      state text not null check (state in ('accepted', 'queued', 'running', 'completed', 'failed', 'cancelled')),
      priority int not null,
      -- what the queue sorts by: the priority, then how much its caller had waiting
      rank int not null,
      -- waits for a batch to end
      held boolean not null default false,
      payload text not null,
      progress text,
      result text,
      error text,
      idempotency_key text,
      body_hash text,
      submitted_by text not null,
      parent_id uuid,
      schedule_id uuid,
      seed bigint not null,
      callback_url text,
      trace_parent text,
      max_attempts int not null,
      -- runs of the handler that ended in an error
      failures int not null default 0,
      attempt int not null default 0,
      -- the fencing token: who holds an older number cannot write
      pickups int not null default 0,
      -- pick-ups in a row that came to no end at all
      unended int not null default 0,
      worker_id uuid,
      content_key text,
      reused_from uuid,
      event_seq int not null default 0,
      created_ms bigint not null,
      run_at_ms bigint,
      queued_ms bigint,
      started_ms bigint,
      cancel_requested_ms bigint,
      ended_ms bigint
    ) with (fillfactor = 85)`.execute(db);
  await sql`create unique index jobs_idempotency on jobs (tenant_id, idempotency_key) where idempotency_key is not null`.execute(
    db,
  );
  await sql`create index jobs_tenant on jobs (tenant_id, id)`.execute(db);
  await sql`create index jobs_open on jobs (state, queue, id) where ended_ms is null`.execute(db);
  await sql`create index jobs_ended on jobs (ended_ms) where ended_ms is not null`.execute(db);
  await sql`create index jobs_parent on jobs (parent_id, id) where parent_id is not null`.execute(db);
  await sql`create index jobs_content on jobs (tenant_id, content_key) where content_key is not null`.execute(
    db,
  );
  await sql`
    create table job_events (
      job_id uuid not null,
      seq int not null,
      event text not null,
      at_ms bigint not null,
      data text not null,
      primary key (job_id, seq)
    )`.execute(db);
  await sql`
    create table job_inputs (
      job_id uuid not null,
      kind text not null,
      ref text not null,
      label text not null,
      details text,
      primary key (job_id, kind, ref)
    )`.execute(db);
  await sql`
    create table job_commits (
      job_id uuid not null,
      name text not null,
      value text not null,
      primary key (job_id, name)
    )`.execute(db);
  await sql`
    create table workers (
      id uuid primary key,
      host text not null,
      pid int not null,
      queues text[] not null,
      concurrency int not null,
      threads int not null,
      started_ms bigint not null,
      heartbeat_ms bigint not null,
      running int not null default 0,
      stopped_ms bigint
    )`.execute(db);
}
