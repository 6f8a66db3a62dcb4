import { defineJob } from "@tapedeck/core";
import * as z from "zod";
import { BacktestPayload } from "../contract.ts";
import { PortfolioBacktestPayload } from "../portfolio/contract.ts";
import { RunFigures } from "../report/figures/contract.ts";

const drawn = {
  simulations: z.int().min(100).max(20_000).default(1_000),
  /** Mean length of the blocks of bar returns that are drawn. */
  blockBars: z.number().min(1).max(10_000).default(20),
  /** Price paths made of the bars' shapes, drawn in the same blocks; the strategy runs on each. 0: none. */
  pathSimulations: z.int().min(0).max(2_000).default(100),
  /** Runs with every number of the strategy and its protection moved by up to `share` of itself. */
  jitter: z
    .strictObject({
      share: z.number().gt(0).max(0.9).default(0.2),
      simulations: z.int().min(0).max(2_000).default(100),
    })
    .prefault({}),
};

const SingleMonteCarloPayload = BacktestPayload.extend(drawn)
  .strict()
  .meta({ id: "SingleMonteCarloPayload", title: "One instrument" });
const PortfolioMonteCarloPayload = PortfolioBacktestPayload.extend(drawn)
  .strict()
  .meta({ id: "PortfolioMonteCarloPayload", title: "Several instruments" });

/** Of one instrument, or with `instruments` of several. */
export const MonteCarloPayload = z
  .union([SingleMonteCarloPayload, PortfolioMonteCarloPayload])
  .meta({ id: "MonteCarloPayload" });
export type MonteCarloPayload = z.output<typeof MonteCarloPayload>;

/** Quantiles over the simulations. */
export const Quantiles = z
  .object({ p5: z.number(), p25: z.number(), p50: z.number(), p75: z.number(), p95: z.number() })
  .meta({ id: "Quantiles" });
export type Quantiles = z.output<typeof Quantiles>;

/** Of runs that were made again. */
export const Reruns = z
  .object({
    simulations: z.int(),
    /** Combinations that are no strategy, such as a fast average above the slow one, or with which a module breaks down; they are not counted. */
    failed: z.int(),
    totalReturn: Quantiles,
    maxDrawdown: Quantiles,
    /** Share of the runs that end below their start. */
    lossProbability: z.number(),
  })
  .meta({ id: "Reruns" });
export type Reruns = z.output<typeof Reruns>;

export const MonteCarloResult = z
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
    simulations: z.int(),
    seed: z.int(),
    /** As it was: fractions. */
    totalReturn: z.number(),
    maxDrawdown: z.number(),
    /** Everything else that the run says; null: from before it was kept. */
    run: RunFigures.nullable().default(null),
    /** Bar returns drawn again in blocks. */
    bootstrap: z.object({
      totalReturn: Quantiles,
      maxDrawdown: Quantiles,
      /** Share of paths that end below their start. */
      lossProbability: z.number(),
      /** Growth of 1 at 50 places along the path. */
      bands: z.array(Quantiles.extend({ bar: z.int() })),
    }),
    /** The same trades in other orders: drawdown only, since their product never changes. Null with fewer than 2 closed trades. */
    shuffledDrawdown: Quantiles.nullable(),
    /** On resampled price paths; null: none asked for, the formulas read other instruments, whose bars would no longer fit, or the instruments have too few closes in common. */
    pathResampling: Reruns.nullable().default(null),
    /** With other numbers; null: none asked for, or there is no number. */
    jitter: Reruns.nullable().default(null),
    /** Total return with all costs times `multiple`, and with every decision `bars` later. */
    costStress: z.array(z.object({ multiple: z.number(), totalReturn: z.number() })),
    delayStress: z.array(z.object({ bars: z.int(), totalReturn: z.number() })),
  })
  .meta({ id: "MonteCarloResult" });
export type MonteCarloResult = z.output<typeof MonteCarloResult>;

export const monteCarlo = defineJob({
  name: "monteCarlo",
  path: "/monte-carlos",
  queue: "backtest",
  summary:
    "What a backtest might have been: resampled returns, shuffled trades, higher costs, later decisions",
  version: 4,
  reuse: false,
  role: "analyst",
  attempts: 3,
  timeoutMs: 1_800_000,
  cpu: true,
  payload: MonteCarloPayload,
  progress: z.object({ simulationsDone: z.int(), simulationsTotal: z.int() }),
  result: MonteCarloResult,
  examples: [
    {
      instrumentId: "SPX.INDEX",
      strategy: { kind: "builtIn", name: "maCrossover", params: { fast: 50, slow: 200 } },
    },
    { instruments: ["SPX.INDEX"], strategy: { name: "volatilityTarget", params: { target: 0.1 } } },
  ],
});
