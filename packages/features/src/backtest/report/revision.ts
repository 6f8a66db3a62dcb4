import { AppError, isoDate } from "@tapedeck/core";
import type { Db } from "../../db.ts";
import type { DatasetRequest, SeriesColumns, SeriesDataset, SeriesReader } from "../../series/contract.ts";
import { Adjustment } from "../../series/contract.ts";
import type { BacktestResult } from "../contract.ts";
import type { PortfolioBacktestResult } from "../portfolio/contract.ts";
import type { AnyRunRow } from "../store.ts";
import type { DataRevision } from "./contract.ts";
import { loadReads } from "./store.ts";
import type { DatasetRead } from "./store.ts";

const compared = ["closeMs", "open", "high", "low", "close", "volume"] as const satisfies ReadonlyArray<
  keyof SeriesColumns
>;

type Compared = DataRevision["datasets"][number];
type Range = Pick<DatasetRequest, "timeframe" | "fromMs" | "toMs" | "adjustment">;

/** Compares the datasets that a run read with what is known now of the same ranges. */
export function revisionOf(
  series: SeriesReader,
  run: Pick<AnyRunRow, "tenantId" | "kind" | "timeframe" | "result">,
): Promise<DataRevision> {
  return revisionOfReads(series, run.tenantId, readsOf(run), rangeOf(run));
}

/** The same of any job, by the datasets that its lineage names. Throws AppError `job.unknown`, or `resource.unknown` where it names none. */
export async function revisionOfJob(
  { db, series }: { db: Db; series: SeriesReader },
  tenantId: string,
  jobId: string,
): Promise<DataRevision> {
  const reads = await loadReads(db, tenantId, jobId);
  if (reads.length === 0) throw new AppError("resource.unknown", `Job ${jobId} has read no bars.`);
  return revisionOfReads(series, tenantId, reads, undefined);
}

/** `fallback`: the range where a dataset itself is no longer kept. */
async function revisionOfReads(
  series: SeriesReader,
  tenantId: string,
  reads: readonly DatasetRead[],
  fallback: Range | undefined,
): Promise<DataRevision> {
  const datasets: Compared[] = [];
  for (const { instrumentId, datasetHash } of reads) {
    const read = await orGone(() => series.byHash(datasetHash));
    const range = read === null ? fallback : rangeOfDataset(read);
    const now =
      range === undefined ? null : await orGone(() => series.dataset({ tenantId, instrumentId, ...range }));
    const differs = read !== null && now !== null && now.hash !== datasetHash;
    datasets.push({
      instrumentId,
      datasetHash,
      currentHash: now?.hash ?? null,
      firstMs: differs ? firstDifference(read, now) : null,
    });
  }
  const gone = datasets.filter((one) => one.currentHash === null);
  const revised = datasets.filter((one) => one.currentHash !== null && one.currentHash !== one.datasetHash);
  return {
    state: gone.length > 0 ? "gone" : revised.length > 0 ? "revised" : "same",
    detail: detailOf(gone, revised, datasets.length > 1),
    datasets,
  };
}

/** What a stored run read of each of its instruments. */
export function readsOf(run: Pick<AnyRunRow, "kind" | "result">): DatasetRead[] {
  return run.kind === "single"
    ? [run.result as BacktestResult]
    : (run.result as PortfolioBacktestResult).instruments;
}

/** What a run of one instrument asked for. */
function rangeOf(run: Pick<AnyRunRow, "kind" | "timeframe" | "result">): Range | undefined {
  if (run.kind !== "single") return undefined;
  const { fromMs, toMs, adjustment } = run.result as BacktestResult;
  return { timeframe: run.timeframe, fromMs, toMs, adjustment: Adjustment.parse(adjustment) };
}

function rangeOfDataset({ columns, length, timeframe, adjustment }: SeriesDataset): Range {
  return { timeframe, fromMs: columns.openMs[0]!, toMs: columns.closeMs[length - 1]!, adjustment };
}

function detailOf(gone: readonly Compared[], revised: readonly Compared[], several: boolean): string {
  const named = (some: readonly Compared[]) =>
    several ? ` of ${some.map((one) => one.instrumentId).join(", ")}` : "";
  if (gone.length > 0) {
    return `The bars${named(gone)} that the run read are no longer stored: it cannot be repeated.`;
  }
  if (revised.length === 0) return "The bars are still those that the run read.";
  const firstMs = revised.map((one) => one.firstMs).filter((ms) => ms !== null);
  const since = firstMs.length === 0 ? "" : `, from the bar of ${isoDate(Math.min(...firstMs))} on`;
  return `The bars${named(revised)} have been revised since the run read them${since}. A replay uses them as they were; a new run, as they are.`;
}

/** Null for data that is no longer stored. */
export async function orGone<T>(load: () => Promise<T>): Promise<T | null> {
  try {
    return await load();
  } catch (error) {
    if (error instanceof AppError && /^(data\.missing|symbol\.unknown|resource\.unknown)$/.test(error.code)) {
      return null;
    }
    throw error;
  }
}

function firstDifference(read: SeriesDataset, now: SeriesDataset): number | null {
  const length = Math.max(read.length, now.length);
  for (let i = 0; i < length; i++) {
    const openMs = [read, now].map(({ columns }) => columns.openMs[i] ?? Infinity);
    if (openMs[0] !== openMs[1]) return Math.min(...openMs);
    if (compared.some((name) => !Object.is(read.columns[name][i], now.columns[name][i]))) return openMs[0]!;
  }
  return null;
}
