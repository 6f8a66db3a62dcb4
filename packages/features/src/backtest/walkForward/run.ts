import { setImmediate } from "node:timers/promises";
import { AppError, seededRandom } from "@tapedeck/core";
import type { JobContext, JobHandler, ProgressOf } from "@tapedeck/core";
import {
  combinatorialPaths,
  groupBars,
  leastReturns,
  testSplits,
  trainingPart,
  valuesAt,
  walkForwardFolds,
} from "@tapedeck/trading";
import type { BarRange, Fold, Parameter, ParameterValues } from "@tapedeck/trading";
import type { Tx } from "../../db.ts";
import type { Statistics } from "../contract.ts";
import { downsample } from "../equity.ts";
import { createSpreader } from "../parts/spread.ts";
import type { PartedWork } from "../parts/spread.ts";
import type { ReportedRun } from "../report/figures/run.ts";
import { createStitch } from "../report/figures/stitch.ts";
import type { Honesty, StoredMeasure } from "../sweep/contract.ts";
import { emptyRecord, judge, mostColumns, recordTrial } from "../sweep/honesty.ts";
import { storedMeasure, trialsIn } from "../sweep/run.ts";
import type { SweepDeps } from "../sweep/run.ts";
import type { SearchContext, SearchDeps } from "../sweep/inputs.ts";
import { factsOfScene, figuresOf, openScene, ownerOf, resolveInputs, searcherOf } from "../sweep/scene.ts";
import type { SearchScene } from "../sweep/scene.ts";
import { deleteTrials, saveTrials, updateTrials } from "../sweep/store.ts";
import type { StoredTrial } from "../sweep/store.ts";
import type {
  FoldResult,
  OutOfSample,
  walkForward,
  WalkForwardPayload,
  WalkForwardResult,
} from "./contract.ts";

type Context = JobContext<ProgressOf<typeof walkForward>, Tx>;

/** Bars that trials of a part pass, and between two looks at the abort signal. */
const barsPerPart = 20_000_000;
const barsPerBreath = 500_000;
const curvePoints = 500;
/** Equity of chosen combinations that is kept. */
const mostBytes = 256 * 1024 * 1024;

/** Running sums of bar returns. */
interface ReturnSums {
  count: number;
  sum: number;
  squares: number;
}

/** Combinations [from, to) of the list on a range of bars; or a search of its own there, when the method learns. */
interface ScorePart {
  kind: "scores";
  train: BarRange;
  from: number;
  to: number;
  /** Combinations of the ledger before its first. */
  before: number;
}

/** Sums of the returns of combinations [from, to) in each training range, and their measures over all bars. */
interface SumsPart {
  kind: "sums";
  ranges: BarRange[];
  from: number;
  to: number;
}

/** A combination by its number in the ledger. */
type Tried = Pick<StoredTrial, "number" | "params">;

/** These combinations on all bars, for what all that were tried have in common. */
interface MeasurePart {
  kind: "measures";
  combinations: Tried[];
}

type FoldPart = ScorePart | SumsPart | MeasurePart;

/** What came of combinations, each counted once, in however many folds it was tried. */
interface Tally {
  tried: number;
  /** Cannot be run in any fold, and in some. */
  failed: number;
  partly: number;
  /** Why the first of them cannot. */
  failure: string | null;
}

interface FoldOutput {
  /** Of a ScorePart: the best, the first among equals; null when none has a ratio. */
  best: { params: ParameterValues; score: number } | null;
  /** Of a search of its own: what it tried, in that order. */
  searched: ParameterValues[];
  /** Of a SumsPart: count, sum and squares a range, by combination; null: it cannot be run. */
  sums: Array<number[] | null>;
  /** Of a SumsPart and a MeasurePart, over all bars, by combination; null: it cannot be run. */
  measures: Array<StoredMeasure | null>;
  /** Why a combination cannot be run, in the order tried; null: it can. */
  failures: Array<string | null>;
}

interface FoldWork extends PartedWork<FoldPart, FoldOutput> {
  scene: SearchScene;
  /** Of a method that does not learn: every combination, in the order listed. */
  listed(): readonly ParameterValues[];
  close(): Promise<void>;
}

const learns = (payload: WalkForwardPayload) =>
  payload.search.method === "tpe" || payload.search.method === "cmaes";

/** What a worker needs to score combinations of a walk-forward, its own or another's. */
export async function openFoldWork(
  deps: SearchDeps,
  payload: WalkForwardPayload,
  ctx: SearchContext & Pick<JobContext, "jobId">,
): Promise<FoldWork> {
  const scene = await openScene(deps, payload, ctx);
  const owner = ownerOf(scene, ctx);
  const pause = trialsIn(barsPerBreath, scene.trialBars);
  let list: ParameterValues[] | undefined;
  const listed = () => (list ??= listAll(scene.space, payload, ctx.seed));
  return {
    scene,
    inputHashes: scene.inputHashes,
    listed,
    close: () => scene.runner.close(),
    async compute(part, breathe) {
      if (part.kind === "measures") return await measureAll(scene, part, breathe);
      if (part.kind === "sums") return await sumAll(scene, part, listed(), breathe);
      if (learns(payload)) return await searchRange(scene, part, payload, ctx.seed, breathe);
      const output = emptyOutput();
      for (const [k, values] of listed().slice(part.from, part.to).entries()) {
        await score(scene, part.train, values, output);
        if (k % pause === 0) await breathe();
      }
      return output;
    },
    keep: {
      // A list is the same in every fold, and is in the ledger once; folds judge it, and those that are measured besides get their figures.
      async save(tx, part, { searched, measures, failures }) {
        const trialOf = ({ number, params }: Tried, k: number): StoredTrial => {
          return { number, params, measure: measures[k] ?? null, failure: failures[k] ?? null };
        };
        if (part.kind === "measures") {
          await updateTrials(tx, ctx.jobId, part.combinations.map(trialOf));
          return;
        }
        const learnt = part.kind === "scores" && learns(payload);
        const tried = learnt ? searched : listed().slice(part.from, part.to);
        const numbered = numberFrom((learnt ? part.before : part.from) + 1, tried);
        await saveTrials(tx, owner, numbered.map(trialOf));
      },
      forget: (tx) => deleteTrials(tx, ctx.jobId),
    },
  };
}

const numberFrom = (first: number, combinations: readonly ParameterValues[]): Tried[] =>
  combinations.map((params, k) => ({ number: first + k, params }));

function listAll(
  space: readonly Parameter[],
  { search }: WalkForwardPayload,
  seed: number,
): ParameterValues[] {
  const searcher = searcherOf(search, 1, space, seededRandom(seed, "search"));
  const list: ParameterValues[] = [];
  for (let points = searcher.next(); points.length > 0; points = searcher.next()) {
    for (const point of points) list.push(valuesAt(space, point));
  }
  return list;
}

const emptyOutput = (): FoldOutput => ({
  best: null,
  searched: [],
  sums: [],
  measures: [],
  failures: [],
});

/** What a run gives, or null when the combination cannot be run; why is noted. */
async function runNoted<T>(failures: FoldOutput["failures"], run: () => T | Promise<T>): Promise<T | null> {
  try {
    const made = await run();
    failures.push(null);
    return made;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    failures.push(error.message);
    return null;
  }
}

/** The ratio of a combination on a range; the output's best when it is better. */
async function score(
  scene: SearchScene,
  train: BarRange,
  params: ParameterValues,
  output: FoldOutput,
): Promise<number | null> {
  const equity = await runNoted(output.failures, () => scene.runner.equity(params, train.from, train.to));
  if (equity === null) return null;
  const ratio = sharpeOf(addReturns(equity, 0, equity.length), scene);
  if (ratio !== null && (output.best === null || ratio > output.best.score))
    output.best = { params, score: ratio };
  return ratio;
}

/** A search of its own on a training range, with random numbers of its own. */
async function searchRange(
  scene: SearchScene,
  { train }: ScorePart,
  payload: WalkForwardPayload,
  seed: number,
  breathe: () => Promise<void>,
): Promise<FoldOutput> {
  const { space } = scene;
  const random = seededRandom(seed, `search of bars ${train.from} to ${train.to}`);
  const searcher = searcherOf(payload.search, 1, space, random);
  const output = emptyOutput();
  for (let points = searcher.next(); points.length > 0; points = searcher.next()) {
    const told: Array<{ point: Float64Array; scores: number[] }> = [];
    for (const point of points) {
      const values = valuesAt(space, point);
      output.searched.push(values);
      told.push({ point, scores: [(await score(scene, train, values, output)) ?? -Infinity] });
    }
    searcher.tell(told);
    await breathe();
  }
  return output;
}

async function sumAll(
  scene: SearchScene,
  { ranges, from, to }: SumsPart,
  list: readonly ParameterValues[],
  breathe: () => Promise<void>,
): Promise<FoldOutput> {
  const output = emptyOutput();
  const pause = trialsIn(barsPerBreath, scene.trialBars);
  for (const [k, values] of list.slice(from, to).entries()) {
    const run = await runNoted(output.failures, () => scene.runner.whole(values));
    output.sums.push(
      run === null
        ? null
        : ranges.flatMap((range) => {
            const { count, sum, squares } = addReturns(run.equity, range.from, range.to);
            return [count, sum, squares];
          }),
    );
    output.measures.push(run === null ? null : storedMeasure(run.measure));
    if (k % pause === 0) await breathe();
  }
  return output;
}

async function measureAll(
  scene: SearchScene,
  { combinations }: MeasurePart,
  breathe: () => Promise<void>,
): Promise<FoldOutput> {
  const output = emptyOutput();
  const pause = trialsIn(barsPerBreath, scene.trialBars);
  for (const [k, { params }] of combinations.entries()) {
    const measure = await runNoted(output.failures, () => scene.runner.run(params));
    output.measures.push(measure === null ? null : storedMeasure(measure));
    if (k % pause === 0) await breathe();
  }
  return output;
}

/** Bars of a path, and what was chosen for them. */
interface PathPart {
  /** Null: nothing. */
  params: ParameterValues | null;
  /** What it is run over, and which of those bars are of the path. */
  over: BarRange;
  bars: BarRange;
}

/** Tests of folds, and the returns that they are made of. */
interface Judged {
  tally: Tally;
  /** Of the combinations in the order tried, a list once; the first 2,000 at least. */
  measures: ReadonlyArray<StoredMeasure | null>;
  folds: FoldResult[];
  paths: Float64Array[];
  /** Of each path. */
  parts: PathPart[][];
  /** First bar of a path. */
  pathFrom: number;
}

/** Spreads parts and reports how far they are. */
type Spread = (parts: readonly FoldPart[], totalTrials: number) => Promise<FoldOutput[]>;

const run: JobHandler<typeof walkForward, SweepDeps, Tx> = async (deps, payload, ctx) => {
  ctx.progress({ trialsDone: 0, trialsTotal: 0 });
  if (isGrouped(payload.folds) && learns(payload)) {
    throw new AppError(
      "payload.invalid",
      `search: folds of the kind ${payload.folds.kind} choose among combinations that are listed beforehand: use grid, random or sobol.`,
    );
  }
  const work = await openFoldWork(deps, payload, ctx);
  try {
    return await judgeAll(deps, payload, ctx, work);
  } finally {
    await work.close();
  }
};

async function judgeAll(
  deps: SweepDeps,
  payload: WalkForwardPayload,
  ctx: Context,
  work: FoldWork,
): Promise<WalkForwardResult> {
  const { folds } = payload;
  const spreader = createSpreader(deps, ctx, work);
  let trialsDone = 0;
  let partsDone = 0;
  const spread: Spread = async (parts, trialsTotal) => {
    const outputs: FoldOutput[] = Array.from({ length: parts.length });
    const first = partsDone;
    await spreader.run(
      parts.map((input, k) => ({ number: first + k, input })),
      (number, output) => {
        outputs[number - first] = output;
        trialsDone += output.failures.length;
        ctx.progress({ trialsDone, trialsTotal });
      },
    );
    partsDone += parts.length;
    return outputs;
  };
  const judged = isGrouped(folds)
    ? await judgeGroups(work, folds, spread, ctx)
    : await judgeForward(work, payload, spread, ctx);
  await spreader.close();
  const paths = judged.paths.map((returns) => outOfSampleOf(returns, work.scene));
  const order = paths
    .map((_, p) => p)
    .sort((a, b) => (paths[a]!.sharpe ?? -Infinity) - (paths[b]!.sharpe ?? -Infinity));
  const median = order[order.length >> 1]!;
  const stitched = await stitchPath(work.scene, {
    parts: judged.parts[median]!,
    pathFrom: judged.pathFrom,
    signal: ctx.signal,
  });
  const pathBars = { from: judged.pathFrom, to: work.scene.closeMs.length };
  const figures = await figuresOf(work.scene, stitched, pathBars);
  return {
    ...factsOfScene(work.scene),
    trials: judged.tally.tried - judged.tally.failed,
    outOfSample: paths[median]!,
    honesty: honestyOf(judged, figures.statistics, work.scene),
    run: figures,
    efficiency: efficiencyOf(judged.folds),
    folds: judged.folds,
    paths,
    curve: curveOf(judged.paths[median]!, work.scene.closeMs, judged.pathFrom),
    assumptions: assumptionsOf(folds),
    warnings: warningsOf(judged),
  };
}

/** These combinations on all bars, in parts. */
function measureParts(combinations: readonly Tried[], scene: SearchScene): MeasurePart[] {
  return ranges(combinations.length, trialsIn(barsPerPart, scene.trialBars)).map(({ from, to }) => ({
    kind: "measures",
    combinations: combinations.slice(from, to),
  }));
}

async function stitchPath(
  scene: SearchScene,
  { parts, pathFrom, signal }: { parts: readonly PathPart[]; pathFrom: number; signal: AbortSignal },
): Promise<ReportedRun> {
  const stitch = createStitch(scene.closeMs.subarray(pathFrom), scene.initialCash);
  for (const { params, over, bars } of parts) {
    const run = params === null ? null : await scene.runner.outcome(params, over.from, over.to);
    stitch.add(run, bars, over.from + bars.from - pathFrom);
    await setImmediate();
    signal.throwIfAborted();
  }
  return stitch.result();
}

/** Of the stitched curve, against as many trials whose ratios vary as those of the measured do. */
function honestyOf(
  { tally, measures }: Judged,
  { sharpe, returns, skewness, kurtosis, barsPerYear }: Statistics,
  scene: SearchScene,
): Honesty {
  const record = emptyRecord();
  for (const measure of measures) recordTrial(record, measure);
  const sharpePerBar = sharpe === null ? null : sharpe / Math.sqrt(barsPerYear);
  const judged = judge(
    { ...record, trials: tally.tried - tally.failed },
    { sharpePerBar, returns, skewness, kurtosis },
    { bars: scene.closeMs.length },
  );
  return { ...judged, bars: returns + 1 };
}

export const runWalkForward = Object.assign(run, { resolveInputs });

type GroupFolds = Extract<WalkForwardPayload["folds"], { kind: "purgedKFold" | "combinatorial" }>;
const isGrouped = (folds: WalkForwardPayload["folds"]): folds is GroupFolds =>
  folds.kind === "purgedKFold" || folds.kind === "combinatorial";

/** Throws AppError when nothing can be run: the first failure says why. */
function requireSome({ tried, failed, failure }: Tally): void {
  if (failed < tried) return;
  throw new AppError("payload.invalid", `None of ${tried} combinations can be run; the first: ${failure}`);
}

/** Of outputs that tried the same list as often as told, one time after the other. */
function tallyOf(outputs: readonly FoldOutput[], times: number): Tally {
  const failures = outputs.flatMap((output) => output.failures);
  const tally: Tally = { tried: failures.length / times, failed: 0, partly: 0, failure: null };
  for (let k = 0; k < tally.tried; k++) {
    const reasons = Array.from({ length: times }, (_, t) => failures[t * tally.tried + k]!);
    const failed = reasons.filter((reason) => reason !== null);
    if (failed.length === times) tally.failed++;
    else if (failed.length > 0) tally.partly++;
    tally.failure ??= failed[0] ?? null;
  }
  return tally;
}

/** Sums over the returns of bars [from, to); equity that is not above zero ends them. */
function addReturns(equity: Float64Array, from: number, to: number): ReturnSums {
  const sums: ReturnSums = { count: 0, sum: 0, squares: 0 };
  for (let i = Math.max(1, from); i < to && equity[i - 1]! > 0; i++) {
    const r = equity[i]! / equity[i - 1]! - 1;
    sums.count++;
    sums.sum += r;
    sums.squares += r * r;
  }
  return sums;
}

/** Annualised, ddof 1; null below 30 returns or without variance. */
function sharpeOf({ count, sum, squares }: ReturnSums, scene: SearchScene): number | null {
  if (count < leastReturns) return null;
  const mean = sum / count;
  const variance = (squares - count * mean * mean) / (count - 1);
  const riskFree = scene.riskFreeRate / scene.barsPerYear;
  return variance > 1e-18 ? ((mean - riskFree) / Math.sqrt(variance)) * Math.sqrt(scene.barsPerYear) : null;
}

/** Index of the highest; -1 when none is defined. Earlier ones first among equals. */
function bestOf(scores: ReadonlyArray<number | null>): number {
  let best = -1;
  scores.forEach((score, k) => {
    if (score !== null && (best < 0 || score > scores[best]!)) best = k;
  });
  return best;
}

function forwardFolds(bars: number, options: Exclude<WalkForwardPayload["folds"], GroupFolds>): Fold[] {
  if (options.kind !== "timeSeries") {
    const folds = walkForwardFolds(bars, { ...options, anchored: options.kind === "anchored" });
    if (folds.length === 0) throw tooShort(bars, options.trainBars + options.gapBars + 2);
    return folds;
  }
  // Tests of one length up to the end, each after everything before it.
  const { splits, gapBars } = options;
  const testBars = Math.floor(bars / (splits + 1));
  const trainBars = bars - splits * testBars - gapBars;
  if (testBars < 2 || trainBars < 2) throw tooShort(bars, (splits + 1) * (gapBars + 2));
  return walkForwardFolds(bars, { anchored: true, trainBars, testBars, gapBars });
}

/** Each fold is a run of its own from a flat start, in training and in test. */
async function judgeForward(
  work: FoldWork,
  payload: WalkForwardPayload,
  spread: Spread,
  ctx: Context,
): Promise<Judged> {
  const { scene } = work;
  const bars = scene.closeMs.length;
  const folds = forwardFolds(bars, payload.folds as Exclude<WalkForwardPayload["folds"], GroupFolds>);
  const count = learns(payload) ? payload.search.trials : work.listed().length;
  const byFold = folds.map(({ train }, fold): ScorePart[] => {
    const size = learns(payload)
      ? count
      : trialsIn(barsPerPart, (scene.trialBars * (train.to - train.from)) / bars);
    const before = fold * count;
    return ranges(count, size).map(({ from, to }) => ({ kind: "scores", train, from, to, before }));
  });
  const measured = Math.min(mostColumns, learns(payload) ? folds.length * count : count);
  const total = folds.length * count + measured;
  const outputs = await spread(byFold.flat(), total);
  // A list is the same in every fold.
  const tally = tallyOf(outputs, learns(payload) ? 1 : folds.length);
  requireSome(tally);
  const tried = learns(payload)
    ? byFold.flat().flatMap(({ before }, k) => numberFrom(before + 1, outputs[k]!.searched))
    : numberFrom(1, work.listed());
  const measures = await spread(measureParts(tried.slice(0, measured), scene), total);
  const results: FoldResult[] = [];
  const pathFrom = folds[0]!.test.from;
  const path = new Float64Array(bars - pathFrom);
  const parts: PathPart[] = [];
  let at = 0;
  for (const [f, { train, test }] of folds.entries()) {
    const own = outputs.slice(at, (at += byFold[f]!.length));
    const bests = own.flatMap(({ best }) => best ?? []);
    const best = bests[bestOf(bests.map(({ score: ratio }) => ratio))];
    const length = test.to - test.from;
    // Without a combination that has traded in training nothing is traded in the test.
    const equity =
      best === undefined
        ? new Float64Array(length).fill(1)
        : await scene.runner.equity(best.params, test.from, test.to);
    for (let i = 1; i < length; i++) path[test.from - pathFrom + i] = equity[i]! / equity[i - 1]! - 1;
    parts.push({ params: best?.params ?? null, over: test, bars: { from: 0, to: length } });
    results.push({
      ...foldTimes(scene, train, test),
      params: best === undefined ? null : inOrder(scene.space, best.params),
      trainSharpe: best?.score ?? null,
      testSharpe: sharpeOf(addReturns(equity, 0, length), scene),
      testReturn: equity[length - 1]! / equity[0]! - 1,
    });
    await setImmediate();
    ctx.signal.throwIfAborted();
  }
  return {
    tally,
    measures: measures.flatMap((output) => output.measures),
    folds: results,
    paths: [path],
    parts: [parts],
    pathFrom,
  };
}

/** The values in the order of the space: a stored part has forgotten theirs. */
function inOrder(space: readonly Parameter[], values: ParameterValues): ParameterValues {
  return Object.fromEntries(space.map(({ name }) => [name, values[name]!]));
}

/** [0, count) in pieces of `size`. */
function ranges(count: number, size: number): BarRange[] {
  return Array.from({ length: Math.ceil(count / size) }, (_, k) => ({
    from: k * size,
    to: Math.min(count, (k + 1) * size),
  }));
}

/** One run a combination; folds choose among its bar returns. */
async function judgeGroups(
  work: FoldWork,
  options: GroupFolds,
  spread: Spread,
  ctx: Context,
): Promise<Judged> {
  const { scene } = work;
  const { closeMs, runner } = scene;
  const n = closeMs.length;
  const { groups: count, purgeBars, embargoBars } = options;
  const groups = groupBars(n, count);
  const parts = groups.map((group) => trainingPart(group, purgeBars, embargoBars));
  if (parts.some((part) => part.to - part.from < 10)) {
    throw tooShort(n, count * (10 + 2 * purgeBars + embargoBars));
  }
  const list = work.listed();
  const pieces = ranges(list.length, trialsIn(barsPerPart, scene.trialBars));
  const outputs = await spread(
    pieces.map(({ from, to }): SumsPart => ({ kind: "sums", ranges: parts, from, to })),
    list.length,
  );
  const tally = tallyOf(outputs, 1);
  requireSome(tally);
  const sums = outputs.flatMap((output) =>
    output.sums.map((flat) => (flat === null ? null : unflatten(flat))),
  );
  const splits = testSplits(count, options.kind === "combinatorial" ? options.testGroups : 1);
  const chosen = splits.map((tested) => {
    const scores = sums.map((byGroup) =>
      byGroup === null ? null : sharpeOf(mergeSums(byGroup.filter((_, g) => !tested.includes(g))), scene),
    );
    const best = bestOf(scores);
    return { index: best, score: best < 0 ? null : scores[best]! };
  });
  const curves = new Map<number, Float64Array>();
  const curveOfChosen = async (index: number): Promise<Float64Array> => {
    const known = curves.get(index);
    if (known !== undefined) return known;
    if ((curves.size + 1) * n * 8 > mostBytes) curves.clear();
    const equity = (await runner.equity(list[index]!, 0, n)).slice();
    curves.set(index, equity);
    return equity;
  };
  /** Bar returns of a combination in one group; zeros when there is none. */
  const returnsIn = async (index: number, { from, to }: BarRange): Promise<Float64Array> => {
    const out = new Float64Array(to - from);
    if (index < 0) return out;
    const equity = await curveOfChosen(index);
    for (let i = Math.max(1, from); i < to && equity[i - 1]! > 0; i++)
      out[i - from] = equity[i]! / equity[i - 1]! - 1;
    return out;
  };
  const folds: FoldResult[] = [];
  for (const [s, tested] of splits.entries()) {
    const { index, score } = chosen[s]!;
    const parts: Float64Array[] = [];
    for (const g of tested) parts.push(await returnsIn(index, groups[g]!));
    const returns = joinColumns(parts);
    const judged = outOfSampleOf(returns, scene);
    const trained = groups.filter((_, g) => !tested.includes(g));
    const test = { from: groups[tested[0]!]!.from, to: groups[tested.at(-1)!]!.to };
    folds.push({
      ...foldTimes(scene, { from: trained[0]!.from, to: trained.at(-1)!.to }, test),
      params: list[index] ?? null,
      trainSharpe: score,
      testSharpe: judged.sharpe,
      testReturn: judged.totalReturn,
    });
    await setImmediate();
    ctx.signal.throwIfAborted();
  }
  const paths: Float64Array[] = [];
  const pathParts: PathPart[][] = [];
  for (const path of combinatorialPaths(count, splits)) {
    const parts: Float64Array[] = [];
    for (const [g, split] of path.entries()) parts.push(await returnsIn(chosen[split]!.index, groups[g]!));
    paths.push(joinColumns(parts));
    pathParts.push(
      path.map((split, g) => ({
        params: list[chosen[split]!.index] ?? null,
        over: { from: 0, to: n },
        bars: groups[g]!,
      })),
    );
    await setImmediate();
    ctx.signal.throwIfAborted();
  }
  const measures = outputs.flatMap((output) => output.measures);
  return { tally, measures, folds, paths, parts: pathParts, pathFrom: 0 };
}

/** Count, sum and squares, range by range. */
function unflatten(flat: readonly number[]): ReturnSums[] {
  return ranges(flat.length, 3).map(({ from }) => ({
    count: flat[from]!,
    sum: flat[from + 1]!,
    squares: flat[from + 2]!,
  }));
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

function foldTimes({ openMs, closeMs }: SearchScene, train: BarRange, test: BarRange) {
  return {
    trainFromMs: openMs[train.from]!,
    trainToMs: closeMs[train.to - 1]!,
    testFromMs: openMs[test.from]!,
    testToMs: closeMs[test.to - 1]!,
  };
}

/** Of bar returns one after the other. */
function outOfSampleOf(returns: Float64Array, scene: SearchScene): OutOfSample {
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

function assumptionsOf(folds: WalkForwardPayload["folds"]): string[] {
  return isGrouped(folds)
    ? ["Each combination runs once over all bars: positions cross the borders of the groups."]
    : [
        "Each test begins with cash. What is held at its end is valued at its last close, without the cost of selling it; the next test does not hold it.",
      ];
}

function warningsOf({ tally, folds }: Judged): string[] {
  const warnings: string[] = [];
  const { tried, failed, partly, failure } = tally;
  if (failed > 0) warnings.push(`${failed} of ${tried} combinations cannot be run; the first: ${failure}`);
  if (partly > 0) {
    warnings.push(
      `${partly} of ${tried} combinations cannot be run in some folds, which choose among the others; the first that cannot: ${failure}`,
    );
  }
  const idle = folds.filter((fold) => fold.trainSharpe === null).length;
  if (idle > 0) {
    warnings.push(
      `In ${idle} of ${folds.length} folds no combination traded in training; nothing was traded in their tests.`,
    );
  }
  return warnings;
}
