import * as z from "zod";
import { analysisFields, figuresOf, rangeFields, universe } from "../fields.ts";

export const PairSearchPayload = z
  .strictObject({
    kind: z.literal("pairSearch"),
    instruments: universe(3, 200),
    ...rangeFields,
    prices: z.enum(["log", "price"]).default("log").describe("Logarithms of closes, or closes"),
    terms: z.enum(["c", "ct"]).default("c").describe("Terms of the cointegrating regression"),
    falseDiscoveryRate: z
      .number()
      .min(0.001)
      .max(0.5)
      .default(0.05)
      .describe("Expected share of false pairs among the accepted, at most"),
    control: z
      .enum(["benjaminiYekutieli", "benjaminiHochberg"])
      .default("benjaminiYekutieli")
      .describe(
        "Yekutieli's holds whatever the dependence of the tests; pairs that share an instrument depend",
      ),
  })
  .meta({ id: "PairSearchPayload", title: "Search of cointegrated pairs" });
export type PairSearchPayload = z.output<typeof PairSearchPayload>;

export const FoundPair = z.object({
  y: z.string(),
  x: z.string(),
  hedgeRatio: z.number(),
  rSquared: z.number(),
  /** Of the differences of both. */
  correlation: z.number(),
  /** Engle-Granger of y on x, the direction that says more; its p is doubled for having tried both. */
  statistic: z.number(),
  p: z.number(),
  /** Least false discovery rate at which it would be accepted. */
  adjustedP: z.number(),
  accepted: z.boolean(),
  /** Bars; null where the spread does not revert. */
  halfLife: z.number().nullable(),
  /** The last spread in its deviations. */
  zScore: z.number(),
  evidenceId: z.string(),
});

export const PairSearchResult = z
  .object({
    kind: z.literal("pairSearch"),
    ...analysisFields,
    instruments: z.array(z.string()),
    falseDiscoveryRate: z.number(),
    figures: figuresOf(["tested", "accepted", "refused"]),
    /** Every accepted pair and the next ones, 200 at most, the surest first. */
    pairs: z.array(FoundPair),
    /** Pairs that could not be tested, 50 at most, and why. */
    refused: z.array(z.object({ y: z.string(), x: z.string(), reason: z.string() })),
  })
  .meta({ id: "PairSearchResult" });
export type PairSearchResult = z.output<typeof PairSearchResult>;
