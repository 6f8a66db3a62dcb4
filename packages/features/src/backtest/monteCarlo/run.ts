import { setImmediate } from "node:timers/promises";
import { AppError } from "@tapedeck/core";
import type { JobContext, JobHandler, ProgressOf } from "@tapedeck/core";
import type { Dataset } from "@tapedeck/formula";
import { bandLevels, bootstrapPath, quantileOf, resampleBars, shuffledDrawdown } from "@tapedeck/trading";
import type { Tx } from "../../db.ts";
import { drawdownsOf } from "../equity.ts";
import type { RunOutcome } from "../outcome.ts";
import { expandRules, finerBars, formulaData, loadDataset } from "../run.ts";
import type { BacktestDeps } from "../run.ts";
import { completeRun, openStrategy } from "../single.ts";
import type { SingleScene, SingleStrategy } from "../single.ts";
import type { monteCarlo, MonteCarloPayload, MonteCarloResult, Quantiles, Reruns } from "./contract.ts";
import { hasNumbers, jitterPayload } from "./jitter.ts";

type Deps = Pick<BacktestDeps, "series" | "formulas" | "strategies">;
type Context = JobContext<ProgressOf<typeof monteCarlo>, Tx>;

const yieldSimulations = 20;
const bandPoints = 50;
const costMultiples = [0, 1, 2, 3, 5];
const delays = [0, 1, 2, 3];

export const runMonteCarlo: JobHandler<typeof monteCarlo, Deps, Tx> = async (deps, asked, ctx) => {
  const payload = await expandRules(deps, asked, ctx.tenantId);
  const strategy = await openStrategy(deps, payload);
  try {
    return await simulateAll(deps, payload, ctx, strategy);
  } finally {
    await strategy.close();
  }
};

async function simulateAll(
  deps: Deps,
  payload: MonteCarloPayload,
  ctx: Context,
  strategy: SingleStrategy,
): Promise<MonteCarloResult> {
  const dataset = await loadDataset(deps, payload, ctx, strategy);
  const data = await formulaData(deps, payload, ctx, dataset, strategy.symbols);
  const finer = await finerBars(deps, payload, ctx);
  const scene: SingleScene = { data, instrument: dataset.instrument, finer: finer?.columns };
  const initialCash = Number(payload.initialCash);
  const runOf = (change: { costMultiple?: number; delayBars?: number } = {}) =>
    completeRun(strategy, scene, { ...optionsOf(ctx), ...change });
  const asItWas = await runOf();
  const { simulations } = payload;
  const total =
    simulations + payload.pathSimulations + payload.jitter.simulations + costMultiples.length + delays.length;
  let done = 0;
  const step = async (count: number) => {
    done += count;
    ctx.progress({ simulationsDone: done, simulationsTotal: total });
    await setImmediate();
    ctx.signal.throwIfAborted();
  };
  const returns = returnsOf(asItWas.equity);
  const factors = tradeFactors(asItWas, initialCash);
  const drawn = createDraws(returns, factors, payload, ctx);
  for (let from = 0; from < simulations; from += yieldSimulations) {
    const to = Math.min(simulations, from + yieldSimulations);
    drawn.take(from, to);
    await step(to - from);
  }
  const pathResampling = await resamplePaths(payload, strategy, scene, ctx, step);
  const jitter = await jitterRuns(payload, strategy, scene, ctx, step);
  const costStress: MonteCarloResult["costStress"] = [];
  for (const multiple of costMultiples) {
    const { equity } = await runOf({ costMultiple: multiple });
    costStress.push({ multiple, totalReturn: totalReturnOf(equity, initialCash) });
    await step(1);
  }
  const delayStress: MonteCarloResult["delayStress"] = [];
  for (const bars of delays) {
    const { equity } = await runOf({ delayBars: bars });
    delayStress.push({ bars, totalReturn: totalReturnOf(equity, initialCash) });
    await step(1);
  }
  return {
    instrumentId: dataset.instrument.instrumentId,
    timeframe: dataset.timeframe,
    datasetHash: dataset.hash,
    bars: data.length,
    simulations,
    seed: ctx.seed,
    totalReturn: totalReturnOf(asItWas.equity, initialCash),
    maxDrawdown: maxDrawdownOf(asItWas.equity, initialCash),
    ...drawn.result(),
    pathResampling,
    jitter,
    costStress,
    delayStress,
  };
}

const optionsOf = ({ signal, seed }: Context) => ({ signal, seed });

/** Throws AppError `payload.invalid` for a curve that reaches zero. */
function returnsOf(equity: Float64Array): Float64Array {
  if (equity.some((value) => !(value > 0))) {
    throw new AppError("payload.invalid", "The run loses everything; there is nothing to draw from.");
  }
  return Float64Array.from({ length: equity.length - 1 }, (_, i) => equity[i + 1]! / equity[i]! - 1);
}

const totalReturnOf = (equity: Float64Array, initialCash: number) => equity.at(-1)! / initialCash - 1;
const maxDrawdownOf = (equity: Float64Array, initialCash: number) =>
  drawdownsOf(equity, initialCash).reduce((most, fall) => Math.max(most, fall), 0);

/** What each closed trade made of the equity that trades before it had left. */
function tradeFactors({ trades }: RunOutcome, initialCash: number): Float64Array {
  let value = initialCash;
  const closed = trades.filter((trade) => trade.exitBar >= 0);
  return Float64Array.from(closed, ({ profit }) => {
    const before = value;
    value += profit;
    return value / before;
  });
}

export interface Draws {
  /** Simulations [from, to), in any order and any pieces: each has a random generator of its own. */
  take(from: number, to: number): void;
  result(): Pick<MonteCarloResult, "bootstrap" | "shuffledDrawdown">;
}

/** Bar returns drawn in blocks, and trades in other orders. */
export function createDraws(
  returns: Float64Array,
  factors: Float64Array,
  { simulations, blockBars }: Pick<MonteCarloPayload, "simulations" | "blockBars">,
  { random }: Pick<Context, "random">,
): Draws {
  const points = Math.min(bandPoints, returns.length);
  const marks = Int32Array.from(
    { length: points },
    (_, k) => Math.floor(((k + 1) * returns.length) / points) - 1,
  );
  const growths = Array.from({ length: simulations }, () => new Float64Array(points));
  const totals = new Float64Array(simulations);
  const drawdowns = new Float64Array(simulations);
  const shuffled = new Float64Array(simulations);
  return {
    take(from, to) {
      for (let k = from; k < to; k++) {
        const path = bootstrapPath(returns, blockBars, random(`path ${k}`), marks, growths[k]!);
        totals[k] = path.totalReturn;
        drawdowns[k] = path.maxDrawdown;
        shuffled[k] = shuffledDrawdown(factors, random(`shuffle ${k}`));
      }
    },
    result: () => ({
      bootstrap: {
        totalReturn: quantilesOf(totals),
        maxDrawdown: quantilesOf(drawdowns),
        lossProbability: lossesOf(totals),
        bands: Array.from(marks, (mark, j) => ({
          bar: mark + 1,
          ...quantilesOf(Float64Array.from(growths, (growth) => growth[j]!)),
        })),
      },
      shuffledDrawdown: factors.length < 2 ? null : quantilesOf(shuffled),
    }),
  };
}

/** The strategy on price paths made of the bars' shapes. */
async function resamplePaths(
  payload: MonteCarloPayload,
  strategy: SingleStrategy,
  { data, instrument }: SingleScene,
  ctx: Context,
  step: (count: number) => Promise<void>,
): Promise<Reruns | null> {
  const { pathSimulations, blockBars } = payload;
  if (pathSimulations === 0 || strategy.symbols.length > 0) {
    await step(pathSimulations);
    return null;
  }
  const runs = createReruns(Number(payload.initialCash));
  for (let k = 0; k < pathSimulations; k++) {
    const path: Dataset = { ...data, ...resampleBars(data, blockBars, ctx.random(`prices ${k}`)) };
    runs.take(await completeRun(strategy, { data: path, instrument, finer: undefined }, optionsOf(ctx)));
    await step(1);
  }
  return runs.result(0);
}

/** The strategy with other numbers on the bars as they were. */
async function jitterRuns(
  payload: MonteCarloPayload,
  strategy: SingleStrategy,
  scene: SingleScene,
  ctx: Context,
  step: (count: number) => Promise<void>,
): Promise<Reruns | null> {
  const { share, simulations } = payload.jitter;
  if (simulations === 0 || !hasNumbers(payload, strategy.params)) {
    await step(simulations);
    return null;
  }
  const runs = createReruns(Number(payload.initialCash));
  let failed = 0;
  for (let k = 0; k < simulations; k++) {
    const other = jitterPayload(payload, strategy.params, share, ctx.random(`jitter ${k}`));
    try {
      const varied = await strategy.vary(other);
      runs.take(await completeRun(varied, scene, optionsOf(ctx)));
    } catch (error) {
      const isNone = error instanceof AppError && ["payload.invalid", "formula.invalid"].includes(error.code);
      if (!isNone) throw error;
      failed++;
    }
    await step(1);
  }
  return runs.result(failed);
}

function createReruns(initialCash: number) {
  const totals: number[] = [];
  const drawdowns: number[] = [];
  return {
    take({ equity }: RunOutcome): void {
      totals.push(totalReturnOf(equity, initialCash));
      drawdowns.push(maxDrawdownOf(equity, initialCash));
    },
    result(failed: number): Reruns | null {
      if (totals.length === 0) return null;
      return {
        simulations: totals.length,
        failed,
        totalReturn: quantilesOf(Float64Array.from(totals)),
        maxDrawdown: quantilesOf(Float64Array.from(drawdowns)),
        lossProbability: lossesOf(totals),
      };
    },
  };
}

function lossesOf(totals: Float64Array | readonly number[]): number {
  let losses = 0;
  for (const total of totals) losses += +(total < 0);
  return losses / totals.length;
}

function quantilesOf(values: Float64Array): Quantiles {
  const sorted = values.toSorted();
  const [p5, p25, p50, p75, p95] = bandLevels.map((level) => quantileOf(sorted, level)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  return { p5, p25, p50, p75, p95 };
}
