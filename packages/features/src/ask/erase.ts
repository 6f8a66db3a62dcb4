import type { Db } from "../db.ts";

/** Erases what a model answered, the turns of conversations, what readers thought, and what changed by these answers. */
export async function eraseQuestions(db: Db, jobIds: readonly string[]): Promise<void> {
  await db.deleteFrom("askCompletions").where("jobId", "in", jobIds).execute();
  await db.deleteFrom("askTurns").where("jobId", "in", jobIds).execute();
  await db.deleteFrom("askFeedback").where("jobId", "in", jobIds).execute();
  await db.deleteFrom("askStandingChanges").where("jobId", "in", jobIds).execute();
}
