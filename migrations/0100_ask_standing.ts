import { sql } from "kysely";
import type { Kysely } from "kysely";

/** Questions that are asked again on a schedule, what changed in their answers, and what readers thought of answers. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table ask_standing (
    id uuid primary key,
    tenant_id uuid not null,
    name text not null,
    -- JSON of the question's payload
    payload text not null,
    schedule_id uuid not null,
    callback_url text,
    created_by text not null,
    created_ms int8 not null,
    last_job_id uuid,
    last_status text,
    checked_ms int8,
    changed_ms int8,
    answer_hash text,
    evidence_hash text,
    unique (tenant_id, name)
  )`.execute(db);
  await sql`create table ask_standing_changes (
    standing_id uuid not null references ask_standing (id) on delete cascade,
    job_id uuid not null,
    tenant_id uuid not null,
    at_ms int8 not null,
    changed text not null,
    answer text not null,
    primary key (standing_id, job_id)
  )`.execute(db);
  await sql`create table ask_feedback (
    tenant_id uuid not null,
    job_id uuid not null,
    useful boolean not null,
    note text not null,
    given_by text not null,
    at_ms int8 not null,
    primary key (tenant_id, job_id)
  )`.execute(db);
}
