import { sql } from "kysely";
import type { Kysely } from "kysely";

/** The code that ran a job: recorded for lineage, not part of a result's content address. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table jobs add column code_version text`.execute(db);
}
