import {
  AppError,
  defineCommand,
  defineJob,
  defineQuery,
  EpochMs,
  Id,
  InstrumentRef,
  Timeframe,
} from "@tapedeck/core";
import * as z from "zod";
import { JobView } from "../jobs/contract.ts";
import { Adjustment } from "../series/contract.ts";
import { analysisPayloads, analysisResults } from "./kinds/contracts.ts";
import { FormulaText } from "./kinds/formulas/contract.ts";
import { OptimizeBody } from "./kinds/portfolio/contract.ts";

const AnyKind = z.discriminatedUnion("kind", analysisPayloads);

/** `kind` may be left out: formulas where some are given, else summary. */
function withKind(payload: unknown): unknown {
  if (typeof payload !== "object" || payload === null || "kind" in payload) return payload;
  return { kind: "formulas" in payload ? "formulas" : "summary", ...payload };
}

export const AnalyzePayload = z.preprocess(withKind, AnyKind);
export type AnalyzePayload = z.output<typeof AnalyzePayload>;

export const AnalyzeResult = z.discriminatedUnion("kind", analysisResults);
export type AnalyzeResult = z.output<typeof AnalyzeResult>;

export const analyze = defineJob({
  name: "analyze",
  path: "/analyses",
  queue: "analyze",
  summary:
    "Analyse bars: formulas, a summary, pairs, correlation, risk, portfolios, regimes, anomalies, patterns, event studies; or price an option",
  version: 1,
  reuse: true,
  role: "analyst",
  attempts: 3,
  timeoutMs: 300_000,
  cpu: true,
  payload: AnalyzePayload,
  progress: z.object({ done: z.int(), total: z.int() }),
  result: AnalyzeResult,
  examples: [
    { kind: "summary", instrumentId: "SPX.INDEX" },
    { kind: "formulas", instrumentId: "SPX.INDEX", formulas: ["sma(close, 50)", "rsi(close, 14)"] },
    { kind: "pairs", y: "MSFT.XNAS", x: "IBM.XNYS", timeframe: "1mo", zWindow: 24 },
    {
      kind: "portfolio",
      assets: ["MSFT.XNAS", "AAPL.XNAS", "AMZN.XNAS", "IBM.XNYS"],
      timeframe: "1mo",
      method: "maxSharpe",
      maxWeight: 0.5,
    },
    { kind: "risk", of: { kind: "instrument", instrumentId: "SPX.INDEX" } },
    { kind: "patterns", instrumentId: "SPX.INDEX", fromMs: "2015-01-01" },
  ],
});

/** Columns on one time axis; a value is null where there is none. `step` bars are one point when they were thinned. */
export const AnalyzeSeries = z
  .object({
    instrumentId: z.string(),
    timeframe: z.string(),
    datasetHash: z.string(),
    /** Bars in the whole series. */
    total: z.int(),
    /** 1: every bar. k: the last bar of each run of k. */
    step: z.int(),
    openMs: z.array(z.int()),
    closeMs: z.array(z.int()),
    columns: z.array(
      z.object({
        formula: z.string(),
        type: z.enum(["series", "condition", "scalar"]),
        values: z.array(z.number().nullable()),
      }),
    ),
  })
  .meta({ id: "AnalyzeSeries" });
export type AnalyzeSeries = z.output<typeof AnalyzeSeries>;

/** Bars and formula columns on one axis, for a chart. */
export const Chart = z
  .object({
    ...AnalyzeSeries.shape,
    name: z.string(),
    currency: z.string(),
    adjustment: Adjustment,
    open: z.array(z.number()),
    high: z.array(z.number()),
    low: z.array(z.number()),
    close: z.array(z.number()),
    volume: z.array(z.number()),
    /** The analyze job that computed the columns; null when no formula was asked. */
    jobId: Id.nullable(),
  })
  .meta({ id: "Chart" });
export type Chart = z.output<typeof Chart>;

const maxPoints = z.coerce.number().int().min(2).max(50_000);
const From = z.preprocess(numeric, EpochMs).optional();

/** Query strings carry ms as text. */
function numeric(value: unknown): unknown {
  return typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : value;
}

/** `formulas` may be repeated, or be several separated by ";". */
const FormulaList = z
  .union([z.string(), z.array(z.string())])
  .transform((value) =>
    (Array.isArray(value) ? value : [value]).flatMap((text) => text.split(";").map((part) => part.trim())),
  )
  .pipe(z.array(FormulaText).max(20))
  .optional();

export const analyzeRoutes = {
  getAnalysisSeries: defineQuery({
    name: "getAnalysisSeries",
    path: "/analyses/{id}/series",
    tag: "Analyses",
    summary: "The computed columns of an analysis, as JSON or CSV (format=csv), thinned to maxPoints",
    role: "viewer",
    params: z.object({ id: Id }),
    query: z.object({
      fromMs: From,
      toMs: From,
      maxPoints: maxPoints.optional(),
      format: z.enum(["json", "csv"]).default("json"),
    }),
    response: AnalyzeSeries,
  }),
  getChart: defineQuery({
    name: "getChart",
    path: "/charts/{instrumentId}",
    tag: "Analyses",
    summary: "Bars and formula columns on one time axis; computed by an analyze job",
    role: "analyst",
    params: z.object({ instrumentId: InstrumentRef }),
    query: z.object({
      timeframe: Timeframe.default("1d"),
      fromMs: From,
      toMs: From,
      adjustment: Adjustment.default("split"),
      asOf: From,
      formulas: FormulaList,
      maxPoints: maxPoints.default(5_000),
    }),
    response: Chart,
  }),
  optimizePortfolio: defineCommand({
    name: "optimizePortfolio",
    method: "POST",
    path: "/portfolio/optimize",
    tag: "Analyses",
    summary:
      "Weights of assets by risk tolerance: submits an analysis of kind portfolio, whose Location is given",
    role: "analyst",
    body: OptimizeBody,
    response: JobView,
    status: 202,
  }),
};

/** The way out when a job that a GET waits for has not ended: the caller polls it. */
export function stillRunning(jobId: string): Response {
  return Response.json(
    { jobId, state: "running" },
    { status: 202, headers: { location: `/api/jobs/${jobId}`, "retry-after": "1" } },
  );
}

export function notAnAnalysis(id: string, type: string): AppError {
  return new AppError("resource.unknown", `Job ${id} is of type ${type}, not an analysis.`);
}
