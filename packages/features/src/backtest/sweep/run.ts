import { AppError } from "@tapedeck/core";
import type { JobContext, JobHandler, ProgressOf } from "@tapedeck/core";
import { gridSize, levelsOf, valuesAt } from "@tapedeck/trading";
import type { ParameterValues, Searcher, TrialMeasure } from "@tapedeck/trading";
import type { Db, Tx } from "../../db.ts";
import type { JobService } from "../../jobs/contract.ts";
import { createSpreader } from "../parts/spread.ts";
import type { PartedWork } from "../parts/spread.ts";
import { createBestKeeper, createHeatKeeper, scoresOf } from "./best.ts";
import type { StoredMeasure, sweep, SweepPayload, SweepResult } from "./contract.ts";
import { emptyRecord, judge, recordTrial } from "./honesty.ts";
import type { SearchRunner } from "./runner.ts";
import type { SearchContext, SearchDeps } from "./inputs.ts";
import { factsOfScene, figuresOf, openScene, ownerOf, resolveInputs, searcherOf } from "./scene.ts";
import type { SearchScene } from "./scene.ts";
import { deleteTrials, loadTrials, saveTrials, trialView } from "./store.ts";
import type { StoredTrial } from "./store.ts";

export interface SweepDeps extends SearchDeps {
  db: Db;
  jobs: Pick<JobService, "submit">;
}

type Context = JobContext<ProgressOf<typeof sweep>, Tx>;

/** Bars that trials of a part pass in the simulator, and between two looks at the abort signal: some 50 and 5 ms. */
const barsPerPart = 5_000_000;
const barsPerBreath = 500_000;
const mostPerPart = 512;
/** Trials of a round. Methods that do not learn have several generations in one, unless progress is looked for. */
const roundTrials = 8_192;
const patientTrials = 256;

/** Some combinations in the order tried. */
interface TrialPart {
  /** Number of the first. */
  from: number;
  combinations: ParameterValues[];
}

/** So many trials pass `bars` bars together; at least one, at most 512. */
export function trialsIn(bars: number, bar: number): number {
  return Math.min(mostPerPart, Math.max(1, Math.ceil(bars / bar)));
}

/** What a worker needs to try combinations of a sweep, its own or another's. */
export async function openSweepWork(
  deps: SearchDeps,
  payload: SweepPayload,
  ctx: SearchContext & Pick<JobContext, "jobId">,
): Promise<PartedWork<TrialPart, StoredTrial[]> & { scene: SearchScene; close(): Promise<void> }> {
  const scene = await openScene(deps, payload, ctx);
  const { inputHashes, runner } = scene;
  const owner = ownerOf(scene, ctx);
  const pause = trialsIn(barsPerBreath, scene.trialBars);
  return {
    scene,
    inputHashes,
    close: () => runner.close(),
    async compute({ from, combinations }, breathe) {
      const trials: StoredTrial[] = [];
      for (const [k, values] of combinations.entries()) {
        trials.push(await tryValues(runner, from + k, values));
        if (k % pause === pause - 1) await breathe();
      }
      return trials;
    },
    keep: {
      save: (tx, _part, trials) => saveTrials(tx, owner, trials),
      load: (db, { from, combinations }) => loadTrials(db, ctx.jobId, from - 1, combinations.length),
      forget: (tx) => deleteTrials(tx, ctx.jobId),
    },
  };
}

const run: JobHandler<typeof sweep, SweepDeps, Tx> = async (deps, payload, ctx) => {
  ctx.progress({ trialsDone: 0, trialsTotal: 0, best: null });
  const work = await openSweepWork(deps, payload, ctx);
  try {
    return await searchAll(deps, payload, ctx, work);
  } finally {
    await work.close();
  }
};

type SweepWork = Awaited<ReturnType<typeof openSweepWork>>;

async function searchAll(
  deps: SweepDeps,
  payload: SweepPayload,
  ctx: Context,
  work: SweepWork,
): Promise<SweepResult> {
  const { space, closeMs, trialBars } = work.scene;
  const { search, objectives } = payload;
  const searcher = searcherOf(search, objectives.length, space, ctx.random("search"));
  const total = search.method === "grid" ? Math.min(gridSize(space), search.trials) : search.trials;
  const spreader = createSpreader(deps, ctx, work);
  const record = emptyRecord();
  const keeper = createBestKeeper(objectives.length);
  const heat = createHeatKeeper(space, levelsOf, objectives[0]!);
  const live = followBest(ctx, total, objectives);
  let done = 0;
  let failed = 0;
  let improvedAt = 0;
  let leading = -Infinity;
  let stoppedEarly = false;
  let firstFailure: string | null = null;
  while (!stoppedEarly) {
    const points = nextRound(searcher, search);
    if (points.length === 0) break;
    const parts = divide(
      points.map((point) => valuesAt(space, point)),
      done + 1,
      trialsIn(barsPerPart, trialBars),
    );
    const trials: StoredTrial[] = [];
    await spreader.run(parts, (_number, found) => {
      trials.push(...found);
      live(found);
    });
    // In the order proposed, whoever was first: sums and ties come out the same.
    trials.sort((a, b) => a.number - b.number);
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
    stoppedEarly = search.patience !== undefined && done - improvedAt >= search.patience && done < total;
  }
  await spreader.close();
  if (failed === done) {
    throw new AppError(
      "payload.invalid",
      `None of ${done} combinations can be run; the first: ${firstFailure}`,
    );
  }
  const best = keeper.best();
  const whole = { from: 0, to: closeMs.length };
  const { scene } = work;
  return {
    ...factsOfScene(scene),
    honesty: judge(record, best?.measure ?? null, { bars: closeMs.length }),
    best: best === null ? null : trialView(best),
    run:
      best === null
        ? null
        : await figuresOf(scene, await scene.runner.outcome(best.params, whole.from, whole.to), whole),
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
  };
}

export const runSweep = Object.assign(run, { resolveInputs });

/** The points that are tried before the searcher is told of any. */
function nextRound(searcher: Searcher, search: SweepPayload["search"]): Float64Array[] {
  const points = searcher.next();
  const most = search.patience === undefined ? roundTrials : patientTrials;
  const learns = search.method === "tpe" || search.method === "cmaes" || search.method === "nsga2";
  while (!learns && points.length > 0 && points.length < most) {
    const more = searcher.next();
    if (more.length === 0) break;
    points.push(...more);
  }
  return points;
}

function divide(combinations: readonly ParameterValues[], first: number, size: number) {
  const parts: Array<{ number: number; input: TrialPart }> = [];
  for (let at = 0; at < combinations.length; at += size) {
    const from = first + at;
    parts.push({ number: from, input: { from, combinations: combinations.slice(at, at + size) } });
  }
  return parts;
}

/** Reports how many trials are done and the best so far, as they arrive. */
function followBest(ctx: Context, total: number, objectives: SweepPayload["objectives"]) {
  let trialsDone = 0;
  let best: StoredTrial | null = null;
  let leading = -Infinity;
  return (found: readonly StoredTrial[]) => {
    trialsDone += found.length;
    for (const trial of found) {
      const score = scoresOf(trial, objectives)[0]!;
      if (score < leading || score === -Infinity) continue;
      if (score === leading && trial.number > best!.number) continue;
      best = trial;
      leading = score;
    }
    ctx.progress({ trialsDone, trialsTotal: total, best: best === null ? null : trialView(best) });
  };
}

export async function tryValues(
  runner: SearchRunner,
  number: number,
  params: ParameterValues,
): Promise<StoredTrial> {
  try {
    return { number, params, measure: storedMeasure(await runner.run(params)), failure: null };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { number, params, measure: null, failure: error.message };
  }
}

export function storedMeasure({ blocks, ...measure }: TrialMeasure): StoredMeasure {
  return { ...measure, blocks: [...blocks] };
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
