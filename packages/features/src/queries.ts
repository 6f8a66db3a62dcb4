import type { RouteHandlersFor } from "@tapedeck/core";
import type { routes } from "./contracts.ts";
import { alertRouteHandlers } from "./alerts/read.ts";
import { askRouteHandlers } from "./ask/read.ts";
import { auditRouteHandlers } from "./audit/read.ts";
import { authRouteHandlers } from "./auth/read.ts";
import type { ApiDeps } from "./deps.ts";
import { batchRouteHandlers } from "./batches/read.ts";
import { notificationRouteHandlers } from "./notifications/read.ts";
import { scheduleRouteHandlers } from "./schedules/read.ts";
import { jobRouteHandlers } from "./jobs/read.ts";
import { orderRouteHandlers } from "./orders/read.ts";
import { systemRouteHandlers } from "./system/read.ts";
import { backtestRouteHandlers } from "./backtest/read.ts";
import { reportRouteHandlers } from "./backtest/report/read.ts";
import { compareRouteHandlers } from "./backtest/compare/read.ts";
import { portfolioRouteHandlers } from "./backtest/portfolio/read.ts";
import { sweepRouteHandlers } from "./backtest/sweep/read.ts";
import { evidenceRouteHandlers } from "./evidence/read.ts";
import { documentIngestRouteHandlers } from "./ingest/documents/read.ts";
import { ingestRouteHandlers } from "./ingest/read.ts";
import { seriesRouteHandlers } from "./series/read.ts";
import { exportRouteHandlers } from "./series/export/read.ts";
import { tickRouteHandlers } from "./ticks/read.ts";
import { uploadRouteHandlers } from "./uploads/read.ts";
import { analyzeRouteHandlers } from "./analyze/read.ts";
import { eventRouteHandlers } from "./events/read.ts";
import { sentimentRouteHandlers } from "./sentiment/read.ts";
import { analyticsRouteHandlers } from "./analyze/analytics/read.ts";
import { knowledgeRouteHandlers } from "./knowledge/read.ts";
import { indicatorRouteHandlers } from "./indicators/read.ts";
import { lineageRouteHandlers } from "./lineage/read.ts";

/** A handler for every route of contracts.ts. */
export const routeHandlers = {
  ...jobRouteHandlers,
  ...scheduleRouteHandlers,
  ...notificationRouteHandlers,
  ...batchRouteHandlers,
  ...backtestRouteHandlers,
  ...reportRouteHandlers,
  ...portfolioRouteHandlers,
  ...compareRouteHandlers,
  ...sweepRouteHandlers,
  ...orderRouteHandlers,
  ...authRouteHandlers,
  ...auditRouteHandlers,
  ...systemRouteHandlers,
  ...evidenceRouteHandlers,
  ...ingestRouteHandlers,
  ...documentIngestRouteHandlers,
  ...uploadRouteHandlers,
  ...seriesRouteHandlers,
  ...exportRouteHandlers,
  ...analyzeRouteHandlers,
  ...analyticsRouteHandlers,
  ...indicatorRouteHandlers,
  ...lineageRouteHandlers,
  ...alertRouteHandlers,
  ...askRouteHandlers,
  ...tickRouteHandlers,
  ...knowledgeRouteHandlers,
  ...eventRouteHandlers,
  ...sentimentRouteHandlers,
} satisfies RouteHandlersFor<typeof routes, ApiDeps>;
