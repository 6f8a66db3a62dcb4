import { AppError, timeframeMs } from "@tapedeck/core";
import type { JobContext } from "@tapedeck/core";
import { sha256 } from "@tapedeck/core/hash";
import type { Dataset } from "@tapedeck/formula";
import { barsPerYear, createSearcher, gridPoint, gridSize, valuesAt } from "@tapedeck/trading";
import type { Parameter, ParameterValues, Searcher } from "@tapedeck/trading";
import type { FormulaLibrary } from "../../indicators/contract.ts";
import type { SeriesDataset, SeriesReader } from "../../series/contract.ts";
import { compileStrategy, isFast, settingsOf } from "../domain.ts";
import type { StrategyModules } from "../modules/contract.ts";
import { expandRules, finerBars, readDataset, recordInput, recordModule, toFormulaData } from "../run.ts";
import { openStrategy } from "../single.ts";
import type { SingleStrategy } from "../single.ts";
import type { Strategy } from "../contract.ts";
import type { SweepPayload } from "./contract.ts";
import { checkParameters, createEngineRunner, createTrialRunner } from "./runner.ts";
import type { SearchRunner } from "./runner.ts";
import { fillStrategy } from "./signals.ts";

export interface SearchDeps {
  series: SeriesReader;
  formulas: FormulaLibrary;
  strategies: StrategyModules;
}

export type SearchPayload = Omit<SweepPayload, "objectives" | "search">;

/** What trials of a search run on. */
export interface SearchScene {
  space: readonly Parameter[];
  dataset: SeriesDataset;
  data: Dataset;
  /** Of the bars, the strategy with saved formulas put in, and whatever else it reads. */
  inputHashes: string[];
  /** To be closed when all is done. */
  runner: SearchRunner;
  barsPerYear: number;
  /** Annual fraction. */
  riskFreeRate: number;
}

/** The parameters of a payload as a search space. */
export function spaceOf(payload: Pick<SweepPayload, "parameters">): Parameter[] {
  return Object.entries(payload.parameters).map(([name, parameter]) => ({ name, ...parameter }));
}

/** Checks the payload, puts saved formulas in and reads the bars. Throws AppError. */
export async function openScene(
  deps: SearchDeps,
  asked: SearchPayload,
  ctx: Pick<JobContext, "tenantId" | "signal" | "input">,
): Promise<SearchScene> {
  checkParameters(asked.strategy, Object.keys(asked.parameters));
  const payload = await expandRules(deps, asked, ctx.tenantId);
  const strategy = await engineStrategy(deps, payload);
  try {
    return await readScene(deps, payload, ctx, strategy);
  } catch (error) {
    await strategy?.close();
    throw error;
  }
}

/** The strategy where only the engine runs it; undefined: the simulator does. */
async function engineStrategy(deps: SearchDeps, payload: SearchPayload): Promise<SingleStrategy | undefined> {
  const { strategy } = payload;
  if (strategy.kind === "module") return openStrategy(deps, payload);
  return isFast(payload) ? undefined : openStrategy(deps, { ...payload, strategy: anyRules });
}

/** Rules that can be opened whatever the combinations are: each is opened by itself later. */
const anyRules: Strategy = { kind: "builtIn", name: "buyAndHold", params: {} };

async function readScene(
  deps: SearchDeps,
  payload: SearchPayload,
  ctx: Pick<JobContext, "tenantId" | "signal" | "input">,
  strategy: SingleStrategy | undefined,
): Promise<SearchScene> {
  const dataset = await readDataset(deps, payload, ctx, payload.instrumentId, payload.fromMs);
  recordInput(ctx, dataset);
  if (dataset.length < 2) {
    throw new AppError("data.missing", `${dataset.instrument.instrumentId} has ${dataset.length} bars here.`);
  }
  const inputHashes = [dataset.hash, sha256(JSON.stringify(payload.strategy))];
  const symbols = strategy === undefined || strategy.module === null ? symbolsOf(payload) : strategy.symbols;
  const others = await readOthers(deps, payload, ctx, symbols);
  for (const other of others.values()) if (!(other instanceof AppError)) inputHashes.push(other.hash);
  const { instrument } = dataset;
  const data = { ...toFormulaData(dataset), resolve: resolverOf(others) };
  const facts = {
    barsPerYear: barsPerYear(instrument.calendar, dataset.timeframe),
    riskFreeRate: payload.riskFreeRate,
  };
  const shared = { space: spaceOf(payload), dataset, data, inputHashes, ...facts };
  if (strategy === undefined) {
    const { strategy: rules } = payload as { strategy: Strategy };
    const runner = createTrialRunner(rules, data, settingsOf(payload, instrument.lotSize), facts);
    return { ...shared, runner: { ...runner, close: () => Promise.resolve() } };
  }
  const finer = await finerBars(deps, payload, ctx);
  if (finer !== undefined) inputHashes.push(finer.hash);
  if (strategy.module !== null) {
    recordModule(ctx, strategy.module);
    inputHashes.push(strategy.module.hash);
  }
  const scene = { data, instrument, finer: finer?.columns };
  return { ...shared, runner: createEngineRunner(strategy, payload, scene, facts, ctx) };
}

/** Of any payload with a strategy and parameters. */
export async function resolveInputs(
  deps: SearchDeps,
  asked: SearchPayload,
  scope: { tenantId: string; signal: AbortSignal },
): Promise<{ payload: unknown; hashes: string[] }> {
  const payload = await expandRules(deps, asked, scope.tenantId);
  // What it reads is what a run reads; lineage is the run's to write.
  const { dataset, inputHashes, runner } = await openScene(deps, payload, {
    ...scope,
    input: () => undefined,
  });
  await runner.close();
  const { instrumentId, calendar, currency, lotSize, tickSize, minNotional } = dataset.instrument;
  const ofModule = payload.strategy.kind === "module" ? { tickSize, minNotional } : {};
  const instrument = { calendar, currency, lotSize, ...ofModule };
  return { payload: { ...payload, instrumentId, instrument }, hashes: inputHashes };
}

/** Most values of texts, one with another, whose instruments are looked for. */
const mostTexts = 10_000;

/** Other instruments that the formulas of any combination read: texts may name them. Throws AppError `payload.invalid` for too many texts. */
function symbolsOf(payload: SearchPayload): string[] {
  const space = spaceOf(payload);
  const first = valuesAt(space, new Float64Array(space.length));
  const texts = space.filter(
    (parameter) => "values" in parameter && parameter.values.some((value) => typeof value === "string"),
  );
  const count = gridSize(texts);
  if (count > mostTexts) {
    throw new AppError("payload.invalid", `The texts make ${count} combinations; at most ${mostTexts}.`);
  }
  const symbols = new Set<string>();
  for (let index = 0; index < count; index++) {
    const values = { ...first, ...valuesAt(texts, gridPoint(texts, index)) };
    for (const symbol of symbolsWith(payload, values)) symbols.add(symbol);
  }
  return [...symbols].sort();
}

/** None of a combination that cannot be run, such as a fast average above the slow one: it is told when it is tried. */
function symbolsWith(payload: SearchPayload, values: ParameterValues): readonly string[] {
  try {
    return compileStrategy(fillStrategy(payload.strategy as Strategy, values), timeframeMs(payload.timeframe))
      .symbols;
  } catch (error) {
    if (error instanceof AppError && isOfCombination(error)) return [];
    throw error;
  }
}

const isOfCombination = ({ code }: AppError) => code === "payload.invalid" || code === "formula.invalid";

/** The bars of other instruments by name, or why there are none. */
async function readOthers(
  deps: SearchDeps,
  payload: SearchPayload,
  ctx: Pick<JobContext, "tenantId" | "signal" | "input">,
  symbols: readonly string[],
): Promise<Map<string, SeriesDataset | AppError>> {
  const others = new Map<string, SeriesDataset | AppError>();
  for (const symbol of symbols) {
    try {
      const other = await readDataset(deps, payload, ctx, symbol, undefined);
      recordInput(ctx, other);
      others.set(symbol, other);
    } catch (error) {
      if (!(error instanceof AppError) || !["data.missing", "symbol.unknown"].includes(error.code))
        throw error;
      others.set(symbol, error);
    }
  }
  return others;
}

/** Throws, for an instrument without bars, what reading them threw: so fails the combination that names it. */
function resolverOf(others: ReadonlyMap<string, SeriesDataset | AppError>) {
  const data = new Map<string, Dataset>();
  for (const [symbol, other] of others)
    if (!(other instanceof AppError)) data.set(symbol, toFormulaData(other));
  return (symbol: string): Dataset | undefined => {
    const other = others.get(symbol);
    if (other instanceof AppError) throw other;
    return data.get(symbol);
  };
}

/** Throws AppError `payload.invalid` when the method does not fit the space. */
export function searcherOf(
  search: Pick<SweepPayload["search"], "method" | "trials">,
  objectives: number,
  space: readonly Parameter[],
  random: () => number,
): Searcher {
  try {
    return createSearcher(search.method, space, { trials: search.trials, objectives, random });
  } catch (error) {
    if (error instanceof RangeError) throw new AppError("payload.invalid", `search: ${error.message}.`);
    throw error;
  }
}
