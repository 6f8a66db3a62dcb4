import { sql } from "kysely";
import type { Kysely } from "kysely";

/** The job whose run a replay repeats. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table jobs add column replay_of uuid`.execute(db);
}
