import { AppError } from "@tapedeck/core";
import type { Dataset } from "@tapedeck/formula";
import { createSimulation, emptyFills, measureCurve, measureTrial, runSimulation } from "@tapedeck/trading";
import type { ParameterValues, Simulation, SimulationSettings, TrialMeasure } from "@tapedeck/trading";
import type { BacktestPayload, Protection, Strategy } from "../contract.ts";
import { outcomeOfSimulation } from "../outcome.ts";
import { reportedRun } from "../report/figures/run.ts";
import type { ReportedRun } from "../report/figures/run.ts";
import { completeRun } from "../single.ts";
import type { SingleRequest, SingleScene, SingleStrategy } from "../single.ts";
import { createSignalSource, fillStrategy, isSetting, settingNames, takesProtection } from "./signals.ts";

const chunkBars = 8_192;

/** Throws AppError `payload.invalid` for a parameter that nothing takes; built-ins and modules look at theirs themselves. */
export function checkParameters(strategy: BacktestPayload["strategy"], names: readonly string[]): void {
  if (strategy.kind !== "rules") return;
  const text = [strategy.entry, strategy.exit, strategy.shortEntry, strategy.shortExit].join(" ");
  const stray = names.find((name) => !text.includes(`{${name}}`) && !isSetting(name));
  if (stray !== undefined) {
    throw new AppError(
      "payload.invalid",
      `The parameter ${stray} is in no formula: write {${stray}} where its value belongs.`,
    );
  }
}

/** A run over all bars. */
export interface WholeRun {
  /** At each close; the column is written again by the next run. */
  equity: Float64Array;
  measure: TrialMeasure;
}

export interface TrialRunner {
  /** Throws AppError when the combination is no strategy. */
  run(values: ParameterValues): TrialMeasure;
  /** That run with its equity. Throws as `run` does. */
  whole(values: ParameterValues): WholeRun;
  /**
   * Equity of a run over bars [from, to), `[to - from]`, flat at its start; signals come from all bars before, too. The column is written
   * again by the next call. Throws as `run` does.
   */
  equity(values: ParameterValues, from: number, to: number): Float64Array;
  /** That run with its fills and trades, whose bars are counted from `from`. */
  outcome(values: ParameterValues, from: number, to: number): ReportedRun;
}

/** The same where the answer may take its time: the strategy may run in a thread of its own. */
export interface SearchRunner {
  run(values: ParameterValues): TrialMeasure | Promise<TrialMeasure>;
  whole(values: ParameterValues): WholeRun | Promise<WholeRun>;
  equity(values: ParameterValues, from: number, to: number): Float64Array | Promise<Float64Array>;
  outcome(values: ParameterValues, from: number, to: number): ReportedRun | Promise<ReportedRun>;
  close(): Promise<void>;
}

/** Combinations of what only the engine runs: modules, and terms that the simulator does not know. `strategy` is closed with the runner. */
export function createEngineRunner(
  strategy: SingleStrategy,
  payload: SingleRequest,
  scene: SingleScene,
  facts: { barsPerYear: number; riskFreeRate: number },
  options: { signal: AbortSignal; seed: number },
): SearchRunner {
  const n = scene.data.length;
  const initialCash = Number(payload.initialCash);
  const outcomeOf = async (values: ParameterValues, from: number, to: number) =>
    completeRun(await strategy.vary(fillPayload(payload, values)), scene, {
      signal: options.signal,
      seed: options.seed,
      range: { from, to },
    });
  const whole = async (values: ParameterValues): Promise<WholeRun> => {
    const { equity, fills } = await outcomeOf(values, 0, n);
    const curve = { equity, initialCash, active: Int32Array.of(1, n), fills: fills.count };
    return { equity, measure: measureCurve(curve, facts.barsPerYear, facts.riskFreeRate) };
  };
  return {
    whole,
    run: async (values) => (await whole(values)).measure,
    equity: async (values, from, to) => (await outcomeOf(values, from, to)).equity,
    outcome: async (values, from, to) =>
      reportedRun(await outcomeOf(values, from, to), barsOf(scene.data, from, to)),
    close: () => strategy.close(),
  };
}

/** The payload of one combination. */
export function fillPayload<P extends Pick<BacktestPayload, "strategy" | "protection">>(
  payload: P,
  values: ParameterValues,
): P {
  const { strategy } = payload;
  if (!takesProtection(strategy)) {
    return { ...payload, strategy: { ...strategy, params: { ...strategy.params, ...values } } };
  }
  const settings = Object.entries(values).filter(([name]) => isSetting(name));
  const protection = { ...payload.protection, ...Object.fromEntries(settings) } as Protection;
  return { ...payload, strategy: fillStrategy(strategy, values), protection };
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
  const simulate = (
    values: ParameterValues,
    from: number,
    to: number,
    columns?: Parameters<typeof createSimulation>[3],
  ): Simulation => {
    const cut = <C extends Float64Array | Uint8Array>(column: C) => column.subarray(from, to) as C;
    const simulation = createSimulation(
      { open: cut(data.open), high: cut(data.high), low: cut(data.low), close: cut(data.close) },
      cut(signalsOf(values)),
      { ...settings, ...settingsIn(values) },
      columns,
    );
    for (let at = 0; at < to - from; at += chunkBars) {
      runSimulation(simulation, at, Math.min(to - from, at + chunkBars));
    }
    return simulation;
  };
  const pooled = (values: ParameterValues, from: number, to: number) =>
    simulate(values, from, to, { equity: equity.subarray(0, to - from), fills });
  const measured = (simulation: Simulation) =>
    measureTrial(simulation, facts.barsPerYear, facts.riskFreeRate);
  return {
    run: (values) => measured(pooled(values, 0, n)),
    whole(values) {
      const simulation = pooled(values, 0, n);
      return { equity: simulation.equity, measure: measured(simulation) };
    },
    equity: (values, from, to) => pooled(values, from, to).equity,
    outcome: (values, from, to) =>
      reportedRun(outcomeOfSimulation(simulate(values, from, to)), barsOf(data, from, to)),
  };
}

function barsOf({ openMs, closeMs, volume }: Dataset, from: number, to: number) {
  return {
    openMs: openMs.subarray(from, to),
    closeMs: closeMs.subarray(from, to),
    volume: volume.subarray(from, to),
  };
}

function settingsIn(values: ParameterValues): Partial<SimulationSettings> {
  return Object.fromEntries(
    settingNames.flatMap((name) => (values[name] === undefined ? [] : [[name, Number(values[name])]])),
  );
}
