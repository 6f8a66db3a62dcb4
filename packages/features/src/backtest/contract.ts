import { DecimalString, defineJob, defineQuery, Id, pageOf, PageQuery, Timeframe } from "@tapedeck/core";
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

/** A TypeScript module of the operator's strategies folder. */
export const ModuleStrategy = z
  .strictObject({
    kind: z.literal("module"),
    name: z.string().min(1).max(60),
    /** By name; the rest take their defaults. */
    params: z.record(z.string(), z.number()).default({}),
  })
  .meta({ id: "ModuleStrategy" });
export type ModuleStrategy = z.output<typeof ModuleStrategy>;

const Length = z.int().min(2).max(5_000);
const Multiple = z.number().gt(0).max(100);
/** Trades that must be over before their results count, and the share of the equity until then. */
const untilKnown = {
  least: z.int().min(2).max(500).default(20),
  start: z.number().gt(0).max(1).default(0.1),
};

/**
 * How much an entry buys or sells short. Never more than the cash pays, fees included: there is no leverage. The first three are of the
 * cash when the order fills; the others find the units at the decision, and are cut to what the cash pays.
 */
export const Sizing = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("fractionOfEquity"), fraction: z.number().gt(0).max(1).default(1) }),
    z.strictObject({ kind: z.literal("fixedQuantity"), quantity: DecimalString }),
    z.strictObject({ kind: z.literal("fixedCash"), amount: DecimalString }),
    /** Loses this fraction of the equity between the entry and its nearest stop, which the protection must have. */
    z.strictObject({ kind: z.literal("fixedFractional"), fraction: Fraction }),
    /** A move of so many average true ranges is this fraction of the equity. */
    z.strictObject({
      kind: z.literal("atrRisk"),
      fraction: Fraction,
      length: Length.default(14),
      multiple: Multiple.default(2),
    }),
    /** The position's volatility a bar is this fraction of the equity. */
    z.strictObject({
      kind: z.literal("volatilityTarget"),
      target: Fraction,
      length: Length.default(20),
      maxLeverage: z.number().gt(0).max(1).default(1),
    }),
    /** One `quantity` more for each `delta` of profit per quantity held (Jones). */
    z.strictObject({
      kind: z.literal("fixedRatio"),
      delta: z.number().gt(0),
      quantity: z.number().gt(0).default(1),
    }),
    /** A share of the Kelly fraction of the trades so far. */
    z.strictObject({ kind: z.literal("kelly"), share: z.number().gt(0).max(1).default(0.5), ...untilKnown }),
    /** Vince's optimal fraction of the trades so far. */
    z.strictObject({ kind: z.literal("optimalF"), ...untilKnown }),
  ])
  .meta({ id: "Sizing" });
export type Sizing = z.output<typeof Sizing>;

const RangeDistance = z.strictObject({ length: Length.default(14), multiple: Multiple.default(3) });

/** Protective exits; fractions are of the entry price. All hold together. Inside one bar the stop is taken before the target, unless `innerPath` says otherwise. */
export const Protection = z
  .strictObject({
    stopLoss: Fraction.optional(),
    takeProfit: z.number().gt(0).max(10).optional(),
    /** From the best price of the bars closed before. */
    trailingStop: Fraction.optional(),
    /** Closes at the next open after this many bars in the position. */
    maxBars: z.int().min(1).max(1_000_000).optional(),
    /** From that best price, in currency a unit. */
    trailingAmount: z.number().gt(0).optional(),
    /** From the entry price, by the average true range when it was decided. */
    atrStop: RangeDistance.optional(),
    /** From the best price, by the average true range of now. */
    chandelier: RangeDistance.optional(),
    /** Wilder's parabolic stop. */
    parabolic: z
      .strictObject({
        step: z.number().gt(0).max(1).default(0.02),
        most: z.number().gt(0).max(1).default(0.2),
      })
      .optional(),
    /** Takes the stop to the price that pays `cost` once the best price is `trigger` in favour. */
    breakEven: z
      .strictObject({ trigger: z.number().gt(0).max(10), cost: z.number().min(0).max(1).default(0) })
      .refine(({ trigger, cost }) => trigger > cost, { error: "trigger must be above cost" })
      .optional(),
    /** Sells a share of the position at each gain. */
    scaleOut: z
      .array(z.strictObject({ gain: z.number().gt(0).max(10), share: Fraction }))
      .min(1)
      .max(10)
      .refine((parts) => parts.reduce((sum, { share }) => sum + share, 0) <= 1, {
        error: "the shares are at most 1 together",
      })
      .optional(),
    /** A target that pays the costs of the trade and a move of `multiple` deviations over `bars`. */
    profitThreshold: z
      .strictObject({
        length: Length.default(20),
        bars: z.int().min(1).max(10_000).default(5),
        multiple: Multiple.default(1),
      })
      .optional(),
  })
  .meta({ id: "Protection" });
export type Protection = z.output<typeof Protection>;

/** What happens first in a bar that reaches a stop and a target: the stop, the target, or what finer bars show. */
export const InnerPath = z
  .union([z.enum(["pessimistic", "optimistic"]), z.strictObject({ timeframe: Timeframe })])
  .default("pessimistic");
export type InnerPath = z.output<typeof InnerPath>;

/**
 * Where orders meet the market: in the bars that the strategy decides by, in shorter bars, or in stored trades one by one. Decisions are
 * made at the closes of the longer bars alone.
 */
export const FillSource = z
  .union([z.enum(["bars", "trades"]), z.strictObject({ timeframe: Timeframe })])
  .default("bars");
export type FillSource = z.output<typeof FillSource>;

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
  strategy: z.discriminatedUnion("kind", [RulesStrategy, BuiltInStrategy, ModuleStrategy]),
  sizing: Sizing.default({ kind: "fractionOfEquity", fraction: 1 }),
  protection: Protection.default({}),
  costs: Costs.prefault({}),
  initialCash: DecimalString.default("100000"),
  /** Absent: the instrument's; quantities are fractional where it states none. */
  lotSize: DecimalString.optional(),
  /** Annual, as a fraction; taken off the returns in Sharpe and Sortino. */
  riskFreeRate: z.number().min(-0.5).max(1).default(0),
  innerPath: InnerPath,
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

/** How the path inside a bar was found, and what depends on it. */
export const InnerPathReport = z.object({
  rule: z.enum(["pessimistic", "optimistic", "finer"]),
  /** Of the finer bars. */
  timeframe: z.string().nullable(),
  /** Bars in which orders waited and no finer bar was there: the pessimistic path was assumed. */
  assumedBars: z.int(),
  /** Trades whose result depends on an assumed path. */
  pathDependent: z.int(),
});
export type InnerPathReport = z.output<typeof InnerPathReport>;

/** What stopped a strategy module; the run holds what was done before. */
export const StrategyFailure = z.object({ message: z.string(), atMs: z.int().nullable() });
export type StrategyFailure = z.output<typeof StrategyFailure>;

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
    /** fast: one instrument, market orders and fixed fractions. event: the engine with an order book. Both make the same fills. */
    engine: z.enum(["fast", "event"]).default("fast"),
    innerPath: InnerPathReport.nullable().default(null),
    /** Of a strategy module: which file it was. */
    module: z.object({ name: z.string(), hash: z.string() }).nullable().default(null),
    failure: StrategyFailure.nullable().default(null),
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
  version: 5,
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
    /** Null: the run's only one. */
    instrumentId: z.string().nullable().default(null),
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
    instrumentId: z.string(),
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
    /** portfolio: over several instruments; GET /portfolio-backtests/{id} has it. */
    kind: z.enum(["single", "portfolio"]),
    createdMs: z.int(),
    instrumentId: z.string(),
    timeframe: z.string(),
    title: z.string(),
    totalReturn: z.number(),
    benchmarkReturn: z.number(),
    sharpe: z.number().nullable(),
    maxDrawdown: z.number(),
    /** Closed and open. */
    trades: z.int(),
    openTrades: z.int(),
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
    /** builtIn: rules on one instrument, or on each of several. portfolio: built in, over several. module: a file of the operator. */
    kind: z.enum(["builtIn", "portfolio", "module"]),
    /** Fewest and most instruments. */
    instruments: z.tuple([z.int(), z.int()]),
    /** sha256 of a module's file. */
    hash: z.string().nullable(),
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
    /** At the defaults; of built-ins that are rules. */
    formulas: z.record(z.string(), z.string()),
  })
  .meta({ id: "StrategyInfo" });

/** An order that a run placed; the event engine keeps them. */
export const BacktestOrder = z
  .object({
    number: z.int(),
    instrumentId: z.string(),
    placedMs: z.int(),
    side: z.enum(["buy", "sell"]),
    type: z.string(),
    /** Null: by a share of the cash, or a sum. */
    quantity: z.number().nullable(),
    limitPrice: z.number().nullable(),
    stopPrice: z.number().nullable(),
    filled: z.number(),
    /** open at the end, filled, cancelled, or why it was refused: cash, lot, minNotional, price, reduceOnly, unfilled, expired, halted. */
    status: z.string(),
    endedMs: z.int().nullable(),
    /** Placed by a decision; otherwise part of a bracket, or a liquidation. */
    decided: z.boolean(),
  })
  .meta({ id: "BacktestOrder" });
export type BacktestOrder = z.output<typeof BacktestOrder>;

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
  listBacktestOrders: defineQuery({
    name: "listBacktestOrders",
    path: "/backtests/{id}/orders",
    tag: "Backtests",
    summary: "Orders of a run of the event engine, as they were placed",
    role: "viewer",
    params: RunParams,
    query: PageQuery,
    response: pageOf(BacktestOrder),
  }),
  listStrategies: defineQuery({
    name: "listStrategies",
    path: "/strategies",
    tag: "Backtests",
    summary: "Built-in strategies and the operator's modules, with their parameters",
    role: "viewer",
    response: z.object({
      items: z.array(StrategyInfo),
      /** Files of the strategies folder that cannot be used, and why. */
      broken: z.array(z.object({ name: z.string(), reason: z.string() })),
    }),
  }),
};
