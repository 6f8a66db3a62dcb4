import type { Caller, DownloadFormat, RouteHandlersFor } from "@tapedeck/core";
import { loadAnyRun } from "../store.ts";
import type { reportRoutes } from "./contract.ts";
import { downloads } from "./downloads.ts";
import { jobFile, runFile } from "./files.ts";
import type { FileDeps, FileFormat } from "./files.ts";
import { honestyOf } from "./ledger.ts";
import { revisionOf, revisionOfJob } from "./revision.ts";

const download =
  (table: keyof typeof downloads, format: DownloadFormat) =>
  async (deps: FileDeps, { params }: { params: { id: string } }, caller: Caller) =>
    await downloads[table](deps, await loadAnyRun(deps.db, caller.tenantId, params.id), format);

const file =
  (make: typeof runFile, format: FileFormat) =>
  async (deps: FileDeps, { params }: { params: { id: string } }, caller: Caller) =>
    await make(deps, caller.tenantId, params.id, format);

export const reportRouteHandlers = {
  downloadBacktestHtml: file(runFile, "html"),
  downloadBacktestPdf: file(runFile, "pdf"),
  downloadJobHtml: file(jobFile, "html"),
  downloadJobPdf: file(jobFile, "pdf"),
  downloadBacktestTrades: download("trades", "csv"),
  downloadBacktestTradesJson: download("trades", "json"),
  downloadBacktestTradesParquet: download("trades", "parquet"),
  downloadBacktestFills: download("fills", "csv"),
  downloadBacktestFillsJson: download("fills", "json"),
  downloadBacktestFillsParquet: download("fills", "parquet"),
  downloadBacktestOrders: download("orders", "csv"),
  downloadBacktestOrdersJson: download("orders", "json"),
  downloadBacktestOrdersParquet: download("orders", "parquet"),
  downloadBacktestEquity: download("equity", "csv"),
  downloadBacktestEquityJson: download("equity", "json"),
  downloadBacktestEquityParquet: download("equity", "parquet"),

  getBacktestReport: async ({ db }, { params }, caller) => {
    const run = await loadAnyRun(db, caller.tenantId, params.id);
    return { runId: run.id, kind: run.kind, honesty: await honestyOf(db, run), report: run.report };
  },

  getBacktestRevision: async ({ db, series }, { params }, caller) => {
    const run = await loadAnyRun(db, caller.tenantId, params.id);
    return await revisionOf(series, run);
  },

  getJobRevision: (deps, { params }, caller) => revisionOfJob(deps, caller.tenantId, params.id),
} satisfies RouteHandlersFor<typeof reportRoutes, FileDeps>;
