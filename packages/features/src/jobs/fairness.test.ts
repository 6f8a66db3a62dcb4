import { newId } from "@tapedeck/core";
import type { Caller } from "@tapedeck/core";
import { createBus } from "@tapedeck/platform/bus/index";
import { createQueue } from "@tapedeck/platform/queue/index";
import { hasRedis, leaveOutUnless, testDatabase, testLog, testRedis } from "@tapedeck/testkit";
import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import type { Database } from "../db.ts";
import type { JobLimits } from "./domain.ts";
import { jobFixture, testCaller, until } from "./fixture.ts";

describe("fairness on PostgreSQL", () => suite(() => Promise.resolve(undefined)));
leaveOutUnless(hasRedis, "redis-server")("fairness on Redis", () => suite(testRedis));

function suite(startRedis: () => ReturnType<typeof testRedis> | Promise<undefined>): void {
  /** A database, a queue and a service of its own, started. */
  async function deployment(limits: Partial<JobLimits> = {}) {
    const database = await testDatabase<Database>();
    const redis = await startRedis();
    const transport = redis === undefined ? { databaseUrl: database.url } : { redisUrl: redis.url };
    const queue = createQueue(transport, { log: testLog() });
    const bus = createBus(transport, { log: testLog() });
    const fixture = jobFixture({ db: database.db, queue, bus, limits });
    fixture.service.start();
    return {
      ...fixture,
      db: database.db,
      async close() {
        await fixture.service.stop();
        await Promise.all([queue.close(), bus.close()]);
        await redis?.close();
        await database.close();
      },
    };
  }

  test("behind 10,000 jobs of one caller, another caller's first job starts within two jobs of each slot", async () => {
    const { db, service, work, seen, close } = await deployment();
    const caller = testCaller(newId(Date.now()));
    const second: Caller = { ...caller, principalId: newId(Date.now()) };
    const slots = 2;
    const worker = await work(slots);
    try {
      await service.submitBatch({
        caller,
        jobs: Array.from({ length: 10_000 }, () => ({ type: "slow", payload: { waitMs: 50 } })),
      });
      const queued = () =>
        sql<{ n: number }>`select count(*)::int as n from jobs where state <> 'accepted'`.execute(db);
      await until("all handed to the queue", async () => (await queued()).rows[0]!.n === 10_000, 60_000);
      await until("the first are running", () => seen.runs.length > slots);
      const { job } = await service.submit({ caller: second, type: "slow", payload: { waitMs: 50 } });
      await until(
        "the other caller's job is queued",
        async () => (await service.get(caller.tenantId, job.id)).state !== "accepted",
      );
      const before = seen.runs.length;
      await until("the other caller's job starts", () => seen.runs.some((run) => run.jobId === job.id));
      const place = seen.runs.findIndex((run) => run.jobId === job.id);
      expect(place - before).toBeLessThanOrEqual(2 * slots);
    } finally {
      await worker.close();
      await close();
    }
  }, 120_000);

  test("urgent jobs without end do not hold up the least urgent one for ever", async () => {
    const { service, work, seen, close } = await deployment({ ageMs: 500 });
    const least = testCaller(newId(Date.now()));
    const { job } = await service.submit({
      caller: least,
      type: "slow",
      payload: { waitMs: 0 },
      options: { priority: 10 },
    });
    const started = () => seen.runs.some((run) => run.jobId === job.id);
    const urgent = testCaller(newId(Date.now()));
    let submitted = 0;
    const waitingUrgent = () => submitted - seen.runs.filter((run) => run.jobId !== job.id).length;
    const submitUrgent = async () => {
      submitted++;
      await service.submit({
        caller: urgent,
        type: "slow",
        payload: { waitMs: 10 },
        options: { priority: 1 },
      });
    };
    while (submitted < 40) await submitUrgent();
    await until("all are queued", async () => {
      const { items } = await service.list(urgent.tenantId, { limit: 100, state: ["accepted"] });
      return items.length === 0;
    });
    const worker = await work(1);
    try {
      // There is always urgent work waiting while the other job has not begun.
      await until("the least urgent job starts", async () => {
        while (waitingUrgent() < 20) await submitUrgent();
        return started();
      });
      expect(waitingUrgent()).toBeGreaterThan(0);
    } finally {
      await worker.close();
      await close();
    }
  });
}
