/** Job types of the fault suite, loaded by API and workers through TAPEDECK_EXTRA_JOBS. */
import { setTimeout as sleep } from "node:timers/promises";
import { AppError, defineJob } from "@tapedeck/core";
import type { ExecutionVenue, JobContext } from "@tapedeck/core";
import type { Tx } from "@tapedeck/features/db";
import type { Deps } from "@tapedeck/features/deps";
import { OrderPayload } from "@tapedeck/features/orders/contract";
import { runExecute } from "@tapedeck/features/orders/run";
import type { Kysely, Transaction } from "kysely";
import * as z from "zod";

export interface FaultTables {
  faultRuns: { jobId: string; pickup: number; pid: number; atMs: number };
  faultEffects: { jobId: string; pickup: number; pid: number; atMs: number };
}

export const probe = defineJob({
  name: "probe",
  path: "/fault-probes",
  queue: "analyze",
  summary: "Waits, then writes one effect",
  version: 1,
  reuse: false,
  role: "analyst",
  attempts: 3,
  timeoutMs: 120_000,
  cpu: false,
  payload: z.strictObject({
    sleepMs: z.int().min(0).default(0),
    /** Blocks the event loop of the first pick-up, then goes on. */
    blockMs: z.int().min(0).default(0),
    note: z.string().default(""),
    /** Note each pick-up in fault_runs. */
    record: z.boolean().default(true),
  }),
  progress: z.unknown(),
  result: z.object({ pickup: z.int() }),
});

export const faultOrder = defineJob({
  name: "faultOrder",
  path: "/fault-orders",
  queue: "execute",
  summary: "Places an order and dies at a chosen moment of the first pick-up",
  version: 1,
  reuse: false,
  role: "trader",
  attempts: 1,
  timeoutMs: 120_000,
  cpu: false,
  payload: z.strictObject({
    order: OrderPayload,
    dieAt: z.enum(["before send", "after send", "after answer", "after books"]),
    /** The venue does not answer any later pick-up. */
    thenSilent: z.boolean().default(false),
  }),
  progress: z.unknown(),
  result: z.unknown(),
});

export const contracts = { probe, faultOrder };

function die(): Promise<never> {
  process.kill(process.pid, "SIGKILL");
  return new Promise(() => undefined);
}

async function runProbe(
  deps: Deps,
  payload: z.output<(typeof probe)["payload"]>,
  ctx: JobContext<unknown, Tx>,
): Promise<{ pickup: number }> {
  const db = deps.db as unknown as Kysely<FaultTables>;
  const mark = () => ({ jobId: ctx.jobId, pickup: ctx.pickup, pid: process.pid, atMs: ctx.now() });
  if (payload.record) await db.insertInto("faultRuns").values(mark()).execute();
  if (payload.blockMs > 0 && ctx.pickup === 1) {
    const until = performance.now() + payload.blockMs;
    while (performance.now() < until);
  }
  if (payload.sleepMs > 0) await sleep(payload.sleepMs, undefined, { signal: ctx.signal });
  // A worker may be killed between this commit and the job's end: the effect is written once in the job's life.
  await ctx.commit(
    async (tx) => {
      await (tx as unknown as Transaction<FaultTables>).insertInto("faultEffects").values(mark()).execute();
    },
    { once: "effect" },
  );
  return { pickup: ctx.pickup };
}

/** The venue, with a death around its answer on the first pick-up. */
function deadly(venue: ExecutionVenue, dieAt: string): ExecutionVenue {
  return {
    ...venue,
    async submit(order, signal) {
      if (dieAt === "before send") return await die();
      const report = await venue.submit(order, signal);
      if (dieAt === "after send") return await die();
      // The caller has the answer in hand and has stored nothing of it.
      if (dieAt === "after answer") queueMicrotask(() => void die());
      return report;
    },
  };
}

function silent(venue: ExecutionVenue): ExecutionVenue {
  const never = () =>
    Promise.reject(new AppError("venue.unavailable", "The venue does not answer.", { retryable: true }));
  return { ...venue, submit: never, fetchOrder: never };
}

async function runFaultOrder(
  deps: Deps,
  payload: z.output<(typeof faultOrder)["payload"]>,
  ctx: JobContext<unknown, Tx>,
): Promise<unknown> {
  const { dieAt, thenSilent } = payload;
  const first = ctx.pickup === 1;
  const open: Deps["venues"]["open"] = (account) => {
    const venue = deps.venues.open(account);
    if (first) return deadly(venue, dieAt);
    return thenSilent ? silent(venue) : venue;
  };
  const result = await runExecute({ ...deps, venues: { open } }, payload.order, ctx as never);
  if (first) await die();
  return result;
}

export const handlers = { probe: runProbe, faultOrder: runFaultOrder };
