import { randomBytes } from "node:crypto";
import path from "node:path";
import type { JobContract, Log } from "@tapedeck/core";
import { createAlertReader } from "@tapedeck/features/alerts/reader";
import { createAuditLog } from "@tapedeck/features/audit/log";
import { ensureFirstAdmin } from "@tapedeck/features/auth/bootstrap";
import { createRateLimiter } from "@tapedeck/features/auth/limits";
import { newSecret } from "@tapedeck/features/auth/secrets";
import { createAuthService } from "@tapedeck/features/auth/service";
import { eraseExpired } from "@tapedeck/features/auth/store";
import { createStrategyModules } from "@tapedeck/features/backtest/modules/folder";
import type { Database } from "@tapedeck/features/db";
import type { ApiDeps } from "@tapedeck/features/deps";
import { createEraser } from "@tapedeck/features/erase";
import { createEventReader } from "@tapedeck/features/events/reader";
import { createEvidenceStore } from "@tapedeck/features/evidence/store";
import { insertNotification } from "@tapedeck/features/notifications/store";
import { createFormulaLibrary } from "@tapedeck/features/indicators/library";
import { createPageFetcher } from "@tapedeck/features/ingest/documents/fetch";
import { createVenuePace } from "@tapedeck/features/ingest/pace";
import { createJobService } from "@tapedeck/features/jobs/service";
import { createPaperPrices } from "@tapedeck/features/orders/prices";
import { createDocumentReader } from "@tapedeck/features/knowledge/documents";
import { createFilingReader } from "@tapedeck/features/knowledge/filings";
import { createDocumentWriter } from "@tapedeck/features/knowledge/incoming";
import { createPortfolioReader } from "@tapedeck/features/orders/portfolio";
import { createScheduleBook } from "@tapedeck/features/schedules/book";
import { createSentimentReader, sentimentWriter } from "@tapedeck/features/sentiment/reader";
import { createSeriesReader } from "@tapedeck/features/series/reader";
import { createSeriesWriter } from "@tapedeck/features/series/writer";
import { createStorageEraser } from "@tapedeck/features/storage";
import { createUploadStore } from "@tapedeck/features/uploads/store";
import { openBlobs } from "@tapedeck/platform/blobs/open";
import { createBus } from "@tapedeck/platform/bus/index";
import { knowledgeTarget, openKnowledge } from "@tapedeck/platform/knowledge/open";
import { createDb, createDbWithStats } from "@tapedeck/platform/postgres/index";
import type { PoolStats } from "@tapedeck/platform/postgres/index";
import { createQueue } from "@tapedeck/platform/queue/index";
import { createBarSources, venueUrls } from "@tapedeck/platform/venues/bars";
import { createVenueDirectory } from "@tapedeck/platform/venues/directory";
import type { PaperTables } from "@tapedeck/platform/venues/paper";
import { availableVolume, matchBar } from "@tapedeck/trading/matching";
import { sql } from "kysely";
import type { Kysely, LogEvent } from "kysely";
import type { ApiConfig } from "./config.ts";
import { createLiveEvents } from "./streamEvents.ts";
import { keptSecret } from "@tapedeck/platform/config/keptSecret";

const hourMs = 3_600_000;

export interface Wired {
  deps: ApiDeps;
  poolStats(): PoolStats;
  /** On a connection of its own, so that a busy pool is not taken for a database that is away. */
  pingDatabase(): Promise<unknown>;
  /** Job runs that ended since the last call, for metrics. */
  endedJobs(): Promise<{ type: string; state: string; seconds: number }[]>;
  close(): Promise<void>;
}

/** Joins the platform's adapters and the features. */
export async function wire(
  config: ApiConfig,
  parts: {
    log: Log;
    jobContracts: Record<string, JobContract>;
    now: () => number;
    onQuery?: (event: LogEvent) => void;
  },
): Promise<Wired> {
  const { log, now, jobContracts } = parts;
  const { environment, databaseUrl } = config;
  const { db, stats } = createDbWithStats<Database>(databaseUrl, {
    max: environment.DATABASE_POOL_MAX,
    log,
    applicationName: "tapedeck-api",
    ...(parts.onQuery === undefined ? {} : { onQuery: parts.onQuery }),
  });
  const pinger = createDb<Database>(databaseUrl, {
    max: 1,
    applicationName: "tapedeck-api-watch",
    connectTimeoutMs: 1_000,
    statementTimeoutMs: 1_000,
  });
  const transport =
    environment.REDIS_URL === undefined ? { databaseUrl } : { redisUrl: environment.REDIS_URL };
  const shared = { log, prefix: environment.TAPEDECK_QUEUE_PREFIX };
  const queue = createQueue(transport, shared);
  const bus = createBus(transport, shared);
  const blobs = await openBlobs(config.dir, environment);
  const sentiments = createSentimentReader({ db, now });
  const series = createSeriesReader({ db, blobs, now, sentiments });
  const jobs = createJobService({
    db,
    queue,
    bus,
    now,
    contracts: jobContracts,
    log,
    eraseKept: createEraser({ db, blobs }),
    workerLeaseMs: Math.min(10_000, Math.max(3_000, environment.TAPEDECK_LOCK_MS)),
    limits: {
      maxOpenPerTenant: environment.TAPEDECK_MAX_WAITING_JOBS,
      retentionMs: environment.TAPEDECK_RETENTION_DAYS * 24 * hourMs,
      allowPrivateCallbacks: environment.TAPEDECK_CALLBACK_ALLOW_PRIVATE,
    },
  });
  const limiter = createRateLimiter({ db, now });
  const jwtSecret =
    environment.TAPEDECK_JWT_SECRET ??
    (await keptSecret(path.join(config.dir, "jwt-secret"), () => randomBytes(32).toString("base64url")));
  const firstKey =
    environment.TAPEDECK_API_KEY ??
    (await keptSecret(path.join(config.dir, "api-key"), () => newSecret("key")));
  await ensureFirstAdmin({ db, key: firstKey, now });
  const knowledge = openKnowledge({ ...knowledgeTarget(config.dir, environment), now });
  const deps: ApiDeps = {
    db,
    blobs,
    bus,
    queue,
    knowledge,
    // Answers are made by workers; no route of the API speaks to a model.
    model: undefined,
    series,
    seriesWriter: createSeriesWriter({ db }),
    uploads: createUploadStore({
      db,
      blobs,
      now,
      maxBytes: environment.TAPEDECK_MAX_UPLOAD_BYTES,
      quotaBytes: environment.TAPEDECK_UPLOAD_QUOTA_BYTES,
    }),
    importFiles: { importDir: environment.TAPEDECK_IMPORT_DIR },
    fetchPage: createPageFetcher({ allowPrivate: environment.TAPEDECK_FETCH_ALLOW_PRIVATE }),
    strategies: createStrategyModules({
      dir: environment.TAPEDECK_STRATEGIES_DIR ?? path.resolve(import.meta.dirname, "../../../strategies"),
    }),
    barSources: createBarSources({
      log,
      urls: venueUrls(environment.TAPEDECK_VENUE_URLS),
      pace: createVenuePace(limiter),
    }),
    evidence: createEvidenceStore({ db, now }),
    filings: createFilingReader({ db }),
    events: createEventReader({ db, now }),
    sentiments,
    sentimentWriter,
    documents: createDocumentReader({ db }),
    documentWriter: createDocumentWriter({ db, knowledge, log }),
    formulas: createFormulaLibrary({ db }),
    outbox: insertNotification,
    jobs,
    portfolio: createPortfolioReader({ db, series, now }),
    alerts: createAlertReader({ db }),
    venues: createVenueDirectory({
      // The venue's own tables are among the database's; Kysely's types do not say so.
      db: db as unknown as Kysely<PaperTables>,
      prices: createPaperPrices({ db, now }),
      matching: { matchBar, availableVolume },
      now,
    }),
    log,
    now,
    auth: createAuthService({ db, jwtSecret, limiter, now, log }),
    audit: createAuditLog({ db, now }),
    limiter,
    schedules: createScheduleBook({ jobs, now }),
    liveEvents: createLiveEvents({ streamUrl: config.streamUrl }),
    jobContracts,
  };
  jobs.start();
  const eraseStored = createStorageEraser({
    db,
    blobs,
    now,
    limits: {
      uploadMs: environment.TAPEDECK_UPLOAD_DAYS * 24 * hourMs,
      cacheMs: environment.TAPEDECK_CACHE_DAYS * 24 * hourMs,
      auditMs: environment.TAPEDECK_AUDIT_DAYS * 24 * hourMs,
      streamMs: environment.TAPEDECK_STREAM_DAYS * 24 * hourMs,
      simulatedRunMs: Math.max(environment.TAPEDECK_STREAM_DAYS, environment.STREAM_KEEP_DAYS) * 24 * hourMs,
    },
  });
  const housekeeping = setInterval(() => {
    eraseExpired(db, now()).catch((error: unknown) =>
      log.warn({ err: error }, "expired sessions not erased"),
    );
    eraseStored().catch((error: unknown) => log.warn({ err: error }, "what is stored too long not erased"));
  }, hourMs);
  housekeeping.unref();

  let lookedMs = now();
  return {
    deps,
    poolStats: stats,
    pingDatabase: () => sql`select 1`.execute(pinger),
    async endedJobs() {
      const fromMs = lookedMs;
      const toMs = now();
      const rows = await db
        .selectFrom("jobs")
        .select(["type", "state", "startedMs", "endedMs"])
        .where("endedMs", ">=", fromMs)
        .where("endedMs", "<", toMs)
        .where("startedMs", "is not", null)
        .limit(10_000)
        .execute();
      lookedMs = toMs;
      return rows.map((row) => ({
        type: row.type,
        state: row.state,
        seconds: Math.max(0, row.endedMs! - row.startedMs!) / 1_000,
      }));
    },
    async close() {
      clearInterval(housekeeping);
      await jobs.stop();
      await Promise.allSettled([queue.close(), bus.close()]);
      await Promise.allSettled([db.destroy(), pinger.destroy()]);
    },
  };
}
