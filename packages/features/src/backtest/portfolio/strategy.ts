import { setImmediate } from "node:timers/promises";
import { AppError, timeframeMs } from "@tapedeck/core";
import {
  builtInStrategies,
  checkBuiltIn,
  createEngine,
  createPortfolioStrategy,
  rulesStrategy,
} from "@tapedeck/trading";
import type {
  EngineRun,
  EngineSettings,
  EngineStrategy,
  FeatureColumn,
  MarketInstrument,
  Universe,
} from "@tapedeck/trading";
import type { ModuleStrategy, Strategy } from "../contract.ts";
import { compileStrategy, rulesOf, ruleTermsOf } from "../domain.ts";
import type { ModuleFailure, ModuleSession, StrategyModules } from "../modules/contract.ts";
import { readFormulas } from "../single.ts";
import type { PortfolioBacktestPayload } from "./contract.ts";
import { timeframeOf } from "./market.ts";
import { closedOnFailure } from "../opened.ts";

/** Everything that a strategy is run on; `columns` are by formula, then by instrument as given. */
export interface PortfolioMarket {
  instruments: readonly MarketInstrument[];
  settings: EngineSettings;
  columns: Readonly<Record<string, readonly FeatureColumn[]>>;
}

export interface PortfolioRunOptions {
  signal: AbortSignal;
  seed: number;
  onProgress?(instantsDone: number, instantsTotal: number): void;
}

export interface PortfolioOutcome {
  run: EngineRun;
  failure: ModuleFailure | null;
}

/** The strategy of a payload, ready to be run as often as wanted. */
export interface PortfolioPlan {
  title: string;
  /** Formulas that it reads of every instrument. */
  features: readonly string[];
  /** Conditions of rules, by name; none of other strategies. */
  conditions: Readonly<Record<string, string>>;
  /** Bars before every formula has a value. */
  warmupBars: number;
  /** Other instruments that the formulas read. */
  symbols: readonly string[];
  module: { name: string; hash: string } | null;
  /** Numbers of a module or a built-in, the defaults among them; none of rules. */
  params: Readonly<Record<string, number | string>>;
  /** The same strategy with other numbers; it ends with this one. Throws as `openPortfolio` does. */
  vary(payload: PortfolioBacktestPayload): Promise<PortfolioPlan>;
  /** Throws AppError `payload.invalid` for what the engine refuses. */
  run(market: PortfolioMarket, options: PortfolioRunOptions): Promise<PortfolioOutcome>;
  close(): Promise<void>;
}

/** Instants between two looks at the abort signal. */
const chunkInstants = 512;

/** Throws AppError `payload.invalid`, `formula.invalid`, `strategy.failed`. Close it after use. */
export async function openPortfolio(
  deps: { strategies: StrategyModules },
  payload: PortfolioBacktestPayload,
): Promise<PortfolioPlan> {
  const { strategy } = payload;
  if (strategy.kind === "module") return openModule(deps.strategies, payload, strategy);
  return openOwn(payload, strategy);
}

type PortfolioBuiltIn = Extract<PortfolioBacktestPayload["strategy"], { kind: "builtIn" }>;
type OwnStrategy = Extract<PortfolioBacktestPayload["strategy"], { kind: "rules" }> | PortfolioBuiltIn;

/** Rules, and what is built in. */
function openOwn(payload: PortfolioBacktestPayload, strategy: OwnStrategy): PortfolioPlan {
  if (strategy.kind === "rules") return openRules(payload, strategy);
  const rules = singleBuiltIn(strategy);
  return rules === undefined ? openBuiltIn(payload, strategy) : openRules(payload, rules);
}

/** A built-in of one instrument, which then looks at each. */
function singleBuiltIn({ name, params }: { name: string; params: Record<string, number | string> }) {
  return builtInStrategies.some((one) => one.name === name)
    ? ({ kind: "builtIn", name, params } as const)
    : undefined;
}

/** Throws AppError for a universe whose formulas are none. */
function universeOf(payload: PortfolioBacktestPayload): Universe | undefined {
  const { universe } = payload;
  if (universe === undefined) return undefined;
  const { where, rankBy } = universe;
  if (where !== undefined) readEach([where], payload, "condition");
  if (rankBy !== undefined) readEach([rankBy], payload, "series");
  return universe;
}

/** `readFormulas` for each timeframe that instruments are decided by. */
function readEach(
  formulas: readonly string[],
  payload: PortfolioBacktestPayload,
  expect?: "series" | "condition",
): { warmupBars: number; symbols: string[] } {
  const timeframes = new Set(payload.instruments.map((ref) => timeframeOf(payload, ref)));
  const read = Array.from(timeframes, (timeframe) => readFormulas(formulas, { timeframe }, expect));
  return {
    warmupBars: Math.max(...read.map(({ warmupBars }) => warmupBars)),
    symbols: read[0]!.symbols,
  };
}

const inWords = <T>(work: () => T): T => {
  try {
    return work();
  } catch (error) {
    if (error instanceof RangeError) throw new AppError("payload.invalid", error.message);
    throw error;
  }
};

function openRules(payload: PortfolioBacktestPayload, strategy: Strategy): PortfolioPlan {
  const compiled = compileStrategy(strategy, timeframeMs(timeframeOf(payload, payload.instruments[0]!)));
  const costPerSide = payload.costs.takerBps / 10_000;
  const universe = universeOf(payload);
  const terms = { ...ruleTermsOf(payload, costPerSide), universe };
  const rules = { ...rulesOf(strategy), formulas: compiled.formulas as { entry: string } };
  return inProcess(payload, compiled.title, () => rulesStrategy(rules, terms), {
    conditions: compiled.formulas as Record<string, string>,
    params: strategy.kind === "builtIn" ? checkBuiltIn(strategy.name, strategy.params) : {},
  });
}

function openBuiltIn(payload: PortfolioBacktestPayload, { name, params }: PortfolioBuiltIn): PortfolioPlan {
  const numbers = Object.fromEntries(
    Object.entries(params).map(([key, value]) => {
      if (typeof value === "number") return [key, value];
      throw new AppError("payload.invalid", `${name}: ${key} is a number.`);
    }),
  );
  const universe = universeOf(payload);
  const create = () =>
    inWords(() => createPortfolioStrategy(name, numbers, payload.instruments.length, universe));
  const { title, params: complete } = create();
  return inProcess(payload, title, () => create().strategy, { conditions: {}, params: complete });
}

/** A strategy object keeps what it remembers: every run gets a new one. */
function inProcess(
  payload: PortfolioBacktestPayload,
  title: string,
  create: () => EngineStrategy,
  { conditions, params }: Pick<PortfolioPlan, "conditions" | "params">,
): PortfolioPlan {
  const { features } = create();
  const { warmupBars, symbols } = readEach(features, payload);
  return {
    title,
    features,
    conditions,
    warmupBars,
    symbols,
    module: null,
    params,
    vary: async (other) => openOwn(other, other.strategy as OwnStrategy),
    close: () => Promise.resolve(),
    async run(market, options) {
      const run = await runInProcess(market, create(), options);
      return { run, failure: null };
    },
  };
}

/** Throws AppError `payload.invalid` for what the engine refuses. */
export async function runInProcess(
  { instruments, settings, columns }: PortfolioMarket,
  strategy: EngineStrategy,
  { signal, onProgress }: Pick<PortfolioRunOptions, "signal" | "onProgress">,
): Promise<EngineRun> {
  const ids = instruments.map((one) => one.id);
  try {
    const engine = createEngine(
      instruments,
      strategy,
      settings,
      (formula, one) => columns[formula]![ids.indexOf(one.id)]!,
    );
    while (!engine.advance(chunkInstants)) {
      onProgress?.(engine.state.instant, engine.instants);
      await setImmediate();
      signal.throwIfAborted();
    }
    return engine;
  } catch (error) {
    if (error instanceof RangeError) {
      throw new AppError("payload.invalid", `${strategy.name}: ${error.message}`);
    }
    throw error;
  }
}

async function openModule(
  modules: StrategyModules,
  payload: PortfolioBacktestPayload,
  strategy: ModuleStrategy,
): Promise<PortfolioPlan> {
  if (payload.universe !== undefined) {
    throw new AppError(
      "payload.invalid",
      "A strategy module chooses its instruments itself; leave out universe.",
    );
  }
  const session = await modules.open(strategy.name);
  return await closedOnFailure(session, () => planModule(session, payload, strategy));
}

async function planModule(
  session: ModuleSession,
  payload: PortfolioBacktestPayload,
  strategy: ModuleStrategy,
): Promise<PortfolioPlan> {
  const { params, title, features } = await session.prepare(strategy.params, payload.instruments.length);
  const { warmupBars, symbols } = readEach(features, payload);
  return {
    title,
    features,
    conditions: {},
    warmupBars,
    symbols,
    module: { name: session.info.name, hash: session.info.hash },
    params,
    vary: (other) => planModule(session, other, other.strategy as ModuleStrategy),
    run: (market, options) => session.run({ ...market, ...options, params }),
    close: () => session.close(),
  };
}
