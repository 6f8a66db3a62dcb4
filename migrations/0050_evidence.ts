import { sql } from "kysely";
import type { Kysely } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table evidence (
      tenant_id uuid not null,
      id text not null,
      job_id uuid not null,
      item jsonb not null,
      created_ms int8 not null,
      primary key (tenant_id, id)
    )
  `.execute(db);
  await sql`create index evidence_job on evidence (tenant_id, job_id)`.execute(db);
}
