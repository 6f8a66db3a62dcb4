import { AppError } from "@tapedeck/core";
import type { Dataset } from "@tapedeck/formula";
import { createSimulation, emptyFills, measureTrial, runSimulation } from "@tapedeck/trading";
import type { ParameterValues, Simulation, SimulationSettings, TrialMeasure } from "@tapedeck/trading";
import type { Strategy } from "../contract.ts";
import { createSignalSource, settingNames } from "./signals.ts";

const chunkBars = 8_192;

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
  const signalsOf = createSignalSource(strategy, data);
  const n = data.length;
  const equity = new Float64Array(n);
  const fills = emptyFills(256);
  const simulate = (values: ParameterValues, from: number, to: number): Simulation => {
    const cut = <C extends Float64Array | Uint8Array>(column: C) => column.subarray(from, to) as C;
    const simulation = createSimulation(
      { open: cut(data.open), high: cut(data.high), low: cut(data.low), close: cut(data.close) },
      cut(signalsOf(values)),
      { ...settings, ...settingsIn(values) },
      { equity: equity.subarray(0, to - from), fills },
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
