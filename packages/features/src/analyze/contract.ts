import { AppError, defineJob, defineQuery, EpochMs, Id, InstrumentRef, Timeframe } from "@tapedeck/core";
import * as z from "zod";
import { Adjustment, SeriesRequest } from "../series/contract.ts";

/** A formula as text: parsed and checked by packages/formula. */
export const FormulaText = z
  .string()
  .trim()
  .min(1)
  .max(2_000)
  .meta({ description: "A formula over a bar series", examples: ["sma(close, 50)", "rsi(close, 14) < 30"] });

export const AnalyzePayload = z
  .strictObject({
    /** Default: formulas where some are given, else summary. */
    kind: z.enum(["formulas", "summary"]).optional(),
    ...SeriesRequest.shape,
    formulas: z.array(FormulaText).min(1).max(100).optional(),
  })
  .refine((payload) => payload.kind !== "formulas" || payload.formulas !== undefined, {
    path: ["formulas"],
    message: 'kind "formulas" needs a list of formulas',
  })
  .refine((payload) => payload.kind !== "summary" || payload.formulas === undefined, {
    path: ["formulas"],
    message: 'kind "summary" takes no formulas; leave kind out to run yours',
  })
  .meta({ id: "AnalyzePayload" });
export type AnalyzePayload = z.output<typeof AnalyzePayload>;

/** One formula's outcome. The whole series is at `GET /api/analyses/{id}/series`. */
export const FormulaOutcome = z
  .object({
    /** Canonical text. */
    formula: z.string(),
    type: z.enum(["series", "condition", "scalar"]),
    /** Bars before its first value, known before it ran. */
    warmup: z.int(),
    /** Bars with a value (for a condition: bars on which it holds). */
    bars: z.int(),
    /** Null where the last bar has none (warm-up, or undefined there). A condition is 1 or 0. */
    last: z.number().nullable(),
    /** Close time of the last bar. */
    lastAtMs: z.int(),
    evidenceId: z.string(),
  })
  .meta({ id: "FormulaOutcome" });
export type FormulaOutcome = z.output<typeof FormulaOutcome>;

export const SummaryLine = z
  .object({
    name: z.string(),
    label: z.string(),
    group: z.enum(["price", "trend", "momentum", "volatility", "range", "return", "volume"]),
    /** How it is computed: a formula where one says it. */
    formula: z.string(),
    /** Null where the range is too short for it; `reading` says so. */
    value: z.number().nullable(),
    unit: z.string(),
    atMs: z.int().nullable(),
    /** What it says, in plain words. */
    reading: z.string(),
    evidenceId: z.string(),
  })
  .meta({ id: "SummaryLine" });
export type SummaryLine = z.output<typeof SummaryLine>;

export const AnalyzeResult = z
  .object({
    kind: z.enum(["formulas", "summary"]),
    instrumentId: z.string(),
    name: z.string(),
    currency: z.string(),
    timeframe: z.string(),
    adjustment: Adjustment,
    asOfMs: z.int(),
    datasetHash: z.string(),
    bars: z.int(),
    /** Open of the first bar and close of the last. */
    fromMs: z.int(),
    toMs: z.int(),
    series: z.array(FormulaOutcome),
    summary: z.array(SummaryLine),
    /** Where the computed columns lie; null when there are none. */
    seriesRef: z.string().nullable(),
    evidenceIds: z.array(z.string()),
  })
  .meta({ id: "AnalyzeResult" });
export type AnalyzeResult = z.output<typeof AnalyzeResult>;

export const analyze = defineJob({
  name: "analyze",
  path: "/analyses",
  queue: "analyze",
  summary: "Compute formulas, or a technical summary, over an instrument's bars",
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
    { instrumentId: "SPX.INDEX", formulas: ["sma(close, 50)", "rsi(close, 14)"] },
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
