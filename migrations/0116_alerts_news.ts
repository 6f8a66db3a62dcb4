import { sql } from "kysely";
import type { Kysely } from "kysely";

/** Up to where alerts on news have looked at events and at sentiment. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table alert_places (source text primary key, seq int8 not null)`.execute(db);
  await sql`insert into alert_places (source, seq) values ('events', 0), ('sentiment', 0)`.execute(db);
}
