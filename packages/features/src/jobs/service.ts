import { AppError, newId, roleAllows } from "@tapedeck/core";
import type { Bus, Caller, JobContract, Log, QueuePort } from "@tapedeck/core";
import type { Db } from "../db.ts";
import { createBacklog } from "./backlog.ts";
import { createBatcher } from "./batcher.ts";
import type { BatchRequest, JobService, SubmitRequest } from "./contract.ts";
import {
  checkCallbackUrl,
  defaultLimits,
  defaultPriority,
  parsePayload,
  queueRank,
  submissionHash,
} from "./domain.ts";
import type { JobLimits } from "./domain.ts";
import { createHandover } from "./handover.ts";
import { createReconciler } from "./reconciler.ts";
import * as store from "./store.ts";
import type { JobRow, NewJob } from "./store.ts";
import { payloadText } from "./text.ts";
import { createJobWatch } from "./watch.ts";

export interface JobServiceOptions {
  db: Db;
  queue: QueuePort;
  bus: Bus;
  now: () => number;
  contracts: Record<string, JobContract>;
  log: Log;
  limits?: Partial<JobLimits>;
  /** How often rows are read where a message may have been lost. Default 1 s. */
  pollMs?: number;
  /** A worker silent for this long is gone. Default 10 s. */
  workerLeaseMs?: number;
  /** Erases what features keep of jobs whose time is over. */
  eraseKept?: (jobIds: readonly string[]) => Promise<void>;
}

export interface RunningJobService extends JobService {
  /** Starts the background work: watching rows, reconciling. */
  start(): void;
  /** Stops it, and waits for what is under way. */
  stop(): Promise<void>;
  /** One round of the reconciler now; for tests and commands. */
  reconcile(): Promise<void>;
}

/** The longest key that a client may send. */
const maxKeyLength = 200;

export function createJobService(options: JobServiceOptions): RunningJobService {
  const { db, queue, bus, now, contracts, log } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const pollMs = options.pollMs ?? 1_000;
  const backlog = createBacklog(db);
  const watch = createJobWatch({ db, bus, log, pollMs });
  const streams = new Map<string, number>();
  const handover = createHandover({ db, queue, log, now });
  const inserts = createBatcher<NewJob, boolean>({
    flush: async (rows) => {
      const written = await store.insertJobs(db, rows);
      return rows.map((row) => written.has(row.id));
    },
    maxItems: 1_000,
    maxInFlight: 2,
    maxPending: limits.maxPendingSubmits,
    full: () =>
      new AppError(
        "service.unavailable",
        "Too many submissions are waiting to be stored; try again shortly.",
        {
          retryable: true,
        },
      ),
  });

  const guarded = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw store.asServiceError(error);
    }
  };

  const check = (caller: Caller, type: string, payload: unknown) => {
    const contract = Object.hasOwn(contracts, type) ? contracts[type] : undefined;
    if (contract === undefined) {
      throw new AppError(
        "resource.unknown",
        `There is no job type ${type}; there are ${Object.keys(contracts).join(", ")}.`,
      );
    }
    if (!roleAllows(caller.role, contract.role)) {
      throw new AppError("auth.forbidden", `${type} jobs need the role ${contract.role}.`);
    }
    const parsed = parsePayload(contract, payload);
    contract.authorize?.(parsed, caller);
    return { contract, payload: parsed };
  };

  const checkKey = (key: string | undefined) => {
    if (key !== undefined && (key.length === 0 || key.length > maxKeyLength || key.includes("\u0000"))) {
      throw new AppError("payload.invalid", `An idempotency key is 1 to ${maxKeyLength} characters of text.`);
    }
  };

  const newJob = (request: SubmitRequest): NewJob => {
    const { caller, type, idempotencyKey: key } = request;
    const { contract } = check(caller, type, request.payload);
    const chosen = request.options ?? {};
    if (chosen.callbackUrl !== undefined) checkCallbackUrl(chosen.callbackUrl);
    checkKey(key);
    if (backlog.openOf(caller.tenantId) >= limits.maxOpenPerTenant) {
      throw new AppError(
        "job.limit",
        `${limits.maxOpenPerTenant} jobs of this tenant are waiting; let some end, or cancel some.`,
      );
    }
    const nowMs = now();
    const runAtMs = chosen.runAt ?? (chosen.delayMs === undefined ? null : nowMs + chosen.delayMs);
    const priority = chosen.priority ?? defaultPriority;
    return {
      id: newId(nowMs),
      tenantId: caller.tenantId,
      type,
      queue: contract.queue,
      version: contract.version,
      priority,
      rank: 0,
      held: request.held ?? false,
      payload: payloadText(request.payload, contract.maxPayloadBytes ?? 1_048_576),
      idempotencyKey: key ?? null,
      bodyHash: key === undefined ? null : submissionHash(type, request.payload, request.options),
      submittedBy: caller.principalId,
      parentId: request.parentId ?? null,
      scheduleId: request.scheduleId ?? null,
      replayOf: request.replayOf ?? null,
      seed: chosen.seed ?? 0,
      callbackUrl: chosen.callbackUrl ?? null,
      traceParent: request.traceParent ?? null,
      maxAttempts: contract.attempts,
      createdMs: nowMs,
      runAtMs: runAtMs !== null && runAtMs > nowMs ? runAtMs : null,
    };
  };

  const existing = async (row: NewJob) => {
    const found = await guarded(store.loadByKey(db, row.tenantId, row.idempotencyKey!));
    if (found === undefined) {
      throw new AppError("service.unavailable", "The first job of this key was just erased; send it again.", {
        retryable: true,
      });
    }
    if (found.bodyHash !== row.bodyHash) {
      throw new AppError(
        "idempotency.conflict",
        "This idempotency key came with another body before; use a new key for a new request.",
        { details: { jobId: found.id } },
      );
    }
    return { job: store.jobView(found), created: false };
  };

  const handOver = (row: NewJob) => {
    if (row.runAtMs !== null || row.held) return;
    handover.add({
      id: row.id,
      queue: row.queue,
      priority: row.rank,
      ...(row.traceParent === null ? {} : { traceParent: row.traceParent }),
    });
  };

  const reconciler = createReconciler({
    db,
    queue,
    bus,
    now,
    log,
    limits,
    pollMs,
    workerLeaseMs: options.workerLeaseMs ?? 10_000,
    eraseKept: options.eraseKept,
  });

  let refreshTimer: NodeJS.Timeout | undefined;
  const refresh = () =>
    backlog.refresh().catch((error: unknown) => log.debug({ err: error }, "backlog could not be read"));

  const service: RunningJobService = {
    async submit(request) {
      const row = newJob(request);
      row.rank = queueRank(row.priority, backlog.next(row.queue, row.tenantId, row.submittedBy));
      const created = await guarded(inserts.add(row));
      if (!created) return existing(row);
      handOver(row);
      return { job: store.newJobView(freshRow(row), request.payload), created: true };
    },
    async submitBatch(request) {
      const { caller, jobs, idempotencyKey: key } = request;
      checkKey(key);
      if (request.callbackUrl !== undefined) checkCallbackUrl(request.callbackUrl);
      if (jobs.length === 0 || jobs.length > limits.maxBatch) {
        throw new AppError(
          "payload.invalid",
          `A batch has 1 to ${limits.maxBatch} jobs; this one has ${jobs.length}.`,
        );
      }
      const batchId = newId(now());
      const make = (job: BatchRequest["jobs"][number], where: string, held: boolean) => {
        try {
          const row = newJob({
            caller,
            ...job,
            held,
            ...(held ? {} : { parentId: batchId }),
            ...(request.traceParent === undefined ? {} : { traceParent: request.traceParent }),
          });
          row.rank = queueRank(row.priority, backlog.next(row.queue, row.tenantId, row.submittedBy));
          return row;
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
          const message = `${where}: ${error.message}`;
          throw error.details === undefined
            ? new AppError(error.code, message)
            : new AppError(error.code, message, { details: error.details });
        }
      };
      const rows = jobs.map((job, at) => make(job, `jobs/${at}`, false));
      const afterwards =
        request.afterwards === undefined ? undefined : make(request.afterwards, "afterwards", true);
      const { caller: _caller, traceParent: _trace, idempotencyKey: _key, ...body } = request;
      const stored = await guarded(
        store.insertBatch(
          db,
          {
            id: batchId,
            tenantId: caller.tenantId,
            label: request.label ?? null,
            total: rows.length,
            afterwardsJobId: afterwards?.id ?? null,
            callbackUrl: request.callbackUrl ?? null,
            idempotencyKey: key ?? null,
            bodyHash: key === undefined ? null : submissionHash("batch", body, {}),
            submittedBy: caller.principalId,
            createdMs: now(),
          },
          afterwards === undefined ? rows : [...rows, afterwards],
        ),
      );
      if (stored.created) for (const row of rows) handOver(row);
      return stored;
    },
    check,
    get: async (tenantId, id) => store.jobView(await guarded(store.loadJob(db, tenantId, id))),
    list: (tenantId, query) => guarded(store.listJobs(db, tenantId, query)),
    async cancel(caller, id) {
      const row = await guarded(store.loadJob(db, caller.tenantId, id));
      if (row.endedMs !== null) throw ended(row);
      const need = contracts[row.type]?.role;
      if (need !== undefined && !roleAllows(caller.role, need)) {
        throw new AppError("auth.forbidden", `${row.type} jobs need the role ${need}.`);
      }
      const cancelled = await guarded(
        store.endJobs(db, [store.cancelEnd(row.id, null, "waiting", "The job was cancelled.")], now()),
      );
      if (cancelled.batchesEnded) bus.publish("work", "batch");
      if (cancelled.ids.has(id)) {
        await queue.remove(row.queue as NewJob["queue"], id).catch((error: unknown) => {
          log.debug(
            { err: error, jobId: id },
            "a cancelled job stays in the queue; its pick-up will do nothing",
          );
        });
      } else {
        await guarded(store.requestCancel(db, id, now()));
        bus.publish("cancel", id);
      }
      bus.publish("job", id);
      return service.get(caller.tenantId, id);
    },
    async retry(caller, id) {
      const row = await guarded(store.loadJob(db, caller.tenantId, id));
      if (row.endedMs === null) {
        throw new AppError(
          "job.notEnded",
          `The job is ${row.state}; only one that failed or was cancelled can run again.`,
        );
      }
      if (row.state === "completed") throw ended(row);
      const contract = contracts[row.type];
      if (contract === undefined)
        throw new AppError("resource.unknown", `There is no job type ${row.type} any more.`);
      if (!roleAllows(caller.role, contract.role)) {
        throw new AppError("auth.forbidden", `${row.type} jobs need the role ${contract.role}.`);
      }
      if (!(await guarded(store.reopenJob(db, id, now())))) {
        throw new AppError("job.notEnded", "The job is being run again already.");
      }
      const job = await service.get(caller.tenantId, id);
      bus.publish("job", id);
      if (job.runAtMs === null) handover.add({ id, queue: contract.queue, priority: row.rank });
      return job;
    },
    async waitForEnd(tenantId, id, timeoutMs, signal) {
      const deadline = AbortSignal.timeout(Math.max(1, timeoutMs));
      const stop = signal === undefined ? deadline : AbortSignal.any([deadline, signal]);
      let wake: () => void = () => {};
      let changed = true;
      const off = watch.on(id, () => {
        changed = true;
        wake();
      });
      const onAbort = () => wake();
      stop.addEventListener("abort", onAbort, { once: true });
      try {
        for (;;) {
          if (changed || stop.aborted) {
            changed = false;
            const job = await service.get(tenantId, id);
            if (job.endedMs !== null || stop.aborted) return job;
          }
          if (!changed && !stop.aborted) await new Promise<void>((resolve) => (wake = resolve));
        }
      } finally {
        off();
        stop.removeEventListener("abort", onAbort);
      }
    },
    async events(tenantId, id, afterId, limit) {
      await guarded(store.assertTenant(db, tenantId, id));
      return guarded(store.loadEvents(db, id, afterId, limit));
    },
    takeStream({ principalId }) {
      const have = streams.get(principalId) ?? 0;
      if (have >= limits.maxStreamsPerCaller) {
        throw new AppError(
          "rate.limited",
          `${have} event streams of this caller are open here; close some, or watch a batch instead of its jobs.`,
          { retryable: true, details: { retryAfterMs: 5_000 } },
        );
      }
      streams.set(principalId, have + 1);
      let taken = true;
      return () => {
        if (!taken) return;
        taken = false;
        const left = streams.get(principalId)! - 1;
        if (left === 0) streams.delete(principalId);
        else streams.set(principalId, left);
      };
    },
    onEvent: (id, listener) => watch.on(id, listener),
    start() {
      watch.start();
      reconciler.start();
      void refresh();
      refreshTimer ??= setInterval(() => void refresh(), Math.max(pollMs, 1_000));
      refreshTimer.unref();
    },
    async stop() {
      clearInterval(refreshTimer);
      refreshTimer = undefined;
      watch.stop();
      await reconciler.stop();
      await handover.settle();
    },
    reconcile: () => reconciler.runOnce(),
  };
  return service;
}

function ended(row: JobRow): AppError {
  return new AppError("job.ended", `The job has already ended: it is ${row.state}.`);
}

/** The row as it stands right after its insert. */
function freshRow(row: NewJob): JobRow {
  return {
    ...row,
    state: "accepted",
    progress: null,
    result: null,
    error: null,
    failures: 0,
    attempt: 0,
    pickups: 0,
    unended: 0,
    workerId: null,
    codeVersion: null,
    contentKey: null,
    reusedFrom: null,
    eventSeq: 0,
    queuedMs: null,
    startedMs: null,
    cancelRequestedMs: null,
    endedMs: null,
  };
}
