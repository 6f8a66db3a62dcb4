import type { QueueView } from "@tapedeck/features/jobs/contract";
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";

export interface MetricsSource {
  /** Of every queue, by the rows and by the queue itself. */
  queues(): Promise<QueueView[]>;
  /** Jobs that ended since the last look, at most 10,000. */
  endedJobs(): Promise<{ type: string; state: string; seconds: number }[]>;
  pool(): { total: number; idle: number; waiting: number };
  /** Bytes stored, by kind. */
  storage(): Promise<{ kind: string; bytes: number }[]>;
}

export interface Metrics {
  /** One answered request. */
  request(route: string, method: string, status: number, seconds: number): void;
  /** Text in Prometheus' exposition format. */
  text(): Promise<{ body: string; contentType: string }>;
}

const requestBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const jobBuckets = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800];

/** Prometheus metrics of this process and, read from the database at each scrape, of the queues and jobs. */
export function createMetrics(source: MetricsSource): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: "tapedeck_" });
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: `tapedeck_${name}`, help, labelNames, registers: [registry] });

  const requests = new Histogram({
    name: "tapedeck_http_request_seconds",
    help: "Time to answer, by route; of a stream, until it begins",
    labelNames: ["route", "method", "status"],
    buckets: requestBuckets,
    registers: [registry],
  });
  const runs = new Histogram({
    name: "tapedeck_job_run_seconds",
    help: "Run time of ended jobs. Read from the database: every replica shows the same, so take the maximum over replicas, not the sum",
    labelNames: ["type", "state"],
    buckets: jobBuckets,
    registers: [registry],
  });
  const depth = gauge(
    "queue_jobs",
    "Jobs by queue and state (accepted, queued, running, delayed), by their rows",
    ["queue", "state"],
  );
  const delivery = gauge(
    "queue_delivery",
    "What the queue itself holds: waiting, prioritized, delayed, active",
    ["queue", "state"],
  );
  const answering = gauge("queue_up", "1 while the queue answers");
  const oldest = gauge(
    "queue_oldest_wait_seconds",
    "How long the oldest runnable job has waited; 0 when none waits",
    ["queue"],
  );
  const paused = gauge("queue_paused", "1 while the queue hands nothing out", ["queue"]);
  const pool = gauge(
    "database_connections",
    "Connections of this process: total, idle; and requests waiting for one",
    ["state"],
  );
  const storage = gauge(
    "storage_bytes",
    "Bytes stored: uploads and datasets (files), venue_pages and audit_log (tables), database (all of it)",
    ["kind"],
  );
  const failedReads = new Counter({
    name: "tapedeck_metrics_read_errors_total",
    help: "Scrapes at which the database could not be read; queue and job metrics then keep their last values",
    registers: [registry],
  });

  function showQueues(queues: readonly QueueView[]): void {
    for (const queue of queues) {
      const { name } = queue;
      for (const state of ["accepted", "queued", "running", "delayed"] as const)
        depth.set({ queue: name, state }, queue[state]);
      if (queue.delivery !== null)
        for (const [state, count] of Object.entries(queue.delivery))
          delivery.set({ queue: name, state }, count);
      oldest.set({ queue: name }, (queue.oldestWaitMs ?? 0) / 1_000);
      paused.set({ queue: name }, queue.paused ? 1 : 0);
    }
    answering.set(queues.every((queue) => queue.delivery !== null) ? 1 : 0);
  }

  return {
    request(route, method, status, seconds) {
      requests.observe({ route, method, status }, seconds);
    },
    async text() {
      const { total, idle, waiting } = source.pool();
      pool.set({ state: "total" }, total);
      pool.set({ state: "idle" }, idle);
      pool.set({ state: "waiting" }, waiting);
      try {
        showQueues(await source.queues());
        for (const { type, state, seconds } of await source.endedJobs())
          runs.observe({ type, state }, seconds);
        for (const { kind, bytes } of await source.storage()) storage.set({ kind }, bytes);
      } catch {
        failedReads.inc();
      }
      return { body: await registry.metrics(), contentType: registry.contentType };
    },
  };
}
