import { errorRecord } from "@tapedeck/core";
import type { Log } from "@tapedeck/core";
import { createLoop } from "@tapedeck/core/loop";
import type { Loop } from "@tapedeck/core/loop";
import { sql } from "kysely";
import type { Selectable } from "kysely";
import type { Db } from "../db.ts";
import type { JobService } from "../jobs/contract.ts";
import { lateMs, nextTime } from "./domain.ts";
import { principalOf } from "./principal.ts";
import type { SchedulesTables } from "./tables.ts";

/** Submits what schedules are due, once a second, in one process at a time. */
export interface Scheduler extends Loop {
  runOnce(): Promise<void>;
}

const lockSpace = 0x74617065;
const scheduleLock = 2;
const perRound = 200;

export function createScheduler(options: {
  db: Db;
  jobs: JobService;
  now: () => number;
  log: Log;
  everyMs?: number;
}): Scheduler {
  const { db, jobs, now, log } = options;

  /**
   * The key names the schedule and the time, so that a time is kept once however often this is cut off between the
   * submission and the note of it.
   */
  const fire = async (row: Selectable<SchedulesTables["schedules"]>, dueMs: number) => {
    const nowMs = now();
    let outcome: { lastJobId?: string; lastError: string | null } = { lastError: null };
    if (row.misfire === "once" || nowMs - dueMs <= lateMs) {
      try {
        const caller = await principalOf(db, row, nowMs);
        const { job } = await jobs.submit({
          caller,
          type: row.type,
          payload: JSON.parse(row.payload),
          scheduleId: row.id,
          idempotencyKey: `schedule:${row.id}:${dueMs}`,
          options: {
            priority: row.priority,
            ...(row.callbackUrl === null ? {} : { callbackUrl: row.callbackUrl }),
          },
        });
        outcome = { lastJobId: job.id, lastError: null };
      } catch (error) {
        const record = errorRecord(error);
        // An outage is tried again at the next round; what is wrong with the schedule itself is shown.
        if (record.retryable) throw error;
        log.warn({ scheduleId: row.id, code: record.code }, "schedule could not submit its job");
        outcome = { lastError: record.message };
      }
    } else {
      outcome = { lastError: `missed by ${nowMs - dueMs} ms and left out` };
    }
    await db
      .updateTable("schedules")
      .set({ ...outcome, lastDueMs: dueMs, nextMs: nextTime(row.cron, row.timeZone, Math.max(nowMs, dueMs)) })
      .where("id", "=", row.id)
      .where("nextMs", "=", dueMs)
      .execute();
  };

  const round = async () => {
    await db.connection().execute(async (holder) => {
      const lock = await sql<{ held: boolean }>`
        select pg_try_advisory_lock(${lockSpace}, ${scheduleLock}) as held`.execute(holder);
      if (lock.rows[0]?.held !== true) return;
      try {
        const due = await db
          .selectFrom("schedules")
          .selectAll()
          .where("enabled", "=", true)
          .where("nextMs", "<=", now())
          .orderBy("nextMs")
          .limit(perRound)
          .execute();
        for (const row of due) await fire(row, row.nextMs!);
      } finally {
        await sql`select pg_advisory_unlock(${lockSpace}, ${scheduleLock})`.execute(holder);
      }
    });
  };

  const loop = createLoop({
    work: round,
    everyMs: options.everyMs ?? 1_000,
    log,
    failure: "schedules could not be looked at",
  });
  return { ...loop, runOnce: round };
}
