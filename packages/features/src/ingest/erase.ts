import type { Db } from "../db.ts";

/** Erases what imports left behind besides their data: where they were, the rows they refused, and what became of documents. */
export async function eraseImports(db: Db, jobIds: readonly string[]): Promise<void> {
  await db.deleteFrom("ingestCheckpoints").where("jobId", "in", jobIds).execute();
  await db.deleteFrom("documentIngestItems").where("jobId", "in", jobIds).execute();
  await db.deleteFrom("ingestQuarantine").where("jobId", "in", jobIds).execute();
}
