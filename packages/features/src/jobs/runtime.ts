import { setTimeout as sleep } from "node:timers/promises";
import { AppError, errorRecord, toAppError } from "@tapedeck/core";
import type {
  Bus,
  DeliveryHandler,
  DeliveryOutcome,
  ErrorRecord,
  JobContext,
  JobContract,
  JobHandler,
  Log,
} from "@tapedeck/core";
import type { Db, Tx } from "../db.ts";
import type { Deps } from "../deps.ts";
import { createBatcher } from "./batcher.ts";
import { createCommit } from "./commit.ts";
import { createContext } from "./context.ts";
import type { Emission, RunFacts } from "./context.ts";
import { contentKey, defaultLimits, parsePayload, retryDelay } from "./domain.ts";
import type { JobLimits } from "./domain.ts";
import { createFeedWriter } from "./feed.ts";
import * as store from "./store.ts";
import type { ClaimedJob, JobEnd } from "./store.ts";
import { errorText, resultText } from "./text.ts";

/** Any handler, its payload already parsed by its contract. */
export type AnyHandler = JobHandler<JobContract, Deps, Tx>;

/** Runs a handler elsewhere: the worker's threads. `stop` makes it give up within a moment, by force if need be. */
export type ThreadRunner = (run: {
  type: string;
  payload: unknown;
  facts: RunFacts;
  signal: AbortSignal;
  emit: (emission: Emission) => void;
}) => Promise<unknown>;

export interface JobRuntimeOptions {
  db: Db;
  /** A pool that plans a statement once, for claims and ends by id. Default: `db`. */
  keyed?: Db;
  bus: Bus;
  now: () => number;
  random: () => number;
  contracts: Record<string, JobContract>;
  handlers: Record<string, AnyHandler>;
  deps: Deps;
  log: Log;
  workerId: string;
  /** For contracts with `cpu`; absent: they run here. */
  threads?: ThreadRunner;
  limits?: Partial<JobLimits>;
  /** How long a handler that was told to stop may take before it is given up. Default 2 s. */
  stopGraceMs?: number;
  /** Wraps a run in a span. */
  trace?: <T>(
    name: string,
    traceParent: string | undefined,
    attributes: Record<string, string | number>,
    run: () => Promise<T>,
  ) => Promise<T>;
  /** Recorded with each job that runs here, for lineage. */
  codeVersion?: string;
  /** Told of every end, for metrics. */
  onEnd?: (end: { type: string; queue: string; state: string; runMs: number; waitMs: number }) => void;
}

export interface JobRuntime {
  /** What a queue's consumer calls for each delivery. Never throws. */
  runDelivery: DeliveryHandler;
  /** Stops the run of this job here, if there is one: it was cancelled, or another attempt owns it. */
  stop(id: string, why: "cancel" | "lost"): void;
  running(): { id: string; pickup: number }[];
}

type StopKind = "cancel" | "timeout" | "shutdown" | "lost";

interface Run {
  row: ClaimedJob;
  contract: JobContract;
  signal: AbortSignal;
  /** To be called once the handler is through. */
  worked(): void;
  stopped(): StopKind | undefined;
  stop(kind: StopKind): void;
}

/** After the database dropped us, before the delivery goes back. */
const outagePauseMs = 500;

export function createJobRuntime(options: JobRuntimeOptions): JobRuntime {
  const { db, bus, now, log, workerId } = options;
  const keyed = options.keyed ?? db;
  const limits = { ...defaultLimits, ...options.limits };
  const stopGraceMs = options.stopGraceMs ?? 2_000;
  const feeds = createFeedWriter({ db, bus, log, limits, now });
  const runs = new Map<string, Run>();

  const busy = () => new AppError("service.unavailable", "Too many jobs are being started or ended here.");
  const claims = createBatcher<string, ClaimedJob | undefined>({
    flush: async (ids) => {
      const rows = await store.claimJobs(keyed, ids, {
        workerId,
        codeVersion: options.codeVersion,
        nowMs: now(),
        maxUnended: limits.maxUnended,
      });
      const byId = new Map(rows.map((row) => [row.id, row]));
      return ids.map((id) => byId.get(id));
    },
    maxItems: 200,
    maxInFlight: 2,
    maxPending: 100_000,
    full: busy,
  });
  const ends = createBatcher<JobEnd, boolean>({
    flush: async (items) => {
      const alone = items.every((item) => item.alone === true);
      const { ids, batchesEnded } = await store.endJobs(alone ? keyed : db, items, now());
      // What a batch held back may run now.
      if (batchesEnded) bus.publish("work", "batch");
      return items.map((item) => ids.has(item.id));
    },
    maxItems: 200,
    maxInFlight: 2,
    maxPending: 100_000,
    full: busy,
  });

  /** Repeats until the database has taken it: an end that is known must not be lost to an outage. */
  const persist = async <T>(jobId: string, work: () => Promise<T>): Promise<T> => {
    for (let round = 0; ; round++) {
      try {
        return await work();
      } catch (error) {
        if (!store.isOutage(error)) throw error;
        if (round === 0)
          log.warn({ err: error, jobId }, "database does not take the end of a job, trying on");
        await sleep(Math.min(2_000, 100 * 2 ** round));
      }
    }
  };

  const end = async (row: ClaimedJob, how: Pick<JobEnd, "state"> & Partial<JobEnd>): Promise<void> => {
    const item: JobEnd = {
      id: row.id,
      pickup: row.pickups,
      from: "owner",
      result: null,
      error: null,
      contentKey: null,
      reusedFrom: null,
      alone: row.parentId === null && row.callbackUrl === null,
      ...how,
    };
    const done = await persist(row.id, () => ends.add(item));
    bus.publish("job", row.id);
    if (!done) {
      log.info({ jobId: row.id, pickup: row.pickups }, "job is owned by another attempt or has ended");
      return;
    }
    const endMs = now();
    options.onEnd?.({
      type: row.type,
      queue: row.queue,
      state: how.state,
      runMs: endMs - (row.startedMs ?? endMs),
      waitMs: (row.startedMs ?? endMs) - (row.runAtMs ?? row.createdMs),
    });
  };

  const fail = (row: ClaimedJob, record: ErrorRecord) =>
    end(row, { state: "failed", error: errorText(record) });

  const release = (
    row: ClaimedJob,
    how: { runAtMs: number | null; failed: boolean; reason: string; error: ErrorRecord | null },
  ) =>
    persist(row.id, async () => {
      await store.releaseJob(db, {
        id: row.id,
        pickup: row.pickups,
        runAtMs: how.runAtMs,
        failed: how.failed,
        unended: false,
        reason: how.reason,
        error: how.error === null ? null : errorText(how.error),
        nowMs: now(),
      });
      bus.publish("job", row.id);
    });

  /** Takes the job, or says why there is nothing to run. */
  const claim = async (id: string, signal: AbortSignal): Promise<ClaimedJob | DeliveryOutcome> => {
    for (let round = 0; round < 6; round++) {
      const row = await claims.add(id);
      if (row !== undefined) return row;
      const seen = await db.selectFrom("jobs").selectAll().where("id", "=", id).executeTakeFirst();
      if (seen === undefined || seen.endedMs !== null || seen.held) return "done";
      if (seen.cancelRequestedMs !== null) {
        const cancelled = store.cancelEnd(id, seen.pickups, "any", "The job was cancelled.");
        await ends.add(cancelled);
        bus.publish("job", id);
        return "done";
      }
      if (seen.runAtMs !== null && seen.runAtMs > now()) return "done";
      if (seen.unended >= limits.maxUnended) {
        await end(seen, {
          state: "failed",
          from: "any",
          error: JSON.stringify(
            errorRecord(
              new AppError(
                "job.crashed",
                `The job was picked up ${seen.unended} times and its worker died each time; retry it once the cause is found.`,
              ),
            ),
          ),
        });
        return "done";
      }
      if (signal.aborted) return "requeue";
      await sleep(50 * 2 ** round);
    }
    return "requeue";
  };

  const settle = async (run: Run, error: unknown): Promise<DeliveryOutcome> => {
    const { row, contract } = run;
    const app = toAppError(error);
    const kind = run.stopped();
    if (kind === "lost" || app.code === "job.fenced") return "done";
    if (kind === "cancel") {
      await end(row, store.cancelEnd(row.id, row.pickups, "owner", "The job was cancelled."));
      return "done";
    }
    if (kind === "timeout") {
      const message = `The job took longer than ${contract.timeoutMs} ms.`;
      await fail(row, errorRecord(new AppError("job.timeout", message)));
      return "done";
    }
    if (kind === "shutdown") {
      await release(row, { runAtMs: null, failed: false, reason: "handed back", error: null });
      return "requeue";
    }
    const attempt = row.failures + 1;
    const again = app.retryable && attempt < contract.attempts;
    log[again || app.status < 500 ? "info" : "error"](
      { jobId: row.id, type: row.type, attempt, code: app.code, err: app },
      again ? "attempt failed, will be repeated" : "job failed",
    );
    if (!again) {
      await fail(row, errorRecord(app));
      return "done";
    }
    const runAtMs = now() + retryDelay(attempt, limits, options.random);
    await release(row, { runAtMs, failed: true, reason: "retry", error: errorRecord(app) });
    return "done";
  };

  /** A stored result of the same content address, and the address. */
  const findStored = async (run: Run, handler: AnyHandler, payload: unknown) => {
    const { row, contract } = run;
    if (!contract.reuse || handler.resolveInputs === undefined) return { key: null, stored: undefined };
    const resolved = await handler.resolveInputs(options.deps, payload as never, {
      tenantId: row.tenantId,
      nowMs: now(),
      signal: run.signal,
    });
    const key = contentKey({
      tenantId: row.tenantId,
      type: row.type,
      version: contract.version,
      payload: resolved.payload,
      hashes: resolved.hashes.toSorted(),
      seed: Number(row.seed),
    });
    // A replay is there to compute it again.
    const stored = row.replayOf === null ? await store.loadByContent(db, row.tenantId, key) : undefined;
    return { key, stored };
  };

  const execute = async (run: Run): Promise<void> => {
    const { row, contract } = run;
    const handler = options.handlers[row.type];
    if (handler === undefined) {
      throw new AppError("internal", `This worker has no handler for ${row.type} jobs; update it.`, {
        retryable: true,
      });
    }
    const payload = parsePayload(contract, JSON.parse(row.payload));
    const { key, stored } = await findStored(run, handler, payload);
    if (stored !== undefined) {
      await end(row, { state: "completed", result: stored.result, contentKey: key, reusedFrom: stored.id });
      return;
    }
    const feed = feeds.open({ id: row.id, pickup: row.pickups, lost: () => run.stop("lost") });
    try {
      const result = await stoppable(run, work(run, handler, payload, feed.emit));
      const parsed = contract.result.safeParse(result);
      if (!parsed.success) {
        const issue = parsed.error.issues[0]!;
        throw new AppError(
          "result.invalid",
          `The result of ${row.type} does not match its contract at /${issue.path.join("/")}: ${issue.message}`,
        );
      }
      const text = resultText(parsed.data, contract.maxResultBytes ?? 4 * 1_048_576);
      await persist(row.id, () => feed.drain());
      await end(row, { state: "completed", result: text, contentKey: key });
    } catch (error) {
      await persist(row.id, () => feed.drain());
      throw error;
    }
  };

  const work = (run: Run, handler: AnyHandler, payload: unknown, emit: (emission: Emission) => void) => {
    const { row, contract, signal } = run;
    const facts: RunFacts = {
      jobId: row.id,
      tenantId: row.tenantId,
      submittedBy: row.submittedBy,
      pickup: row.pickups,
      replayOf: row.replayOf,
      seed: Number(row.seed),
    };
    if (contract.cpu && options.threads !== undefined) {
      return options.threads({ type: row.type, payload, facts, signal, emit });
    }
    const commit = createCommit(db, row.id, row.pickups, signal);
    const ctx = createContext(facts, { signal, now, emit, commit });
    return handler(options.deps, payload as never, ctx as JobContext<never, Tx>);
  };

  /** The work's outcome; once told to stop it has a moment to end by itself, then it is given up (and stays fenced). */
  const stoppable = async (run: Run, working: Promise<unknown>): Promise<unknown> => {
    const { promise: overdue, reject } = Promise.withResolvers<never>();
    let timer: NodeJS.Timeout | undefined;
    const onAbort = () => {
      timer = setTimeout(() => {
        log.warn({ jobId: run.row.id, type: run.row.type }, "handler does not stop, it is given up");
        reject(run.signal.reason);
      }, stopGraceMs);
    };
    if (run.signal.aborted) onAbort();
    else run.signal.addEventListener("abort", onAbort, { once: true });
    working.catch(() => undefined);
    try {
      return await Promise.race([working, overdue]);
    } finally {
      run.worked();
      clearTimeout(timer);
      run.signal.removeEventListener("abort", onAbort);
    }
  };

  const runClaimed = async (
    row: ClaimedJob,
    signal: AbortSignal,
    worked: () => void,
  ): Promise<DeliveryOutcome> => {
    const contract = options.contracts[row.type];
    if (contract === undefined) {
      await release(row, {
        runAtMs: now() + limits.maxBackoffMs,
        failed: false,
        reason: "no worker knows the type",
        error: null,
      });
      log.error({ jobId: row.id, type: row.type }, "job type is unknown here");
      return "done";
    }
    const controller = new AbortController();
    let kind: StopKind | undefined;
    const stop = (why: StopKind) => {
      if (kind !== undefined) return;
      kind = why;
      controller.abort(stopError(why));
    };
    const run: Run = { row, contract, signal: controller.signal, worked, stopped: () => kind, stop };
    // A lock that could not be renewed says nothing about the row: while no newer pick-up took it, the work counts.
    const onAbort = () => {
      if (!(signal.reason instanceof AppError && signal.reason.code === "job.fenced")) stop("shutdown");
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    const timer = setTimeout(() => stop("timeout"), contract.timeoutMs);
    // A newer pick-up of the same job in this process (its lock was lost) ends the older one.
    runs.get(row.id)?.stop("lost");
    runs.set(row.id, run);
    bus.publish("job", row.id);
    try {
      await execute(run);
      return "done";
    } catch (error) {
      return await settle(run, error);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      if (runs.get(row.id) === run) runs.delete(row.id);
    }
  };

  return {
    async runDelivery(delivery, signal, worked) {
      try {
        const row = await claim(delivery.id, signal);
        if (typeof row === "string") return row;
        const traceParent = row.traceParent ?? delivery.traceParent;
        if (options.trace === undefined) return await runClaimed(row, signal, worked);
        return await options.trace(
          `job ${row.type}`,
          traceParent,
          { "job.id": row.id, "job.type": row.type, "job.attempt": row.attempt },
          () => runClaimed(row, signal, worked),
        );
      } catch (error) {
        if (!store.isOutage(error)) log.error({ err: error, jobId: delivery.id }, "delivery failed");
        await sleep(outagePauseMs, undefined, { signal }).catch(() => undefined);
        return "requeue";
      }
    },
    stop: (id, why) => runs.get(id)?.stop(why),
    running: () => [...runs.values()].map((run) => ({ id: run.row.id, pickup: run.row.pickups })),
  };
}

function stopError(kind: StopKind): AppError {
  if (kind === "cancel") return new AppError("job.cancelled", "The job was cancelled.");
  if (kind === "timeout") return new AppError("job.timeout", "The job took longer than its limit.");
  if (kind === "lost") return new AppError("job.fenced", "Another attempt owns the job.");
  return new AppError("service.unavailable", "The worker stops; the job is handed back.", {
    retryable: true,
  });
}
