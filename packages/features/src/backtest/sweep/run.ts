import { setImmediate } from "node:timers/promises";
import { AppError, timeframeMs } from "@tapedeck/core";
import type { JobContext, JobHandler, ProgressOf } from "@tapedeck/core";
import type { Dataset } from "@tapedeck/formula";
import { barsPerYear, createSearcher, gridSize, levelsOf, valuesAt } from "@tapedeck/trading";
import type { Parameter, Searcher } from "@tapedeck/trading";
import type { Tx } from "../../db.ts";
import type { SeriesDataset, SeriesReader } from "../../series/contract.ts";
import { compileStrategy, settingsOf } from "../domain.ts";
import { readDataset, recordInput, toFormulaData } from "../run.ts";
import { createBestKeeper, createHeatKeeper, scoresOf } from "./best.ts";
import type { StoredMeasure, sweep, SweepPayload, SweepResult } from "./contract.ts";
import { emptyRecord, judge, recordTrial } from "./honesty.ts";
import { checkParameters, createTrialRunner } from "./runner.ts";
import type { TrialRunner } from "./runner.ts";
import { fillStrategy } from "./signals.ts";
import { loadTrials, saveTrials, trialView } from "./store.ts";
import type { StoredTrial } from "./store.ts";

export interface SweepDeps {
  series: SeriesReader;
}

type SearchPayload = Omit<SweepPayload, "objectives" | "search">;

type Context = JobContext<ProgressOf<typeof sweep>, Tx>;

/** Combinations between two looks at the abort signal. */
const yieldTrials = 8;
/** Rows read at once when a search goes on. */
const pageTrials = 5_000;

/** The parameters of a payload as a search space. */
export function spaceOf(payload: Pick<SweepPayload, "parameters">): Parameter[] {
  return Object.entries(payload.parameters).map(([name, parameter]) => ({ name, ...parameter }));
}

const run: JobHandler<typeof sweep, SweepDeps, Tx> = async (deps, payload, ctx) => {
  const space = spaceOf(payload);
  checkParameters(payload.strategy, Object.keys(payload.parameters));
  ctx.progress({ trialsDone: 0, trialsTotal: 0, best: null });
  const { dataset, data } = await loadData(deps, payload, ctx);
  const { search, objectives } = payload;
  const searcher = searcherOf(search, objectives.length, space, ctx.random("search"));
  const total = search.method === "grid" ? Math.min(gridSize(space), search.trials) : search.trials;
  const runner = createTrialRunner(payload.strategy, data, settingsOf(payload, dataset.instrument.lotSize), {
    barsPerYear: barsPerYear(dataset.instrument.calendar, dataset.timeframe),
    riskFreeRate: payload.riskFreeRate,
  });
  const job = { jobId: ctx.jobId, tenantId: ctx.tenantId, datasetHash: dataset.hash };
  const record = emptyRecord();
  const keeper = createBestKeeper(objectives.length);
  const heat = createHeatKeeper(space, levelsOf);
  const known = storedTrials(ctx);
  let done = 0;
  let failed = 0;
  let improvedAt = 0;
  let leading = -Infinity;
  let stoppedEarly = false;
  let firstFailure: string | null = null;
  while (!stoppedEarly) {
    const points = searcher.next();
    if (points.length === 0) break;
    const trials: StoredTrial[] = [];
    const fresh: StoredTrial[] = [];
    for (const point of points) {
      const number = done + trials.length + 1;
      const stored = await known(number);
      const trial = stored ?? tryValues(runner, number, valuesAt(space, point));
      trials.push(trial);
      if (stored === undefined) fresh.push(trial);
      if (trials.length % yieldTrials === 0) {
        await setImmediate();
        ctx.signal.throwIfAborted();
      }
    }
    // What was computed is kept, whoever is killed next.
    if (fresh.length > 0) await ctx.commit((tx) => saveTrials(tx, job, fresh));
    const scored = trials.map((trial) => scoresOf(trial, objectives));
    trials.forEach((trial, k) => {
      recordTrial(record, trial.measure);
      keeper.take(trial, scored[k]!);
      heat.take(trial.params, scored[k]![0]!);
      failed += +(trial.measure === null);
      firstFailure ??= trial.failure;
      if (scored[k]![0]! > leading) {
        leading = scored[k]![0]!;
        improvedAt = trial.number;
      }
    });
    searcher.tell(points.map((point, k) => ({ point, scores: scored[k]! })));
    done += trials.length;
    const best = keeper.best();
    ctx.progress({ trialsDone: done, trialsTotal: total, best: best === null ? null : trialView(best) });
    stoppedEarly = search.patience !== undefined && done - improvedAt >= search.patience && done < total;
  }
  if (failed === done) {
    throw new AppError(
      "payload.invalid",
      `None of ${done} combinations can be run; the first: ${firstFailure}`,
    );
  }
  const best = keeper.best();
  return {
    instrumentId: dataset.instrument.instrumentId,
    timeframe: dataset.timeframe,
    datasetHash: dataset.hash,
    bars: dataset.length,
    honesty: judge(record, best?.measure ?? null, { bars: dataset.length }),
    best: best === null ? null : trialView(best),
    top: keeper.top().map(trialView),
    heatMap: heat.map(),
    failed,
    stoppedEarly,
    warnings: [
      ...(search.method === "grid" && gridSize(space) > search.trials
        ? [`The grid has ${gridSize(space)} combinations; only the first ${search.trials} were tried.`]
        : []),
      ...warningsOf(best, failed, done, firstFailure),
    ],
  } satisfies SweepResult;
};

/** Of any payload with a strategy and parameters. */
export async function resolveInputs(
  deps: SweepDeps,
  payload: SearchPayload,
  scope: { tenantId: string; signal: AbortSignal },
): Promise<{ payload: unknown; hashes: string[] }> {
  const dataset = await readDataset(deps, payload, scope, payload.instrumentId, payload.fromMs);
  const hashes = [dataset.hash];
  for (const symbol of symbolsOf(payload)) {
    hashes.push((await readDataset(deps, payload, scope, symbol, undefined)).hash);
  }
  const { instrumentId, calendar, currency, lotSize } = dataset.instrument;
  return { payload: { ...payload, instrumentId, instrument: { calendar, currency, lotSize } }, hashes };
}

export const runSweep = Object.assign(run, { resolveInputs });

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

/** The bars, and those of every other instrument that the formulas name. */
export async function loadData(
  deps: SweepDeps,
  payload: SearchPayload,
  ctx: Pick<Context, "tenantId" | "signal" | "input">,
): Promise<{ dataset: SeriesDataset; data: Dataset }> {
  const dataset = await readDataset(deps, payload, ctx, payload.instrumentId, payload.fromMs);
  recordInput(ctx, dataset);
  if (dataset.length < 2) {
    throw new AppError("data.missing", `${dataset.instrument.instrumentId} has ${dataset.length} bars here.`);
  }
  const others = new Map<string, Dataset>();
  for (const symbol of symbolsOf(payload)) {
    const other = await readDataset(deps, payload, ctx, symbol, undefined);
    recordInput(ctx, other);
    others.set(symbol, toFormulaData(other));
  }
  return { dataset, data: { ...toFormulaData(dataset), resolve: (symbol) => others.get(symbol) } };
}

/** Throws AppError `payload.invalid` when the method does not fit the space. */
export function searcherOf(
  search: SweepPayload["search"],
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

/** Trials that an earlier attempt has stored, by number; numbers ascend. */
function storedTrials(ctx: Context): (number: number) => Promise<StoredTrial | undefined> {
  let page: StoredTrial[] = [];
  let last = 0;
  let ended = ctx.pickup === 1;
  return async (number) => {
    if (number > last && !ended) {
      page = await ctx.commit((tx) => loadTrials(tx, ctx.jobId, last, pageTrials));
      last = page.at(-1)?.number ?? last;
      ended = page.length < pageTrials;
    }
    return page[number - (page[0]?.number ?? 0)];
  };
}

function tryValues(
  runner: TrialRunner,
  number: number,
  params: Record<string, number | string>,
): StoredTrial {
  try {
    const { blocks, ...measure } = runner.run(params);
    const stored: StoredMeasure = { ...measure, blocks: [...blocks] };
    return { number, params, measure: stored, failure: null };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { number, params, measure: null, failure: error.message };
  }
}

function warningsOf(
  best: StoredTrial | null,
  failed: number,
  done: number,
  firstFailure: string | null,
): string[] {
  const warnings: string[] = [];
  if (failed > 0)
    warnings.push(`${failed} of ${done} combinations cannot be run; the first: ${firstFailure}`);
  if (best === null) warnings.push("No combination has a defined objective: most likely none ever traded.");
  else if (best.measure!.fills < 60) {
    warnings.push(`The best has only ${best.measure!.fills} fills: too few to tell skill from luck.`);
  }
  return warnings;
}
