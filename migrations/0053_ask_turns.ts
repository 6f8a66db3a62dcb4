import { sql } from "kysely";
import type { Kysely } from "kysely";

/** What a conversation was about last, so that "and in 2009?" is understood. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table ask_turns (
      tenant_id uuid not null,
      conversation_id text not null,
      job_id uuid not null,
      at_ms int8 not null,
      -- JSON: the question that stands by itself, then those that only changed a part of it
      chain text not null,
      primary key (tenant_id, conversation_id, job_id)
    )
  `.execute(db);
}
