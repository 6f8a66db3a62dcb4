import { sql } from "kysely";
import type { Kysely } from "kysely";

/** What a filing is: company, form, fiscal period. Filings are few beside other documents. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table document_versions add column filing text`.execute(db);
  await sql`create index document_versions_filings on document_versions (document_id) where filing is not null`.execute(
    db,
  );
}
