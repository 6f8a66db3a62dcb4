import { sql } from "kysely";
import type { Kysely } from "kysely";

/** What requests to venues weighed in the last minute, over all processes: a venue counts those of an address together. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // Of a minute ago nothing is needed: after a crash of the server it begins anew.
  await sql`create unlogged table venue_spending (
    venue text not null,
    at_ms int8 not null,
    weight int4 not null
  )`.execute(db);
  await sql`create index venue_spending_at on venue_spending (venue, at_ms)`.execute(db);
}
