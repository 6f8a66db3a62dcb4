import type { Db } from "../db.ts";

/** Erases what a model answered and the turns of conversations. */
export async function eraseQuestions(db: Db, jobIds: readonly string[]): Promise<void> {
  await db.deleteFrom("askCompletions").where("jobId", "in", jobIds).execute();
  await db.deleteFrom("askTurns").where("jobId", "in", jobIds).execute();
}
