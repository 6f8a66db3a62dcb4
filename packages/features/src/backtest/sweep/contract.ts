import { defineJob, defineQuery, Id, pageOf, PageQuery } from "@tapedeck/core";
import * as z from "zod";
import { BacktestPayload } from "../contract.ts";
import { PortfolioBacktestPayload } from "../portfolio/contract.ts";
import { RunFigures } from "../report/figures/contract.ts";

const Value = z.union([z.number(), z.string().max(60)]);
export const TrialParams = z.record(z.string(), Value);

/** A range (every number between when there is no step), or a list of values. */
export const SweepParameter = z.union([
  z
    .strictObject({ from: z.number(), to: z.number(), step: z.number().gt(0).optional() })
    .refine((range) => range.to >= range.from, { error: "to is not below from" }),
  z.strictObject({ values: z.array(Value).min(1).max(1_000) }),
]);

export const objectiveNames = ["sharpe", "totalReturn", "returnOverDrawdown", "maxDrawdown"] as const;

export const Search = z
  .strictObject({
    /** grid: every combination. nsga2 is for several objectives; tpe and cmaes follow the first. */
    method: z.enum(["grid", "random", "sobol", "tpe", "cmaes", "nsga2"]).default("grid"),
    /** Most combinations tried. */
    trials: z.int().min(1).max(100_000).default(1_000),
    /** Stops after so many combinations without a better first objective; absent: never. */
    patience: z.int().min(10).max(100_000).optional(),
  })
  .meta({ id: "Search" });

/** By name: a parameter of the built-in, a `{name}` in the rules' formulas, or stopLoss, takeProfit, trailingStop, maxBars. */
export const SearchParameters = z
  .record(z.string().regex(/^[a-zA-Z][a-zA-Z0-9]*$/), SweepParameter)
  .refine((all) => Object.keys(all).length >= 1 && Object.keys(all).length <= 16, {
    error: "1 to 16 parameters",
  });

const swept = {
  parameters: SearchParameters,
  search: Search.prefault({}),
  /** What is best: higher is better, of maxDrawdown lower. Several: the result holds the combinations that none beats in all. */
  objectives: z.array(z.enum(objectiveNames)).min(1).max(3).default(["sharpe"]),
};

export const SingleSweepPayload = BacktestPayload.extend(swept)
  .strict()
  .meta({ id: "SingleSweepPayload", title: "One instrument" });
export const PortfolioSweepPayload = PortfolioBacktestPayload.extend(swept)
  .strict()
  .meta({ id: "PortfolioSweepPayload", title: "Several instruments" });

/** Of one instrument, or with `instruments` of several: the payload of a backtest of that kind, and what is searched. */
export const SweepPayload = z.union([SingleSweepPayload, PortfolioSweepPayload]).meta({ id: "SweepPayload" });
export type SweepPayload = z.output<typeof SweepPayload>;

const Ratio = z.number().nullable();

/** Ratios are fractions; sharpe is annualised. Null: undefined, or fewer than 30 returns. */
export const TrialFigures = z.object({
  totalReturn: z.number(),
  sharpe: Ratio,
  maxDrawdown: z.number(),
  returnOverDrawdown: Ratio,
  fills: z.int(),
});

/** The figures and what inference needs: returns, Sharpe ratio a bar, its moments, and sums of returns by block. */
export const StoredMeasure = TrialFigures.extend({
  returns: z.int(),
  sharpePerBar: Ratio,
  skewness: Ratio,
  kurtosis: Ratio,
  blocks: z.array(z.number()),
});
export type StoredMeasure = z.output<typeof StoredMeasure>;

export const SweepTrial = z
  .object({
    number: z.int(),
    params: TrialParams,
    figures: TrialFigures.nullable(),
    /** Why it could not be run; null beside null figures: folds of a walk-forward have judged it, and it is not measured over all bars (yet). */
    failure: z.string().nullable(),
  })
  .meta({ id: "SweepTrial" });
export type SweepTrial = z.output<typeof SweepTrial>;

/** How much of the best result luck explains. Probabilities and ratios; null where the sample does not allow them. */
export const Honesty = z
  .object({
    /** Combinations tried. `GET /trial-ledger/{datasetHash}` counts those of every search on the same data. */
    trials: z.int(),
    /** Probabilistic Sharpe ratio: probability that the true ratio of the best is above zero, had it been the only one. */
    probabilisticSharpe: Ratio,
    /** Deflated Sharpe ratio: the same against the best that as many trials without skill would show. */
    deflatedSharpe: Ratio,
    /** Probability of backtest overfitting (CSCV over 10 blocks): how often the best in one half is no better than the median in the other. */
    overfitting: Ratio,
    /** Combinations in it: those that vary, the first 2,000. */
    overfittingTrials: z.int(),
    /** Fewest bars at which the ratio of the best would be above zero with 95 %. */
    minimumTrackRecordBars: Ratio,
    bars: z.int(),
  })
  .meta({ id: "Honesty" });
export type Honesty = z.output<typeof Honesty>;

export const HeatMap = z
  .object({
    x: z.object({ name: z.string(), values: z.array(Value) }),
    y: z.object({ name: z.string(), values: z.array(Value) }),
    /** Best of the objective at x and y over all other parameters, `[y][x]`; null: none. */
    cells: z.array(z.array(Ratio)),
  })
  .meta({ id: "HeatMap" });
export type HeatMap = z.output<typeof HeatMap>;

export const SweepResult = z
  .object({
    /** Of several, the first and how many more there are. */
    instrumentId: z.string(),
    /** All of them, sorted. */
    instruments: z.array(z.string()).default([]),
    timeframe: z.string(),
    /** Of several instruments: sha256 over those of each. */
    datasetHash: z.string(),
    /** Of several instruments: distinct closes. */
    bars: z.int(),
    /** First, because it decides what the rest is worth. */
    honesty: Honesty,
    best: SweepTrial.nullable(),
    /** The run of the best; null: there is none, or from before it was kept. */
    run: RunFigures.nullable().default(null),
    /** Best first, at most 50; with several objectives those that none beats in all. */
    top: z.array(SweepTrial),
    heatMap: HeatMap.nullable(),
    failed: z.int(),
    /** Ended before its last combination for want of progress. */
    stoppedEarly: z.boolean(),
    warnings: z.array(z.string()),
  })
  .meta({ id: "SweepResult" });
export type SweepResult = z.output<typeof SweepResult>;

export const sweep = defineJob({
  name: "sweep",
  path: "/sweeps",
  queue: "backtest",
  summary: "Try a strategy with many parameters and say how much of the best result is luck",
  version: 5,
  reuse: true,
  role: "analyst",
  attempts: 3,
  timeoutMs: 3_600_000,
  cpu: true,
  payload: SweepPayload,
  progress: z.object({
    trialsDone: z.int(),
    trialsTotal: z.int(),
    best: SweepTrial.nullable(),
  }),
  result: SweepResult,
  examples: [
    {
      instrumentId: "SPX.INDEX",
      strategy: { kind: "builtIn", name: "maCrossover" },
      parameters: { fast: { from: 5, to: 50, step: 5 }, slow: { from: 60, to: 240, step: 20 } },
      costs: { feeBps: 5, slippageBps: 2 },
    },
    {
      instrumentId: "SPX.INDEX",
      strategy: {
        kind: "rules",
        entry: "crossunder(rsi(close, {length}), {oversold})",
        exit: "rsi(close, {length}) > 55",
      },
      parameters: {
        length: { from: 5, to: 30, step: 1 },
        oversold: { from: 15, to: 40 },
        stopLoss: { values: [0.03, 0.05, 0.1] },
      },
      search: { method: "tpe", trials: 300 },
    },
    {
      instruments: ["SPX.INDEX"],
      strategy: { name: "volatilityTarget" },
      parameters: { window: { from: 10, to: 60, step: 10 }, target: { values: [0.05, 0.1, 0.15] } },
    },
  ],
});

/** Parameters of a heat map's axes and what its cells hold. */
const HeatMapQuery = z.object({
  x: z.string().max(60).optional(),
  y: z.string().max(60).optional(),
  metric: z.enum(objectiveNames).optional(),
});

export const sweepRoutes = {
  getSweepHeatMap: defineQuery({
    name: "getSweepHeatMap",
    path: "/sweeps/{id}/heatmap",
    tag: "Backtests",
    summary: "The best of a metric at each pair of two parameters, of the combinations tried so far",
    role: "viewer",
    params: z.object({ id: Id }),
    query: HeatMapQuery,
    response: HeatMap,
  }),
  listSweepTrials: defineQuery({
    name: "listSweepTrials",
    path: "/sweeps/{id}/trials",
    tag: "Backtests",
    summary: "Every combination that a search, or a walk-forward, has tried so far, in the order tried",
    role: "viewer",
    params: z.object({ id: Id }),
    query: PageQuery,
    response: pageOf(SweepTrial),
  }),
  getTrialLedger: defineQuery({
    name: "getTrialLedger",
    path: "/trial-ledger/{datasetHash}",
    tag: "Backtests",
    summary: "How many combinations all searches of the tenant have tried on a dataset",
    role: "viewer",
    params: z.object({ datasetHash: z.string().regex(/^[0-9a-f]{64}$/) }),
    response: z.object({ trials: z.int(), searches: z.int() }),
  }),
};
