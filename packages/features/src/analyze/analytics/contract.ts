import { defineQuery, Id, InstrumentRef, Timeframe } from "@tapedeck/core";
import * as z from "zod";
import { Adjustment, QueryTime } from "../../series/contract.ts";
import { Figure } from "../kinds/fields.ts";
import { HedgeMethod } from "../kinds/pairs/contract.ts";

/** Some figures of an analysis, and the job that computed them. */
export const Analytics = z
  .object({
    /** GET /jobs/{id} has every figure of it. */
    jobId: Id,
    instruments: z.array(z.string()),
    timeframe: z.string(),
    adjustment: Adjustment,
    asOfMs: z.int(),
    bars: z.int(),
    fromMs: z.int(),
    toMs: z.int(),
    figures: z.record(z.string(), Figure),
    /** What to know before relying on it. */
    notes: z.array(z.string()),
  })
  .meta({ id: "Analytics" });
export type Analytics = z.output<typeof Analytics>;

const RangeQuery = z.object({
  timeframe: Timeframe.default("1d"),
  from: QueryTime.optional(),
  to: QueryTime.optional(),
  adjustment: Adjustment.default("split"),
  asOf: QueryTime.optional(),
});

/** Two instruments: y is explained by x. */
const PairQuery = RangeQuery.extend({
  y: InstrumentRef,
  x: InstrumentRef,
  prices: z.enum(["log", "price"]).default("log"),
  hedge: HedgeMethod.default("ols"),
  zWindow: z.coerce.number().int().min(5).max(2_000).default(60),
});

const bySymbol = { params: z.object({ symbol: InstrumentRef }), query: RangeQuery };

const common = { tag: "Analytics", role: "analyst", response: Analytics } as const;

export const analyticsRoutes = {
  getBasicAnalytics: defineQuery({
    ...common,
    ...bySymbol,
    name: "getBasicAnalytics",
    path: "/analytics/basic/{symbol}",
    summary: "Price, trend, momentum, volatility and returns of an instrument",
  }),
  getVolatility: defineQuery({
    ...common,
    ...bySymbol,
    name: "getVolatility",
    path: "/analytics/volatility/{symbol}",
    summary: "GARCH(1,1) volatility now, forecast and long-run, and the test for clustering",
  }),
  getAdf: defineQuery({
    ...common,
    ...bySymbol,
    name: "getAdf",
    path: "/analytics/adf/{symbol}",
    summary: "Tests for a unit root of the logarithm of the close: Dickey-Fuller, KPSS, Phillips-Perron",
  }),
  getHedgeRatio: defineQuery({
    ...common,
    query: PairQuery,
    name: "getHedgeRatio",
    path: "/analytics/hedge-ratio",
    summary: "How much of x hedges y, by each method",
  }),
  getSpread: defineQuery({
    ...common,
    query: PairQuery,
    name: "getSpread",
    path: "/analytics/spread",
    summary: "The spread of a pair: its last value, z-score, deviation and half-life",
  }),
  getPairCorrelation: defineQuery({
    ...common,
    query: PairQuery,
    name: "getPairCorrelation",
    path: "/analytics/correlation",
    summary: "Correlation of the log returns of two instruments",
  }),
  getSpreadAdf: defineQuery({
    ...common,
    query: PairQuery,
    name: "getSpreadAdf",
    path: "/analytics/spread-adf",
    summary: "Tests of whether a pair's spread returns: Engle-Granger, Johansen, KPSS",
  }),
};
