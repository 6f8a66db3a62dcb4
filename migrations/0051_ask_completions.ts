import { sql } from "kysely";
import type { Kysely } from "kysely";

/** What a language model answered, so that a job that runs again gets the same words without asking again. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table ask_completions (
      job_id uuid not null,
      tenant_id uuid not null,
      ordinal int not null,
      request_hash text not null,
      model text not null,
      response text not null,
      created_ms int8 not null,
      primary key (job_id, ordinal, request_hash)
    )
  `.execute(db);
}
