import { sql } from "kysely";
import type { Kysely } from "kysely";

/** Rows of bars and trades that a stream process stored carry its run's id as their job_id. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table stream_runs (
    id uuid primary key,
    venue text not null,
    simulated boolean not null,
    seed int8,
    code_version text not null,
    started_ms int8 not null,
    heartbeat_ms int8 not null,
    stopped_ms int8
  )`.execute(db);
  await sql`create index stream_runs_open on stream_runs (venue) where stopped_ms is null`.execute(db);
}
