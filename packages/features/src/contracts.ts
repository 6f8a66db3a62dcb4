import type { JobContract, RouteContract } from "@tapedeck/core";
import { alertRoutes } from "./alerts/contract.ts";
import { auditRoutes } from "./audit/contract.ts";
import { authRoutes } from "./auth/contract.ts";
import { backtest, backtestRoutes } from "./backtest/contract.ts";
import { biasAudit, portfolioAudit } from "./backtest/audit/contract.ts";
import { backtestPart } from "./backtest/parts/contract.ts";
import { compareRoutes } from "./backtest/compare/contract.ts";
import { portfolioBacktest, portfolioRoutes } from "./backtest/portfolio/contract.ts";
import { monteCarlo } from "./backtest/monteCarlo/contract.ts";
import { reportRoutes } from "./backtest/report/contract.ts";
import { sweep, sweepRoutes } from "./backtest/sweep/contract.ts";
import { walkForward } from "./backtest/walkForward/contract.ts";
import { evidenceRoutes } from "./evidence/contract.ts";
import { batchRoutes } from "./batches/contract.ts";
import { notificationRoutes } from "./notifications/contract.ts";
import { scheduleRoutes } from "./schedules/contract.ts";
import { jobRoutes } from "./jobs/contract.ts";
import { execute, orderRoutes } from "./orders/contract.ts";
import { ingest, ingestRoutes } from "./ingest/contract.ts";
import { documentIngest, documentIngestRoutes } from "./ingest/documents/contract.ts";
import { seriesRoutes } from "./series/contract.ts";
import { exportRoutes } from "./series/export/contract.ts";
import { tickRoutes } from "./ticks/contract.ts";
import { uploadRoutes } from "./uploads/contract.ts";
import { systemRoutes } from "./system/contract.ts";
import { analyze, analyzeRoutes } from "./analyze/contract.ts";
import { analyticsRoutes } from "./analyze/analytics/contract.ts";
import { ask, askRoutes } from "./ask/contract.ts";
import { eventRoutes, extract } from "./events/contract.ts";
import { sentiment, sentimentRoutes } from "./sentiment/contract.ts";
import { knowledgeRoutes } from "./knowledge/contract.ts";
import { indicatorRoutes } from "./indicators/contract.ts";
import { lineageRoutes } from "./lineage/contract.ts";

/** Every job type. A new one is a folder and a line here and a line in handlers.ts. */
export const contracts = {
  ingest,
  documentIngest,
  analyze,
  ask,
  backtest,
  sweep,
  biasAudit,
  portfolioBacktest,
  portfolioAudit,
  walkForward,
  backtestPart,
  monteCarlo,
  execute,
  sentiment,
  extract,
} satisfies Record<string, JobContract>;

/** Every other address. */
export const routes = {
  ...jobRoutes,
  ...scheduleRoutes,
  ...notificationRoutes,
  ...batchRoutes,
  ...backtestRoutes,
  ...reportRoutes,
  ...portfolioRoutes,
  ...compareRoutes,
  ...sweepRoutes,
  ...orderRoutes,
  ...authRoutes,
  ...auditRoutes,
  ...systemRoutes,
  ...evidenceRoutes,
  ...ingestRoutes,
  ...documentIngestRoutes,
  ...uploadRoutes,
  ...seriesRoutes,
  ...exportRoutes,
  ...analyzeRoutes,
  ...analyticsRoutes,
  ...indicatorRoutes,
  ...lineageRoutes,
  ...alertRoutes,
  ...askRoutes,
  ...tickRoutes,
  ...knowledgeRoutes,
  ...eventRoutes,
  ...sentimentRoutes,
} satisfies Record<string, RouteContract>;
