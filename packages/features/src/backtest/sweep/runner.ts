import { AppError } from "@tapedeck/core";
import { createFormulaCache, evaluateFormulas } from "@tapedeck/formula";
import type { Dataset } from "@tapedeck/formula";
import { createSimulation, emptyFills, measureTrial, runSimulation } from "@tapedeck/trading";
import type { ParameterValues, Simulation, SimulationSettings, TrialMeasure } from "@tapedeck/trading";
import type { Strategy } from "../contract.ts";
import { compileStrategy, conditionNames, packSignals } from "../domain.ts";
import type { ConditionName } from "../domain.ts";

/** Parameters that are settings of the simulation, not of the strategy. */
const settingNames = ["stopLoss", "takeProfit", "trailingStop", "maxBars"] as const;
/** Computed columns kept between combinations. */
const cacheBytes = 256 * 1024 * 1024;
const chunkBars = 8_192;

/** A strategy with values in place of its parameters; what the strategy does not take is left for the settings. */
export function fillStrategy(strategy: Strategy, values: ParameterValues): Strategy {
  const own = Object.fromEntries(
    Object.entries(values).filter(([name]) => !(settingNames as readonly string[]).includes(name)),
  );
  if (strategy.kind === "builtIn") return { ...strategy, params: { ...strategy.params, ...own } };
  const fill = (text: string) =>
    text.replaceAll(/\{([a-zA-Z][a-zA-Z0-9]*)\}/g, (whole, name: string) => String(own[name] ?? whole));
  const { entry, exit, shortEntry, shortExit } = strategy;
  return {
    ...strategy,
    entry: fill(entry),
    ...(exit === undefined ? {} : { exit: fill(exit) }),
    ...(shortEntry === undefined ? {} : { shortEntry: fill(shortEntry) }),
    ...(shortExit === undefined ? {} : { shortExit: fill(shortExit) }),
  };
}

/** Throws AppError `payload.invalid` for a parameter that nothing takes. */
export function checkParameters(strategy: Strategy, names: readonly string[]): void {
  if (strategy.kind === "builtIn") return;
  const text = [strategy.entry, strategy.exit, strategy.shortEntry, strategy.shortExit].join(" ");
  const stray = names.find(
    (name) => !text.includes(`{${name}}`) && !(settingNames as readonly string[]).includes(name),
  );
  if (stray !== undefined) {
    throw new AppError(
      "payload.invalid",
      `The parameter ${stray} is in no formula: write {${stray}} where its value belongs.`,
    );
  }
}

export interface TrialRunner {
  /** Throws AppError when the combination is no strategy. */
  run(values: ParameterValues): TrialMeasure;
  /**
   * Equity of a run over bars [from, to), `[to - from]`, flat at its start; signals come from all bars before, too. The column is written
   * again by the next call. Throws as `run` does.
   */
  equity(values: ParameterValues, from: number, to: number): Float64Array;
}

/** Runs combinations over one dataset; sub-expressions that they share are computed once. */
export function createTrialRunner(
  strategy: Strategy,
  data: Dataset,
  settings: SimulationSettings,
  facts: { barsPerYear: number; riskFreeRate: number },
): TrialRunner {
  const cache = createFormulaCache(cacheBytes);
  const n = data.length;
  const reuse = { equity: new Float64Array(n), fills: emptyFills(256) };
  const signalsOf = (values: ParameterValues): Uint8Array => {
    const compiled = compileStrategy(fillStrategy(strategy, values), data.timeframeMs);
    const names = conditionNames.filter((name) => compiled.formulas[name] !== undefined);
    const evaluated = evaluateFormulas(
      names.map((name) => compiled.formulas[name]!),
      data,
      { cache },
    );
    const columns: Partial<Record<ConditionName, Uint8Array>> = {};
    names.forEach((name, k) => (columns[name] = evaluated[k] as Uint8Array));
    return packSignals(compiled.side, columns, n);
  };
  const simulate = (values: ParameterValues, from: number, to: number): Simulation => {
    const cut = <C extends Float64Array | Uint8Array>(column: C) => column.subarray(from, to) as C;
    const prices = { open: cut(data.open), high: cut(data.high), low: cut(data.low), close: cut(data.close) };
    const simulation = createSimulation(
      prices,
      cut(signalsOf(values)),
      { ...settings, ...settingsIn(values) },
      { ...reuse, equity: reuse.equity.subarray(0, to - from) },
    );
    for (let at = 0; at < to - from; at += chunkBars) {
      runSimulation(simulation, at, Math.min(to - from, at + chunkBars));
    }
    return simulation;
  };
  return {
    run: (values) => measureTrial(simulate(values, 0, n), facts.barsPerYear, facts.riskFreeRate),
    equity: (values, from, to) => simulate(values, from, to).equity,
  };
}

function settingsIn(values: ParameterValues): Partial<SimulationSettings> {
  return Object.fromEntries(
    settingNames.flatMap((name) => (values[name] === undefined ? [] : [[name, Number(values[name])]])),
  );
}
