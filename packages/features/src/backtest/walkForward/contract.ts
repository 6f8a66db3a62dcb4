import { defineJob } from "@tapedeck/core";
import * as z from "zod";
import { RunFigures } from "../report/figures/contract.ts";
import {
  Honesty,
  PortfolioSweepPayload,
  Search,
  SingleSweepPayload,
  TrialParams,
} from "../sweep/contract.ts";

const Bars = z.int().min(10).max(1_000_000);
const Gap = z.int().min(0).max(10_000);

/** How the bars are divided into those that choose and those that judge. */
export const Folds = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("rolling"), trainBars: Bars, testBars: Bars, gapBars: Gap.default(0) }),
    /** Trains on everything before, at least `trainBars`. */
    z.strictObject({ kind: z.literal("anchored"), trainBars: Bars, testBars: Bars, gapBars: Gap.default(0) }),
    /** As many tests of one length up to the end, each after everything before it. */
    z.strictObject({
      kind: z.literal("timeSeries"),
      splits: z.int().min(2).max(50).default(5),
      gapBars: Gap.default(0),
    }),
    /** Every group is tested once; training groups lose `purgeBars` at both ends and `embargoBars` at the start. */
    z.strictObject({
      kind: z.literal("purgedKFold"),
      groups: z.int().min(2).max(20).default(5),
      purgeBars: Gap.default(20),
      embargoBars: Gap.default(5),
    }),
    /** Every choice of `testGroups` groups is tested; the tests make several paths through the data. */
    z.strictObject({
      kind: z.literal("combinatorial"),
      groups: z.int().min(3).max(12).default(6),
      testGroups: z.int().min(1).max(4).default(2),
      purgeBars: Gap.default(20),
      embargoBars: Gap.default(5),
    }),
  ])
  .meta({ id: "Folds" });

const judged = {
  folds: Folds,
  search: Search.extend({
    /** tpe and cmaes search each fold anew; not for purgedKFold and combinatorial, whose folds share their runs. */
    method: z.enum(["grid", "random", "sobol", "tpe", "cmaes"]).default("grid"),
    trials: z.int().min(1).max(5_000).default(500),
  })
    .omit({ patience: true })
    .prefault({}),
};

const SingleWalkForwardPayload = SingleSweepPayload.omit({ objectives: true })
  .extend(judged)
  .strict()
  .meta({ id: "SingleWalkForwardPayload", title: "One instrument" });
const PortfolioWalkForwardPayload = PortfolioSweepPayload.omit({ objectives: true })
  .extend(judged)
  .strict()
  .meta({ id: "PortfolioWalkForwardPayload", title: "Several instruments" });

/** Of one instrument, or with `instruments` of several. */
export const WalkForwardPayload = z
  .union([SingleWalkForwardPayload, PortfolioWalkForwardPayload])
  .meta({ id: "WalkForwardPayload" });
export type WalkForwardPayload = z.output<typeof WalkForwardPayload>;

const Ratio = z.number().nullable();

export const FoldResult = z
  .object({
    trainFromMs: z.int(),
    trainToMs: z.int(),
    testFromMs: z.int(),
    testToMs: z.int(),
    /** Of the combination with the best Sharpe ratio in training; null when none traded there. */
    params: TrialParams.nullable(),
    /** Annualised; null below 30 returns or without variance. */
    trainSharpe: Ratio,
    testSharpe: Ratio,
    testReturn: z.number(),
  })
  .meta({ id: "FoldResult" });
export type FoldResult = z.output<typeof FoldResult>;

export const OutOfSample = z
  .object({ totalReturn: z.number(), sharpe: Ratio, maxDrawdown: z.number(), bars: z.int() })
  .meta({ id: "OutOfSample" });
export type OutOfSample = z.output<typeof OutOfSample>;

export const WalkForwardResult = z
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
    trials: z.int(),
    /** Tests one after the other: returns that were never used to choose. For `combinatorial` the path of the median Sharpe ratio. */
    outOfSample: OutOfSample,
    /** How much of that luck explains. The combinations vary as they do over all bars, the first 2,000 of them; null: from before it was kept. */
    honesty: Honesty.nullable().default(null),
    /** The tests one after the other as one run; null as above. */
    run: RunFigures.nullable().default(null),
    /** Mean Sharpe ratio of the tests / mean of their trainings; null where either is undefined. Near 1: what was chosen lasted. */
    efficiency: Ratio,
    folds: z.array(FoldResult),
    /** Every path of `combinatorial`; otherwise the one. */
    paths: z.array(OutOfSample),
    /** At most 500 points of that curve, 1 at its start. */
    curve: z.array(z.object({ atMs: z.int(), value: z.number() })),
    assumptions: z.array(z.string()).default([]),
    warnings: z.array(z.string()),
  })
  .meta({ id: "WalkForwardResult" });
export type WalkForwardResult = z.output<typeof WalkForwardResult>;

export const walkForward = defineJob({
  name: "walkForward",
  path: "/walk-forwards",
  queue: "backtest",
  summary: "Choose parameters on some bars, judge them on others, and stitch what was never chosen on",
  version: 5,
  reuse: true,
  role: "analyst",
  attempts: 3,
  timeoutMs: 3_600_000,
  cpu: true,
  payload: WalkForwardPayload,
  progress: z.object({ trialsDone: z.int(), trialsTotal: z.int() }),
  result: WalkForwardResult,
  examples: [
    {
      instrumentId: "SPX.INDEX",
      strategy: { kind: "builtIn", name: "maCrossover" },
      parameters: { fast: { from: 5, to: 50, step: 5 }, slow: { from: 60, to: 240, step: 20 } },
      folds: { kind: "rolling", trainBars: 1_000, testBars: 250 },
    },
  ],
});
