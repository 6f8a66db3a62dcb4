import type { BlobStore } from "@tapedeck/core";
import type { Db } from "../db.ts";

/** Erases the runs of these jobs with their trades, the trials of their searches, and curves that no other run shares. Safe to repeat. */
export async function eraseRuns(db: Db, blobs: BlobStore, jobIds: readonly string[]): Promise<void> {
  const rows = await db
    .selectFrom("backtestRuns as run")
    .select("equityBlob")
    .distinct()
    .where("id", "in", jobIds)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom("backtestRuns as other")
            .select("other.id")
            .whereRef("other.equityBlob", "=", "run.equityBlob")
            .where("other.id", "not in", jobIds),
        ),
      ),
    )
    .execute();
  // The rows name the blobs, so they go last.
  for (const row of rows) await blobs.delete(row.equityBlob);
  await db.deleteFrom("backtestTrials").where("jobId", "in", jobIds).execute();
  await db.deleteFrom("backtestRuns").where("id", "in", jobIds).execute();
}
