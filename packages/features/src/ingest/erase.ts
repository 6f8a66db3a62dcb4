import type { Db } from "../db.ts";

/** Erases what imports left behind besides their data: where they were, and the rows they refused. */
export async function eraseImports(db: Db, jobIds: readonly string[]): Promise<void> {
  await db.deleteFrom("ingestCheckpoints").where("jobId", "in", jobIds).execute();
  await db.deleteFrom("ingestQuarantine").where("jobId", "in", jobIds).execute();
}
