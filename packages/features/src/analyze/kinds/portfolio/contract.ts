import { InstrumentRef } from "@tapedeck/core";
import * as z from "zod";
import { analysisFields, figuresOf, rangeFields, universe } from "../fields.ts";

export const PortfolioMethod = z.enum([
  "maxUtility",
  "minVariance",
  "maxSharpe",
  "targetReturn",
  "targetVolatility",
  "minShortfall",
  "minDrawdown",
  "riskParity",
  "maxDiversification",
  "hierarchicalRiskParity",
  "hierarchicalEqualRisk",
  "nestedClusters",
  "kelly",
  "inverseVolatility",
  "equalWeight",
]);
export type PortfolioMethod = z.output<typeof PortfolioMethod>;

const Weight = z.number().min(-10).max(10);

/** An opinion on a yearly return. */
const PortfolioView = z.strictObject({
  asset: InstrumentRef.describe("Earns the return"),
  over: InstrumentRef.optional().describe("Relative view: earns that much more than this one"),
  expectedReturn: z.number().min(-1).max(10).describe("A year, as a fraction"),
  confidence: z.number().min(0).max(1).default(0.5).describe("1 is certain, 0 leaves the view out"),
});

const Group = z.strictObject({
  name: z.string().trim().min(1).max(80),
  assets: z.array(InstrumentRef).min(1).max(60),
  least: Weight.optional(),
  most: Weight.optional(),
});

export const PortfolioPayload = z
  .strictObject({
    kind: z.literal("portfolio"),
    assets: universe(2, 60),
    ...rangeFields,
    method: PortfolioMethod.default("maxUtility"),
    riskTolerance: z
      .number()
      .min(0)
      .max(100)
      .default(0.2)
      .describe("Of maxUtility: return - variance / (2 tolerance); 0 is least variance, 0.2 usual, 1 bold"),
    target: z
      .number()
      .min(-1)
      .max(10)
      .optional()
      .describe("A year, as a fraction: of targetReturn the least return, of targetVolatility the most risk"),
    covariance: z.enum(["sample", "ewma", "ledoitWolf", "oas", "constantCorrelation"]).default("ledoitWolf"),
    expectedReturns: z
      .enum(["mean", "ewma", "bayesStein", "capm", "blackLitterman"])
      .default("bayesStein")
      .describe("Black–Litterman starts from the market weights and takes the views in"),
    decay: z.number().min(0.5).max(0.9999).default(0.97).describe("Of the ewma estimates, a bar"),
    views: z.array(PortfolioView).max(60).default([]),
    marketWeights: z
      .array(z.number().min(0).max(1))
      .max(60)
      .optional()
      .describe("In the order of the assets; left out: equal. For capm and Black–Litterman"),
    riskFree: z.number().min(-0.5).max(1).default(0).describe("A year, as a fraction"),
    budgets: z
      .array(z.number().positive().max(1_000))
      .max(60)
      .optional()
      .describe("Of riskParity, in the order of the assets: shares of the risk; left out: equal"),
    level: z.number().min(0.5).max(0.999).default(0.95).describe("Of the shortfall methods"),
    minWeight: Weight.default(0).describe("Of every asset; below 0 allows selling short"),
    maxWeight: Weight.default(1).describe("Of every asset"),
    groups: z.array(Group).max(30).default([]),
    weights: z
      .array(Weight)
      .max(60)
      .optional()
      .describe("Held now, in the order of the assets: to compare with, and for turnover"),
    maxTurnover: z
      .number()
      .min(0)
      .max(10)
      .optional()
      .describe("Most sum of changes from the weights held now"),
    costRate: z.number().min(0).max(0.2).default(0).describe("Cost of what is traded, as a fraction"),
    cash: z
      .number()
      .positive()
      .max(1e12)
      .optional()
      .describe("Amount to invest: gives whole units to buy at the last closes"),
    frontierPoints: z.int().min(2).max(100).default(25),
  })
  .refine(({ method, target }) => !method.startsWith("target") || target !== undefined, {
    path: ["target"],
    message: "this method needs a target",
  })
  .refine(({ expectedReturns, views }) => expectedReturns === "blackLitterman" || views.length === 0, {
    path: ["views"],
    message: "views are taken in by expectedReturns blackLitterman; choose it, or leave them out",
  })
  .refine(({ minWeight, maxWeight }) => minWeight <= maxWeight, {
    path: ["maxWeight"],
    message: "must be at least minWeight",
  })
  .refine(({ maxWeight, assets }) => maxWeight * assets.length >= 1, {
    path: ["maxWeight"],
    message: "is too low for weights that sum to 1; raise it, or add assets",
  })
  .refine(({ minWeight, assets }) => minWeight * assets.length <= 1, {
    path: ["minWeight"],
    message: "is too high for weights that sum to 1; lower it, or leave assets out",
  })
  .superRefine((payload, context) => {
    for (const name of ["weights", "marketWeights", "budgets"] as const) {
      if (payload[name] === undefined || payload[name].length === payload.assets.length) continue;
      context.addIssue({
        code: "custom",
        path: [name],
        message: "needs one number for each asset, in their order",
      });
    }
  })
  .refine(
    ({ maxTurnover, costRate, weights }) =>
      weights !== undefined || (maxTurnover === undefined && costRate === 0),
    {
      path: ["weights"],
      message: "turnover and cost are counted from the weights held now; give them",
    },
  )
  .meta({ id: "PortfolioPayload", title: "Portfolio: weights, frontier, risk contributions" });
export type PortfolioPayload = z.output<typeof PortfolioPayload>;

/** The short form of `POST /portfolio/optimize`; everything else is set by an analysis of kind portfolio. */
export const OptimizeBody = z
  .strictObject({
    assets: universe(2, 60),
    weights: z.array(Weight).max(60).optional().describe("Held now, in the order of the assets"),
    risk_tolerance: z
      .number()
      .min(0)
      .max(100)
      .default(0.2)
      .describe("0 is least variance, 0.2 usual, 1 bold"),
    ...rangeFields,
  })
  .meta({
    id: "OptimizeBody",
    examples: [{ assets: ["MSFT.XNAS", "AAPL.XNAS", "IBM.XNYS"], risk_tolerance: 0.3, timeframe: "1mo" }],
  });

export const PortfolioAsset = z.object({
  instrumentId: z.string(),
  weight: z.number(),
  /** Held now; null where the payload did not say. */
  present: z.number().nullable(),
  /** A year, as estimated. */
  expectedReturn: z.number(),
  volatility: z.number(),
  /** Adds up to the portfolio's volatility. */
  riskContribution: z.number(),
  riskShare: z.number(),
  evidenceId: z.string(),
});

/** A year, under the same estimates. */
export const PortfolioOutcome = z.object({
  method: PortfolioMethod,
  /** In the order of the assets; null where the method has no answer. */
  weights: z.array(z.number()).nullable(),
  expectedReturn: z.number().nullable(),
  volatility: z.number().nullable(),
  sharpe: z.number().nullable(),
  /** Why it has no answer; null where it has. */
  refusal: z.string().nullable(),
  evidenceId: z.string(),
});

export const PortfolioResult = z
  .object({
    kind: z.literal("portfolio"),
    ...analysisFields,
    method: PortfolioMethod,
    figures: figuresOf([
      "expectedReturn",
      "volatility",
      "sharpe",
      "expectedShortfall",
      "diversificationRatio",
      "effectiveAssets",
      "turnover",
      "shrinkage",
    ]),
    /** In the order of the payload. */
    assets: z.array(PortfolioAsset),
    frontier: z.array(
      z.object({ expectedReturn: z.number(), volatility: z.number(), weights: z.array(z.number()) }),
    ),
    /** Every method under the same estimates and constraints. */
    outcomes: z.array(PortfolioOutcome),
    /** Whole units for the cash; null where none was given. */
    allocation: z
      .object({
        units: z.array(
          z.object({ instrumentId: z.string(), units: z.int(), price: z.number(), value: z.number() }),
        ),
        left: z.number(),
        evidenceId: z.string(),
      })
      .nullable(),
  })
  .meta({ id: "PortfolioResult" });
export type PortfolioResult = z.output<typeof PortfolioResult>;
