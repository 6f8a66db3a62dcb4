import { AppError, timeframeMs } from "@tapedeck/core";
import type { JobContext } from "@tapedeck/core";
import type { Dataset } from "@tapedeck/formula";
import { barsPerYear, createSearcher, valuesAt } from "@tapedeck/trading";
import type { Parameter, Searcher } from "@tapedeck/trading";
import type { FormulaLibrary } from "../../indicators/contract.ts";
import type { SeriesDataset, SeriesReader } from "../../series/contract.ts";
import { compileStrategy, settingsOf } from "../domain.ts";
import { expandRules, readDataset, recordInput, toFormulaData } from "../run.ts";
import type { SweepPayload } from "./contract.ts";
import { checkParameters, createTrialRunner } from "./runner.ts";
import type { TrialRunner } from "./runner.ts";
import { fillStrategy } from "./signals.ts";

export interface SearchDeps {
  series: SeriesReader;
  formulas: FormulaLibrary;
}

export type SearchPayload = Omit<SweepPayload, "objectives" | "search">;

/** What trials of a search run on. */
export interface SearchScene {
  space: readonly Parameter[];
  dataset: SeriesDataset;
  data: Dataset;
  /** Of the bars, then of the other instruments that formulas read. */
  datasetHashes: string[];
  runner: TrialRunner;
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
  const dataset = await readDataset(deps, payload, ctx, payload.instrumentId, payload.fromMs);
  recordInput(ctx, dataset);
  if (dataset.length < 2) {
    throw new AppError("data.missing", `${dataset.instrument.instrumentId} has ${dataset.length} bars here.`);
  }
  const datasetHashes = [dataset.hash];
  const others = new Map<string, Dataset>();
  for (const symbol of symbolsOf(payload)) {
    const other = await readDataset(deps, payload, ctx, symbol, undefined);
    recordInput(ctx, other);
    datasetHashes.push(other.hash);
    others.set(symbol, toFormulaData(other));
  }
  const data = { ...toFormulaData(dataset), resolve: (symbol: string) => others.get(symbol) };
  const perYear = barsPerYear(dataset.instrument.calendar, dataset.timeframe);
  const runner = createTrialRunner(payload.strategy, data, settingsOf(payload, dataset.instrument.lotSize), {
    barsPerYear: perYear,
    riskFreeRate: payload.riskFreeRate,
  });
  return {
    space: spaceOf(payload),
    dataset,
    data,
    datasetHashes,
    runner,
    barsPerYear: perYear,
    riskFreeRate: payload.riskFreeRate,
  };
}

/** Of any payload with a strategy and parameters. */
export async function resolveInputs(
  deps: SearchDeps,
  asked: SearchPayload,
  scope: { tenantId: string; signal: AbortSignal },
): Promise<{ payload: unknown; hashes: string[] }> {
  const payload = await expandRules(deps, asked, scope.tenantId);
  const dataset = await readDataset(deps, payload, scope, payload.instrumentId, payload.fromMs);
  const hashes = [dataset.hash];
  for (const symbol of symbolsOf(payload)) {
    hashes.push((await readDataset(deps, payload, scope, symbol, undefined)).hash);
  }
  const { instrumentId, calendar, currency, lotSize } = dataset.instrument;
  return { payload: { ...payload, instrumentId, instrument: { calendar, currency, lotSize } }, hashes };
}

/** Other instruments that the formulas read, by the first values. */
function symbolsOf(payload: SearchPayload): string[] {
  const space = spaceOf(payload);
  const first = valuesAt(space, new Float64Array(space.length));
  try {
    return compileStrategy(fillStrategy(payload.strategy, first), timeframeMs(payload.timeframe)).symbols;
  } catch (error) {
    // The first combination may be none that can be run, such as a fast average above the slow one.
    if (error instanceof AppError && error.code === "payload.invalid") return [];
    throw error;
  }
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
