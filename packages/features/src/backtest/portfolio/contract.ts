import { DecimalString, defineJob, defineQuery, Id, InstrumentRef } from "@tapedeck/core";
import * as z from "zod";
import { SeriesRequest } from "../../series/contract.ts";
import { Statistics } from "../contract.ts";

const Bps = z.number().min(0).max(1_000);

export const SlippageModel = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("fixed"), bps: Bps.default(5) }),
    /** Coefficient × (quantity / the bar's volume)². */
    z.strictObject({ kind: z.literal("volumeShare"), coefficient: z.number().min(0).max(100).default(0.1) }),
    /** Coefficient × volatility a bar × √(quantity / average volume), over the 20 bars before. */
    z.strictObject({ kind: z.literal("squareRoot"), coefficient: z.number().min(0).max(100).default(1) }),
  ])
  .meta({ id: "SlippageModel" });

export const PortfolioCosts = z
  .strictObject({
    makerBps: z.number().min(-100).max(1_000).default(10),
    takerBps: z.number().min(-100).max(1_000).default(10),
    feePerUnit: z.number().min(0).max(1_000_000).default(0),
    minFee: z.number().min(0).max(1_000_000).default(0),
    /** Replaces the rates from a month's notional on, in the base currency; ascending. */
    tiers: z
      .array(
        z.strictObject({
          fromNotional: z.number().min(0),
          makerBps: z.number().min(-100).max(1_000),
          takerBps: z.number().min(-100).max(1_000),
        }),
      )
      .max(20)
      .default([]),
    /** Whole spread; a taker pays half. */
    spreadBps: Bps.default(0),
    slippage: SlippageModel.prefault({ kind: "fixed" }),
    latencyMs: z.int().min(0).max(86_400_000).default(0),
    /** Share of a bar's volume that all orders together may take; 0: no cap. */
    volumeShare: z.number().min(0).max(1).default(0),
    /** Annual fractions: on shorts, on cash, on debt. */
    borrowRate: z.number().min(0).max(5).default(0),
    cashRate: z.number().min(-0.5).max(1).default(0),
    debitRate: z.number().min(0).max(5).default(0),
    /** When a currency is bought to pay for a fill. */
    conversionBps: Bps.default(0),
  })
  .meta({ id: "PortfolioCosts" });

export const PortfolioBacktestPayload = SeriesRequest.omit({ instrumentId: true })
  .extend({
    instruments: z.array(InstrumentRef).min(1).max(500),
    strategy: z.strictObject({
      name: z.string().min(1).max(60),
      params: z.record(z.string(), z.number()).default({}),
    }),
    costs: PortfolioCosts.prefault({}),
    initialCash: DecimalString.default("100000"),
    /** Absent: the first instrument's. */
    baseCurrency: z.string().min(3).max(10).optional(),
    /** By currency: the instrument whose close is the base currency for one of it. */
    rates: z.record(z.string(), InstrumentRef).default({}),
    /** Share of the notional that a position ties up (1: no leverage), and below which equity may not fall. */
    initialMargin: z.number().gt(0).max(1).default(1),
    maintenanceMargin: z.number().min(0).max(1).default(0),
    innerPath: z.enum(["pessimistic", "optimistic"]).default("pessimistic"),
    /** An order that the cash does not pay for is cut to what it pays, or dropped. */
    shortfall: z.enum(["reduce", "reject"]).default("reduce"),
    riskFreeRate: z.number().min(-0.5).max(1).default(0),
  })
  .strict()
  .meta({ id: "PortfolioBacktestPayload" });
export type PortfolioBacktestPayload = z.output<typeof PortfolioBacktestPayload>;

export const PortfolioBacktestResult = z
  .object({
    instruments: z.array(
      z.object({
        instrumentId: z.string(),
        currency: z.string(),
        datasetHash: z.string(),
        bars: z.int(),
        roundTrips: z.int(),
        /** Of its round trips, in its currency, costs in; open ones at the last price. */
        profit: z.number(),
        /** Units at the end, signed. */
        position: z.number(),
      }),
    ),
    timeframe: z.string(),
    baseCurrency: z.string(),
    fromMs: z.int(),
    toMs: z.int(),
    /** Distinct closes. */
    instants: z.int(),
    title: z.string(),
    statistics: Statistics,
    /** Equal weights bought at the start and held, at the same costs. */
    benchmark: Statistics,
    roundTrips: z.int(),
    fillCount: z.int(),
    /** Round trips whose result depends on the assumed path inside a bar. */
    pathDependent: z.int(),
    liquidations: z.int(),
    /** Orders that were not made, by reason. */
    rejected: z.record(z.string(), z.int()),
    /** Sums in the base currency. */
    dividends: z.number(),
    borrowFees: z.number(),
    interest: z.number(),
    /** sha256 over every fill. */
    fillsHash: z.string(),
    /** Largest gap between the float cash and the exact decimal ledger, and what it cannot exceed. */
    ledgerGap: z.string(),
    ledgerBound: z.number(),
    /** At most 500 points: equity, notional of all positions, benchmark's equity. */
    curve: z.array(z.object({ atMs: z.int(), equity: z.number(), gross: z.number(), benchmark: z.number() })),
    assumptions: z.array(z.string()),
    warnings: z.array(z.string()),
  })
  .meta({ id: "PortfolioBacktestResult" });
export type PortfolioBacktestResult = z.output<typeof PortfolioBacktestResult>;

export const portfolioBacktest = defineJob({
  name: "portfolioBacktest",
  path: "/portfolio-backtests",
  queue: "backtest",
  summary: "Run a strategy over several instruments on one clock, with margin, volume caps and currencies",
  version: 1,
  reuse: true,
  role: "analyst",
  attempts: 3,
  timeoutMs: 900_000,
  cpu: true,
  payload: PortfolioBacktestPayload,
  progress: z.object({ phase: z.enum(["data", "simulation", "report"]), done: z.int(), total: z.int() }),
  result: PortfolioBacktestResult,
  examples: [
    {
      instruments: ["SPX.INDEX"],
      strategy: { name: "volatilityTarget", params: { target: 0.1 } },
    },
  ],
});

export const portfolioRoutes = {
  getPortfolioBacktest: defineQuery({
    name: "getPortfolioBacktest",
    path: "/portfolio-backtests/{id}",
    tag: "Backtests",
    summary:
      "One run over several instruments; its equity, trades, fills and orders are under /backtests/{id}",
    role: "viewer",
    params: z.object({ id: Id }),
    response: z
      .object({
        id: Id,
        jobId: Id,
        createdMs: z.int(),
        title: z.string(),
        timeframe: z.string(),
        payload: z.unknown(),
        result: PortfolioBacktestResult,
      })
      .meta({ id: "PortfolioBacktestRun" }),
  }),
};
