import type { Bus, Log, QueueItem, QueueName, QueuePort } from "@tapedeck/core";
import { setTimeout as sleep } from "node:timers/promises";
import { queueNames } from "@tapedeck/core";
import { sql } from "kysely";
import type { Db } from "../db.ts";
import { agedRank } from "./domain.ts";
import type { JobLimits } from "./domain.ts";
import { cancelEnd, endJobs, markQueued, releaseJob } from "./store.ts";

/**
 * Brings the queue in line with the rows, once a second in one process at a time (an advisory lock): accepted rows
 * that are due are added, queued ones that the queue lost are added again, running ones whose worker is gone and
 * that the queue does not know wait again, cancellations nobody carried out are carried out, those that waited long go
 * first, old rows are erased.
 * Every step may be repeated or cut off anywhere.
 */
export interface Reconciler {
  start(): void;
  stop(): Promise<void>;
  runOnce(): Promise<void>;
}

export interface ReconcilerOptions {
  db: Db;
  queue: QueuePort;
  bus: Bus;
  now: () => number;
  log: Log;
  limits: JobLimits;
  pollMs: number;
  workerLeaseMs: number;
  /** Erases what features keep of these jobs; repeated when it was cut off. */
  eraseKept?: ((jobIds: readonly string[]) => Promise<void>) | undefined;
}

/** "tape" in ASCII, and a number for each lock. */
const lockSpace = 0x74617065;
const reconcilerLock = 1;

const chunk = 1_000;
/** A process that just committed a row hands it over itself; only after this is it looked for. */
const graceMs = 750;
/** Chunks of queued rows compared with the queue in one round, while nothing is found missing. */
const chunksPerRound = 2;
/** A running job told to stop is ended by force after this. */
const cancelGraceMs = 30_000;
/** At most this long apart, callers' longest-waiting jobs are looked for. */
const ageEveryMs = 5_000;
const eraseEveryMs = 60_000;
/** Ingests whose time was over within this long are looked at again for events to erase. */
const ingestEventsSweepMs = 7 * 86_400_000;
/** Between two rounds, however often it is woken. */
const restMs = 50;

interface Waiting {
  id: string;
  queue: QueueName;
  rank: number;
  traceParent: string | null;
}

export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { db, queue, bus, now, log } = options;
  let timer: NodeJS.Timeout | undefined;
  let unsubscribe: (() => void) | undefined;
  let running: Promise<void> | undefined;
  let again = false;
  let stopped = true;
  let nextErase = 0;
  let nextAging = 0;
  /** Where the comparison with the queue goes on, per queue. */
  const cursors = new Map<QueueName, string>();

  const item = (row: Waiting): QueueItem => ({
    id: row.id,
    queue: row.queue,
    priority: row.rank,
    ...(row.traceParent === null ? {} : { traceParent: row.traceParent }),
  });

  const addDue = async () => {
    for (;;) {
      const nowMs = now();
      const due = await sql<Waiting>`
        select id, queue, rank, trace_parent from jobs
        where state = 'accepted' and ended_ms is null and not held
          and (run_at_ms <= ${nowMs} or (run_at_ms is null and created_ms < ${nowMs - graceMs}))
        order by rank, id limit ${chunk}`.execute(db);
      if (due.rows.length === 0) return;
      await queue.add(due.rows.map(item));
      await markQueued(
        db,
        due.rows.map((row) => row.id),
        now(),
      );
      if (due.rows.length < chunk || stopped) return;
    }
  };

  const addLost = async (name: QueueName) => {
    for (let round = 0; round < chunksPerRound && !stopped;) {
      const after = cursors.get(name) ?? "00000000-0000-0000-0000-000000000000";
      const rows = await sql<Waiting>`
        select id, queue, rank, trace_parent from jobs
        where state = 'queued' and ended_ms is null and queue = ${name} and id > ${after}::uuid
          and queued_ms < ${now() - graceMs}
        order by id limit ${chunk}`.execute(db);
      if (rows.rows.length === 0) {
        cursors.delete(name);
        if (after.startsWith("00000000-0000")) return;
        round++;
        continue;
      }
      cursors.set(name, rows.rows.at(-1)!.id);
      const known = await queue.known(
        name,
        rows.rows.map((row) => row.id),
      );
      const missing = rows.rows.filter((row) => !known.has(row.id));
      if (missing.length === 0) {
        round++;
        continue;
      }
      log.warn({ queue: name, jobs: missing.length }, "queue lost jobs, adding them again");
      await queue.add(missing.map(item));
    }
  };

  /**
   * Priorities and backlogs alone could hold a job up for ever. So each caller's longest-waiting job of a queue, once it
   * has waited `ageMs`, goes ahead of everything but one such job of each other caller; the next when that one has begun.
   */
  const ageWaiting = async () => {
    const nowMs = now();
    if (nowMs < nextAging) return;
    nextAging = nowMs + Math.min(ageEveryMs, options.limits.ageMs);
    const oldest = await sql<Pick<Waiting, "id" | "queue" | "rank">>`
      select distinct on (queue, submitted_by) id, queue, rank from jobs
      where state = 'queued' and ended_ms is null and coalesce(run_at_ms, created_ms) < ${nowMs - options.limits.ageMs}
      order by queue, submitted_by, rank <> ${agedRank}, coalesce(run_at_ms, created_ms), id
      limit ${chunk}`.execute(db);
    const held = oldest.rows.filter((row) => row.rank !== agedRank);
    for (const [name, rows] of Map.groupBy(held, (row) => row.queue)) {
      const ids = rows.map((row) => row.id);
      await queue.toFront(name, ids);
      await sql`
        update jobs set rank = ${agedRank} where id = any(${ids}::uuid[]) and state = 'queued'`.execute(db);
    }
  };

  const freeOrphans = async () => {
    const nowMs = now();
    const rows = await sql<Waiting & { pickups: number; cancelRequestedMs: number | null; gone: boolean }>`
      select j.id, j.queue, j.rank, j.trace_parent, j.pickups, j.cancel_requested_ms,
        (w.id is null or w.heartbeat_ms < ${nowMs - options.workerLeaseMs} or w.stopped_ms is not null) as gone
      from jobs j left join workers w on w.id = j.worker_id
      where j.state = 'running' and j.ended_ms is null
        and (w.id is null or w.heartbeat_ms < ${nowMs - options.workerLeaseMs} or w.stopped_ms is not null
          or j.cancel_requested_ms < ${nowMs - cancelGraceMs})
      limit ${chunk}`.execute(db);
    const cancelled = rows.rows.filter((row) => row.cancelRequestedMs !== null);
    if (cancelled.length > 0) {
      const message = "The job was cancelled while no worker answered for it.";
      await endJobs(
        db,
        cancelled.map((row) => cancelEnd(row.id, row.pickups, "any", message)),
        now(),
      );
      for (const row of cancelled) bus.publish("job", row.id);
    }
    for (const name of queueNames) {
      const orphans = rows.rows.filter(
        (row) => row.queue === name && row.gone && row.cancelRequestedMs === null,
      );
      if (orphans.length === 0) continue;
      const known = await queue.known(
        name,
        orphans.map((row) => row.id),
      );
      for (const row of orphans) {
        if (known.has(row.id)) continue;
        const freed = await releaseJob(db, {
          id: row.id,
          pickup: row.pickups,
          runAtMs: null,
          failed: false,
          unended: true,
          reason: "worker gone",
          error: null,
          nowMs: now(),
        });
        if (freed) log.warn({ jobId: row.id }, "worker is gone, job waits again");
      }
    }
  };

  const erase = async () => {
    if (now() < nextErase) return;
    const before = now() - options.limits.retentionMs;
    // Ingests that brought data in stay, since lineage leads back to them; so does what a younger job took its result from.
    const old = await sql<{ id: string }>`
      select id from jobs where ended_ms < ${before} and not (type = 'ingest' and state = 'completed')
        and not exists (
          select 1 from jobs r where r.reused_from = jobs.id and (r.ended_ms is null or r.ended_ms >= ${before}))
      order by ended_ms limit ${chunk}`.execute(db);
    const ids = old.rows.map((row) => row.id);
    if (ids.length > 0) {
      await options.eraseKept?.(ids);
      await sql`
        with old as (delete from jobs where id = any(${ids}::uuid[]) and ended_ms < ${before} returning id
        ), events as (delete from job_events where job_id in (select id from old)
        ), inputs as (delete from job_inputs where job_id in (select id from old)
        ) delete from job_commits where job_id in (select id from old)`.execute(db);
    }
    // Of ingests that stay, what they said while they ran goes.
    await sql`
      delete from job_events where job_id in (
        select id from jobs where type = 'ingest' and state = 'completed'
          and ended_ms < ${before} and ended_ms > ${before - ingestEventsSweepMs} limit ${chunk})`.execute(
      db,
    );
    await sql`delete from batches where ended_ms < ${before}`.execute(db);
    await sql`delete from notifications where state <> 'pending' and created_ms < ${before}`.execute(db);
    await sql`delete from workers where heartbeat_ms < ${now() - 86_400_000}`.execute(db);
    if (ids.length < chunk) nextErase = now() + eraseEveryMs;
  };

  const round = async () => {
    await db.connection().execute(async (holder) => {
      const lock = await sql<{ held: boolean }>`
        select pg_try_advisory_lock(${lockSpace}, ${reconcilerLock}) as held`.execute(holder);
      if (lock.rows[0]?.held !== true) return;
      try {
        await freeOrphans();
        await addDue();
        for (const name of queueNames) await addLost(name);
        await ageWaiting();
        await erase();
      } finally {
        await sql`select pg_advisory_unlock(${lockSpace}, ${reconcilerLock})`.execute(holder);
      }
    });
  };

  let failing = false;
  const runOnce = async () => {
    try {
      await round();
      if (failing) log.info({}, "reconciler works again");
      failing = false;
    } catch (error) {
      // One line an outage, not one a second.
      if (!failing) log.warn({ err: error }, "reconciler could not finish its round");
      failing = true;
    }
  };

  const kick = () => {
    if (stopped) return;
    if (running !== undefined) {
      again = true;
      return;
    }
    running = runOnce()
      .then(() => sleep(restMs))
      .finally(() => {
        running = undefined;
        if (again) {
          again = false;
          kick();
        }
      });
  };

  return {
    start() {
      if (!stopped) return;
      stopped = false;
      timer = setInterval(kick, options.pollMs);
      timer.unref();
      unsubscribe = options.bus.subscribe("work", kick);
      kick();
    },
    async stop() {
      stopped = true;
      again = false;
      clearInterval(timer);
      unsubscribe?.();
      await running;
    },
    async runOnce() {
      const before = stopped;
      stopped = false;
      try {
        await round();
      } finally {
        stopped = before;
      }
    },
  };
}
