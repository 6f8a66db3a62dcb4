import * as z from "zod";
import { SeriesRequest } from "../../../series/contract.ts";
import { analysisFields, figuresOf } from "../fields.ts";

export const StatisticsPayload = z
  .strictObject({
    kind: z.literal("statistics"),
    ...SeriesRequest.shape,
    lags: z.int().min(1).max(200).default(10).describe("Of the autocorrelations and the tests of them"),
    varianceHorizon: z.int().min(2).max(250).default(5).describe("Bars of the variance ratio"),
    garch: z.enum(["normal", "student"]).default("normal").describe("Innovations of the GARCH(1,1) model"),
    forecastBars: z.int().min(1).max(250).default(20).describe("Bars of the volatility forecast"),
  })
  .meta({
    id: "StatisticsPayload",
    title: "Statistics of one series: tests, volatility model, distribution",
  });
export type StatisticsPayload = z.output<typeof StatisticsPayload>;

export const StatisticsResult = z
  .object({
    kind: z.literal("statistics"),
    ...analysisFields,
    instrumentId: z.string(),
    figures: figuresOf([
      "adf",
      "adfP",
      "kpss",
      "kpssP",
      "phillipsPerron",
      "phillipsPerronP",
      "varianceRatio",
      "varianceRatioP",
      "hurst",
      "ljungBox",
      "ljungBoxP",
      "ljungBoxSquares",
      "ljungBoxSquaresP",
      "archLm",
      "archLmP",
      "jarqueBera",
      "jarqueBeraP",
      "skew",
      "excessKurtosis",
      "garchAlpha",
      "garchBeta",
      "garchDegreesOfFreedom",
      "volatilityNow",
      "volatilityForecast",
      "volatilityLongRun",
    ]),
    /** Distributions fitted to the log returns, the one that describes them best first. */
    distributions: z.array(
      z.object({
        name: z.string(),
        location: z.number(),
        scale: z.number(),
        /** Of Student's t. */
        degreesOfFreedom: z.number().nullable(),
        aic: z.number(),
        /** Largest gap between the sample's distribution and the fitted one. */
        distance: z.number(),
        evidenceId: z.string(),
      }),
    ),
    /** Of the log returns and of their squares, from lag 1. */
    autocorrelations: z.array(z.object({ lag: z.int(), returns: z.number(), squares: z.number() })),
    /** An autocorrelation of independent returns lies within ± this in 95 % of the cases. */
    autocorrelationBound: z.number(),
  })
  .meta({ id: "StatisticsResult" });
export type StatisticsResult = z.output<typeof StatisticsResult>;
