import path from "node:path";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { AppError, newId } from "@tapedeck/core";
import type { Log, QueueConsumer } from "@tapedeck/core";
import { createNewsAlerts } from "@tapedeck/features/alerts/news";
import type { Database } from "@tapedeck/features/db";
import type { Deps } from "@tapedeck/features/deps";
import { createReadingRequester } from "@tapedeck/features/events/requester";
import { loadEventsAfter } from "@tapedeck/features/events/store";
import { createPresence } from "@tapedeck/features/jobs/presence";
import { createJobRuntime } from "@tapedeck/features/jobs/runtime";
import { isOutage } from "@tapedeck/features/jobs/store";
import { createNotifier } from "@tapedeck/features/notifications/send";
import { insertNotification } from "@tapedeck/features/notifications/store";
import { openMailer } from "@tapedeck/platform/mail/open";
import { createOrderSettler } from "@tapedeck/features/orders/settler";
import { createScheduler } from "@tapedeck/features/schedules/fire";
import { loadSentimentAfter } from "@tapedeck/features/sentiment/store";
import { readCodeVersion } from "@tapedeck/platform/config/codeVersion";
import { createBus } from "@tapedeck/platform/bus/index";
import { createLog } from "@tapedeck/platform/log/index";
import { createDb, pendingMigrations } from "@tapedeck/platform/postgres/index";
import { createTracing } from "@tapedeck/platform/telemetry/index";
import type { WorkerConfig } from "./config.ts";
import { wire } from "./deps.ts";
import { loadJobTypes } from "./extra.ts";
import { startKnowledge } from "./knowledge.ts";
import { createHealth } from "./health.ts";
import { createThreadPool } from "./pool.ts";

const databaseWaitMs = 60_000;
const heartbeatMs = 1_000;
/** Two writes of claims and two of ends are under way at most. */
const keyedConnections = 4;

/** Until the database answers and has this program's schema; one that is being started or migrated is waited for. */
async function awaitDatabase(config: WorkerConfig, log: Log): Promise<void> {
  const until = Date.now() + databaseWaitMs;
  const db = createDb<unknown>(config.databaseUrl, { max: 1, connectTimeoutMs: 2_000 });
  try {
    for (;;) {
      const fault = await pendingMigrations(db, config.migrationsDir).then(
        (pending) =>
          pending.length === 0
            ? undefined
            : new AppError(
                "config.invalid",
                `the database lacks ${pending.length} migrations (next: ${pending[0]}); run: npx tapedeck migrate`,
              ),
        (error: unknown) => {
          if (!isOutage(error)) throw error;
          return new AppError("service.unavailable", "PostgreSQL (DATABASE_URL) does not answer", {
            cause: error,
          });
        },
      );
      if (fault === undefined) return;
      if (Date.now() > until) throw fault;
      log.warn({ err: fault }, "waiting for the database");
      await sleep(500);
    }
  } finally {
    await db.destroy();
  }
}

/** Says which strategy modules there are, and which cannot be used; what is put there later is found too. */
async function tellStrategies({ strategies }: Pick<Deps, "strategies">, log: Log): Promise<void> {
  const { modules, broken } = await strategies.list();
  log.info({ strategies: modules.map(({ name, hash }) => ({ name, hash })) }, "strategy modules found");
  for (const { name, reason } of broken) log.warn({ name, reason }, "strategy module cannot be used");
}

/** Takes jobs until it is told to stop. */
export async function runWorker(config: WorkerConfig): Promise<void> {
  const { environment } = config;
  const tracing = createTracing({
    endpoint: environment.OTEL_EXPORTER_OTLP_ENDPOINT,
    serviceName: "tapedeck-workers",
  });
  const log = createLog({ level: environment.LOG_LEVEL, name: "workers", traceId: () => tracing.traceId() });
  const types = await loadJobTypes(environment.TAPEDECK_EXTRA_JOBS);
  await awaitDatabase(config, log);
  const now = () => Date.now();
  const random = () => Math.random();
  const workerId = newId(now());
  const bus = createBus(
    environment.REDIS_URL === undefined
      ? { databaseUrl: config.databaseUrl }
      : { redisUrl: environment.REDIS_URL },
    { log, prefix: environment.TAPEDECK_QUEUE_PREFIX },
  );
  const wired = await wire(config, {
    log,
    bus,
    contracts: types.contracts,
    now,
    poolMax: environment.DATABASE_POOL_MAX,
    name: "tapedeck-workers",
    ...(tracing.onQuery === undefined ? {} : { onQuery: tracing.onQuery }),
  });
  const { deps, jobs } = wired;
  if (config.queues.includes("backtest")) await tellStrategies(deps, log);
  const keyed = createDb<Database>(config.databaseUrl, {
    max: keyedConnections,
    keyedOnly: true,
    log,
    applicationName: "tapedeck-workers keyed",
    ...(tracing.onQuery === undefined ? {} : { onQuery: tracing.onQuery }),
  });
  const pool =
    config.threads === 0
      ? undefined
      : createThreadPool({
          size: config.threads,
          entry: new URL("./processor.ts", import.meta.url),
          workerData: config,
          log,
          dataset: (ask) =>
            ask.by === "hash" ? deps.series.byHash(ask.hash) : deps.series.dataset(ask.request),
          publish: (channel, key) => bus.publish(channel, key),
        });
  const health = createHealth({
    alive: () => presence.alive(),
    running: () => runtime.running().length,
    replacedThreads: () => pool?.replaced() ?? 0,
    pool: wired.poolStats,
  });
  const runtime = createJobRuntime({
    db: deps.db,
    keyed,
    bus,
    now,
    random,
    contracts: types.contracts,
    handlers: types.handlers,
    deps,
    log,
    workerId,
    codeVersion: readCodeVersion(path.resolve(import.meta.dirname, "../../..")),
    ...(pool === undefined ? {} : { threads: pool.run }),
    onEnd: health.onEnd,
    trace: (name, traceParent, attributes, run) =>
      tracing.span(name, { kind: "consumer", traceParent, attributes }, () => run()),
  });
  const presence = createPresence({
    db: deps.db,
    bus,
    now,
    log,
    runtime,
    everyMs: heartbeatMs,
    leaseMs: config.leaseMs,
    worker: {
      id: workerId,
      host: hostname(),
      pid: process.pid,
      queues: config.queues,
      concurrency: config.concurrency,
      threads: config.threads,
    },
  });
  const scheduler = createScheduler({ db: deps.db, jobs, now, log });
  const notifier = createNotifier({
    db: deps.db,
    now,
    random,
    log,
    allowPrivate: environment.TAPEDECK_CALLBACK_ALLOW_PRIVATE,
    mail: await openMailer(environment),
    pushContact: environment.TAPEDECK_PUSH_CONTACT,
  });
  const news = createNewsAlerts({
    db: deps.db,
    loadEvents: (afterSeq, limit) => loadEventsAfter(deps.db, afterSeq, limit),
    loadScores: (afterSeq, limit) => loadSentimentAfter(deps.db, afterSeq, limit),
    sentimentAt: async (tenantId, instrumentId, atMs) =>
      (await deps.sentiments.valueAt(tenantId, instrumentId, atMs))?.value,
    outbox: insertNotification,
    now,
    log,
  });
  const settler = createOrderSettler({ db: deps.db, venues: deps.venues, log, now });
  const reading = createReadingRequester({ db: deps.db, jobs, now, log });
  const knowledge = config.queues.includes("ask")
    ? await startKnowledge({
        db: deps.db,
        index: deps.knowledge,
        dir: path.resolve(import.meta.dirname, "../../../knowledge_base"),
        log,
        now,
      })
    : undefined;
  await presence.start();
  jobs.start();
  scheduler.start();
  notifier.start();
  news.start();
  if (config.queues.includes("sentiment")) reading.start();
  if (config.queues.includes("execute")) settler.start();
  const consumers: QueueConsumer[] = config.queues.map((name) =>
    deps.queue.consume(
      name,
      {
        concurrency: config.concurrency,
        lockMs: environment.TAPEDECK_LOCK_MS,
        stallCheckMs: environment.TAPEDECK_STALL_MS,
      },
      runtime.runDelivery,
    ),
  );
  const healthPort =
    config.healthPort === undefined ? undefined : await health.listen("127.0.0.1", config.healthPort);
  log.info(
    { workerId, queues: config.queues, concurrency: config.concurrency, threads: config.threads, healthPort },
    "worker takes jobs",
  );

  let stopping = false;
  const stop = async (signal: string) => {
    if (stopping) return;
    stopping = true;
    const deadlineMs = environment.TAPEDECK_STOP_MS;
    log.info({ signal, running: runtime.running().length, deadlineMs }, "worker stops");
    // Whatever hangs, the process is gone by the deadline; what it had not handed back is found by the reconciler.
    const force = setTimeout(() => {
      log.warn({ running: runtime.running().length }, "worker did not stop in time");
      process.exit(0);
    }, deadlineMs);
    await Promise.allSettled(consumers.map((consumer) => consumer.close(deadlineMs * 0.7)));
    await Promise.allSettled([
      scheduler.stop(),
      notifier.stop(),
      news.stop(),
      settler.stop(),
      reading.stop(),
      presence.stop(),
      knowledge?.stop(),
      health.close(),
    ]);
    await Promise.allSettled([pool?.close()]);
    await Promise.allSettled([wired.close(), keyed.destroy(), bus.close(), tracing.close()]);
    clearTimeout(force);
    log.info({}, "worker stopped");
    process.exit(0);
  };
  process.on("SIGTERM", () => void stop("SIGTERM"));
  process.on("SIGINT", () => void stop("SIGINT"));
}
