import { DecimalString, defineJob, defineQuery, Id, InstrumentRef, Timeframe } from "@tapedeck/core";
import * as z from "zod";
import { SeriesRequest } from "../../series/contract.ts";
import {
  ConditionReport,
  FillSource,
  InnerPath,
  InnerPathReport,
  ModuleStrategy,
  Protection,
  RulesStrategy,
  Sizing,
  Statistics,
  StrategyFailure,
} from "../contract.ts";

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

/** A built-in over several instruments, or rules that each instrument is looked at by. */
const PortfolioBuiltIn = z
  .strictObject({
    kind: z.literal("builtIn").default("builtIn"),
    name: z.string().min(1).max(60),
    /** By name; the rest take their defaults (`GET /api/strategies` lists them). */
    params: z.record(z.string(), z.union([z.number(), z.string().max(40)])).default({}),
  })
  .meta({ id: "PortfolioBuiltIn" });

export const PortfolioStrategyChoice = z.union([PortfolioBuiltIn, RulesStrategy, ModuleStrategy]);
export type PortfolioStrategyChoice = z.output<typeof PortfolioStrategyChoice>;

/** Which instruments may be held: those where `where` is true, and of them the `top` by `rankBy`. A screen, read at every close. */
export const UniverseChoice = z
  .strictObject({
    where: z.string().trim().min(1).max(2_000).optional(),
    rankBy: z.string().trim().min(1).max(2_000).optional(),
    top: z.int().min(1).max(500).optional(),
  })
  .refine(({ where, rankBy }) => (where ?? rankBy) !== undefined, { error: "where or rankBy is needed" })
  .refine(({ rankBy, top }) => (rankBy === undefined) === (top === undefined), {
    error: "rankBy and top go together",
  })
  .meta({ id: "UniverseChoice" });

export const PortfolioBacktestPayload = SeriesRequest.omit({ instrumentId: true })
  .extend({
    instruments: z.array(InstrumentRef).min(1).max(500),
    strategy: PortfolioStrategyChoice,
    universe: UniverseChoice.optional(),
    /** Of rules, and of built-ins that are rules. A fraction is of the free cash when the order fills. */
    sizing: Sizing.default({ kind: "fractionOfEquity", fraction: 0.1 }),
    protection: Protection.default({}),
    costs: PortfolioCosts.prefault({}),
    initialCash: DecimalString.default("100000"),
    /** Absent: the first instrument's. */
    baseCurrency: z.string().min(3).max(10).optional(),
    /** By currency: the instrument whose close is the base currency for one of it. */
    rates: z.record(z.string(), InstrumentRef).default({}),
    /** Share of the notional that a position ties up (1: no leverage), and below which equity may not fall. */
    initialMargin: z.number().gt(0).max(1).default(1),
    maintenanceMargin: z.number().min(0).max(1).default(0),
    innerPath: InnerPath,
    fillsFrom: FillSource,
    /** By instrument, as named in `instruments`: the timeframe of its bars, its formulas and its decisions, where it has another. */
    timeframes: z.record(z.string(), Timeframe).default({}),
    /** By instrument, as named in `instruments`: the size of its contract, currency a unit and point of price, where it is not 1. */
    multipliers: z.record(z.string(), z.number().gt(0).max(1_000_000)).default({}),
    /** Perpetuals: paid by longs to shorts, a fraction of the position, every so many hours from midnight UTC on. */
    funding: z
      .strictObject({
        rate: z.number().min(-0.05).max(0.05),
        everyHours: z.int().min(1).max(24).default(8),
      })
      .optional(),
    /** close: what is held of an instrument whose bars end early is sold at its last close. hold: it stays, at that price. */
    delisted: z.enum(["close", "hold"]).default("close"),
    /** An order that the cash does not pay for is cut to what it pays, or dropped. */
    shortfall: z.enum(["reduce", "reject"]).default("reduce"),
    riskFreeRate: z.number().min(-0.5).max(1).default(0),
  })
  .strict()
  .meta({ id: "PortfolioBacktestPayload" });
export type PortfolioBacktestPayload = z.output<typeof PortfolioBacktestPayload>;

export const PortfolioBacktestResult = z
  .object({
    runId: Id,
    instruments: z.array(
      z.object({
        instrumentId: z.string(),
        currency: z.string(),
        /** Of the bars that it was decided by; null in runs that were stored without. */
        timeframe: z.string().nullable().default(null),
        datasetHash: z.string(),
        bars: z.int(),
        /** Bars or trades that its orders could meet; null as above. */
        fillRows: z.int().nullable().default(null),
        roundTrips: z.int(),
        /** Of its round trips, in its currency, costs in; open ones at the last price. */
        profit: z.number(),
        /** Units at the end, signed. */
        position: z.number(),
        /** Close of its last bar, where that is more than ten days before the end of the run. */
        endedMs: z.int().nullable(),
        /** Splits and dividends that were applied. */
        events: z.int(),
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
    orderCount: z.int(),
    innerPath: InnerPathReport,
    module: z.object({ name: z.string(), hash: z.string() }).nullable(),
    failure: StrategyFailure.nullable(),
    /** Of rules: closes at which each was true, all instruments together. */
    conditions: z.array(ConditionReport),
    /** Why there is no trade; null when there is one. */
    neverTraded: z.string().nullable(),
    /** Round trips whose result depends on the assumed path inside a bar. */
    pathDependent: z.int(),
    liquidations: z.int(),
    /** Orders that were not made, by reason. */
    rejected: z.record(z.string(), z.int()),
    /** Sums in the base currency. */
    dividends: z.number(),
    borrowFees: z.number(),
    funding: z.number(),
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
    evidenceIds: z.array(z.string()),
    /** Evidence of each figure, by JSON pointer into this result. */
    evidence: z.record(z.string(), z.string()),
  })
  .meta({ id: "PortfolioBacktestResult" });
export type PortfolioBacktestResult = z.output<typeof PortfolioBacktestResult>;

export const portfolioBacktest = defineJob({
  name: "portfolioBacktest",
  path: "/portfolio-backtests",
  queue: "backtest",
  summary: "Run a strategy over several instruments on one clock, with margin, volume caps and currencies",
  version: 5,
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
    {
      instruments: ["SPX.INDEX"],
      strategy: { kind: "rules", entry: "crossunder(rsi(close, 14), 30)", exit: "rsi(close, 14) > 55" },
      sizing: { kind: "fractionOfEquity", fraction: 0.5 },
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
