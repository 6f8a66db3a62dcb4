import { sql } from "kysely";
import type { Kysely } from "kysely";

/** Channels that a change of a standing question's answer goes to. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // Null: every channel that the tenant has when the answer changes.
  await sql`alter table ask_standing add column channel_ids jsonb`.execute(db);
}
