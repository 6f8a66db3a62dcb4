import { sql } from "kysely";
import type { Kysely } from "kysely";

/** Where other processes of the venue reach a run's stream. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table stream_runs add column address text`.execute(db);
}
