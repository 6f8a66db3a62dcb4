import { InstrumentRef } from "@tapedeck/core";
import * as z from "zod";
import { analysisFields, figuresOf, rangeFields } from "../fields.ts";

export const HedgeMethod = z.enum(["ols", "huber", "totalLeastSquares", "kalman"]);
export type HedgeMethod = z.output<typeof HedgeMethod>;

export const PairsPayload = z
  .strictObject({
    kind: z.literal("pairs"),
    y: InstrumentRef.describe("The instrument that is explained: bought when the spread is low"),
    x: InstrumentRef.describe("The instrument that it is hedged with"),
    ...rangeFields,
    prices: z.enum(["log", "price"]).default("log").describe("Logarithms of closes, or closes"),
    hedge: HedgeMethod.default("ols").describe("How the hedge ratio is estimated"),
    zWindow: z.int().min(5).max(2_000).default(60).describe("Bars of the rolling mean and deviation"),
    entryZ: z.number().min(0.1).max(10).default(2).describe("Distance at which the bands are drawn"),
    terms: z
      .enum(["n", "c", "ct"])
      .default("c")
      .describe("Terms of the cointegrating regression: none, constant, constant and trend"),
    varianceHorizon: z.int().min(2).max(250).default(5).describe("Bars of the variance ratio"),
    kalmanDelta: z.number().min(1e-9).max(0.5).default(1e-4).describe("State noise of the Kalman filter"),
  })
  .refine(({ y, x }) => y !== x, { path: ["x"], message: "must be another instrument than y" })
  .meta({ id: "PairsPayload", title: "A pair: hedge ratio, spread, tests" });
export type PairsPayload = z.output<typeof PairsPayload>;

export const PairsResult = z
  .object({
    kind: z.literal("pairs"),
    ...analysisFields,
    y: z.string(),
    x: z.string(),
    hedge: HedgeMethod,
    entryZ: z.number(),
    figures: figuresOf([
      "hedgeRatio",
      "intercept",
      "rSquared",
      "olsRatio",
      "huberRatio",
      "totalLeastSquaresRatio",
      "kalmanRatio",
      "returnCorrelation",
      "spread",
      "zScore",
      "spreadDeviation",
      "halfLife",
      "engleGranger",
      "engleGrangerP",
      "engleGrangerCritical5",
      "johansenTrace",
      "johansenTraceCritical95",
      "kpss",
      "kpssP",
      "varianceRatio",
      "varianceRatioP",
      "hurst",
    ]),
    /** The Engle-Granger test refuses "not cointegrated" at 5 %. */
    cointegrated: z.boolean(),
  })
  .meta({ id: "PairsResult" });
export type PairsResult = z.output<typeof PairsResult>;
