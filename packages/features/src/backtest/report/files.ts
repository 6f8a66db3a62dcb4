import { AppError } from "@tapedeck/core";
import type { BlobStore } from "@tapedeck/core";
import type { Db } from "../../db.ts";
import { fileResponse } from "../../download.ts";
import type { SeriesReader } from "../../series/contract.ts";
import { BiasAuditResult, PortfolioAuditResult } from "../audit/contract.ts";
import { BacktestResult } from "../contract.ts";
import { initialCashOf, loadEquity } from "../equity.ts";
import { MonteCarloResult } from "../monteCarlo/contract.ts";
import { PortfolioBacktestResult } from "../portfolio/contract.ts";
import { listTrades, loadAnyRun } from "../store.ts";
import type { AnyRunRow } from "../store.ts";
import { SweepResult } from "../sweep/contract.ts";
import { WalkForwardResult } from "../walkForward/contract.ts";
import { backtestDocument } from "./documents/backtest.ts";
import type { ReportDocument } from "./documents/document.ts";
import { portfolioDocument } from "./documents/portfolio.ts";
import {
  biasAuditDocument,
  monteCarloDocument,
  sweepDocument,
  walkForwardDocument,
} from "./documents/research.ts";
import { listedTrades } from "./documents/run.ts";
import { reportHtml } from "./html.ts";
import { honestyOf } from "./ledger.ts";
import { reportPdf } from "./pdf.ts";
import { orGone, revisionOf } from "./revision.ts";
import { loadJobResult } from "./store.ts";

export interface FileDeps {
  db: Db;
  blobs: BlobStore;
  series: SeriesReader;
}

export type FileFormat = "html" | "pdf";

async function fileOf(report: ReportDocument, name: string, format: FileFormat): Promise<Response> {
  return format === "html"
    ? fileResponse(reportHtml(report), { contentType: "text/html", name: `${name}.html` })
    : fileResponse(await reportPdf(report), { contentType: "application/pdf", name: `${name}.pdf` });
}

async function documentOfRun({ db, blobs, series }: FileDeps, run: AnyRunRow): Promise<ReportDocument> {
  const content = {
    initialCash: initialCashOf(run.payload),
    honesty: await honestyOf(db, run),
    report: run.report,
    revision: await revisionOf(series, run),
    curves: await loadEquity(blobs, run.equityBlob, run.bars),
    trades: await listTrades(db, run.id, listedTrades, 0),
  };
  if (run.kind === "portfolio") {
    return portfolioDocument({ ...content, result: PortfolioBacktestResult.parse(run.result) });
  }
  const dataset = await orGone(() => series.byHash(run.datasetHash));
  const closes = dataset === null ? null : dataset.columns.close;
  return backtestDocument({ ...content, closes, result: BacktestResult.parse(run.result) });
}

/** The report of a run as a file that stands alone. */
export async function runFile(
  deps: FileDeps,
  tenantId: string,
  id: string,
  format: FileFormat,
): Promise<Response> {
  const run = await loadAnyRun(deps.db, tenantId, id);
  return fileOf(await documentOfRun(deps, run), `backtest-${run.id}`, format);
}

/** Documents of the job types whose whole report is in the job's result. */
const documents: Record<string, (result: unknown) => ReportDocument> = {
  sweep: (result) => sweepDocument(SweepResult.parse(result)),
  walkForward: (result) => walkForwardDocument(WalkForwardResult.parse(result)),
  monteCarlo: (result) => monteCarloDocument(MonteCarloResult.parse(result)),
  biasAudit: (result) => biasAuditDocument(BiasAuditResult.parse(result)),
  portfolioAudit: (result) => biasAuditDocument(PortfolioAuditResult.parse(result)),
};

/** The report of any job of the backtest queue as a file that stands alone. */
export async function jobFile(
  deps: FileDeps,
  tenantId: string,
  id: string,
  format: FileFormat,
): Promise<Response> {
  const { type, result } = await loadJobResult(deps.db, tenantId, id);
  if (type === "backtest" || type === "portfolioBacktest") return runFile(deps, tenantId, id, format);
  const documentOf = documents[type];
  if (documentOf === undefined) {
    throw new AppError("resource.unknown", `There is no report of jobs of type ${type}.`);
  }
  return fileOf(documentOf(result), `${type}-${id}`, format);
}
