import type { Db } from "../db.ts";

/** Erases the items that no job younger than these cites. */
export async function eraseEvidence(db: Db, jobIds: readonly string[]): Promise<void> {
  await db.deleteFrom("evidence").where("lastJobId", "in", jobIds).execute();
}
