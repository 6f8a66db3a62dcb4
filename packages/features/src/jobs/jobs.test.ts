import { setTimeout as sleep } from "node:timers/promises";
import { newId } from "@tapedeck/core";
import type { Bus, Caller, QueuePort } from "@tapedeck/core";
import { createBus } from "@tapedeck/platform/bus/index";
import { createQueue } from "@tapedeck/platform/queue/index";
import { hasRedis, leaveOutUnless, testDatabase, testLog, testRedis } from "@tapedeck/testkit";
import type { TestDatabase } from "@tapedeck/testkit";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Database } from "../db.ts";
import { jobFixture, testCaller, until } from "./fixture.ts";
import type { TestWorker } from "./fixture.ts";
import { trimProgress } from "./store.ts";

interface Backend {
  name: string;
  open(databaseUrl: string): Promise<{ queue: QueuePort; bus: Bus; close(): Promise<void> }>;
}

const postgres: Backend = {
  name: "PostgreSQL",
  async open(databaseUrl) {
    const queue = createQueue({ databaseUrl }, { log: testLog() });
    const bus = createBus({ databaseUrl }, { log: testLog() });
    return { queue, bus, close: async () => void (await Promise.all([queue.close(), bus.close()])) };
  },
};
const redis: Backend = {
  name: "Redis",
  async open() {
    const server = await testRedis();
    const queue = createQueue({ redisUrl: server.url }, { log: testLog() });
    const bus = createBus({ redisUrl: server.url }, { log: testLog() });
    return {
      queue,
      bus,
      async close() {
        await Promise.all([queue.close(), bus.close()]);
        await server.close();
      },
    };
  },
};

describe("jobs on PostgreSQL", () => jobSuite(postgres));
leaveOutUnless(hasRedis, "redis-server")("jobs on Redis", () => jobSuite(redis));

function jobSuite(backend: Backend): void {
  let database: TestDatabase<Database>;
  let opened: Awaited<ReturnType<Backend["open"]>>;
  let fixture: ReturnType<typeof jobFixture>;
  let caller: Caller;
  let workers: TestWorker[] = [];

  beforeAll(async () => {
    database = await testDatabase<Database>();
    await sql`create table effects (job_id uuid, pickup int)`.execute(database.db);
    opened = await backend.open(database.url);
    fixture = jobFixture({ db: database.db, queue: opened.queue, bus: opened.bus });
    fixture.service.start();
    caller = testCaller(newId(Date.now()));
  });
  afterEach(async () => {
    await Promise.all(workers.map((worker) => worker.close()));
    workers = [];
  });
  afterAll(async () => {
    await fixture.service.stop();
    await opened.close();
    await database.close();
  });

  const submit = async (type: string, payload: unknown, more: Record<string, unknown> = {}) =>
    (await fixture.service.submit({ caller, type, payload, ...more })).job;
  const ended = async (id: string, timeoutMs = 15_000) => {
    const job = await fixture.service.waitForEnd(caller.tenantId, id, timeoutMs);
    expect(job.endedMs, `job ${id} is ${job.state}`).not.toBeNull();
    return job;
  };
  const work = async (concurrency?: number, queues?: string[]) => {
    const worker = await fixture.work(concurrency, queues);
    workers.push(worker);
    return worker;
  };

  test("a job is accepted, queued, run and its result stored", async () => {
    const job = await submit("echo", { text: "hello", count: 3 }, { options: { seed: 7 } });
    expect(job).toMatchObject({
      state: "accepted",
      payload: { text: "hello", count: 3 },
      seed: 7,
      priority: 5,
    });
    await until(
      "queued",
      async () => (await fixture.service.get(caller.tenantId, job.id)).state === "queued",
    );
    await work();
    const done = await ended(job.id);
    expect(done).toMatchObject({ state: "completed", error: null, attempt: 1, reusedFrom: null });
    const draws = (done.result as { draws: number[] }).draws;
    expect(new Set(draws).size).toBe(3);
    const again = await ended(
      (await submit("echo", { text: "hello", count: 3 }, { options: { seed: 7 } })).id,
    );
    expect((again.result as { draws: number[] }).draws).toEqual(draws);
    const events = await fixture.service.events(caller.tenantId, job.id, 0, 100);
    expect(events.map((event) => event.id)).toEqual([1, 2]);
    expect(events.map((event) => event.event)).toEqual(["state", "end"]);
  });

  test.each([
    ["an unknown type", "nothing", {}, "resource.unknown"],
    ["a payload of the wrong shape", "echo", { text: 5 }, "payload.invalid"],
    ["a payload that is too large", "echo", { text: "x".repeat(5_000) }, "payload.tooLarge"],
    ["text with U+0000", "echo", { text: "a\u0000" }, "payload.invalid"],
    ["half a surrogate pair", "echo", { text: "\ud83d" }, "payload.invalid"],
  ])("%s is refused before anything is written", async (_what, type, payload, code) => {
    await expect(submit(type, payload)).rejects.toMatchObject({ code });
  });

  test("a role that is too low is refused", async () => {
    const viewer: Caller = { ...caller, role: "viewer" };
    await expect(
      fixture.service.submit({ caller: viewer, type: "echo", payload: { text: "" } }),
    ).rejects.toMatchObject({
      code: "auth.forbidden",
    });
  });

  test("50 submissions with one key are one job; another body is a conflict; another tenant is not concerned", async () => {
    const all = await Promise.all(
      Array.from({ length: 50 }, () =>
        fixture.service.submit({ caller, type: "echo", payload: { text: "same" }, idempotencyKey: "key-1" }),
      ),
    );
    expect(new Set(all.map(({ job }) => job.id)).size).toBe(1);
    expect(all.filter(({ created }) => created)).toHaveLength(1);
    await expect(submit("echo", { text: "other" }, { idempotencyKey: "key-1" })).rejects.toMatchObject({
      code: "idempotency.conflict",
    });
    const other = testCaller(newId(Date.now()));
    const theirs = await fixture.service.submit({
      caller: other,
      type: "echo",
      payload: { text: "other" },
      idempotencyKey: "key-1",
    });
    expect(theirs.created).toBe(true);
    await expect(fixture.service.get(other.tenantId, all[0]!.job.id)).rejects.toMatchObject({
      code: "job.unknown",
    });
    await expect(fixture.service.cancel(other, all[0]!.job.id)).rejects.toMatchObject({
      code: "job.unknown",
    });
    await expect(fixture.service.events(other.tenantId, all[0]!.job.id, 0, 1)).rejects.toMatchObject({
      code: "job.unknown",
    });
  });

  test("a retryable error is repeated with a pause until the attempts are used up; a final one is not", async () => {
    await work();
    const mended = await ended((await submit("faulty", { how: "retryable", failures: 2 })).id);
    expect(mended).toMatchObject({ state: "completed", result: { value: 3 }, attempt: 3, error: null });
    const failed = await ended((await submit("faulty", { how: "retryable" })).id);
    expect(failed).toMatchObject({ state: "failed", attempt: 3, error: { code: "venue.unavailable" } });
    expect(failed.error!.message).toBe("The venue is away.");
    const final = await ended((await submit("faulty", { how: "final" })).id);
    expect(final).toMatchObject({ state: "failed", attempt: 1, error: { retryable: false } });
    const again = await fixture.service.retry(caller, final.id);
    expect(again).toMatchObject({ id: final.id, error: null, endedMs: null });
    expect(await ended(final.id)).toMatchObject({ state: "failed", attempt: 1 });
    expect(fixture.seen.runs.filter((run) => run.jobId === final.id).map((run) => run.pickup)).toEqual([
      1, 2,
    ]);
    await expect(fixture.service.retry(caller, mended.id)).rejects.toMatchObject({ code: "job.ended" });
  });

  test("what went wrong inside is not shown", async () => {
    await work();
    const job = await ended((await submit("faulty", { how: "plain" })).id);
    expect(job).toMatchObject({ state: "failed", error: { code: "internal" } });
    expect(JSON.stringify(job)).not.toContain("secret detail");
  });

  test.each([
    ["nan", "result.invalid"],
    ["mismatch", "result.invalid"],
    ["huge", "result.tooLarge"],
  ])("a result that is %s fails the job as %s", async (how, code) => {
    await work();
    expect(await ended((await submit("faulty", { how })).id)).toMatchObject({
      state: "failed",
      error: { code },
    });
  });

  test("unsafe text is taken out of results", async () => {
    await work();
    expect((await ended((await submit("faulty", { how: "nul" })).id)).result).toEqual({ value: "ab\ufffdc" });
  });

  test("a waiting job is cancelled at once, a running one is stopped, an ended one is left alone", async () => {
    const waiting = await submit("slow", { waitMs: 1 });
    expect(await fixture.service.cancel(caller, waiting.id)).toMatchObject({ state: "cancelled" });
    await expect(fixture.service.cancel(caller, waiting.id)).rejects.toMatchObject({ code: "job.ended" });
    await work();
    const running = await submit("slow", { waitMs: 1_400 });
    await until(
      "running",
      async () => (await fixture.service.get(caller.tenantId, running.id)).state === "running",
    );
    await fixture.service.cancel(caller, running.id);
    expect(await ended(running.id, 1_300)).toMatchObject({
      state: "cancelled",
      error: { code: "job.cancelled" },
    });
    const deaf = await submit("slow", { waitMs: 1_400, deaf: true });
    await until(
      "running",
      async () => (await fixture.service.get(caller.tenantId, deaf.id)).state === "running",
    );
    await fixture.service.cancel(caller, deaf.id);
    expect(await ended(deaf.id, 1_300)).toMatchObject({ state: "cancelled" });
    expect(fixture.seen.runs.filter((run) => run.jobId === waiting.id)).toEqual([]);
  });

  test("a job over its time fails", async () => {
    await work();
    expect(await ended((await submit("slow", { waitMs: 8_000 })).id)).toMatchObject({
      state: "failed",
      error: { code: "job.timeout" },
    });
  });

  test("an effect is written once, however often the job runs", async () => {
    await work();
    const job = await ended((await submit("effect", { failAfter: 2 })).id);
    expect(job).toMatchObject({ state: "completed", attempt: 3, result: { by: 1 } });
    const rows = await sql`select pickup from effects where job_id = ${job.id}::uuid`.execute(database.db);
    expect(rows.rows).toEqual([{ pickup: 1 }]);
  });

  test("an attempt that lost the job writes nothing: no effect, no event, no end", async () => {
    const job = await submit("effect", { pauseMs: 600 });
    const first = await work(1, []);
    const second = await work(1, []);
    const stale = first.runtime.runDelivery({ id: job.id }, new AbortController().signal, () => undefined);
    await until("running", () => fixture.seen.runs.some((run) => run.jobId === job.id));
    const fresh = second.runtime.runDelivery({ id: job.id }, new AbortController().signal, () => undefined);
    expect(await Promise.all([stale, fresh])).toEqual(["done", "done"]);
    expect(await ended(job.id)).toMatchObject({ state: "completed", result: { by: 2 }, worker: second.id });
    const rows = await sql`select pickup from effects where job_id = ${job.id}::uuid`.execute(database.db);
    expect(rows.rows).toEqual([{ pickup: 2 }]);
    const events = await fixture.service.events(caller.tenantId, job.id, 0, 100);
    expect(events.filter((event) => event.event === "end")).toHaveLength(1);
    // A further delivery of what has ended does nothing.
    expect(
      await first.runtime.runDelivery({ id: job.id }, new AbortController().signal, () => undefined),
    ).toBe("done");
    expect(fixture.seen.runs.filter((run) => run.jobId === job.id)).toHaveLength(2);
  });

  test("a worker that stops hands its jobs back and another one ends them", async () => {
    const first = await work();
    const job = await submit("slow", { waitMs: 700 });
    await until(
      "running",
      async () => (await fixture.service.get(caller.tenantId, job.id)).state === "running",
    );
    await first.close(50);
    workers = [];
    await work();
    expect(await ended(job.id)).toMatchObject({ state: "completed", attempt: 1 });
  });

  test("a job whose worker went silent and that the queue does not know waits again", async () => {
    const lost = await work(1, []);
    const job = await submit("effect", { pauseMs: 200 });
    await opened.queue.remove("execute", job.id);
    await sql`update jobs set state = 'running', pickups = 1, worker_id = ${newId(Date.now())}::uuid where id = ${job.id}::uuid`.execute(
      database.db,
    );
    await opened.queue.remove("execute", job.id);
    await work();
    expect(await ended(job.id)).toMatchObject({ state: "completed", result: { by: 2 } });
    await lost.close();
  });

  test("a job that no run ever ends fails after so many pick-ups", async () => {
    const worker = await work(1, []);
    const job = await submit("echo", { text: "x" });
    await sql`update jobs set unended = 20 where id = ${job.id}::uuid`.execute(database.db);
    await worker.runtime.runDelivery({ id: job.id }, new AbortController().signal, () => undefined);
    expect(await ended(job.id)).toMatchObject({ state: "failed", error: { code: "job.crashed" } });
  });

  test("delayed jobs wait for their time", async () => {
    await work();
    const startMs = Date.now();
    const job = await submit("echo", { text: "later" }, { options: { delayMs: 700 } });
    const done = await ended(job.id);
    expect(done.startedMs! - startMs).toBeGreaterThanOrEqual(700);
  });

  test("equal content is answered from the stored result until the data changes", async () => {
    await work();
    fixture.seen.hashes.set("spy", "hash-1");
    const first = await ended((await submit("reused", { dataset: "spy" })).id);
    const second = await ended((await submit("reused", { dataset: "spy" })).id);
    expect(second).toMatchObject({ reusedFrom: first.id, result: first.result });
    const third = await ended((await submit("reused", { dataset: "spy" })).id);
    expect(third.reusedFrom).toBe(first.id);
    const seeded = await ended((await submit("reused", { dataset: "spy" }, { options: { seed: 2 } })).id);
    expect(seeded.reusedFrom).toBeNull();
    fixture.seen.hashes.set("spy", "hash-2");
    const changed = await ended((await submit("reused", { dataset: "spy" })).id);
    expect(changed.reusedFrom).toBeNull();
    const stranger = testCaller(newId(Date.now()));
    const theirs = await fixture.service.submit({
      caller: stranger,
      type: "reused",
      payload: { dataset: "spy" },
    });
    expect(
      (await fixture.service.waitForEnd(stranger.tenantId, theirs.job.id, 10_000)).reusedFrom,
    ).toBeNull();
  });

  test("events are numbered without gaps, bounded, and progress is on the row", async () => {
    await work();
    const job = await ended((await submit("chatty", { logs: 1_200, steps: 3, progress: 200 })).id);
    expect(job.progress).toEqual({ done: 200, total: 200 });
    const events = await fixture.service.events(caller.tenantId, job.id, 0, 5_000);
    expect(events.map((event) => event.id)).toEqual(events.map((_event, at) => at + 1));
    expect(events.at(-1)).toMatchObject({ event: "end", data: { state: "completed" } });
    const logs = events.filter((event) => event.event === "log");
    expect(logs).toHaveLength(1_001);
    expect(logs.at(-1)!.data).toMatchObject({ level: "warn" });
    expect(events.filter((event) => event.event === "step")).toHaveLength(3);
    expect(events.filter((event) => event.event === "sentence")).toHaveLength(1);
    const progress = events.filter((event) => event.event === "progress");
    expect(progress.length).toBeGreaterThan(1);
    expect(progress.length).toBeLessThan(50);
    const inputs = await sql`select kind, ref from job_inputs where job_id = ${job.id}::uuid`.execute(
      database.db,
    );
    expect(inputs.rows).toEqual([{ kind: "file", ref: "a.csv" }]);
  });

  test("every input is kept, however many; beyond the bound there is no result", async () => {
    await work();
    const job = await ended((await submit("chatty", { logs: 0, inputs: 3_500 })).id);
    expect(job.state).toBe("completed");
    const { rows } = await sql<{ n: number }>`
      select count(*)::int as n from job_inputs where job_id = ${job.id}::uuid`.execute(database.db);
    expect(rows[0]!.n).toBe(3_501);
    const over = await ended((await submit("chatty", { logs: 0, inputs: 100_001 })).id);
    expect(over).toMatchObject({ state: "failed", error: { code: "result.tooLarge" } });
  });

  test("of many progress events the old ones go, the newest stays", async () => {
    await work();
    const job = await submit("chatty", { logs: 0 });
    await ended(job.id);
    await sql`insert into job_events (job_id, seq, event, at_ms, data)
      select ${job.id}::uuid, 100 + n, 'progress', 0, '{}' from generate_series(1, 50) n`.execute(
      database.db,
    );
    await trimProgress(database.db, job.id, 10);
    const left = (await fixture.service.events(caller.tenantId, job.id, 0, 1_000)).filter(
      (event) => event.event === "progress",
    );
    expect(left.map((event) => event.id)).toEqual(Array.from({ length: 10 }, (_item, at) => 141 + at));
  });

  test("a caller's backlog does not hold up another caller", async () => {
    const many = await Promise.all(Array.from({ length: 300 }, () => submit("echo", { text: "many" })));
    const other: Caller = { ...caller, principalId: newId(Date.now()) };
    await fixture.service.reconcile();
    const { job } = await fixture.service.submit({ caller: other, type: "echo", payload: { text: "one" } });
    await until(
      "queued",
      async () => (await fixture.service.get(caller.tenantId, job.id)).state === "queued",
    );
    await work(1);
    await ended(job.id);
    for (const item of many) await ended(item.id);
    const order = fixture.seen.runs.map((run) => run.jobId);
    const position = order.indexOf(job.id) - Math.min(...many.map((item) => order.indexOf(item.id)));
    expect(position).toBeLessThanOrEqual(2);
  });

  test("priority 1 runs before priority 9", async () => {
    const low = await submit("echo", { text: "low" }, { options: { priority: 9 } });
    const high = await submit("echo", { text: "high" }, { options: { priority: 1 } });
    await until(
      "queued",
      async () => (await fixture.service.get(caller.tenantId, high.id)).state === "queued",
    );
    await work(1);
    await Promise.all([ended(low.id), ended(high.id)]);
    const order = fixture.seen.runs.map((run) => run.jobId);
    expect(order.indexOf(high.id)).toBeLessThan(order.indexOf(low.id));
  });

  test("lists page through the newest first, filtered", async () => {
    const tenant = testCaller(newId(Date.now()));
    for (let at = 0; at < 5; at++) {
      await fixture.service.submit({ caller: tenant, type: "slow", payload: { waitMs: at } });
    }
    const first = await fixture.service.list(tenant.tenantId, { limit: 2 });
    expect(first.items.map((item) => item.payloadPreview)).toEqual(['{"waitMs":4}', '{"waitMs":3}']);
    const second = await fixture.service.list(tenant.tenantId, { limit: 3, cursor: first.nextCursor! });
    expect(second.items).toHaveLength(3);
    expect(second.nextCursor).toBeNull();
    const found = await fixture.service.list(tenant.tenantId, { limit: 10, q: 'ms":2' });
    expect(found.items).toHaveLength(1);
    await expect(fixture.service.list(tenant.tenantId, { limit: 2, cursor: "x" })).rejects.toMatchObject({
      code: "payload.invalid",
    });
    await sleep(1);
  });
}
