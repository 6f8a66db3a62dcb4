import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { newId } from "@tapedeck/core";
import type { Bus, Caller, QueuePort, RouteHandler, RouteContract } from "@tapedeck/core";
import { createBus } from "@tapedeck/platform/bus/index";
import { createQueue } from "@tapedeck/platform/queue/index";
import { hasRedis, leaveOutUnless, testDatabase, testLog, testRedis } from "@tapedeck/testkit";
import type { TestDatabase, TestRedis } from "@tapedeck/testkit";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { batchRoutes } from "../batches/contract.ts";
import { batchRouteHandlers } from "../batches/read.ts";
import type { Database } from "../db.ts";
import type { Deps } from "../deps.ts";
import { notificationRoutes } from "../notifications/contract.ts";
import { notificationRouteHandlers } from "../notifications/read.ts";
import { createNotifier } from "../notifications/send.ts";
import { scheduleRoutes } from "../schedules/contract.ts";
import { createScheduler } from "../schedules/fire.ts";
import { scheduleRouteHandlers } from "../schedules/read.ts";
import { jobRoutes } from "./contract.ts";
import { jobFixture, testCaller, until } from "./fixture.ts";
import { createScheduleBook } from "../schedules/book.ts";
import type { TestWorker } from "./fixture.ts";
import { jobRouteHandlers } from "./read.ts";
import { eventStream } from "./sse.ts";

/** The handlers of jobs, batches, schedules and notifications behind their contracts, as the API calls them. */
const routes = { ...jobRoutes, ...batchRoutes, ...scheduleRoutes, ...notificationRoutes };
const routeHandlers = {
  ...jobRouteHandlers,
  ...batchRouteHandlers,
  ...scheduleRouteHandlers,
  ...notificationRouteHandlers,
} as unknown as Record<keyof typeof routes, RouteHandler<RouteContract, Deps>>;

interface Asked {
  params?: Record<string, string>;
  query?: Record<string, unknown>;
  body?: unknown;
  headers?: Record<string, string>;
  as?: Caller;
}

interface Sent {
  id?: number;
  event?: string;
  data?: { data: Record<string, unknown> };
}

function parseSse(text: string): Sent[] {
  return text
    .split("\n\n")
    .filter((block) => block.includes("event:"))
    .map((block) => {
      const member = (name: string) =>
        block
          .split("\n")
          .find((line) => line.startsWith(`${name}: `))
          ?.slice(name.length + 2);
      const id = member("id");
      return {
        event: member("event")!,
        data: JSON.parse(member("data")!) as { data: Record<string, unknown> },
        ...(id === undefined ? {} : { id: Number(id) }),
      };
    });
}

describe("routes of jobs on PostgreSQL", () => suite(() => Promise.resolve(undefined)));
leaveOutUnless(hasRedis, "redis-server")("routes of jobs on Redis", () => suite(testRedis));

function suite(startRedis: () => Promise<TestRedis | undefined>): void {
  let database: TestDatabase<Database>;
  let redis: TestRedis | undefined;
  let queue: QueuePort;
  let bus: Bus;
  let fixture: ReturnType<typeof jobFixture>;
  let worker: TestWorker;
  let caller: Caller;

  async function addUser({ tenantId, principalId, role }: Caller): Promise<void> {
    await sql`insert into tenants (id, name, operating, created_ms) values (${tenantId}, ${tenantId}, true, 0)`.execute(
      database.db,
    );
    await sql`
    insert into users (id, tenant_id, email, name, role, password_hash, created_ms)
    values (${principalId}, ${tenantId}, ${principalId}, 'Ada', ${role}, '', 0)`.execute(database.db);
  }

  beforeAll(async () => {
    database = await testDatabase<Database>();
    await sql`create table effects (job_id uuid, pickup int)`.execute(database.db);
    redis = await startRedis();
    const transport = redis === undefined ? { databaseUrl: database.url } : { redisUrl: redis.url };
    queue = createQueue(transport, { log: testLog() });
    bus = createBus(transport, { log: testLog() });
    fixture = jobFixture({ db: database.db, queue, bus });
    fixture.service.start();
    worker = await fixture.work(4);
    caller = testCaller(newId(Date.now()));
    await addUser(caller);
  });
  afterAll(async () => {
    await worker.close();
    await fixture.service.stop();
    await Promise.all([queue.close(), bus.close()]);
    await redis?.close();
    await database.close();
  });

  // oxlint-disable-next-line typescript/no-explicit-any -- each test knows what its route answers
  async function call(name: keyof typeof routes, asked: Asked = {}): Promise<any> {
    const contract: RouteContract = routes[name];
    const result = await routeHandlers[name](
      fixture.deps,
      {
        params: contract.params?.parse(asked.params) as never,
        query: contract.query?.parse(asked.query ?? {}) as never,
        body: contract.body?.parse(asked.body) as never,
        request: new Request("http://127.0.0.1/", { headers: asked.headers ?? {} }),
      },
      asked.as ?? caller,
    );
    if (result instanceof Response) return result;
    return contract.response === undefined ? result : contract.response.parse(result);
  }

  const submit = async (type: string, payload: unknown, options = {}) =>
    (await fixture.service.submit({ caller, type, payload, options })).job;
  const ended = (id: string) => fixture.service.waitForEnd(caller.tenantId, id, 15_000);

  test("events stream until the end, and resume after the last one that was seen", async () => {
    const job = await submit("chatty", { logs: 450, steps: 2, progress: 100 });
    const response: Response = await call("jobEvents", { params: { id: job.id } });
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    const all = parseSse(await response.text());
    expect(all[0]).toMatchObject({ event: "state" });
    expect(all[0]!.id).toBeUndefined();
    const numbered = all.slice(1);
    expect(numbered.map((event) => event.id)).toEqual(numbered.map((_event, at) => at + 1));
    expect(numbered.at(-1)).toMatchObject({ event: "end", data: { data: { state: "completed" } } });
    expect(numbered.filter((event) => event.event === "log")).toHaveLength(450);
    const resumed: Response = await call("jobEvents", {
      params: { id: job.id },
      headers: { "last-event-id": "100" },
    });
    expect(parseSse(await resumed.text()).map((event) => event.id)).toEqual(
      numbered.slice(100).map((event) => event.id),
    );
    const over: Response = await call("jobEvents", {
      params: { id: job.id },
      headers: { "last-event-id": String(numbered.length) },
    });
    expect(over.status).toBe(204);
  });

  test("a reader that leaves frees its place", async () => {
    const job = await submit("slow", { waitMs: 1_000 });
    const response: Response = await call("jobEvents", { params: { id: job.id } });
    const reader = response.body!.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toContain("event: state");
    await reader.cancel();
    expect((await ended(job.id)).state).toBe("completed");
  });

  test("a caller's streams are limited; one that ends, fails or is left gives its place back", async () => {
    const few = jobFixture({ db: database.db, queue, bus, limits: { maxStreamsPerCaller: 2 } });
    const job = await submit("slow", { waitMs: 1_200 });
    const open = (who = caller) =>
      routeHandlers.jobEvents(
        few.deps,
        {
          params: { id: job.id },
          query: undefined,
          body: undefined,
          request: new Request("http://127.0.0.1/"),
        } as never,
        who,
      ) as Promise<Response>;
    const first = (await open()).body!.getReader();
    const second = (await open()).body!.getReader();
    await expect(open()).rejects.toMatchObject({ code: "rate.limited", retryable: true });
    await (await open({ ...caller, principalId: newId(Date.now()) })).body!.cancel();
    await first.cancel();
    await second.cancel();
    const failing = { ...few.service, events: () => Promise.reject(new Error("gone")) };
    const broken = eventStream({
      jobs: failing,
      tenantId: caller.tenantId,
      id: job.id,
      afterId: 1,
      signal: new AbortController().signal,
      onClose: few.service.takeStream(caller),
    });
    await expect(broken.getReader().read()).rejects.toThrow("gone");
    const left = await Promise.all([open(), open()]);
    await expect(open()).rejects.toMatchObject({ code: "rate.limited" });
    for (const { body } of left) await body!.cancel();
  });

  test("logs are paged, inputs listed, other tenants told nothing", async () => {
    const job = await submit("chatty", { logs: 5, inputs: 2 });
    await ended(job.id);
    const first = await call("jobLogs", { params: { id: job.id }, query: { limit: 3 } });
    expect(first.items.map((line: { message: string }) => line.message)).toEqual([
      "line 0",
      "line 1",
      "line 2",
    ]);
    const second = await call("jobLogs", {
      params: { id: job.id },
      query: { limit: 3, cursor: first.nextCursor },
    });
    expect(second.items.map((line: { fields: { at: number } }) => line.fields.at)).toEqual([3, 4]);
    expect(second.nextCursor).toBeNull();
    const inputs = await call("jobInputs", { params: { id: job.id }, query: { limit: "2" } });
    expect(inputs.items.map((input: { ref: string }) => input.ref)).toEqual(["document-0", "document-1"]);
    const last = await call("jobInputs", {
      params: { id: job.id },
      query: { limit: "2", cursor: inputs.nextCursor },
    });
    expect(last).toEqual({ items: [{ kind: "file", ref: "a.csv", label: "a.csv" }], nextCursor: null });
    const stranger = testCaller(newId(Date.now()));
    for (const name of ["getJob", "jobLogs", "jobInputs", "jobEvents", "cancelJob", "retryJob"] as const) {
      await expect(call(name, { params: { id: job.id }, as: stranger })).rejects.toMatchObject({
        code: "job.unknown",
      });
    }
    expect((await call("listJobs", { as: stranger })).items).toEqual([]);
    const failed = await call("listJobs", { query: { state: "failed,cancelled" } });
    expect(failed.items).toEqual([]);
  });

  test("queues and workers are shown by their rows; a paused queue holds its jobs back", async () => {
    await call("pauseQueue", { params: { name: "sentiment" } });
    const job = await submit("reused", { dataset: "paused" });
    await until(
      "queued",
      async () => (await fixture.service.get(caller.tenantId, job.id)).state === "queued",
    );
    await sleep(300);
    const board = await call("listQueues");
    const row = board.items.find((item: { name: string }) => item.name === "sentiment");
    expect(row).toMatchObject({ paused: true, queued: 1, running: 0 });
    expect(row.oldestWaitMs).toBeGreaterThanOrEqual(300);
    expect(row.delivery).not.toBeNull();
    await call("resumeQueue", { params: { name: "sentiment" } });
    expect((await ended(job.id)).state).toBe("completed");
    const workers = await call("listWorkers");
    expect(workers.items).toEqual([expect.objectContaining({ id: worker.id, alive: true })]);
  });

  test("a batch counts its jobs, sums their progress and releases the job that waits for them", async () => {
    const batch = await call("createBatch", {
      body: {
        label: "three and one",
        jobs: [
          { type: "chatty", payload: { logs: 0, progress: 5 } },
          { type: "chatty", payload: { logs: 0, progress: 7 } },
          { type: "faulty", payload: { how: "final" } },
        ],
        afterwards: { type: "echo", payload: { text: "all ended" } },
      },
    });
    expect(batch).toMatchObject({ total: 3, state: "running", label: "three and one" });
    const after = await ended(batch.afterwardsJobId);
    expect(after).toMatchObject({ state: "completed", parentId: null });
    const done = await call("getBatch", { params: { id: batch.id } });
    expect(done).toMatchObject({
      state: "ended",
      completed: 2,
      failed: 1,
      cancelled: 0,
      waiting: 0,
      running: 0,
      progress: { done: 12, total: 12 },
    });
    expect(after.startedMs!).toBeGreaterThanOrEqual(done.endedMs);
    const children = await call("listJobs", { query: { parentId: batch.id } });
    expect(children.items).toHaveLength(3);
    // A failed job that is run again opens its batch again.
    const failed = children.items.find((item: { state: string }) => item.state === "failed");
    await call("retryJob", { params: { id: failed.id } });
    await ended(failed.id);
    expect(await call("getBatch", { params: { id: batch.id } })).toMatchObject({
      state: "ended",
      completed: 2,
      failed: 1,
    });
    expect((await call("listBatches")).items[0].id).toBe(batch.id);
  });

  test("a batch with one job that is not valid writes nothing; the same key gives the same batch", async () => {
    const before = (await call("listJobs", { query: { limit: 200 } })).items.length;
    await expect(
      call("createBatch", {
        body: {
          jobs: [
            { type: "echo", payload: { text: "a" } },
            { type: "echo", payload: {} },
          ],
        },
      }),
    ).rejects.toMatchObject({
      code: "payload.invalid",
      message: expect.stringContaining("jobs/1") as string,
    });
    expect((await call("listJobs", { query: { limit: 200 } })).items).toHaveLength(before);
    const body = { type: "echo", payloads: [{ text: "a" }, { text: "b" }] };
    const headers = { "idempotency-key": "batch-1" };
    const [one, two] = await Promise.all([
      call("createBatch", { body, headers }),
      call("createBatch", { body, headers }),
    ]);
    expect(two.id).toBe(one.id);
    await expect(call("createBatch", { body: { ...body, label: "other" }, headers })).rejects.toMatchObject({
      code: "idempotency.conflict",
    });
  });

  test("cancelling a batch cancels what has not ended", async () => {
    const batch = await call("createBatch", {
      body: { type: "slow", payloads: Array.from({ length: 8 }, () => ({ waitMs: 1_400 })) },
    });
    await call("cancelBatch", { params: { id: batch.id } });
    await until(
      "ended",
      async () => (await call("getBatch", { params: { id: batch.id } })).state === "ended",
    );
    expect(await call("getBatch", { params: { id: batch.id } })).toMatchObject({
      cancelled: 8,
      completed: 0,
    });
    await expect(call("cancelBatch", { params: { id: batch.id } })).rejects.toMatchObject({
      code: "job.ended",
    });
  });

  test("a schedule submits its job once a time, in whichever process, and shows why it could not", async () => {
    let nowMs = Date.parse("2020-01-03T21:29:00Z");
    const log = testLog();
    const make = () => createScheduler({ db: database.db, jobs: fixture.service, now: () => nowMs, log });
    const schedulers = [make(), make()];
    const now = () => nowMs;
    const deps = { ...fixture.deps, now, schedules: createScheduleBook({ jobs: fixture.service, now }) };
    const create = (body: unknown) =>
      routeHandlers.createSchedule(
        deps,
        {
          params: undefined,
          query: undefined,
          body: scheduleRoutes.createSchedule.body!.parse(body),
          request: new Request("http://127.0.0.1/"),
        } as never,
        caller,
      ) as Promise<{ id: string; nextMs: number }>;
    const evening = {
      name: "evening",
      type: "echo",
      payload: { text: "hi" },
      cron: "30 16 * * 1-5",
      timeZone: "America/New_York",
    };
    const schedule = await create(evening);
    expect(schedule.nextMs).toBe(Date.parse("2020-01-03T21:30:00Z"));
    await expect(create(evening)).rejects.toMatchObject({ code: "resource.conflict" });
    await expect(create({ ...evening, name: "b", payload: { text: 1 } })).rejects.toMatchObject({
      code: "payload.invalid",
    });
    await expect(create({ ...evening, name: "c", cron: "x" })).rejects.toMatchObject({
      code: "payload.invalid",
    });
    const runAll = () => Promise.all(schedulers.map((scheduler) => scheduler.runOnce()));
    await runAll();
    const jobsOf = async () =>
      (await call("listJobs", { query: { scheduleId: schedule.id } })).items as unknown[];
    expect(await jobsOf()).toHaveLength(0);
    nowMs = Date.parse("2020-01-03T21:30:00.500Z");
    await runAll();
    await runAll();
    expect(await jobsOf()).toHaveLength(1);
    // Three evenings pass while nothing runs: one job for all of them.
    nowMs = Date.parse("2020-01-09T12:00:00Z");
    await runAll();
    expect(await jobsOf()).toHaveLength(2);
    const shown = await call("getSchedule", { params: { id: schedule.id } });
    expect(shown).toMatchObject({ nextMs: Date.parse("2020-01-09T21:30:00Z"), lastError: null });
    await call("updateSchedule", { params: { id: schedule.id }, body: { misfire: "skip" } });
    await database.db
      .updateTable("schedules")
      .set({ nextMs: Date.parse("2020-01-09T21:30:00Z") })
      .where("id", "=", schedule.id)
      .execute();
    nowMs = Date.parse("2020-01-12T12:00:00Z");
    await runAll();
    expect(await jobsOf()).toHaveLength(2);
    expect((await call("getSchedule", { params: { id: schedule.id } })).lastError).toContain("missed");
    // It runs with the rights that whoever set it has by then.
    const standing = async (set: ReturnType<typeof sql>, dueMs: number) => {
      await sql`update users set ${set} where id = ${caller.principalId}`.execute(database.db);
      await database.db
        .updateTable("schedules")
        .set({ nextMs: dueMs })
        .where("id", "=", schedule.id)
        .execute();
      nowMs = dueMs;
      await runAll();
      return (await call("getSchedule", { params: { id: schedule.id } })).lastError;
    };
    expect(await standing(sql`role = 'viewer'`, nowMs + 1_000)).toContain("need the role analyst");
    expect(await standing(sql`role = 'analyst', disabled_ms = 1`, nowMs + 1_000)).toContain("no longer");
    expect(await jobsOf()).toHaveLength(2);
    expect(await standing(sql`disabled_ms = null`, nowMs + 1_000)).toBeNull();
    expect(await jobsOf()).toHaveLength(3);
    await call("deleteSchedule", { params: { id: schedule.id } });
    await expect(call("getSchedule", { params: { id: schedule.id } })).rejects.toMatchObject({
      code: "resource.unknown",
    });
  });

  test("a callback is signed, sent again after an error, and sent once when taken; private addresses are refused", async () => {
    const calls: { body: string; signature: string; id: string }[] = [];
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (part: Buffer) => (body += part.toString()));
      request.on("end", () => {
        calls.push({
          body,
          signature: String(request.headers["tapedeck-signature"]),
          id: String(request.headers["tapedeck-notification"]),
        });
        response.writeHead(calls.length === 1 ? 500 : 204);
        response.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const callbackUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
    const notifierOptions = {
      db: database.db,
      now: Date.now,
      random: () => 0,
      log: testLog(),
      mail: undefined,
      pushContact: "mailto:test@localhost",
      backoffMs: 10,
    };
    const open = createNotifier({ ...notifierOptions, allowPrivate: true });
    const guarded = createNotifier({ ...notifierOptions, allowPrivate: false, maxAttempts: 1 });
    try {
      const job = await submit("echo", { text: "call me" }, { callbackUrl });
      await ended(job.id);
      expect(await open.runOnce()).toBe(1);
      await until("sent again", async () => (await open.runOnce()) === 1);
      expect(await open.runOnce()).toBe(0);
      expect(calls).toHaveLength(2);
      expect(calls[1]!.id).toBe(calls[0]!.id);
      const { secret } = await call("getCallbackSecret");
      const [, seconds, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(calls[1]!.signature)!;
      expect(createHmac("sha256", secret).update(`${seconds}.${calls[1]!.body}`).digest("hex")).toBe(mac);
      expect(JSON.parse(calls[1]!.body)).toMatchObject({
        event: "job.ended",
        job: { id: job.id, type: "echo", state: "completed", error: null, href: `/api/jobs/${job.id}` },
      });
      expect((await call("listNotifications")).items).toEqual([
        expect.objectContaining({ state: "delivered", attempts: 2, event: "job.ended", lastError: null }),
      ]);
      const refused = await submit("echo", { text: "call me" }, { callbackUrl });
      await ended(refused.id);
      await guarded.runOnce();
      expect(calls).toHaveLength(2);
      const failed = (await call("listNotifications", { query: { state: "failed" } })).items;
      expect(failed).toEqual([
        expect.objectContaining({ lastError: expect.stringContaining("not a public address") as string }),
      ]);
      await call("retryNotification", { params: { id: failed[0].id } });
      expect(await open.runOnce()).toBe(1);
      expect(calls).toHaveLength(3);
      const rotated = await call("rotateCallbackSecret");
      expect(rotated.secret).not.toBe(secret);
    } finally {
      server.close();
    }
  });

  test("ended jobs are erased after their time, with all that hangs on them", async () => {
    const job = await submit("chatty", { logs: 2 });
    await ended(job.id);
    const brief = jobFixture({ db: database.db, queue, bus, limits: { retentionMs: 1_000 } });
    await sleep(1_100);
    // Another service over the same rows reconciles too, one at a time: this one's turn may be the next.
    await until("erased", async () => {
      await brief.service.reconcile();
      const rows = await database.db.selectFrom("jobs").select("id").where("id", "=", job.id).execute();
      return rows.length === 0;
    });
    await expect(fixture.service.get(caller.tenantId, job.id)).rejects.toMatchObject({ code: "job.unknown" });
    const left = await sql<{ n: number }>`
    select (select count(*) from job_events where job_id = ${job.id}::uuid)
      + (select count(*) from job_inputs where job_id = ${job.id}::uuid) as n`.execute(database.db);
    expect(left.rows[0]!.n).toBe(0);
  });

  test("what only the contract refuses is refused in batches and schedules too, and writes nothing", async () => {
    for (const [route, body] of [
      ["createBatch", { type: "guarded", payloads: [{ space: "own" }, { space: "shared" }] }],
      [
        "createBatch",
        {
          type: "echo",
          payloads: [{ text: "x" }],
          afterwards: { type: "guarded", payload: { space: "shared" } },
        },
      ],
      [
        "createSchedule",
        { name: "guarded", type: "guarded", payload: { space: "shared" }, cron: "0 3 * * *" },
      ],
    ] as const) {
      await expect(call(route, { body })).rejects.toMatchObject({ code: "auth.forbidden" });
    }
    const schedule = await call("createSchedule", {
      body: { name: "allowed", type: "guarded", payload: { space: "own" }, cron: "0 3 * * *" },
    });
    await expect(
      call("updateSchedule", { params: { id: schedule.id }, body: { payload: { space: "shared" } } }),
    ).rejects.toMatchObject({ code: "auth.forbidden" });
    expect((await call("listJobs", { query: { type: "guarded" } })).items).toEqual([]);
    const operating = { ...caller, operating: true };
    const batch = await call("createBatch", {
      body: { type: "guarded", payloads: [{ space: "shared" }] },
      as: operating,
    });
    expect(batch.total).toBe(1);
  });
}
