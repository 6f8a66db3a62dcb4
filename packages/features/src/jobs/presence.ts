import type { Bus, Log } from "@tapedeck/core";
import { sql } from "kysely";
import type { Db } from "../db.ts";
import type { JobRuntime } from "./runtime.ts";
import { releaseJob } from "./store.ts";

/** A worker process as a row: what it does, and that it still lives. */
export interface WorkerFacts {
  id: string;
  host: string;
  pid: number;
  queues: readonly string[];
  concurrency: number;
  threads: number;
}

export interface Presence {
  start(): Promise<void>;
  /** Says that the worker is gone. */
  stop(): Promise<void>;
  /** Has a heartbeat reached the database within the lease? */
  alive(): boolean;
}

/**
 * The worker's heartbeat, once a second. It also asks the rows what the bus may have failed to say: runs that are to
 * be cancelled or that another attempt took are stopped, and rows that say they run here but do not wait again.
 */
export function createPresence(options: {
  db: Db;
  bus: Bus;
  now: () => number;
  log: Log;
  worker: WorkerFacts;
  runtime: JobRuntime;
  everyMs: number;
  /** After this long without a heartbeat others take the worker for gone. Default 10 s. */
  leaseMs?: number;
}): Presence {
  const { db, now, log, worker, runtime } = options;
  let timer: NodeJS.Timeout | undefined;
  let beating: Promise<void> | undefined;
  let unsubscribe: (() => void) | undefined;
  /** Rows that were not running here at the last beat either. */
  let suspects = new Set<string>();

  const register = () =>
    sql`
      insert into workers (id, host, pid, queues, concurrency, threads, started_ms, heartbeat_ms)
      values (${worker.id}::uuid, ${worker.host}, ${worker.pid}, ${[...worker.queues]}::text[], ${worker.concurrency},
        ${worker.threads}, ${now()}, ${now()})
      on conflict (id) do update set heartbeat_ms = excluded.heartbeat_ms, stopped_ms = null`.execute(db);

  const beat = async () => {
    const running = new Map(runtime.running().map((run) => [run.id, run.pickup]));
    const updated = await sql<{ id: string }>`
      update workers set heartbeat_ms = ${now()}, running = ${running.size} where id = ${worker.id}::uuid
      returning id`.execute(db);
    if (updated.rows.length === 0) await register();
    const rows = await sql<{
      id: string;
      pickups: number;
      state: string;
      mine: boolean;
      cancelRequestedMs: number | null;
    }>`
      select id, pickups, state, worker_id = ${worker.id}::uuid as mine, cancel_requested_ms from jobs
      where id = any(${[...running.keys()]}::uuid[])
        or (state = 'running' and ended_ms is null and worker_id = ${worker.id}::uuid)`.execute(db);
    const next = new Set<string>();
    for (const row of rows.rows) {
      const pickup = running.get(row.id);
      if (pickup === undefined) {
        if (row.state !== "running" || !row.mine || runtime.running().some((run) => run.id === row.id))
          continue;
        const mark = `${row.id} ${row.pickups}`;
        if (!suspects.has(mark)) next.add(mark);
        else if (await release(row.id, row.pickups))
          log.warn({ jobId: row.id }, "job does not run here, it waits again");
        continue;
      }
      if (row.pickups !== pickup || row.state !== "running") runtime.stop(row.id, "lost");
      else if (row.cancelRequestedMs !== null) runtime.stop(row.id, "cancel");
    }
    suspects = next;
  };

  const release = (id: string, pickup: number) =>
    releaseJob(db, {
      id,
      pickup,
      runAtMs: null,
      failed: false,
      unended: true,
      reason: "not running",
      error: null,
      nowMs: now(),
    });

  let lastBeatMs = 0;
  let failing = false;
  const tick = () => {
    beating ??= beat()
      .then(
        () => {
          failing = false;
          lastBeatMs = now();
        },
        (error: unknown) => {
          if (!failing) log.warn({ err: error }, "heartbeat failed");
          failing = true;
        },
      )
      .finally(() => {
        beating = undefined;
      });
  };

  return {
    async start() {
      await register();
      lastBeatMs = now();
      unsubscribe = options.bus.subscribe("cancel", (id) => runtime.stop(id, "cancel"));
      timer = setInterval(tick, options.everyMs);
    },
    alive: () => now() - lastBeatMs < (options.leaseMs ?? 10_000),
    async stop() {
      clearInterval(timer);
      unsubscribe?.();
      await beating;
      await sql`update workers set stopped_ms = ${now()}, running = 0 where id = ${worker.id}::uuid`.execute(
        db,
      );
    },
  };
}
