import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { AppError, toAppError } from "@tapedeck/core";
import type { Log, RouteContract } from "@tapedeck/core";
import { contracts, routes } from "@tapedeck/features/contracts";
import { loadExtraJobs } from "@tapedeck/features/extraJobs";
import { loadQueues } from "@tapedeck/features/jobs/read";
import { routeHandlers } from "@tapedeck/features/queries";
import { loadStorage } from "@tapedeck/features/storage";
import { createLog } from "@tapedeck/platform/log/index";
import { createDb, pendingMigrations } from "@tapedeck/platform/postgres/index";
import { createTracing } from "@tapedeck/platform/telemetry/index";
import type { Tracing } from "@tapedeck/platform/telemetry/index";
import { createApp } from "./app.ts";
import type { TraceRequest } from "./app.ts";
import { readConfig } from "./config.ts";
import type { ApiConfig } from "./config.ts";
import { watchDatabase } from "./databaseWatch.ts";
import { wire } from "./deps.ts";
import { createMetrics } from "./metrics.ts";
import type { AnyRouteHandler } from "./mount.ts";
import { asClientError } from "./problem.ts";
import { listen } from "./server.ts";
import { proxyStream } from "./streamProxy.ts";

const databaseWaitMs = 30_000;
const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

/** Until the database answers; one that is being started is waited for. Throws where its schema is not this program's. */
async function awaitDatabase(config: ApiConfig, log: Log): Promise<void> {
  const until = Date.now() + databaseWaitMs;
  const db = createDb<unknown>(config.databaseUrl, { max: 1, connectTimeoutMs: 2_000 });
  try {
    for (;;) {
      try {
        const pending = await pendingMigrations(db, config.migrationsDir);
        if (pending.length === 0) return;
        throw new AppError(
          "config.invalid",
          `the database lacks ${pending.length} migrations (next: ${pending[0]}); run: npx tapedeck migrate`,
        );
      } catch (error) {
        if (asClientError(error).code !== "service.unavailable") throw error;
        if (Date.now() > until)
          throw new AppError(
            "service.unavailable",
            `PostgreSQL (DATABASE_URL) did not answer in ${databaseWaitMs / 1_000} s`,
            {
              cause: error,
            },
          );
        log.warn({ err: error }, "waiting for the database");
        await sleep(500);
      }
    }
  } finally {
    await db.destroy();
  }
}

/** A span for each request, that the jobs it submits and their SQL hang on. */
function traceRequests(tracing: Tracing): TraceRequest {
  return (request, run) =>
    tracing.span(
      request.method,
      {
        kind: "server",
        traceParent: request.traceParent,
        attributes: { "http.request.method": request.method, "url.path": request.path },
      },
      async (span) => {
        const { route, status } = await run(span.traceParent);
        span.set({ "http.route": route ?? "none", "http.response.status_code": status });
      },
    );
}

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const { environment } = config;
  const tracing = createTracing({
    endpoint: environment.OTEL_EXPORTER_OTLP_ENDPOINT,
    serviceName: "tapedeck-api",
    serviceVersion: version,
  });
  const log = createLog({ level: environment.LOG_LEVEL, name: "api", traceId: () => tracing.traceId() });
  const [extra] = await Promise.all([
    loadExtraJobs(environment.TAPEDECK_EXTRA_JOBS),
    awaitDatabase(config, log),
  ]);
  const now = () => Date.now();
  const wired = await wire(config, {
    log,
    jobContracts: { ...contracts, ...extra.contracts },
    now,
    ...(tracing.onQuery === undefined ? {} : { onQuery: tracing.onQuery }),
  });
  const watch = watchDatabase({ ping: wired.pingDatabase, everyMs: 250, patienceMs: 1_000, log });
  const stopping = new AbortController();
  const { app, inFlight } = createApp({
    deps: wired.deps,
    routes: routes as Record<string, RouteContract>,
    // Each handler's types are checked against its contract where the registry is made.
    routeHandlers: routeHandlers as unknown as Record<string, AnyRouteHandler>,
    settings: { ...config, version },
    health: {
      pingDatabase: wired.pingDatabase,
      pingQueue: (timeoutMs) => wired.deps.queue.ping(timeoutMs),
      version,
    },
    watch,
    metrics: createMetrics({
      queues: () => loadQueues(wired.deps),
      endedJobs: wired.endedJobs,
      pool: wired.poolStats,
      storage: () => loadStorage(wired.deps.db),
    }),
    trace: traceRequests(tracing),
    stopping: stopping.signal,
  });
  const server = await listen(app, { host: config.host, port: config.port, inFlight, stopping });
  const webSockets = proxyStream(server.server, {
    streamUrl: config.streamUrl,
    trustProxy: config.trustProxy,
    now,
    log,
  });
  log.info({ host: config.host, port: server.port, version }, "API listens");

  let isStopping = false;
  const stop = (signal: string) => {
    if (isStopping) return;
    isStopping = true;
    log.info({ signal }, "stopping");
    // Also when a part hangs: the process is gone by the deadline.
    setTimeout(() => process.exit(0), config.stopMs).unref();
    webSockets.close();
    void server
      .close(config.stopMs / 2)
      .then(() => watch.stop())
      .then(() => wired.close())
      .then(() => tracing.close())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          log.error({ err: error }, "not stopped cleanly");
          process.exit(1);
        },
      );
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => stop("SIGINT"));
}

main().catch((error: unknown) => {
  const known = asClientError(error);
  const detail = known.code === "internal" ? String((toAppError(error).cause as Error).stack) : known.message;
  process.stderr.write(`tapedeck api: ${detail}\n`);
  process.exit(1);
});
