import { setTimeout as sleep } from "node:timers/promises";
import { AppError, defineJob, newId } from "@tapedeck/core";
import type { Bus, Caller, JobContext, JobContract, QueueConsumer, QueuePort } from "@tapedeck/core";
import { testLog } from "@tapedeck/testkit";
import { sql } from "kysely";
import * as z from "zod";
import type { Db, Tx } from "../db.ts";
import type { Deps } from "../deps.ts";
import { createScheduleBook } from "../schedules/book.ts";
import type { JobLimits } from "./domain.ts";
import { createPresence } from "./presence.ts";
import { createJobRuntime } from "./runtime.ts";
import type { AnyHandler, JobRuntime } from "./runtime.ts";
import { createJobService } from "./service.ts";
import type { RunningJobService } from "./service.ts";

/** For tests of jobs: job types that show every way a job can go, and a service with workers on any queue. */

const free = z.looseObject({});
const base = {
  version: 1,
  reuse: false,
  role: "analyst",
  attempts: 3,
  timeoutMs: 10_000,
  cpu: false,
  progress: free,
  result: free,
} as const;

export const testContracts = {
  echo: defineJob({
    ...base,
    name: "echo",
    path: "/echoes",
    queue: "analyze",
    summary: "Gives its payload back",
    payload: z.strictObject({ text: z.string().max(100_000), count: z.int().min(0).default(0) }),
    result: z.object({ text: z.string(), count: z.int(), draws: z.array(z.number()) }),
    maxPayloadBytes: 4_096,
  }),
  slow: defineJob({
    ...base,
    name: "slow",
    path: "/slows",
    queue: "backtest",
    summary: "Waits, and heeds its signal",
    payload: z.strictObject({ waitMs: z.int(), deaf: z.boolean().default(false) }),
    timeoutMs: 1_500,
  }),
  effect: defineJob({
    ...base,
    name: "effect",
    path: "/effects",
    queue: "execute",
    summary: "Writes one row",
    payload: z.strictObject({ pauseMs: z.int().default(0), failAfter: z.int().default(0) }),
  }),
  faulty: defineJob({
    ...base,
    name: "faulty",
    path: "/faults",
    queue: "ingest",
    summary: "Fails as it is told",
    payload: z.strictObject({
      how: z.enum(["retryable", "final", "plain", "nan", "mismatch", "huge", "nul"]),
      failures: z.int().default(100),
    }),
    result: z.looseObject({ value: z.unknown() }),
    maxResultBytes: 1_024,
  }),
  reused: defineJob({
    ...base,
    name: "reused",
    path: "/reuses",
    queue: "sentiment",
    summary: "May be taken from a stored result",
    reuse: true,
    payload: z.strictObject({ dataset: z.string() }),
  }),
  guarded: defineJob({
    ...base,
    name: "guarded",
    path: "/guards",
    queue: "sentiment",
    summary: "Lets only callers of the operating tenant write what all read",
    payload: z.strictObject({ space: z.enum(["own", "shared"]) }),
    authorize({ space }, caller) {
      if (space === "shared" && caller.operating !== true)
        throw new AppError("auth.forbidden", "Only the operating tenant writes to the shared space.");
    },
  }),
  chatty: defineJob({
    ...base,
    name: "chatty",
    path: "/chats",
    queue: "ask",
    summary: "Emits events",
    payload: z.strictObject({
      logs: z.int(),
      steps: z.int().default(0),
      progress: z.int().default(0),
      inputs: z.int().default(0),
    }),
    progress: z.object({ done: z.int(), total: z.int() }),
  }),
};

export interface Seen {
  runs: { type: string; jobId: string; pickup: number }[];
  /** Content hashes by dataset name, for `reused`. */
  hashes: Map<string, string>;
}

export function testHandlers(seen: Seen): Record<keyof typeof testContracts, AnyHandler> {
  const note = (type: string, ctx: JobContext<never, Tx>) =>
    seen.runs.push({ type, jobId: ctx.jobId, pickup: ctx.pickup });
  const handlers = {
    async echo(_deps: Deps, payload: { text: string; count: number }, ctx: JobContext<never, Tx>) {
      note("echo", ctx);
      const random = ctx.random("draws");
      return { ...payload, draws: Array.from({ length: payload.count }, random) };
    },
    async slow(_deps: Deps, payload: { waitMs: number; deaf: boolean }, ctx: JobContext<never, Tx>) {
      note("slow", ctx);
      await sleep(payload.waitMs, undefined, payload.deaf ? {} : { signal: ctx.signal });
      return {};
    },
    async effect(_deps: Deps, payload: { pauseMs: number; failAfter: number }, ctx: JobContext<never, Tx>) {
      note("effect", ctx);
      await sleep(payload.pauseMs);
      const written = await ctx.commit(
        async (tx) => {
          await sql`insert into effects (job_id, pickup) values (${ctx.jobId}::uuid, ${ctx.pickup})`.execute(
            tx,
          );
          return { by: ctx.pickup };
        },
        { once: "effect" },
      );
      if (ctx.pickup <= payload.failAfter)
        throw new AppError("service.unavailable", "Again.", { retryable: true });
      return written;
    },
    async faulty(_deps: Deps, payload: { how: string; failures: number }, ctx: JobContext<never, Tx>) {
      note("faulty", ctx);
      const tries = seen.runs.filter((run) => run.jobId === ctx.jobId).length;
      if (tries > payload.failures) return { value: tries };
      if (payload.how === "nan") return { value: Number.NaN };
      if (payload.how === "mismatch") return { other: 1 } as never;
      if (payload.how === "huge") return { value: "x".repeat(2_000) };
      if (payload.how === "nul") return { value: "a\u0000b\ud800c" };
      if (payload.how === "plain") throw new Error("secret detail");
      throw new AppError("venue.unavailable", "The venue\u0000 is away.", {
        retryable: payload.how === "retryable",
      });
    },
    reused: Object.assign(
      async (_deps: Deps, payload: { dataset: string }, ctx: JobContext<never, Tx>) => {
        note("reused", ctx);
        return { of: payload.dataset, run: seen.runs.length };
      },
      {
        resolveInputs: async (_deps: Deps, payload: { dataset: string }) => ({
          payload,
          hashes: [seen.hashes.get(payload.dataset) ?? "none"],
        }),
      },
    ),
    async guarded(_deps: Deps, _payload: unknown, ctx: JobContext<never, Tx>) {
      note("guarded", ctx);
      return {};
    },
    async chatty(
      _deps: Deps,
      payload: { logs: number; steps: number; progress: number; inputs: number },
      ctx: JobContext<{ done: number; total: number }, Tx>,
    ) {
      note("chatty", ctx as never);
      for (let at = 0; at < payload.logs; at++) ctx.log("info", `line ${at}`, { at });
      for (let at = 0; at < payload.steps; at++) ctx.step({ name: `step ${at}` });
      for (let at = 1; at <= payload.progress; at++) {
        ctx.progress({ done: at, total: payload.progress });
        await sleep(2);
      }
      for (let at = 0; at < payload.inputs; at++)
        ctx.input({ kind: "document", ref: `document-${at}`, label: `document ${at}` });
      ctx.sentence({ text: "Done.", evidenceIds: [] });
      ctx.input({ kind: "file", ref: "a.csv", label: "a.csv" });
      return {};
    },
  };
  return handlers as unknown as Record<keyof typeof testContracts, AnyHandler>;
}

export function testCaller(tenantId: string, principalId = newId(Date.now())): Caller {
  return { principalId, kind: "user", tenantId, role: "trader", requestId: "test" };
}

export interface TestWorker {
  id: string;
  runtime: JobRuntime;
  /** Deliveries in a row of this worker that ended, by job. */
  close(deadlineMs?: number): Promise<void>;
  /** Stops to say that it lives, as if killed; its runs go on. */
  silence(): Promise<void>;
  consumers: QueueConsumer[];
}

/** A service over this database and queue, and workers on demand. */
export function jobFixture(options: {
  db: Db;
  queue: QueuePort;
  bus: Bus;
  contracts?: Record<string, JobContract>;
  handlers?: Record<string, AnyHandler>;
  limits?: Partial<JobLimits>;
  lockMs?: number;
  stallCheckMs?: number;
}) {
  const { db, queue, bus } = options;
  const log = testLog();
  const seen: Seen = { runs: [], hashes: new Map() };
  const contracts = options.contracts ?? testContracts;
  const handlers = options.handlers ?? testHandlers(seen);
  const limits = { backoffMs: 50, maxBackoffMs: 200, allowPrivateCallbacks: true, ...options.limits };
  const service: RunningJobService = createJobService({
    db,
    queue,
    bus,
    now: Date.now,
    contracts,
    log,
    limits,
    pollMs: 200,
    workerLeaseMs: 2_000,
  });
  const schedules = createScheduleBook({ jobs: service, now: Date.now });
  const deps = { db, queue, bus, jobs: service, log, now: Date.now, schedules } as unknown as Deps;

  const work = async (concurrency = 4, queues?: readonly string[]): Promise<TestWorker> => {
    const id = newId(Date.now());
    const runtime = createJobRuntime({
      db,
      bus,
      now: Date.now,
      random: Math.random,
      contracts,
      handlers,
      deps,
      log,
      workerId: id,
      limits,
      stopGraceMs: 300,
    });
    const names = queues ?? [...new Set(Object.values(contracts).map((contract) => contract.queue))];
    const presence = createPresence({
      db,
      bus,
      now: Date.now,
      log,
      runtime,
      everyMs: 200,
      worker: { id, host: "test", pid: process.pid, queues: names, concurrency, threads: 0 },
    });
    await presence.start();
    const consumers = names.map((name) =>
      queue.consume(
        name as "ask",
        { concurrency, lockMs: options.lockMs ?? 3_000, stallCheckMs: options.stallCheckMs ?? 1_000 },
        runtime.runDelivery,
      ),
    );
    return {
      id,
      runtime,
      consumers,
      silence: () => presence.stop(),
      async close(deadlineMs = 2_000) {
        await Promise.all(consumers.map((consumer) => consumer.close(deadlineMs)));
        await presence.stop();
      },
    };
  };
  return { service, work, seen, log, deps };
}

/** Waits until it holds, and says what did not. */
export async function until(
  what: string,
  holds: () => Promise<boolean> | boolean,
  timeoutMs = 15_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await sleep(20);
  }
}
