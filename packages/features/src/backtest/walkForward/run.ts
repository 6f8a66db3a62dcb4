import { setImmediate } from "node:timers/promises";
import { AppError } from "@tapedeck/core";
import type { JobContext, JobHandler, ProgressOf } from "@tapedeck/core";
import type { Dataset } from "@tapedeck/formula";
import {
  barsPerYear,
  combinatorialPaths,
  groupBars,
  leastReturns,
  testSplits,
  trainingPart,
  valuesAt,
  walkForwardFolds,
} from "@tapedeck/trading";
import type { BarRange, ParameterValues } from "@tapedeck/trading";
import type { Tx } from "../../db.ts";
import { settingsOf } from "../domain.ts";
import { downsample } from "../equity.ts";
import { checkParameters, createTrialRunner } from "../sweep/runner.ts";
import type { TrialRunner } from "../sweep/runner.ts";
import { loadData, resolveInputs, searcherOf, spaceOf } from "../sweep/run.ts";
import type { SweepDeps } from "../sweep/run.ts";
import type {
  FoldResult,
  OutOfSample,
  walkForward,
  WalkForwardPayload,
  WalkForwardResult,
} from "./contract.ts";

type Context = JobContext<ProgressOf<typeof walkForward>, Tx>;

const yieldTrials = 8;
const curvePoints = 500;

/** Running sums of bar returns. */
interface ReturnSums {
  count: number;
  sum: number;
  squares: number;
}

/** What a run of folds needs. */
interface Scene {
  data: Dataset;
  runner: TrialRunner;
  /** Combinations that can be run. */
  combinations: ParameterValues[];
  ctx: Context;
  riskFree: number;
  perYear: number;
}

interface Judged {
  folds: FoldResult[];
  paths: Float64Array[];
  /** Bars that a path covers. */
  pathFrom: number;
}

const run: JobHandler<typeof walkForward, SweepDeps, Tx> = async (deps, payload, ctx) => {
  const space = spaceOf(payload);
  checkParameters(payload.strategy, Object.keys(payload.parameters));
  ctx.progress({ trialsDone: 0, trialsTotal: 0 });
  const { dataset, data } = await loadData(deps, payload, ctx);
  const perYear = barsPerYear(dataset.instrument.calendar, dataset.timeframe);
  const runner = createTrialRunner(payload.strategy, data, settingsOf(payload, dataset.instrument.lotSize), {
    barsPerYear: perYear,
    riskFreeRate: payload.riskFreeRate,
  });
  const { combinations, failed, firstFailure } = await listCombinations(payload, space, runner, ctx);
  const scene: Scene = {
    data,
    runner,
    combinations,
    ctx,
    riskFree: payload.riskFreeRate / perYear,
    perYear,
  };
  const judged =
    payload.folds.kind === "rolling" || payload.folds.kind === "anchored"
      ? await judgeForward(scene, payload.folds)
      : await judgeGroups(scene, payload.folds);
  const paths = judged.paths.map((returns) => outOfSampleOf(returns, scene));
  const order = paths
    .map((_, p) => p)
    .sort((a, b) => (paths[a]!.sharpe ?? -Infinity) - (paths[b]!.sharpe ?? -Infinity));
  const median = order[order.length >> 1]!;
  return {
    instrumentId: dataset.instrument.instrumentId,
    timeframe: dataset.timeframe,
    datasetHash: dataset.hash,
    bars: data.length,
    trials: combinations.length,
    outOfSample: paths[median]!,
    efficiency: efficiencyOf(judged.folds),
    folds: judged.folds,
    paths,
    curve: curveOf(judged.paths[median]!, data.closeMs, judged.pathFrom),
    warnings: warningsOf(failed, firstFailure, judged.folds),
  } satisfies WalkForwardResult;
};

export const runWalkForward = Object.assign(run, { resolveInputs });

/** Every combination that can be run, and why the first other cannot. */
async function listCombinations(
  payload: WalkForwardPayload,
  space: ReturnType<typeof spaceOf>,
  runner: TrialRunner,
  ctx: Context,
): Promise<{ combinations: ParameterValues[]; failed: number; firstFailure: string | null }> {
  const searcher = searcherOf(payload.search, 1, space, ctx.random("search"));
  const combinations: ParameterValues[] = [];
  let failed = 0;
  let firstFailure: string | null = null;
  for (let points = searcher.next(); points.length > 0; points = searcher.next()) {
    for (const point of points) {
      const values = valuesAt(space, point);
      try {
        runner.equity(values, 0, 1);
        combinations.push(values);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        failed++;
        firstFailure ??= error.message;
      }
    }
    await setImmediate();
    ctx.signal.throwIfAborted();
  }
  if (combinations.length === 0) {
    throw new AppError(
      "payload.invalid",
      `None of ${failed} combinations can be run; the first: ${firstFailure}`,
    );
  }
  return { combinations, failed, firstFailure };
}

function addReturns(sums: ReturnSums, equity: Float64Array, from: number, to: number): void {
  for (let i = Math.max(1, from); i < to && equity[i - 1]! > 0; i++) {
    const r = equity[i]! / equity[i - 1]! - 1;
    sums.count++;
    sums.sum += r;
    sums.squares += r * r;
  }
}

/** Annualised, ddof 1; null below 30 returns or without variance. */
function sharpeOf({ count, sum, squares }: ReturnSums, scene: Scene): number | null {
  if (count < leastReturns) return null;
  const mean = sum / count;
  const variance = (squares - count * mean * mean) / (count - 1);
  return variance > 1e-18 ? ((mean - scene.riskFree) / Math.sqrt(variance)) * Math.sqrt(scene.perYear) : null;
}

/** Index of the highest; -1 when none is defined. Earlier ones first among equals. */
function bestOf(scores: ReadonlyArray<number | null>): number {
  let best = -1;
  scores.forEach((score, k) => {
    if (score !== null && (best < 0 || score > scores[best]!)) best = k;
  });
  return best;
}

/** Walks all combinations with pauses in which the job can be cancelled. */
async function eachCombination(
  scene: Scene,
  done: number,
  total: number,
  look: (values: ParameterValues, k: number) => void,
): Promise<void> {
  for (let k = 0; k < scene.combinations.length; k++) {
    look(scene.combinations[k]!, k);
    if (k % yieldTrials !== yieldTrials - 1) continue;
    scene.ctx.progress({ trialsDone: done + k + 1, trialsTotal: total });
    await setImmediate();
    scene.ctx.signal.throwIfAborted();
  }
}

/** Each fold is a run of its own from a flat start, in training and in test. */
async function judgeForward(
  scene: Scene,
  options: Extract<WalkForwardPayload["folds"], { kind: "rolling" | "anchored" }>,
): Promise<Judged> {
  const { data, runner, combinations } = scene;
  const folds = walkForwardFolds(data.length, { ...options, anchored: options.kind === "anchored" });
  if (folds.length === 0) throw tooShort(data.length, options.trainBars + options.gapBars + 2);
  const results: FoldResult[] = [];
  const pathFrom = folds[0]!.test.from;
  const path = new Float64Array(data.length - pathFrom);
  const total = folds.length * combinations.length;
  for (const [index, { train, test }] of folds.entries()) {
    const scores: Array<number | null> = [];
    await eachCombination(scene, index * combinations.length, total, (values) => {
      const sums: ReturnSums = { count: 0, sum: 0, squares: 0 };
      addReturns(sums, runner.equity(values, train.from, train.to), 0, train.to - train.from);
      scores.push(sharpeOf(sums, scene));
    });
    const best = bestOf(scores);
    const params = combinations[Math.max(0, best)]!;
    const length = test.to - test.from;
    // Without a combination that has traded in training nothing is traded in the test.
    const equity = best < 0 ? new Float64Array(length).fill(1) : runner.equity(params, test.from, test.to);
    const sums: ReturnSums = { count: 0, sum: 0, squares: 0 };
    addReturns(sums, equity, 0, length);
    for (let i = 1; i < length; i++) path[test.from - pathFrom + i] = equity[i]! / equity[i - 1]! - 1;
    results.push({
      ...foldTimes(data, train, test),
      params,
      trainSharpe: best < 0 ? null : scores[best]!,
      testSharpe: sharpeOf(sums, scene),
      testReturn: equity[length - 1]! / equity[0]! - 1,
    });
  }
  return { folds: results, paths: [path], pathFrom };
}

/** One run a combination; folds choose among its bar returns. */
async function judgeGroups(
  scene: Scene,
  options: Extract<WalkForwardPayload["folds"], { kind: "purgedKFold" | "combinatorial" }>,
): Promise<Judged> {
  const { data, runner, combinations } = scene;
  const n = data.length;
  const { groups: count, purgeBars, embargoBars } = options;
  const groups = groupBars(n, count);
  const parts = groups.map((group) => trainingPart(group, purgeBars, embargoBars));
  if (parts.some((part) => part.to - part.from < 10)) {
    throw tooShort(n, count * (10 + 2 * purgeBars + embargoBars));
  }
  const sums: ReturnSums[][] = [];
  await eachCombination(scene, 0, combinations.length, (values) => {
    const equity = runner.equity(values, 0, n);
    sums.push(
      parts.map((part) => {
        const own: ReturnSums = { count: 0, sum: 0, squares: 0 };
        addReturns(own, equity, part.from, part.to);
        return own;
      }),
    );
  });
  const splits = testSplits(count, options.kind === "combinatorial" ? options.testGroups : 1);
  const chosen = splits.map((tested) => {
    const scores = sums.map((bySplit) =>
      sharpeOf(mergeSums(bySplit.filter((_, g) => !tested.includes(g))), scene),
    );
    const best = bestOf(scores);
    return { index: best, score: best < 0 ? null : scores[best]! };
  });
  /** Bar returns of a combination in one group; zeros when there is none. */
  const returnsIn = (index: number, { from, to }: BarRange): Float64Array => {
    const out = new Float64Array(to - from);
    if (index < 0) return out;
    const equity = runner.equity(combinations[index]!, 0, n);
    for (let i = Math.max(1, from); i < to && equity[i - 1]! > 0; i++)
      out[i - from] = equity[i]! / equity[i - 1]! - 1;
    return out;
  };
  const folds: FoldResult[] = [];
  for (const [s, tested] of splits.entries()) {
    const { index, score } = chosen[s]!;
    const parts = tested.map((g) => returnsIn(index, groups[g]!));
    const returns = joinColumns(parts);
    const judged = outOfSampleOf(returns, scene);
    const trained = groups.filter((_, g) => !tested.includes(g));
    const test = { from: groups[tested[0]!]!.from, to: groups[tested.at(-1)!]!.to };
    folds.push({
      ...foldTimes(data, { from: trained[0]!.from, to: trained.at(-1)!.to }, test),
      params: combinations[Math.max(0, index)]!,
      trainSharpe: score,
      testSharpe: judged.sharpe,
      testReturn: judged.totalReturn,
    });
    await setImmediate();
    scene.ctx.signal.throwIfAborted();
  }
  const paths: Float64Array[] = [];
  for (const path of combinatorialPaths(count, splits)) {
    paths.push(joinColumns(path.map((split, g) => returnsIn(chosen[split]!.index, groups[g]!))));
    await setImmediate();
    scene.ctx.signal.throwIfAborted();
  }
  return { folds, paths, pathFrom: 0 };
}

function mergeSums(parts: readonly ReturnSums[]): ReturnSums {
  const all: ReturnSums = { count: 0, sum: 0, squares: 0 };
  for (const part of parts) {
    all.count += part.count;
    all.sum += part.sum;
    all.squares += part.squares;
  }
  return all;
}

function joinColumns(parts: readonly Float64Array[]): Float64Array {
  const out = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function foldTimes(data: Dataset, train: BarRange, test: BarRange) {
  return {
    trainFromMs: data.openMs[train.from]!,
    trainToMs: data.closeMs[train.to - 1]!,
    testFromMs: data.openMs[test.from]!,
    testToMs: data.closeMs[test.to - 1]!,
  };
}

/** Of bar returns one after the other. */
function outOfSampleOf(returns: Float64Array, scene: Scene): OutOfSample {
  const sums: ReturnSums = { count: 0, sum: 0, squares: 0 };
  let value = 1;
  let peak = 1;
  let maxDrawdown = 0;
  for (const r of returns) {
    value *= 1 + r;
    peak = Math.max(peak, value);
    maxDrawdown = Math.max(maxDrawdown, 1 - value / peak);
    sums.count++;
    sums.sum += r;
    sums.squares += r * r;
  }
  return { totalReturn: value - 1, sharpe: sharpeOf(sums, scene), maxDrawdown, bars: returns.length };
}

function curveOf(returns: Float64Array, closeMs: Float64Array, from: number): WalkForwardResult["curve"] {
  let value = 1;
  const curve = returns.map((r) => (value *= 1 + r));
  return downsample(curve, curvePoints).map((i) => ({ atMs: closeMs[from + i]!, value: curve[i]! }));
}

function efficiencyOf(folds: readonly FoldResult[]): number | null {
  const both = folds.filter((fold) => fold.trainSharpe !== null && fold.testSharpe !== null);
  const mean = (pick: (fold: FoldResult) => number) =>
    both.reduce((sum, fold) => sum + pick(fold), 0) / both.length;
  const trained = mean((fold) => fold.trainSharpe!);
  return both.length > 0 && trained > 0 ? mean((fold) => fold.testSharpe!) / trained : null;
}

function tooShort(bars: number, needed: number): AppError {
  return new AppError(
    "data.missing",
    `There are ${bars} bars; these folds need at least ${needed}. Ask for a longer range or smaller folds.`,
    { details: { bars, needed } },
  );
}

function warningsOf(failed: number, firstFailure: string | null, folds: readonly FoldResult[]): string[] {
  const warnings: string[] = [];
  if (failed > 0) warnings.push(`${failed} combinations cannot be run; the first: ${firstFailure}`);
  const idle = folds.filter((fold) => fold.trainSharpe === null).length;
  if (idle > 0) {
    warnings.push(
      `In ${idle} of ${folds.length} folds no combination traded in training; nothing was traded in their tests.`,
    );
  }
  return warnings;
}
