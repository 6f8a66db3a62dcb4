import { sql } from "kysely";
import type { Kysely } from "kysely";

/** Parts of a running search that any worker may take: a lease each, until one has stored what came of it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table backtest_parts (
    job_id uuid not null,
    number integer not null,
    input jsonb not null,
    output jsonb,
    owner text,
    lease_until timestamptz,
    done boolean not null default false,
    primary key (job_id, number)
  )`.execute(db);
  await sql`create index backtest_parts_open on backtest_parts (job_id, number) where not done`.execute(db);
}
