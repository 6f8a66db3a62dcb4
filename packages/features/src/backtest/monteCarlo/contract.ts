import { defineJob } from "@tapedeck/core";
import * as z from "zod";
import { BacktestPayload, Strategy } from "../contract.ts";

export const MonteCarloPayload = BacktestPayload.extend({
  strategy: Strategy,
  simulations: z.int().min(100).max(20_000).default(1_000),
  /** Mean length of the blocks of bar returns that are drawn. */
  blockBars: z.number().min(1).max(10_000).default(20),
})
  .strict()
  .meta({ id: "MonteCarloPayload" });
export type MonteCarloPayload = z.output<typeof MonteCarloPayload>;

/** Quantiles over the simulations. */
export const Quantiles = z
  .object({ p5: z.number(), p25: z.number(), p50: z.number(), p75: z.number(), p95: z.number() })
  .meta({ id: "Quantiles" });
export type Quantiles = z.output<typeof Quantiles>;

export const MonteCarloResult = z
  .object({
    instrumentId: z.string(),
    timeframe: z.string(),
    datasetHash: z.string(),
    bars: z.int(),
    simulations: z.int(),
    seed: z.int(),
    /** As it was: fractions. */
    totalReturn: z.number(),
    maxDrawdown: z.number(),
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
  version: 1,
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
  ],
});
