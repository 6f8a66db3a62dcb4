import type { BlobStore } from "@tapedeck/core";
import type { Db } from "../db.ts";
import { deleteParts } from "./parts/store.ts";

/** Erases the runs of these jobs with their trades, the trials of their searches, and columns that no other run shares. Safe to repeat. */
export async function eraseRuns(db: Db, blobs: BlobStore, jobIds: readonly string[]): Promise<void> {
  // The rows name the blobs, so they go last.
  for (const column of ["equityBlob", "fillsBlob", "ordersBlob"] as const) {
    for (const key of await ownBlobs(db, column, jobIds)) await blobs.delete(key);
  }
  await deleteParts(db, jobIds);
  await db.deleteFrom("backtestTrials").where("jobId", "in", jobIds).execute();
  await db.deleteFrom("backtestRuns").where("id", "in", jobIds).execute();
}

/** Blobs that the runs of these jobs name in a column, and no other run does. */
async function ownBlobs(
  db: Db,
  column: "equityBlob" | "fillsBlob" | "ordersBlob",
  jobIds: readonly string[],
): Promise<string[]> {
  const rows = await db
    .selectFrom("backtestRuns as run")
    .select(`run.${column} as key`)
    .distinct()
    .where("id", "in", jobIds)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom("backtestRuns as other")
            .select("other.id")
            .whereRef(`other.${column}`, "=", `run.${column}`)
            .where("other.id", "not in", jobIds),
        ),
      ),
    )
    .execute();
  return rows.flatMap(({ key }) => key ?? []);
}
