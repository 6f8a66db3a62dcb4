import { sql } from "kysely";
import type { Kysely } from "kysely";

/** Where each instrument's trades are known up to, what is missing of them, and how the run's feed does. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table stream_places (
    venue text not null,
    instrument_id text not null,
    place jsonb not null,
    primary key (venue, instrument_id)
  )`.execute(db);
  await sql`create table stream_gaps (
    venue text not null,
    instrument_id text not null,
    from_id int8 not null,
    to_id int8 not null,
    state text not null check (state in ('open', 'healed', 'lost')),
    found_ms int8 not null,
    closed_ms int8,
    primary key (venue, instrument_id, from_id)
  )`.execute(db);
  await sql`create index stream_gaps_found on stream_gaps (found_ms)`.execute(db);
  await sql`alter table stream_runs add column feed jsonb`.execute(db);
}
