import path from "node:path";
import type { Bus, JobContract, Log } from "@tapedeck/core";
import { createAlertReader } from "@tapedeck/features/alerts/reader";
import { createRateLimiter } from "@tapedeck/features/auth/limits";
import { createStrategyModules } from "@tapedeck/features/backtest/modules/folder";
import type { Database } from "@tapedeck/features/db";
import type { Deps } from "@tapedeck/features/deps";
import { createEraser } from "@tapedeck/features/erase";
import { createEventReader } from "@tapedeck/features/events/reader";
import { createEvidenceStore } from "@tapedeck/features/evidence/store";
import { createFormulaLibrary } from "@tapedeck/features/indicators/library";
import { createPageFetcher } from "@tapedeck/features/ingest/documents/fetch";
import { createVenuePace } from "@tapedeck/features/ingest/pace";
import { createJobService } from "@tapedeck/features/jobs/service";
import type { RunningJobService } from "@tapedeck/features/jobs/service";
import { createPaperPrices } from "@tapedeck/features/orders/prices";
import { insertNotification } from "@tapedeck/features/notifications/store";
import { createDocumentReader } from "@tapedeck/features/knowledge/documents";
import { createFilingReader } from "@tapedeck/features/knowledge/filings";
import { createDocumentWriter } from "@tapedeck/features/knowledge/incoming";
import { createPortfolioReader } from "@tapedeck/features/orders/portfolio";
import { createSentimentReader, sentimentWriter } from "@tapedeck/features/sentiment/reader";
import { createSeriesReader } from "@tapedeck/features/series/reader";
import { createSeriesWriter } from "@tapedeck/features/series/writer";
import { createUploadStore } from "@tapedeck/features/uploads/store";
import { openBlobs } from "@tapedeck/platform/blobs/open";
import { knowledgeTarget, openKnowledge } from "@tapedeck/platform/knowledge/open";
import { createDbWithStats } from "@tapedeck/platform/postgres/index";
import type { PoolStats } from "@tapedeck/platform/postgres/index";
import { createQueue } from "@tapedeck/platform/queue/index";
import { createBarSources, venueUrls } from "@tapedeck/platform/venues/bars";
import { createVenueDirectory } from "@tapedeck/platform/venues/directory";
import type { PaperTables } from "@tapedeck/platform/venues/paper";
import { availableVolume, matchBar } from "@tapedeck/trading/matching";
import type { Kysely, LogEvent } from "kysely";
import { openModel } from "./adapters.ts";
import type { WorkerConfig } from "./config.ts";

const dayMs = 86_400_000;

export interface Wired {
  deps: Deps;
  jobs: RunningJobService;
  poolStats: () => PoolStats;
  close: () => Promise<void>;
}

/** Joins the platform's adapters and the features; the same in the main thread and in worker threads. */
export async function wire(
  config: WorkerConfig,
  parts: {
    log: Log;
    bus: Bus;
    contracts: Record<string, JobContract>;
    now: () => number;
    /** Most database connections. */
    poolMax: number;
    name: string;
    onQuery?: (event: LogEvent) => void;
  },
): Promise<Wired> {
  const { log, bus, now, contracts } = parts;
  const { environment, databaseUrl } = config;
  const { db, stats } = createDbWithStats<Database>(databaseUrl, {
    max: parts.poolMax,
    log,
    applicationName: parts.name,
    ...(parts.onQuery === undefined ? {} : { onQuery: parts.onQuery }),
  });
  const queue = createQueue(
    environment.REDIS_URL === undefined ? { databaseUrl } : { redisUrl: environment.REDIS_URL },
    { log, prefix: environment.TAPEDECK_QUEUE_PREFIX },
  );
  const blobs = await openBlobs(config.dir, environment);
  const sentiments = createSentimentReader({ db, now });
  const series = createSeriesReader({ db, blobs, now, sentiments });
  const jobs = createJobService({
    db,
    queue,
    bus,
    now,
    contracts,
    log,
    eraseKept: createEraser({ db, blobs }),
    workerLeaseMs: config.leaseMs,
    limits: {
      maxOpenPerTenant: environment.TAPEDECK_MAX_WAITING_JOBS,
      retentionMs: environment.TAPEDECK_RETENTION_DAYS * dayMs,
      allowPrivateCallbacks: environment.TAPEDECK_CALLBACK_ALLOW_PRIVATE,
    },
  });
  const knowledge = openKnowledge({ ...knowledgeTarget(config.dir, config.environment), now });
  const deps: Deps = {
    db,
    blobs,
    bus,
    queue,
    knowledge,
    model: openModel(config),
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
      pace: createVenuePace(createRateLimiter({ db, now })),
    }),
    evidence: createEvidenceStore({ db, now }),
    filings: createFilingReader({ db }),
    events: createEventReader({ db, now }),
    sentiments,
    sentimentWriter,
    documents: createDocumentReader({ db }),
    documentWriter: createDocumentWriter({ db, knowledge, log }),
    formulas: createFormulaLibrary({ db }),
    jobs,
    portfolio: createPortfolioReader({ db, series, now }),
    alerts: createAlertReader({ db }),
    outbox: insertNotification,
    venues: createVenueDirectory({
      // The venue's own tables are among the database's; Kysely's types do not say so.
      db: db as unknown as Kysely<PaperTables>,
      prices: createPaperPrices({ db, now }),
      matching: { matchBar, availableVolume },
      now,
    }),
    log,
    now,
  };
  return {
    deps,
    jobs,
    poolStats: stats,
    async close() {
      await jobs.stop();
      await Promise.allSettled([queue.close(), deps.knowledge.close()]);
      await db.destroy();
    },
  };
}
