import { AppError, newId } from "@tapedeck/core";
import type { Bus, BusChannel, JobContract, QueueConsumer, QueuePort, RouteContract } from "@tapedeck/core";
import { createAuditLog } from "@tapedeck/features/audit/log";
import { ensureFirstAdmin } from "@tapedeck/features/auth/bootstrap";
import { createRateLimiter } from "@tapedeck/features/auth/limits";
import { newSecret } from "@tapedeck/features/auth/secrets";
import { createAuthService } from "@tapedeck/features/auth/service";
import { contracts, routes } from "@tapedeck/features/contracts";
import type { Database } from "@tapedeck/features/db";
import type { ApiDeps } from "@tapedeck/features/deps";
import { createEventReader } from "@tapedeck/features/events/reader";
import { createEvidenceStore } from "@tapedeck/features/evidence/store";
import { createJobRuntime } from "@tapedeck/features/jobs/runtime";
import type { AnyHandler } from "@tapedeck/features/jobs/runtime";
import { createJobService } from "@tapedeck/features/jobs/service";
import { loadQueues } from "@tapedeck/features/jobs/read";
import { routeHandlers } from "@tapedeck/features/queries";
import { createSentimentReader } from "@tapedeck/features/sentiment/reader";
import { createScheduleBook } from "@tapedeck/features/schedules/book";
import { createSeriesReader } from "@tapedeck/features/series/reader";
import { createSeriesWriter } from "@tapedeck/features/series/writer";
import { loadStorage } from "@tapedeck/features/storage";
import { createUploadStore } from "@tapedeck/features/uploads/store";
import { createQueue } from "@tapedeck/platform/queue/index";
import { testBlobs, testDatabase, testLog } from "@tapedeck/testkit";
import { sql } from "kysely";
import { createApp } from "./app.ts";
import type { AppSettings } from "./app.ts";
import { createMetrics } from "./metrics.ts";
import type { AnyRouteHandler } from "./mount.ts";

const away = () => Promise.reject(new AppError("service.unavailable", "The queue does not answer."));

/** The queue's side of an outage: nothing answers. Submissions must be taken all the same. */
export const queueAway: QueuePort = {
  backend: "postgres",
  add: away,
  known: away,
  remove: away,
  toFront: away,
  depth: away,
  pause: away,
  resume: away,
  paused: away,
  ping: () => Promise.resolve(false),
  consume: () => {
    throw new AppError("service.unavailable", "The queue does not answer.");
  },
  close: () => Promise.resolve(),
};

/** Job types of a test, run by a worker in this process. */
export interface FixtureJobs {
  contracts: Record<string, JobContract>;
  handlers: Record<string, AnyHandler>;
}

/** Delivers within this process. */
function localBus(): Bus {
  const listeners = new Map<BusChannel, Set<(key: string) => void>>();
  return {
    publish(channel, key) {
      queueMicrotask(() => {
        for (const listener of listeners.get(channel) ?? []) listener(key);
      });
    },
    subscribe(channel, listener) {
      const known = listeners.get(channel) ?? new Set();
      listeners.set(channel, known.add(listener));
      return () => known.delete(listener);
    },
    close: () => Promise.resolve(),
  };
}

/**
 * The whole API over a fresh PostgreSQL, for tests. Its queue is away, unless `extra` brings job types: then the queue
 * is on that PostgreSQL too, and a worker runs them.
 */
export async function apiFixture(settings: Partial<AppSettings> = {}, extra?: FixtureJobs) {
  const { db, url, close } = await testDatabase<Database>();
  const jobContracts: Record<string, JobContract> = { ...contracts, ...extra?.contracts };
  const log = testLog();
  const now = () => Date.now();
  const limiter = createRateLimiter({ db, now });
  const auth = createAuthService({ db, jwtSecret: "a secret for tests only, 32 chars", limiter, now, log });
  const bus = localBus();
  const queue = extra === undefined ? queueAway : createQueue({ databaseUrl: url }, { log });
  const jobs = createJobService({ db, queue, bus, now, contracts: jobContracts, log });
  const { blobs, close: removeBlobs } = await testBlobs();
  const adminKey = newSecret("key");
  const { tenantId } = await ensureFirstAdmin({ db, key: adminKey, now });
  // Members that no route of these tests reaches are left out; a route that reaches one fails with a TypeError.
  const deps = {
    db,
    blobs,
    bus,
    queue,
    series: createSeriesReader({ db, blobs, now }),
    seriesWriter: createSeriesWriter({ db }),
    uploads: createUploadStore({ db, blobs, now, maxBytes: 1_048_576, quotaBytes: 10_485_760 }),
    importFiles: { importDir: undefined },
    evidence: createEvidenceStore({ db, now }),
    events: createEventReader({ db, now }),
    sentiments: createSentimentReader({ db, now }),
    jobs,
    schedules: createScheduleBook({ jobs, now }),
    log,
    now,
    auth,
    audit: createAuditLog({ db, now }),
    limiter,
    jobContracts,
  } as unknown as ApiDeps;
  const { app } = createApp({
    deps,
    routes: routes as Record<string, RouteContract>,
    routeHandlers: routeHandlers as unknown as Record<string, AnyRouteHandler>,
    health: {
      pingDatabase: () => sql`select 1`.execute(db),
      pingQueue: (timeoutMs) => queue.ping(timeoutMs),
      version: "test",
    },
    metrics: createMetrics({
      queues: () => loadQueues(deps),
      endedJobs: () => Promise.resolve([]),
      pool: () => ({ total: 0, idle: 0, waiting: 0 }),
      storage: () => loadStorage(db),
    }),
    settings: {
      version: "test",
      callerLimit: { perSecond: 10_000, burst: 20_000 },
      anonymousLimit: { perSecond: 10_000, burst: 20_000 },
      corsOrigins: ["https://pages.example"],
      trustProxy: true,
      maxBodyBytes: 1_048_576,
      ...settings,
    },
  });
  const consumers = extra === undefined ? [] : startWorker(extra);
  if (extra !== undefined) jobs.start();

  function startWorker({ handlers }: FixtureJobs): QueueConsumer[] {
    const runtime = createJobRuntime({
      db,
      bus,
      now,
      random: () => Math.random(),
      contracts: jobContracts,
      handlers,
      deps,
      log,
      workerId: newId(now()),
    });
    bus.subscribe("cancel", (id) => runtime.stop(id, "cancel"));
    const names = new Set(Object.keys(handlers).map((name) => jobContracts[name]!.queue));
    const options = { concurrency: 2, lockMs: 5_000, stallCheckMs: 2_000 };
    return [...names].map((name) => queue.consume(name, options, runtime.runDelivery));
  }

  const call = (method: string, path: string, options: CallOptions = {}) => {
    const headers: Record<string, string> = { ...options.headers };
    if (options.token !== undefined) headers["authorization"] = `Bearer ${options.token}`;
    if (options.body !== undefined) headers["content-type"] = "application/json";
    return app.request(path, {
      method,
      headers,
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
  };
  /** A user of a role: in the operating tenant, or in the tenant whose admin token is given. */
  const user = async (role: string, adminToken = adminKey) => {
    const email = `${newSecret("link").slice(4, 14).toLowerCase()}@example.org`;
    const password = "correct horse battery";
    const made = await call("POST", "/api/users", {
      token: adminToken,
      body: { email, name: "Ada", role, password },
    });
    if (made.status !== 201) throw new Error(await made.text());
    const { id } = (await made.json()) as { id: string };
    const signedIn = await call("POST", "/api/auth/login", { body: { email, password } });
    return { id, email, password, ...((await signedIn.json()) as Tokens) };
  };
  /** Another tenant; its admin's access token. */
  const tenant = async (name: string) => {
    const email = `admin@${name}.example`;
    const password = "correct horse battery";
    const made = await call("POST", "/api/tenants", {
      token: adminKey,
      body: { name, admin: { email, name: "Admin", password } },
    });
    if (made.status !== 201) throw new Error(await made.text());
    const signedIn = await call("POST", "/api/auth/login", { body: { email, password } });
    const { tenant: row } = (await made.json()) as { tenant: { id: string } };
    return { tenantId: row.id, ...((await signedIn.json()) as Tokens) };
  };
  return {
    app,
    call,
    db,
    url,
    deps,
    auth,
    log,
    adminKey,
    tenantId,
    user,
    tenant,
    async close() {
      for (const consumer of consumers) await consumer.close(2_000);
      await jobs.stop();
      await queue.close();
      await removeBlobs();
      await close();
    },
  };
}

interface CallOptions {
  token?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

interface Tokens {
  accessToken: string;
  refreshToken: string;
  sessionId: string;
}

export type ApiFixture = Awaited<ReturnType<typeof apiFixture>>;
