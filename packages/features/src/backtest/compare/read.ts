import { AppError } from "@tapedeck/core";
import type { Caller, RouteHandlersFor } from "@tapedeck/core";
import { builtInStrategies, portfolioStrategies } from "@tapedeck/trading";
import type { SeriesDataset, SeriesReader } from "../../series/contract.ts";
import type { Statistics } from "../contract.ts";
import { downsample, initialCashOf, loadEquity } from "../equity.ts";
import { differences } from "../report/differences.ts";
import type { FileDeps } from "../report/files.ts";
import { honestyOf } from "../report/ledger.ts";
import { orGone, readsOf, revisionOf, revisionOfJob } from "../report/revision.ts";
import { loadJobResult, loadJobType, loadReads } from "../report/store.ts";
import type { DatasetRead } from "../report/store.ts";
import { loadAnyRun } from "../store.ts";
import type { SweepPayload } from "../sweep/contract.ts";
import { WalkForwardPayload, WalkForwardResult } from "../walkForward/contract.ts";
import type { ComparedRun, compareRoutes, Comparison } from "./contract.ts";

const curvePoints = 1_000;

/** One of the runs, and what tells it from the others. */
interface Loaded {
  run: ComparedRun;
  payload: object;
  reads: DatasetRead[];
}

async function loadOne(deps: FileDeps, tenantId: string, id: string): Promise<Loaded> {
  const type = await loadJobType(deps.db, tenantId, id);
  return await (type === "walkForward" ? loadTests : loadRun)(deps, tenantId, id);
}

/** Throws AppError `resource.unknown`. */
async function loadRun({ db, blobs, series }: FileDeps, tenantId: string, id: string): Promise<Loaded> {
  const row = await loadAnyRun(db, tenantId, id);
  const { kind, title, instrumentId, timeframe, report } = row;
  const { equity, closeMs } = await loadEquity(blobs, row.equityBlob, row.bars);
  const initialCash = initialCashOf(row.payload);
  return {
    run: {
      id: row.id,
      kind,
      title,
      instrumentId,
      timeframe,
      honesty: await honestyOf(db, row),
      statistics: (row.result as { statistics: Statistics }).statistics,
      relative: report?.relative ?? null,
      capacity: report?.capacity.cash ?? null,
      revision: await revisionOf(series, row),
      curve: downsample(equity, curvePoints).map((i) => ({
        atMs: closeMs[i]!,
        value: equity[i]! / initialCash,
      })),
    },
    payload: row.payload as object,
    reads: readsOf(row),
  };
}

/** The tests of a walk-forward. Throws AppError `job.notEnded`, or `data.missing` for one from before they were kept as a run. */
async function loadTests(deps: FileDeps, tenantId: string, id: string): Promise<Loaded> {
  const job = await loadJobResult(deps.db, tenantId, id);
  const payload = WalkForwardPayload.parse(job.payload);
  const { instrumentId, timeframe, honesty, run, curve } = WalkForwardResult.parse(job.result);
  if (honesty === null || run === null) {
    throw new AppError(
      "data.missing",
      `Walk-forward ${id} is from before its tests were kept as one run; replay it to compare it.`,
    );
  }
  return {
    run: {
      id,
      kind: "walkForward",
      title: `Walk-forward, ${payload.folds.kind} folds`,
      instrumentId,
      timeframe,
      honesty,
      statistics: run.statistics,
      relative: run.report.relative,
      capacity: run.report.capacity.cash,
      revision: await revisionOfJob(deps, tenantId, id),
      curve,
    },
    payload,
    reads: await loadReads(deps.db, tenantId, id),
  };
}

/** The payload with the parameters of a built-in that it leaves out, but those that it searches. */
function withDefaults(payload: object): object {
  const { strategy, parameters = {} } = payload as Partial<SweepPayload>;
  if (strategy?.kind !== "builtIn") return payload;
  const builtIn = [...builtInStrategies, ...portfolioStrategies].find(({ name }) => name === strategy.name);
  const left = (builtIn?.params ?? []).filter(({ name }) => !(name in parameters));
  const defaults = Object.fromEntries(left.map((param) => [param.name, param.default]));
  return { ...payload, strategy: { ...strategy, params: { ...defaults, ...strategy.params } } };
}

/** Hashes by instrument and run where they are not the same in all. */
function datasetsOf(loaded: readonly Loaded[]): Comparison["datasets"] {
  const names = [...new Set(loaded.flatMap(({ reads }) => reads.map((read) => read.instrumentId)))].sort();
  return names
    .map((instrumentId) => ({
      instrumentId,
      hashes: loaded.map(
        ({ reads }) => reads.find((read) => read.instrumentId === instrumentId)?.datasetHash ?? null,
      ),
    }))
    .filter(({ hashes }) => new Set(hashes).size > 1);
}

const spanOf = ({ columns, length, timeframe, adjustment }: SeriesDataset) =>
  [columns.openMs[0], columns.closeMs[length - 1], timeframe, adjustment].join();

/** Instruments of which two runs read the same range in different revisions. */
async function revisedBetween(series: SeriesReader, datasets: Comparison["datasets"]): Promise<string[]> {
  const names: string[] = [];
  for (const { instrumentId, hashes } of datasets) {
    const distinct = [...new Set(hashes)].filter((hash) => hash !== null);
    const read = await Promise.all(distinct.map((hash) => orGone(() => series.byHash(hash))));
    const spans = read.filter((one) => one !== null).map(spanOf);
    if (new Set(spans).size < spans.length) names.push(instrumentId);
  }
  return names;
}

async function warningsOf(
  series: SeriesReader,
  runs: readonly ComparedRun[],
  datasets: Comparison["datasets"],
): Promise<string[]> {
  const warnings: string[] = [];
  const revised = await revisedBetween(series, datasets);
  if (revised.length > 0) {
    warnings.push(
      `Bars of ${revised.join(", ")} were revised between the runs: what differs may be the data. Replay the earlier one as a new run to compare like with like.`,
    );
  }
  const spans = runs.map(({ curve, timeframe }) => [curve[0]?.atMs, curve.at(-1)?.atMs, timeframe].join());
  if (new Set(spans).size > 1) {
    warnings.push("The runs do not cover the same closes: growth and drawdown are of different times.");
  }
  return warnings;
}

export const compareRouteHandlers = {
  compareBacktests: async (deps, { params, query }, caller: Caller) => {
    const loaded: Loaded[] = [];
    for (const id of [params.id, ...query.with]) loaded.push(await loadOne(deps, caller.tenantId, id));
    const runs = loaded.map(({ run }) => run);
    const datasets = datasetsOf(loaded);
    return {
      runs,
      settings: differences(loaded.map(({ payload }) => withDefaults(payload))).map(([name, ...values]) => ({
        name: name!,
        values,
      })),
      datasets,
      warnings: await warningsOf(deps.series, runs, datasets),
    };
  },
} satisfies RouteHandlersFor<typeof compareRoutes, FileDeps>;
