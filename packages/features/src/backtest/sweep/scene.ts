import { AppError } from "@tapedeck/core";
import type { JobContext } from "@tapedeck/core";
import { createSearcher } from "@tapedeck/trading";
import type { BarRange, Parameter, Searcher } from "@tapedeck/trading";
import { instrumentsHash, labelOf } from "../instruments.ts";
import type { RunFigures } from "../report/figures/contract.ts";
import { computeFigures } from "../report/figures/run.ts";
import type { ReportedRun } from "../report/figures/run.ts";
import { expandRules } from "../run.ts";
import type { HeldRun } from "../run.ts";
import type { SweepPayload } from "./contract.ts";
import type { SearchContext, SearchDeps, SearchPayload } from "./inputs.ts";
import { openPortfolioScene } from "./portfolioScene.ts";
import type { SearchRunner } from "./runner.ts";
import { openSingleScene } from "./singleScene.ts";
import type { TrialOwner } from "./store.ts";

/** What trials of a search run on. */
export interface SearchScene {
  space: readonly Parameter[];
  /** Ids, sorted. */
  instruments: string[];
  timeframe: string;
  /** Of several instruments: over those of each. */
  datasetHash: string;
  /** Of each bar, `[bars]`; of several instruments, of each distinct close. */
  openMs: Float64Array;
  closeMs: Float64Array;
  /** Bars that the simulator would pass in the time of one combination. */
  trialBars: number;
  /** Of the bars, the strategy with saved formulas put in, and whatever else it reads. */
  inputHashes: string[];
  /** What of the instruments decides a run besides. */
  instrumentFacts: unknown;
  /** To be closed when all is done. */
  runner: SearchRunner;
  /** The benchmark over some bars: bought at their start and held, at the same costs. */
  hold(bars: BarRange): Promise<HeldRun>;
  initialCash: number;
  barsPerYear: number;
  /** Annual fraction. */
  riskFreeRate: number;
}

/** Checks the payload, puts saved formulas in and reads the bars. Throws AppError. */
export async function openScene(
  deps: SearchDeps,
  asked: SearchPayload,
  ctx: SearchContext,
): Promise<SearchScene> {
  return "instruments" in asked
    ? await openPortfolioScene(deps, asked, ctx)
    : await openSingleScene(deps, asked, ctx);
}

/** The figures of a run over some bars of the scene. */
export async function figuresOf(scene: SearchScene, run: ReportedRun, bars: BarRange): Promise<RunFigures> {
  const { initialCash, barsPerYear, riskFreeRate } = scene;
  return computeFigures({
    run,
    benchmark: await scene.hold(bars),
    closeMs: scene.closeMs.subarray(bars.from, bars.to),
    initialCash,
    barsPerYear,
    riskFreeRate,
  });
}

/** Whose trials those of a search are. */
export function ownerOf(
  { datasetHash, instruments, timeframe }: SearchScene,
  { jobId, tenantId }: Pick<JobContext, "jobId" | "tenantId">,
): TrialOwner {
  return { jobId, tenantId, datasetHash, instrumentsHash: instrumentsHash(instruments), timeframe };
}

/** What results say of the bars that they were computed from. */
export function factsOfScene({ instruments, timeframe, datasetHash, closeMs }: SearchScene) {
  return {
    instrumentId: labelOf(instruments),
    instruments,
    timeframe,
    datasetHash,
    bars: closeMs.length,
  };
}

/** Of any payload with a strategy and parameters. */
export async function resolveInputs(
  deps: SearchDeps,
  asked: SearchPayload,
  scope: { tenantId: string; signal: AbortSignal },
): Promise<{ payload: unknown; hashes: string[] }> {
  const payload = await expandRules(deps, asked, scope.tenantId);
  // What it reads is what a run reads; lineage is the run's to write, and nothing is run.
  const scene = await openScene(deps, payload, { ...scope, seed: 0, input: () => undefined });
  await scene.runner.close();
  const resolved = "instruments" in payload ? {} : { instrumentId: scene.instruments[0]! };
  return { payload: { ...payload, ...resolved, facts: scene.instrumentFacts }, hashes: scene.inputHashes };
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
