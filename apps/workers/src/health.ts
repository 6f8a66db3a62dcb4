import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { AppError } from "@tapedeck/core";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

export interface WorkerHealth {
  onEnd: (end: { type: string; queue: string; state: string; runMs: number; waitMs: number }) => void;
  /** Listens, and gives the port. */
  listen: (host: string, port: number) => Promise<number>;
  close: () => Promise<void>;
}

/** /healthz (200 while the worker's heartbeat reaches the database) and /metrics of one worker process. */
export function createHealth(options: {
  alive: () => boolean;
  running: () => number;
  replacedThreads: () => number;
  pool: () => { total: number; idle: number; waiting: number };
}): WorkerHealth {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const runSeconds = new Histogram({
    name: "tapedeck_job_run_seconds",
    help: "Time from a job's first pick-up to its end",
    labelNames: ["type", "state"],
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600],
    registers: [registry],
  });
  const waitSeconds = new Histogram({
    name: "tapedeck_job_wait_seconds",
    help: "Time from when a job could run to its first pick-up",
    labelNames: ["queue"],
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600],
    registers: [registry],
  });
  const ended = new Counter({
    name: "tapedeck_jobs_ended_total",
    help: "Jobs that ended in this process",
    labelNames: ["type", "state"],
    registers: [registry],
  });
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  gauge("tapedeck_jobs_running", "Jobs that run in this process", options.running);
  gauge("tapedeck_threads_replaced", "Threads that died or were ended by force", options.replacedThreads);
  gauge("tapedeck_pool_connections", "Database connections", () => options.pool().total);
  gauge("tapedeck_pool_waiting", "Queries that wait for a connection", () => options.pool().waiting);
  let server: Server | undefined;

  return {
    onEnd({ type, queue, state, runMs, waitMs }) {
      runSeconds.observe({ type, state }, runMs / 1_000);
      waitSeconds.observe({ queue }, Math.max(0, waitMs) / 1_000);
      ended.inc({ type, state });
    },
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        const made = createServer((request, response) => {
          if (request.url === "/healthz") {
            const alive = options.alive();
            response.writeHead(alive ? 200 : 503, { "content-type": "application/json" });
            response.end(JSON.stringify({ alive, running: options.running() }));
          } else if (request.url === "/metrics") {
            void registry.metrics().then((text) => {
              response.writeHead(200, { "content-type": registry.contentType });
              response.end(text);
            });
          } else {
            response.writeHead(404);
            response.end();
          }
        });
        made.once("error", (error: NodeJS.ErrnoException) => {
          reject(new AppError("config.invalid", `--health-port ${port}: ${error.code ?? error.message}`));
        });
        made.listen(port, host, () => resolve((made.address() as AddressInfo).port));
        server = made;
      }),
    close: () =>
      new Promise((resolve) => {
        if (server === undefined) return resolve();
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
