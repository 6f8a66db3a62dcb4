import { defineQuery, downloadTypes, Id } from "@tapedeck/core";
import type { DownloadFormat } from "@tapedeck/core";
import * as z from "zod";
import { BacktestTrade } from "../contract.ts";
import { Honesty } from "../sweep/contract.ts";

const Ratio = z.number().nullable();

/** Bar returns of the run against those of buy and hold, both less the risk-free rate. Annual where the name is of a rate. */
export const RelativeFigures = z.object({
  /** Intercept of the regression on the benchmark × bars a year. */
  alpha: Ratio,
  alphaTStatistic: Ratio,
  beta: Ratio,
  correlation: Ratio,
  /** Standard deviation (ddof 1) of the difference × sqrt(bars a year). */
  trackingError: Ratio,
  /** Mean difference / its standard deviation × sqrt(bars a year). */
  informationRatio: Ratio,
  /** Mean return over the bars on which the benchmark rose (fell) / the benchmark's own mean there. */
  upCapture: Ratio,
  downCapture: Ratio,
});
export type RelativeFigures = z.output<typeof RelativeFigures>;

/** What the ratio of the run is worth by itself, had nothing else been tried. */
export const InferenceFigures = z.object({
  sharpePerBar: Ratio,
  /** Probability that the true Sharpe ratio is above zero. */
  probabilisticSharpe: Ratio,
  /** Bars after which it would be, with 95 %. */
  minimumTrackRecordBars: Ratio,
});
export type InferenceFigures = z.output<typeof InferenceFigures>;

export const CapacityFigures = z.object({
  /** Initial cash with which the fill at the 95th percentile takes `volumeShare` of its bar; null without volumes. */
  cash: Ratio,
  volumeShare: z.number(),
  /** Share of their bars' volumes that fills took: median, 95th percentile, largest. */
  medianShare: Ratio,
  highShare: Ratio,
  largestShare: Ratio,
  /** Fills in bars that state a volume. */
  fills: z.int(),
});
export type CapacityFigures = z.output<typeof CapacityFigures>;

export const YearRow = z.object({
  year: z.int(),
  /** January to December, fractions; null where the run has no bar. */
  months: z.array(Ratio).length(12),
  total: z.number(),
});
export type YearRow = z.output<typeof YearRow>;

export const RollingSharpe = z.object({
  windowBars: z.int(),
  atMs: z.array(z.int()),
  strategy: z.array(Ratio),
  benchmark: z.array(Ratio),
});
export type RollingSharpe = z.output<typeof RollingSharpe>;

export const regimeNames = ["risingCalm", "risingTurbulent", "fallingCalm", "fallingTurbulent"] as const;

/** Bars that followed a close at which the market was in one state. */
export const RegimeRow = z.object({
  name: z.enum(regimeNames),
  bars: z.int(),
  share: z.number(),
  totalReturn: z.number(),
  benchmarkReturn: z.number(),
  sharpe: Ratio,
  benchmarkSharpe: Ratio,
});
export type RegimeRow = z.output<typeof RegimeRow>;

export const DrawdownRow = z.object({
  /** Null: the start of the run. */
  peakMs: z.int().nullable(),
  troughMs: z.int(),
  /** Null while it lasts. */
  recoveryMs: z.int().nullable(),
  depth: z.number(),
  bars: z.int(),
});
export type DrawdownRow = z.output<typeof DrawdownRow>;

/** What a run says besides its statistics; computed once, stored with it. Ratios are fractions. */
export const RunReport = z
  .object({
    inference: InferenceFigures,
    relative: RelativeFigures,
    capacity: CapacityFigures,
    best: z.array(BacktestTrade),
    worst: z.array(BacktestTrade),
    years: z.array(YearRow),
    rolling: RollingSharpe.nullable(),
    regimes: z.array(RegimeRow),
    drawdowns: z.array(DrawdownRow),
    /** Evidence of each figure, by JSON pointer into this report. */
    evidence: z.record(z.string(), z.string()),
  })
  .meta({ id: "RunReport" });
export type RunReport = z.output<typeof RunReport>;

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
};
