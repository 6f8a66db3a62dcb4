import { setImmediate } from "node:timers/promises";
import { AppError, timeframeMs } from "@tapedeck/core";
import { checkFormula, evaluateFormulas, FormulaError } from "@tapedeck/formula";
import type { Dataset } from "@tapedeck/formula";
import {
  checkBuiltIn,
  createEngine,
  createSimulation,
  delaySignals,
  noCosts,
  plainInstrument,
  rulesStrategy,
  runSimulation,
  sliceBars,
} from "@tapedeck/trading";
import type {
  BarRange,
  EngineSettings,
  FeatureColumn,
  MarketEvent,
  MarketInstrument,
  PriceColumns,
  PriceSeries,
  SimulationSettings,
} from "@tapedeck/trading";
import type { Instrument } from "../series/contract.ts";
import type { BacktestPayload, ModuleStrategy, Strategy } from "./contract.ts";
import {
  compileStrategy,
  conditionNames,
  isFast,
  marketOf,
  packSignals,
  rulesOf,
  ruleTermsOf,
  settingsOf,
} from "./domain.ts";
import type { CompiledStrategy, ConditionName, MarketSettings, TradingRules } from "./domain.ts";
import type { ModuleSession, StrategyModules } from "./modules/contract.ts";
import { outcomeFrom, outcomeOfEngine, outcomeOfSimulation } from "./outcome.ts";
import type { RunOutcome } from "./outcome.ts";
import { closedOnFailure } from "./opened.ts";

/** Prices as traded, and the splits and dividends that move positions and cash in them. */
export interface TradedPrices {
  prices: PriceSeries;
  events: readonly MarketEvent[];
}

/** The bars of one instrument, and what a run needs of it besides. */
export interface SingleScene {
  /** As strategies see them, with the other instruments that formulas name. */
  data: Dataset;
  /** What orders meet, bar by bar; absent: `data`. */
  traded?: TradedPrices | undefined;
  instrument: Pick<Instrument, "instrumentId" | "currency"> & TradingRules;
  /** For the path inside a bar. */
  finer: PriceSeries | undefined;
}

export interface SingleRunOptions {
  signal: AbortSignal;
  seed: number;
  /** Fees and slippage times this; default 1. */
  costMultiple?: number;
  /** Bars that each decision comes later; default 0. */
  delayBars?: number;
  /** Only these bars are traded, from a flat start; formulas and modules see all bars before. Default: all. Not of the fast engine. */
  range?: BarRange;
  onProgress?(barsDone: number): void;
}

/** The strategy of a payload, ready to be run on one instrument as often as wanted. */
export interface SingleStrategy {
  title: string;
  side: CompiledStrategy["side"];
  /** Conditions by name; of a module what it reads, by handle. */
  formulas: Record<string, string>;
  /** Bars before every formula has a value. */
  warmupBars: number;
  /** Other instruments that the formulas read. */
  symbols: string[];
  engine: "fast" | "event";
  module: { name: string; hash: string } | null;
  /** Numbers of a module or a built-in, the defaults among them; none of rules. */
  params: Readonly<Record<string, number | string>>;
  /** Conditions at each close; none of a module. */
  conditions(data: Dataset): Partial<Record<ConditionName, Uint8Array>>;
  run(scene: SingleScene, options: SingleRunOptions): Promise<RunOutcome>;
  /** The same strategy with other numbers; it ends with this one. Throws as `openStrategy` does. */
  vary(payload: SingleRequest): Promise<SingleStrategy>;
  close(): Promise<void>;
}

type Pausing = Pick<SingleRunOptions, "signal" | "onProgress">;

export type SingleRequest = Pick<
  BacktestPayload,
  | "strategy"
  | "sizing"
  | "protection"
  | "innerPath"
  | "adjustment"
  | "costs"
  | "initialCash"
  | "lotSize"
  | "timeframe"
>;

/** Bars between two looks at the abort signal. */
const chunkBars = 8_192;
const yieldBars = 262_144;
const chunkInstants = 4_096;

/** Throws AppError `formula.invalid`, `payload.invalid` or `strategy.failed`. Close it after use. */
export async function openStrategy(
  deps: { strategies: StrategyModules },
  payload: SingleRequest,
): Promise<SingleStrategy> {
  const { strategy } = payload;
  return strategy.kind === "module"
    ? openModule(deps.strategies, payload, strategy)
    : openRules(payload, strategy);
}

/** A run to the end of the data. Throws AppError `strategy.failed` where a module does not come there. */
export async function completeRun(
  strategy: SingleStrategy,
  scene: SingleScene,
  options: SingleRunOptions,
): Promise<RunOutcome> {
  const outcome = await strategy.run(scene, options);
  if (outcome.failure !== null) throw new AppError("strategy.failed", outcome.failure.message);
  return outcome;
}

/** `openStrategy` of rules and built-ins. */
export function openRules(payload: SingleRequest, strategy: Strategy): SingleStrategy {
  const compiled = compileStrategy(strategy, timeframeMs(payload.timeframe));
  const conditions = (data: Dataset) => evaluateConditions(compiled, data);
  const fast = isFast(payload);
  const costPerSide = (payload.costs.feeBps + payload.costs.slippageBps) / 10_000;
  const create = () =>
    rulesStrategy(
      { ...rulesOf(strategy), formulas: compiled.formulas as { entry: string } },
      ruleTermsOf(payload, costPerSide),
    );
  const features = fast ? [] : create().features;
  const { warmupBars } = fast ? compiled : readFormulas(features, payload);
  const { title, side, symbols } = compiled;
  return {
    title,
    side,
    symbols,
    formulas: compiled.formulas as Record<string, string>,
    warmupBars: Math.max(compiled.warmupBars, warmupBars),
    engine: fast ? "fast" : "event",
    module: null,
    params: strategy.kind === "builtIn" ? checkBuiltIn(strategy.name, strategy.params) : {},
    conditions,
    vary: (other) => Promise.resolve(openRules(other, other.strategy as Strategy)),
    close: () => Promise.resolve(),
    async run(scene, options) {
      const { data } = scene;
      const { delayBars = 0 } = options;
      if (fast) {
        let signals = packSignals(side, conditions(data), new Uint8Array(data.length));
        for (let bar = 0; bar < delayBars; bar++) signals = delaySignals(signals);
        const settings = settingsOf(payload, scene.instrument);
        return simulateFast(data, signals, { ...settings, ...dearer(settings, options) }, options);
      }
      const instrument = instrumentOf(payload, scene, options.range);
      const columns = featureColumns(features, data, instrument, delayBars, options.range);
      const engine = createEngine(
        [instrument],
        create(),
        engineSettings(payload, scene, options),
        (formula) => columns[formula]![0]!,
      );
      while (!engine.advance(chunkInstants)) await pause(engine.state.instant, options);
      return outcomeOfEngine(engine, null);
    },
  };
}

async function openModule(
  modules: StrategyModules,
  payload: SingleRequest,
  strategy: ModuleStrategy,
): Promise<SingleStrategy> {
  const session = await modules.open(strategy.name);
  return await closedOnFailure(session, () => planModule(session, payload, strategy));
}

async function planModule(
  session: ModuleSession,
  payload: SingleRequest,
  strategy: ModuleStrategy,
): Promise<SingleStrategy> {
  const { params, features, title } = await session.prepare(strategy.params, 1);
  const { warmupBars, symbols, texts } = readFormulas(features, payload);
  return {
    title,
    side: "both",
    symbols,
    formulas: Object.fromEntries(texts.map((text, handle) => [`value(${handle})`, text])),
    warmupBars,
    engine: "event",
    module: { name: session.info.name, hash: session.info.hash },
    params,
    conditions: () => ({}),
    vary: (other) => planModule(session, other, other.strategy as ModuleStrategy),
    close: () => session.close(),
    async run(scene, options) {
      const { from = 0, to } = options.range ?? {};
      const seen = to === undefined ? undefined : { from: 0, to };
      const instrument = instrumentOf(payload, scene, seen);
      const { run, failure } = await session.run({
        params,
        instruments: [instrument],
        settings: {
          ...engineSettings(payload, scene, options),
          delayBars: options.delayBars ?? 0,
          ...(from === 0 ? {} : { fromMs: scene.data.closeMs[from]! }),
        },
        columns: featureColumns(features, scene.data, instrument, 0, seen),
        seed: options.seed,
        signal: options.signal,
        onProgress: (done) => options.onProgress?.(done),
      });
      return outcomeFrom(outcomeOfEngine(run, failure), from);
    },
  };
}

/** Throws AppError `formula.invalid` with the text and the column. */
export function readFormulas(
  formulas: readonly string[],
  payload: Pick<SingleRequest, "timeframe">,
  expect?: "series" | "condition",
): { warmupBars: number; symbols: string[]; texts: string[] } {
  const symbols = new Set<string>();
  let warmupBars = 0;
  const texts = formulas.map((formula) => {
    try {
      const checked = checkFormula(formula, {
        timeframeMs: timeframeMs(payload.timeframe),
        ...(expect === undefined ? {} : { expect }),
      });
      for (const symbol of checked.instruments) symbols.add(symbol);
      warmupBars = Math.max(warmupBars, checked.warmup);
      return checked.text;
    } catch (error) {
      if (!(error instanceof FormulaError)) throw error;
      throw new AppError("formula.invalid", `${formula}: ${error.message} (column ${error.column}).`);
    }
  });
  return { warmupBars, symbols: [...symbols].sort(), texts };
}

function evaluateConditions(
  strategy: CompiledStrategy,
  data: Dataset,
): Partial<Record<ConditionName, Uint8Array>> {
  const names = conditionNames.filter((name) => strategy.formulas[name] !== undefined);
  const values = evaluateFormulas(
    names.map((name) => strategy.formulas[name]!),
    data,
  );
  const columns: Partial<Record<ConditionName, Uint8Array>> = {};
  names.forEach((name, k) => {
    const column = values[k];
    if (!(column instanceof Uint8Array)) throw new TypeError(`${name} did not give a condition`);
    columns[name] = column;
  });
  return columns;
}

/** A column of each formula over the instrument's bars, `delayBars` late; of a range, the part of the whole. */
function featureColumns(
  formulas: readonly string[],
  data: Dataset,
  { bars: { closeMs } }: MarketInstrument,
  delayBars: number,
  range: BarRange | undefined,
): Record<string, FeatureColumn[]> {
  const values = evaluateFormulas(formulas, data);
  return Object.fromEntries(
    formulas.map((formula, k) => [
      formula,
      [{ closeMs, values: late(values[k]!, delayBars).subarray(range?.from, range?.to) }],
    ]),
  );
}

function late(values: Float64Array | Uint8Array, bars: number): Float64Array | Uint8Array {
  if (bars === 0) return values;
  const out = values instanceof Uint8Array ? new Uint8Array(values.length) : new Float64Array(values.length);
  if (out instanceof Float64Array) out.fill(Number.NaN);
  out.set(values.subarray(0, -bars), bars);
  return out;
}

/** Bars [from, to) of a scene. */
export function cutScene(scene: SingleScene, from: number, to: number): SingleScene {
  const { data, traded } = scene;
  return {
    ...scene,
    data: sliceBars(data, from, to),
    traded: traded && { ...traded, prices: cutPrices(traded.prices, { from, to }) },
  };
}

function cutPrices(series: PriceSeries, range: BarRange | undefined): PriceSeries {
  const cut = (column: Float64Array) => column.subarray(range?.from, range?.to);
  return {
    openMs: cut(series.openMs),
    closeMs: cut(series.closeMs),
    open: cut(series.open),
    high: cut(series.high),
    low: cut(series.low),
    close: cut(series.close),
    volume: cut(series.volume),
  };
}

function instrumentOf(
  payload: SingleRequest,
  { data, instrument, finer, traded }: SingleScene,
  range: BarRange | undefined,
): MarketInstrument {
  const { lotSize, tickSize, minNotional } = marketOf(payload, instrument);
  const bars = cutPrices(traded?.prices ?? data, range);
  return {
    ...plainInstrument(instrument.instrumentId, bars, instrument.currency),
    signalBars: traded && cutPrices(data, range),
    events: traded?.events ?? [],
    lotSize,
    tickSize,
    minNotional,
    finerBars: finer,
  };
}

function dearer(settings: MarketSettings, { costMultiple = 1 }: SingleRunOptions) {
  const { feeRate, feePerUnit, minFee, slippageRate, slippagePerUnit } = settings;
  return {
    feeRate: feeRate * costMultiple,
    feePerUnit: feePerUnit * costMultiple,
    minFee: minFee * costMultiple,
    slippageRate: slippageRate * costMultiple,
    slippagePerUnit: slippagePerUnit * costMultiple,
  };
}

function engineSettings(
  payload: SingleRequest,
  { instrument }: SingleScene,
  options: SingleRunOptions,
): EngineSettings {
  const market = marketOf(payload, instrument);
  const costs = dearer(market, options);
  const ofCash = ["fractionOfEquity", "fixedQuantity", "fixedCash"].includes(payload.sizing.kind);
  return {
    baseCurrency: instrument.currency,
    initialCash: market.initialCash,
    innerPath: payload.innerPath === "optimistic" ? "optimistic" : "pessimistic",
    shortfall: ofCash && payload.strategy.kind !== "module" ? "reject" : "reduce",
    rates: {},
    costs: {
      ...noCosts,
      fees: {
        makerRate: costs.feeRate,
        takerRate: costs.feeRate,
        perUnit: costs.feePerUnit,
        minimum: costs.minFee,
        tiers: [],
      },
      slippage: { kind: "fixed", rate: costs.slippageRate, perUnit: costs.slippagePerUnit },
    },
  };
}

/** Signal bits through the simulator, with pauses. */
export async function simulateFast(
  prices: PriceColumns,
  signals: Uint8Array,
  settings: SimulationSettings,
  options: Pausing,
): Promise<RunOutcome> {
  const bars = signals.length;
  const simulation = createSimulation(prices, signals, settings);
  for (let from = 0; from < bars; from += chunkBars) {
    const to = Math.min(bars, from + chunkBars);
    runSimulation(simulation, from, to);
    if (to % yieldBars === 0) await pause(to, options);
  }
  options.onProgress?.(bars);
  return outcomeOfSimulation(simulation);
}

async function pause(done: number, { signal, onProgress }: Pausing): Promise<void> {
  onProgress?.(done);
  await setImmediate();
  signal.throwIfAborted();
}
