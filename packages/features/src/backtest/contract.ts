import { DecimalString, defineJob, defineQuery, Id, pageOf, PageQuery } from "@tapedeck/core";
import * as z from "zod";
import { SeriesRequest } from "../series/contract.ts";

const Formula = z
  .string()
  .trim()
  .min(1)
  .max(2_000)
  .meta({
    description: "A condition in the formula language",
    examples: ["crossover(sma(close, 50), sma(close, 200))"],
  });

const Fraction = z.number().gt(0).lt(1);

/** Conditions read at a bar's close; what they decide is done at the next bar's open. */
export const RulesStrategy = z
  .strictObject({
    kind: z.literal("rules"),
    /** Opens a position when flat: long, or short when `side` is short. */
    entry: Formula,
    /** Closes it. Absent: held until a stop, target, time limit or the end of the data. */
    exit: Formula.optional(),
    /** both: `entry` opens a long; `shortEntry` (absent: `exit`) turns it into a short, and back. */
    side: z.enum(["long", "short", "both"]).default("long"),
    shortEntry: Formula.optional(),
    shortExit: Formula.optional(),
  })
  .meta({ id: "RulesStrategy" });

export const BuiltInStrategy = z
  .strictObject({
    kind: z.literal("builtIn"),
    name: z.string().min(1).max(60),
    /** By name; the rest take their defaults (`GET /api/strategies` lists them). */
    params: z.record(z.string(), z.union([z.number(), z.string().max(40)])).default({}),
  })
  .meta({ id: "BuiltInStrategy" });

export const Strategy = z.discriminatedUnion("kind", [RulesStrategy, BuiltInStrategy]);
export type Strategy = z.output<typeof Strategy>;

/** How much an entry buys or sells short. Never more than the cash pays, fees included: there is no leverage. */
export const Sizing = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("fractionOfEquity"), fraction: z.number().gt(0).max(1).default(1) }),
    z.strictObject({ kind: z.literal("fixedQuantity"), quantity: DecimalString }),
    z.strictObject({ kind: z.literal("fixedCash"), amount: DecimalString }),
  ])
  .meta({ id: "Sizing" });
export type Sizing = z.output<typeof Sizing>;

/** Protective exits as fractions of the entry price; inside one bar the stop is taken before the target. */
export const Protection = z
  .strictObject({
    stopLoss: Fraction.optional(),
    takeProfit: z.number().gt(0).max(10).optional(),
    /** From the best price of the bars closed before. */
    trailingStop: Fraction.optional(),
    /** Closes at the next open after this many bars in the position. */
    maxBars: z.int().min(1).max(1_000_000).optional(),
  })
  .meta({ id: "Protection" });
export type Protection = z.output<typeof Protection>;

export const Costs = z
  .strictObject({
    /** Of each fill's notional. */
    feeBps: z.number().min(0).max(1_000).default(10),
    /** Currency a unit, each fill. */
    feePerUnit: z.number().min(0).max(1_000_000).default(0),
    /** Least fee of a fill. */
    minFee: z.number().min(0).max(1_000_000).default(0),
    /** Worse than the open (or the stop) by this much; limits have none. */
    slippageBps: z.number().min(0).max(1_000).default(5),
    /** The same in currency a unit; adds to the bps. */
    slippagePerUnit: z.number().min(0).max(1_000_000).default(0),
  })
  .meta({ id: "Costs" });
export type Costs = z.output<typeof Costs>;

export const BacktestPayload = SeriesRequest.extend({
  strategy: Strategy,
  sizing: Sizing.default({ kind: "fractionOfEquity", fraction: 1 }),
  protection: Protection.default({}),
  costs: Costs.prefault({}),
  initialCash: DecimalString.default("100000"),
  /** Absent: the instrument's; quantities are fractional where it states none. */
  lotSize: DecimalString.optional(),
  /** Annual, as a fraction; taken off the returns in Sharpe and Sortino. */
  riskFreeRate: z.number().min(-0.5).max(1).default(0),
})
  .strict()
  .meta({ id: "BacktestPayload" });
export type BacktestPayload = z.output<typeof BacktestPayload>;

const Ratio = z.number().nullable();

/** Ratios are fractions. Null: undefined, or fewer returns than the least sample. */
export const Statistics = z
  .object({
    finalEquity: z.number(),
    /** finalEquity / initialCash - 1. */
    totalReturn: z.number(),
    /** Compound annual growth over elapsed time. */
    cagr: Ratio,
    /** Standard deviation (ddof 1) of the bars' simple returns × sqrt(bars a year). */
    volatility: Ratio,
    /** Mean excess return / standard deviation (ddof 1) × sqrt(bars a year). */
    sharpe: Ratio,
    /** Mean excess return / downside deviation (root mean square of returns below the risk-free rate, over all bars) × sqrt(bars a year). */
    sortino: Ratio,
    /** cagr / maxDrawdown. */
    calmar: Ratio,
    /** Largest fall from a peak, in [0, 1]; the peak starts at the initial cash. */
    maxDrawdown: z.number(),
    maxDrawdownPeakMs: z.int().nullable(),
    maxDrawdownTroughMs: z.int().nullable(),
    /** Close at which the peak was reached again; null while it has not been. */
    maxDrawdownRecoveryMs: z.int().nullable(),
    /** Longest stretch from a peak to the bar that reached it again (or to the end), in bars. */
    longestDrawdownBars: z.int(),
    bestBarReturn: Ratio,
    worstBarReturn: Ratio,
    /** Third and fourth standardised moments (population); kurtosis of the normal is 3. */
    skewness: Ratio,
    kurtosis: Ratio,
    /** Share of bars whose close finds a position open. */
    exposure: z.number(),
    trades: z.int(),
    openTrades: z.int(),
    winRate: Ratio,
    /** Gross profit / gross loss of closed trades; null without a loss. */
    profitFactor: Ratio,
    /** Mean profit of a closed trade, fees off. */
    expectancy: Ratio,
    averageWin: Ratio,
    averageLoss: Ratio,
    averageBarsHeld: Ratio,
    /** Traded notional a year / mean equity. */
    turnover: Ratio,
    feesPaid: z.number(),
    slippagePaid: z.number(),
    /** (fees + slippage) / (|profit before them|); null where that is zero. */
    costShare: Ratio,
    /** Number of returns and bars a year that the ratios used. */
    returns: z.int(),
    barsPerYear: z.number(),
  })
  .meta({ id: "BacktestStatistics" });
export type Statistics = z.output<typeof Statistics>;

export const ConditionReport = z.object({
  /** entry, exit, shortEntry, shortExit; a part of one as `entry: part`. */
  name: z.string(),
  formula: z.string(),
  /** Bars at whose close it was true. */
  trueBars: z.int(),
  firstTrueMs: z.int().nullable(),
});

export type ConditionReport = z.output<typeof ConditionReport>;

export const BacktestResult = z
  .object({
    runId: Id,
    instrumentId: z.string(),
    timeframe: z.string(),
    adjustment: z.string(),
    currency: z.string(),
    asOfMs: z.int(),
    datasetHash: z.string(),
    fromMs: z.int(),
    toMs: z.int(),
    bars: z.int(),
    /** Bars before every formula has a value. */
    warmupBars: z.int(),
    strategy: z.object({
      title: z.string(),
      side: z.enum(["long", "short", "both"]),
      formulas: z.record(z.string(), z.string()),
    }),
    statistics: Statistics,
    /** Buy at the second bar's open, hold, same cash, costs and lot size. */
    benchmark: Statistics,
    tradeCount: z.int(),
    fillCount: z.int(),
    /** sha256 over every fill: equal hashes, equal runs. */
    fillsHash: z.string(),
    /** Largest gap between the float path's cash and the exact decimal ledger, in currency; a warning says when it is above half a cent. */
    ledgerGap: z.string(),
    conditions: z.array(ConditionReport),
    /** Why there is no trade; null when there is one. */
    neverTraded: z.string().nullable(),
    /** How fills were made, in words. */
    assumptions: z.array(z.string()),
    /** What to be careful about. */
    warnings: z.array(z.string()),
    evidenceIds: z.array(z.string()),
    /** Evidence of each figure, by JSON pointer into this result. */
    evidence: z.record(z.string(), z.string()),
  })
  .meta({ id: "BacktestResult" });
export type BacktestResult = z.output<typeof BacktestResult>;

export const backtest = defineJob({
  name: "backtest",
  path: "/backtests",
  queue: "backtest",
  summary: "Run a strategy over past bars: decide at the close, fill at the next open, costs included",
  version: 1,
  reuse: true,
  role: "analyst",
  attempts: 3,
  timeoutMs: 600_000,
  cpu: true,
  payload: BacktestPayload,
  progress: z.object({
    phase: z.enum(["data", "formulas", "simulation", "report"]),
    barsDone: z.int(),
    barsTotal: z.int(),
  }),
  result: BacktestResult,
  examples: [
    {
      instrumentId: "SPX.INDEX",
      timeframe: "1d",
      strategy: { kind: "builtIn", name: "maCrossover", params: { fast: 50, slow: 200 } },
      costs: { feeBps: 5, slippageBps: 2 },
      initialCash: "100000",
    },
    {
      instrumentId: "SPX.INDEX",
      timeframe: "1d",
      strategy: {
        kind: "rules",
        entry: "crossunder(rsi(close, 14), 30)",
        exit: "rsi(close, 14) > 55",
        side: "long",
      },
      protection: { stopLoss: 0.05, takeProfit: 0.08 },
    },
  ],
});

export const BacktestTrade = z
  .object({
    number: z.int(),
    side: z.enum(["long", "short"]),
    quantity: z.number(),
    entryMs: z.int(),
    entryPrice: z.number(),
    /** Null while the position is open at the end of the data. */
    exitMs: z.int().nullable(),
    exitPrice: z.number().nullable(),
    exitReason: z
      .enum([
        "signal",
        "stop",
        "stopGap",
        "target",
        "targetGap",
        "trailingStop",
        "trailingStopGap",
        "time",
        "ruin",
        "delisted",
      ])
      .nullable(),
    barsHeld: z.int(),
    fees: z.number(),
    /** Fees off; for an open trade at the last close. */
    profit: z.number(),
    /** profit / entry notional. */
    profitReturn: z.number(),
  })
  .meta({ id: "BacktestTrade" });
export type BacktestTrade = z.output<typeof BacktestTrade>;

export const BacktestFill = z
  .object({
    number: z.int(),
    /** The bar's open; its close for a stop or target inside the bar. */
    atMs: z.int(),
    side: z.enum(["buy", "sell"]),
    quantity: z.number(),
    price: z.number(),
    fee: z.number(),
    /** Currency lost against the price before slippage. */
    slippage: z.number(),
    /** quantity / the bar's volume; null where the bar has none. */
    volumeShare: z.number().nullable(),
    /** Why: entry, or the exit's reason as in a trade. */
    reason: z.string(),
  })
  .meta({ id: "BacktestFill" });
export type BacktestFill = z.output<typeof BacktestFill>;

export const BacktestRun = z
  .object({
    id: Id,
    jobId: Id,
    createdMs: z.int(),
    instrumentId: z.string(),
    timeframe: z.string(),
    title: z.string(),
    payload: z.unknown(),
    result: BacktestResult,
  })
  .meta({ id: "BacktestRun" });

export const BacktestSummary = z
  .object({
    id: Id,
    createdMs: z.int(),
    instrumentId: z.string(),
    timeframe: z.string(),
    title: z.string(),
    totalReturn: z.number(),
    benchmarkReturn: z.number(),
    sharpe: z.number().nullable(),
    maxDrawdown: z.number(),
    trades: z.int(),
  })
  .meta({ id: "BacktestSummary" });

export const EquityPoint = z.object({
  /** The bar's close. */
  atMs: z.int(),
  equity: z.number(),
  drawdown: z.number(),
  benchmark: z.number(),
  /** Signed quantity held at the close. */
  position: z.number(),
});

export const StrategyInfo = z
  .object({
    name: z.string(),
    title: z.string(),
    meaning: z.string(),
    params: z.array(
      z.object({
        name: z.string(),
        meaning: z.string(),
        default: z.union([z.number(), z.string()]),
        min: z.number().nullable(),
        max: z.number().nullable(),
        choices: z.array(z.string()).nullable(),
      }),
    ),
    /** At the defaults. */
    formulas: z.record(z.string(), z.string()),
  })
  .meta({ id: "StrategyInfo" });

const RunParams = z.object({ id: Id });

export const backtestRoutes = {
  listBacktests: defineQuery({
    name: "listBacktests",
    path: "/backtests",
    tag: "Backtests",
    summary: "Backtest runs, newest first",
    role: "viewer",
    query: PageQuery,
    response: pageOf(BacktestSummary),
  }),
  getBacktest: defineQuery({
    name: "getBacktest",
    path: "/backtests/{id}",
    tag: "Backtests",
    summary: "One backtest run with its statistics",
    role: "viewer",
    params: RunParams,
    response: BacktestRun,
  }),
  getBacktestEquity: defineQuery({
    name: "getBacktestEquity",
    path: "/backtests/{id}/equity",
    tag: "Backtests",
    summary: "Equity, drawdown, benchmark and position of a run at each bar's close",
    role: "viewer",
    params: RunParams,
    /** Fewer points than bars: each of `points` buckets gives its last bar, and the extremes of equity are kept. */
    query: z.object({ points: z.coerce.number().int().min(10).max(20_000).default(2_000) }),
    response: z.object({ bars: z.int(), downsampled: z.boolean(), points: z.array(EquityPoint) }),
  }),
  listBacktestTrades: defineQuery({
    name: "listBacktestTrades",
    path: "/backtests/{id}/trades",
    tag: "Backtests",
    summary: "Trades of a run, oldest first",
    role: "viewer",
    params: RunParams,
    query: PageQuery,
    response: pageOf(BacktestTrade),
  }),
  listBacktestFills: defineQuery({
    name: "listBacktestFills",
    path: "/backtests/{id}/fills",
    tag: "Backtests",
    summary: "Fills of a run, oldest first",
    role: "viewer",
    params: RunParams,
    query: PageQuery,
    response: pageOf(BacktestFill),
  }),
  listStrategies: defineQuery({
    name: "listStrategies",
    path: "/strategies",
    tag: "Backtests",
    summary: "Built-in strategies with their parameters and formulas",
    role: "viewer",
    response: z.object({ items: z.array(StrategyInfo) }),
  }),
};
