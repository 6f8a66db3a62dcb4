import type { BlobStore } from "@tapedeck/core";
import { sql } from "kysely";
import type { Db } from "../db.ts";

/** Erases the stored columns of these jobs that no other job's result names. Safe to repeat. */
export async function eraseColumns(db: Db, blobs: BlobStore, jobIds: readonly string[]): Promise<void> {
  const ref = (alias: string) => sql`substring(${sql.ref(`${alias}.result`)} from '"seriesRef":"([^"]+)"')`;
  const { rows } = await sql<{ key: string }>`
    select distinct ${ref("job")} as key from jobs job
    where job.id = any(${[...jobIds]}::uuid[]) and job.type = 'analyze' and ${ref("job")} is not null
      and not exists (
        select 1 from jobs other
        where other.type = 'analyze' and other.result is not null and ${ref("other")} = ${ref("job")}
          and other.id <> all(${[...jobIds]}::uuid[]))`.execute(db);
  for (const { key } of rows) await blobs.delete(key);
}
