import { EpochMs, Id, InstrumentRef } from "@tapedeck/core";
import * as z from "zod";
import { analysisFields, Figures, figuresOf, rangeFields } from "../fields.ts";

const Weight = z.strictObject({ instrumentId: InstrumentRef, weight: z.number().min(-10).max(10) });

/** Whose risk. Weights are kept by trading at each close; what they leave of 1 is cash, which earns nothing. */
export const RiskSubject = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("instrument"), instrumentId: InstrumentRef }),
  z.strictObject({
    kind: z.literal("weights"),
    name: z.string().trim().min(1).max(100).default("portfolio"),
    weights: z
      .array(Weight)
      .min(1)
      .max(60)
      .refine(
        (list) => new Set(list.map((one) => one.instrumentId)).size === list.length,
        "names an instrument twice; name each once",
      ),
  }),
  z.strictObject({
    kind: z.literal("account"),
    accountId: Id.optional().describe("Absent: the only account of the caller"),
  }),
]);

export const RiskPayload = z
  .strictObject({
    kind: z.literal("risk"),
    of: RiskSubject,
    ...rangeFields,
    benchmark: InstrumentRef.optional(),
    levels: z
      .array(z.number().min(0.5).max(0.999))
      .min(1)
      .max(5)
      .default([0.95, 0.99])
      .describe("Levels of value at risk and expected shortfall"),
    horizonBars: z.int().min(1).max(250).default(1).describe("Horizon of the Monte Carlo method"),
    backtestWindow: z
      .int()
      .min(50)
      .max(2_000)
      .default(250)
      .describe("Bars from which each forecast of the back test is made"),
    replications: z.int().min(100).max(2_000).default(1_000).describe("Resamples of the bootstrap"),
    confidence: z.number().min(0.5).max(0.999).default(0.95),
    trials: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(1)
      .describe("How many strategies were tried before this one was chosen"),
    windows: z
      .array(z.strictObject({ name: z.string().trim().min(1).max(80), fromMs: EpochMs, toMs: EpochMs }))
      .max(50)
      .optional()
      .describe("Stress windows; left out: the known crises that the bars cover"),
    shocks: z
      .array(
        z.strictObject({
          name: z.string().trim().min(1).max(80),
          returns: z
            .array(z.strictObject({ instrumentId: InstrumentRef, return: z.number().min(-1).max(10) }))
            .min(1)
            .max(60),
        }),
      )
      .max(50)
      .default([])
      .describe("Hypothetical returns of some holdings; the others move with them by their covariance"),
  })
  .meta({ id: "RiskPayload", title: "Risk report" });
export type RiskPayload = z.output<typeof RiskPayload>;

export const RiskMethod = z.enum([
  "historical",
  "normal",
  "cornishFisher",
  "studentT",
  "ewma",
  "filteredHistorical",
  "extremeValue",
  "monteCarlo",
]);

/** Losses are positive fractions. */
export const TailRiskRow = z.object({
  method: RiskMethod,
  level: z.number(),
  valueAtRisk: z.number().nullable(),
  expectedShortfall: z.number().nullable(),
  /** Why it has no value; null where it has. */
  refusal: z.string().nullable(),
  evidenceId: z.string(),
});

export const CoverageRow = z.object({
  method: RiskMethod,
  level: z.number(),
  forecasts: z.int(),
  violations: z.int(),
  expected: z.number(),
  kupiecP: z.number().nullable(),
  independenceP: z.number().nullable(),
  conditionalP: z.number().nullable(),
  /** Neither the number of violations nor their order speaks against the model at 5 %. */
  passed: z.boolean(),
  evidenceId: z.string(),
});

export const ComponentRow = z.object({
  instrumentId: z.string(),
  weight: z.number(),
  /** dVaR / dweight. */
  marginal: z.number(),
  /** Adds up to the value at risk. */
  component: z.number(),
  share: z.number(),
  /** Value at risk less that without it. */
  incremental: z.number(),
  /** Adds up to the expected shortfall of the historical method. */
  componentShortfall: z.number(),
  evidenceId: z.string(),
});

export const RiskResult = z
  .object({
    kind: z.literal("risk"),
    ...analysisFields,
    /** The instrument's id, or the portfolio's name. */
    of: z.string(),
    benchmark: z.string().nullable(),
    figures: figuresOf([
      "totalReturn",
      "cagr",
      "volatility",
      "sharpe",
      "sortino",
      "calmar",
      "omega",
      "maxDrawdown",
      "averageDrawdown",
      "longestUnderwater",
      "ulcerIndex",
      "tailRatio",
      "skew",
      "excessKurtosis",
      "best",
      "worst",
      "positiveShare",
      "probabilisticSharpe",
      "deflatedSharpe",
      "minimumTrackRecord",
      "sharpeLow",
      "sharpeHigh",
      "returnLow",
      "returnHigh",
    ]),
    /** Against the benchmark; empty without one. */
    relative: Figures,
    tailRisk: z.array(TailRiskRow),
    coverage: z.array(CoverageRow),
    /** At the highest level, normal method. */
    components: z.array(ComponentRow),
    stress: z.array(
      z.object({
        name: z.string(),
        fromMs: z.int(),
        toMs: z.int(),
        bars: z.int(),
        total: z.number(),
        maxDrawdown: z.number(),
        worst: z.number(),
        evidenceId: z.string(),
      }),
    ),
    shocks: z.array(
      z.object({
        name: z.string(),
        /** Of the whole portfolio, bought and held. */
        return: z.number(),
        returns: z.array(z.object({ instrumentId: z.string(), return: z.number(), implied: z.boolean() })),
        evidenceId: z.string(),
      }),
    ),
    drawdowns: z.array(
      z.object({
        peakMs: z.int(),
        troughMs: z.int(),
        /** Null while it lasts. */
        recoveryMs: z.int().nullable(),
        depth: z.number(),
        evidenceId: z.string(),
      }),
    ),
  })
  .meta({ id: "RiskResult" });
export type RiskResult = z.output<typeof RiskResult>;
