import { setImmediate } from "node:timers/promises";
import { AppError, timeframeMs } from "@tapedeck/core";
import type { JobHandler } from "@tapedeck/core";
import type { Dataset } from "@tapedeck/formula";
import {
  bandLevels,
  bootstrapPath,
  createSimulation,
  delaySignals,
  quantileOf,
  runSimulation,
  shuffledDrawdown,
} from "@tapedeck/trading";
import type { Simulation, SimulationSettings } from "@tapedeck/trading";
import type { Tx } from "../../db.ts";
import { signalsOf } from "../audit/run.ts";
import { compileStrategy, settingsOf } from "../domain.ts";
import { drawdownsOf } from "../equity.ts";
import { expandRules, readDataset, recordInput, toFormulaData } from "../run.ts";
import type { BacktestDeps } from "../run.ts";
import type { monteCarlo, MonteCarloResult, Quantiles } from "./contract.ts";

type Deps = Pick<BacktestDeps, "series" | "formulas">;

const chunkBars = 8_192;
const yieldSimulations = 20;
const bandPoints = 50;
const costMultiples = [0, 1, 2, 3, 5];
const delays = [0, 1, 2, 3];

export const runMonteCarlo: JobHandler<typeof monteCarlo, Deps, Tx> = async (deps, asked, ctx) => {
  const payload = await expandRules(deps, asked, ctx.tenantId);
  const strategy = compileStrategy(payload.strategy, timeframeMs(payload.timeframe));
  const dataset = await readDataset(deps, payload, ctx, payload.instrumentId, payload.fromMs);
  recordInput(ctx, dataset);
  if (dataset.length < strategy.warmupBars + 2) {
    throw new AppError(
      "data.missing",
      `${dataset.instrument.instrumentId} has ${dataset.length} bars here; the strategy needs at least ${strategy.warmupBars + 2}.`,
    );
  }
  const others = new Map<string, Dataset>();
  for (const symbol of strategy.symbols) {
    const other = await readDataset(deps, payload, ctx, symbol, undefined);
    recordInput(ctx, other);
    others.set(symbol, toFormulaData(other));
  }
  const bars: Dataset = { ...toFormulaData(dataset), resolve: (symbol) => others.get(symbol) };
  const settings = settingsOf(payload, dataset.instrument.lotSize);
  let signals = signalsOf(strategy, bars);
  const simulation = simulate(bars, signals, settings);
  const { equity } = simulation;
  if (equity.some((value) => !(value > 0))) {
    throw new AppError("payload.invalid", "The run loses everything; there is nothing to draw from.");
  }
  const returns = Float64Array.from({ length: bars.length - 1 }, (_, i) => equity[i + 1]! / equity[i]! - 1);
  const factors = tradeFactors(simulation);
  const { simulations } = payload;
  const points = Math.min(bandPoints, returns.length);
  const marks = Int32Array.from(
    { length: points },
    (_, k) => Math.floor(((k + 1) * returns.length) / points) - 1,
  );
  const growths = Array.from({ length: simulations }, () => new Float64Array(marks.length));
  const totals = new Float64Array(simulations);
  const drawdowns = new Float64Array(simulations);
  const shuffled = new Float64Array(simulations);
  for (let k = 0; k < simulations; k++) {
    // A generator each: the same numbers whoever draws them, in any order.
    const path = bootstrapPath(returns, payload.blockBars, ctx.random(`path ${k}`), marks, growths[k]!);
    totals[k] = path.totalReturn;
    drawdowns[k] = path.maxDrawdown;
    shuffled[k] = shuffledDrawdown(factors, ctx.random(`shuffle ${k}`));
    if (k % yieldSimulations !== yieldSimulations - 1) continue;
    ctx.progress({ simulationsDone: k + 1, simulationsTotal: simulations });
    await setImmediate();
    ctx.signal.throwIfAborted();
  }
  const returnOf = (run: Simulation) => run.equity[bars.length - 1]! / settings.initialCash - 1;
  const delayStress = delays.map((late) => {
    if (late > 0) signals = delaySignals(signals);
    return { bars: late, totalReturn: returnOf(simulate(bars, signals, settings)) };
  });
  return {
    instrumentId: dataset.instrument.instrumentId,
    timeframe: dataset.timeframe,
    datasetHash: dataset.hash,
    bars: bars.length,
    simulations,
    seed: ctx.seed,
    totalReturn: returnOf(simulation),
    maxDrawdown: drawdownsOf(equity, settings.initialCash).reduce((most, fall) => Math.max(most, fall), 0),
    bootstrap: {
      totalReturn: quantilesOf(totals),
      maxDrawdown: quantilesOf(drawdowns),
      lossProbability: totals.reduce((count, total) => count + +(total < 0), 0) / simulations,
      bands: Array.from(marks, (mark, j) => ({
        bar: mark + 1,
        ...quantilesOf(Float64Array.from(growths, (growth) => growth[j]!)),
      })),
    },
    shuffledDrawdown: factors.length < 2 ? null : quantilesOf(shuffled),
    costStress: costMultiples.map((multiple) => ({
      multiple,
      totalReturn: returnOf(simulate(bars, signalsOf(strategy, bars), scaledCosts(settings, multiple))),
    })),
    delayStress,
  } satisfies MonteCarloResult;
};

function simulate(bars: Dataset, signals: Uint8Array, settings: SimulationSettings): Simulation {
  const simulation = createSimulation(bars, signals, settings);
  for (let from = 0; from < bars.length; from += chunkBars) {
    runSimulation(simulation, from, Math.min(bars.length, from + chunkBars));
  }
  return simulation;
}

function scaledCosts(settings: SimulationSettings, multiple: number): SimulationSettings {
  return {
    ...settings,
    feeRate: settings.feeRate * multiple,
    feePerUnit: settings.feePerUnit * multiple,
    minFee: settings.minFee * multiple,
    slippageRate: settings.slippageRate * multiple,
    slippagePerUnit: settings.slippagePerUnit * multiple,
  };
}

/** What each closed trade made of the cash before it. */
function tradeFactors({ fills, settings }: Simulation): Float64Array {
  const closed = fills.count >> 1;
  return Float64Array.from({ length: closed }, (_, k) => {
    const before = k === 0 ? settings.initialCash : fills.cash[2 * k - 1]!;
    return fills.cash[2 * k + 1]! / before;
  });
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
