import { defineQuery, downloadTypes, Id } from "@tapedeck/core";
import type { DownloadFormat } from "@tapedeck/core";
import * as z from "zod";
import { Honesty } from "../sweep/contract.ts";
import { RunReport } from "./figures/contract.ts";

const Ratio = z.number().nullable();

/**
 * How much of a run's result luck explains, given everything that the tenant tried on the same instrument and timeframe:
 * `trials` are runs and combinations of the same family (one strategy whatever its numbers), this run among them.
 */
export const RunHonesty = Honesty.extend({
  /** Searches and single runs that they were. */
  searches: z.int(),
  runs: z.int(),
  /** Trials of every strategy. */
  trialsOfAll: z.int(),
  exposure: z.number(),
  turnover: Ratio,
  costShare: Ratio,
  capacity: Ratio,
}).meta({ id: "RunHonesty" });
export type RunHonesty = z.output<typeof RunHonesty>;

export const BacktestReport = z
  .object({
    runId: Id,
    /** portfolio: over several instruments. */
    kind: z.enum(["single", "portfolio"]),
    honesty: RunHonesty,
    /** Null for a run that was stored before reports were. */
    report: RunReport.nullable(),
  })
  .meta({ id: "BacktestReport" });
export type BacktestReport = z.output<typeof BacktestReport>;

/** Whether the data that a run read is still what is known of its range. */
export const DataRevision = z
  .object({
    /** gone: some of it is no longer stored. */
    state: z.enum(["same", "revised", "gone"]),
    /** For people. */
    detail: z.string(),
    datasets: z.array(
      z.object({
        instrumentId: z.string(),
        datasetHash: z.string(),
        /** Of the range as it is known now; null where it is no longer stored. */
        currentHash: z.string().nullable(),
        /** Open of the first bar that differs; null where none does, or it cannot be told. */
        firstMs: z.int().nullable(),
      }),
    ),
  })
  .meta({ id: "DataRevision" });
export type DataRevision = z.output<typeof DataRevision>;

const tableMeanings = {
  trades: "All trades of a run",
  fills: "All fills of a run",
  orders: "All orders of a run of the event engine, as they were placed,",
  equity: "Equity, drawdown, benchmark and position of a run at every close",
};
const formatNames: Record<DownloadFormat, string> = { csv: "CSV", json: "JSON", parquet: "Parquet" };

const params = z.object({ id: Id });
const tag = "Backtests";
const role = "viewer";

function download<const Name extends string>(
  name: Name,
  table: "trades" | "fills" | "orders" | "equity",
  format: DownloadFormat,
) {
  return defineQuery({
    name,
    path: `/backtests/{id}/${table}.${format}`,
    tag,
    summary: `${tableMeanings[table]} as ${formatNames[format]}`,
    role,
    params,
    raw: true,
    contentType: downloadTypes[format],
  });
}

function report<const Name extends string>(name: Name, of: "backtests" | "jobs", format: "html" | "pdf") {
  const what = of === "backtests" ? "a run" : "an ended job of the backtest queue";
  return defineQuery({
    name,
    path: `/${of}/{id}/report.${format}`,
    tag,
    summary:
      format === "html"
        ? `The report of ${what} as one HTML file that needs no network`
        : `The report of ${what} as PDF`,
    role,
    params,
    raw: true,
    contentType: format === "html" ? "text/html" : "application/pdf",
  });
}

export const reportRoutes = {
  downloadBacktestHtml: report("downloadBacktestHtml", "backtests", "html"),
  downloadBacktestPdf: report("downloadBacktestPdf", "backtests", "pdf"),
  downloadJobHtml: report("downloadJobHtml", "jobs", "html"),
  downloadJobPdf: report("downloadJobPdf", "jobs", "pdf"),
  downloadBacktestTrades: download("downloadBacktestTrades", "trades", "csv"),
  downloadBacktestTradesJson: download("downloadBacktestTradesJson", "trades", "json"),
  downloadBacktestTradesParquet: download("downloadBacktestTradesParquet", "trades", "parquet"),
  downloadBacktestFills: download("downloadBacktestFills", "fills", "csv"),
  downloadBacktestFillsJson: download("downloadBacktestFillsJson", "fills", "json"),
  downloadBacktestFillsParquet: download("downloadBacktestFillsParquet", "fills", "parquet"),
  downloadBacktestOrders: download("downloadBacktestOrders", "orders", "csv"),
  downloadBacktestOrdersJson: download("downloadBacktestOrdersJson", "orders", "json"),
  downloadBacktestOrdersParquet: download("downloadBacktestOrdersParquet", "orders", "parquet"),
  downloadBacktestEquity: download("downloadBacktestEquity", "equity", "csv"),
  downloadBacktestEquityJson: download("downloadBacktestEquityJson", "equity", "json"),
  downloadBacktestEquityParquet: download("downloadBacktestEquityParquet", "equity", "parquet"),
  getBacktestReport: defineQuery({
    name: "getBacktestReport",
    path: "/backtests/{id}/report",
    tag,
    summary:
      "What luck explains of a run, and what its statistics leave out: months, regimes, benchmark, capacity",
    role,
    params,
    response: BacktestReport,
  }),
  getBacktestRevision: defineQuery({
    name: "getBacktestRevision",
    path: "/backtests/{id}/revision",
    tag,
    summary: "Whether the data that a run read has been revised since",
    role,
    params,
    response: DataRevision,
  }),
  getJobRevision: defineQuery({
    name: "getJobRevision",
    path: "/jobs/{id}/revision",
    tag,
    summary:
      "Whether the bars that a job read have been revised since: of searches, walk-forwards, any other",
    role,
    params,
    response: DataRevision,
  }),
};
