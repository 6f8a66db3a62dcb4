import { newId } from "@tapedeck/core";
import type { Caller } from "@tapedeck/core";
import { createBus } from "@tapedeck/platform/bus/index";
import { createQueue } from "@tapedeck/platform/queue/index";
import { hasRedis, leaveOutUnless, testDatabase, testLog, testRedis } from "@tapedeck/testkit";
import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import type { Database } from "../db.ts";
import { jobFixture, testCaller, until } from "./fixture.ts";

describe("fairness on PostgreSQL", () => suite(() => Promise.resolve(undefined)));
leaveOutUnless(hasRedis, "redis-server")("fairness on Redis", () => suite(testRedis));

function suite(startRedis: () => ReturnType<typeof testRedis> | Promise<undefined>): void {
  test("behind 10,000 jobs of one caller, another caller's first job starts within two jobs of each slot", async () => {
    const database = await testDatabase<Database>();
    await sql`create table effects (job_id uuid, pickup int)`.execute(database.db);
    const redis = await startRedis();
    const transport = redis === undefined ? { databaseUrl: database.url } : { redisUrl: redis.url };
    const queue = createQueue(transport, { log: testLog() });
    const bus = createBus(transport, { log: testLog() });
    const { service, work, seen } = jobFixture({ db: database.db, queue, bus });
    service.start();
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
        sql<{ n: number }>`select count(*)::int as n from jobs where state <> 'accepted'`.execute(
          database.db,
        );
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
      await service.stop();
      await Promise.all([queue.close(), bus.close()]);
      await redis?.close();
      await database.close();
    }
  }, 120_000);
}
