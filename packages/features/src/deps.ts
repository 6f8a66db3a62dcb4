import type { AlertReader } from "./alerts/contract.ts";
import type { AuditLog } from "./audit/contract.ts";
import type { AuthService, RateLimiter } from "./auth/contract.ts";
import type { JobContract } from "@tapedeck/core";
import type { BlobStore, Bus, KnowledgeIndex, LanguageModel, Log, QueuePort } from "@tapedeck/core";
import type { Db } from "./db.ts";
import type { StrategyModules } from "./backtest/modules/contract.ts";
import type { JobService } from "./jobs/contract.ts";
import type { DocumentReader, DocumentWriter, FilingReader } from "./knowledge/contract.ts";
import type { EventReader } from "./events/contract.ts";
import type { SentimentReader, SentimentWriter } from "./sentiment/contract.ts";
import type { EvidenceStore } from "./evidence/contract.ts";
import type { PortfolioReader, VenueDirectory } from "./orders/contract.ts";
import type { BarSources, IngestFiles } from "./ingest/contract.ts";
import type { PageFetcher } from "./ingest/documents/contract.ts";
import type { Outbox } from "./notifications/contract.ts";
import type { FormulaLibrary } from "./indicators/contract.ts";
import type { ScheduleBook } from "./schedules/contract.ts";
import type { SeriesReader, SeriesWriter } from "./series/contract.ts";
import type { LiveEvents } from "./ticks/contract.ts";
import type { UploadStore } from "./uploads/contract.ts";

/** What the apps wire once and hand to every handler; each handler names the slice that it uses. */
export interface Deps {
  db: Db;
  blobs: BlobStore;
  bus: Bus;
  queue: QueuePort;
  knowledge: KnowledgeIndex;
  filings: FilingReader;
  events: EventReader;
  sentiments: SentimentReader;
  sentimentWriter: SentimentWriter;
  documents: DocumentReader;
  documentWriter: DocumentWriter;
  model: LanguageModel | undefined;
  series: SeriesReader;
  seriesWriter: SeriesWriter;
  uploads: UploadStore;
  importFiles: IngestFiles;
  fetchPage: PageFetcher;
  barSources: BarSources;
  evidence: EvidenceStore;
  formulas: FormulaLibrary;
  strategies: StrategyModules;
  jobs: JobService;
  venues: VenueDirectory;
  portfolio: PortfolioReader;
  alerts: AlertReader;
  /** Where calls to callback addresses wait. */
  outbox: Outbox;
  log: Log;
  now(): number;
}

/** What route handlers get besides: the API's own. */
export interface ApiDeps extends Deps {
  auth: AuthService;
  audit: AuditLog;
  limiter: RateLimiter;
  schedules: ScheduleBook;
  /** The live stream's events, as the stream process tells them. */
  liveEvents: LiveEvents;
  /** Every job type of this deployment, an operator's own ones too. */
  jobContracts: Record<string, JobContract>;
}
