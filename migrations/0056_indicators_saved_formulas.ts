import { sql } from "kysely";
import type { Kysely } from "kysely";

/** Formulas that a tenant keeps under a name, to be called in other formulas. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table saved_formulas (
      tenant_id uuid not null,
      name text not null,
      -- JSON: [{name, default}], in the order of a call's arguments
      params text not null,
      formula text not null,
      meaning text not null,
      saved_by uuid not null,
      created_ms int8 not null,
      updated_ms int8 not null,
      primary key (tenant_id, name)
    )
  `.execute(db);
}
