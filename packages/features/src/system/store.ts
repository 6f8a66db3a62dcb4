import { sql } from "kysely";
import type { Db } from "../db.ts";

/** A process that has not beaten for this long is gone. */
const silentMs = 15_000;

/** Rejects while the database does not answer. */
export async function ping(db: Db): Promise<void> {
  await sql`select 1`.execute(db);
}

/** What runs, and what of a tenant waits. */
export async function loadStatus(db: Db, tenantId: string, nowMs: number) {
  const count = <T extends { count: string }>(row: T) => Number(row.count);
  const sinceMs = nowMs - silentMs;
  const [workers, feeds, jobs, notifications] = await Promise.all([
    db
      .selectFrom("workers")
      .select((eb) => eb.fn.countAll<string>().as("count"))
      .where("stoppedMs", "is", null)
      .where("heartbeatMs", ">", sinceMs)
      .executeTakeFirstOrThrow(),
    db
      .selectFrom("streamRuns")
      .select(["venue", "simulated", "startedMs", "heartbeatMs"])
      .where("stoppedMs", "is", null)
      .where("heartbeatMs", ">", sinceMs)
      .orderBy("startedMs")
      .execute(),
    db
      .selectFrom("jobs")
      .select((eb) => eb.fn.countAll<string>().as("count"))
      .where("tenantId", "=", tenantId)
      .where("endedMs", "is", null)
      .executeTakeFirstOrThrow(),
    db
      .selectFrom("notifications")
      .select((eb) => eb.fn.countAll<string>().as("count"))
      .where("tenantId", "=", tenantId)
      .where("state", "=", "pending")
      .executeTakeFirstOrThrow(),
  ]);
  return {
    workers: count(workers),
    feeds,
    openJobs: count(jobs),
    pendingNotifications: count(notifications),
  };
}
