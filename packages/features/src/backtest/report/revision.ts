import { AppError, isoDate } from "@tapedeck/core";
import type { SeriesColumns, SeriesDataset, SeriesReader } from "../../series/contract.ts";
import { Adjustment } from "../../series/contract.ts";
import type { BacktestResult } from "../contract.ts";
import type { DataRevision } from "./contract.ts";

const compared = ["closeMs", "open", "high", "low", "close", "volume"] as const satisfies ReadonlyArray<
  keyof SeriesColumns
>;

/** Compares the dataset that a run read with what is known now of the same range. */
export async function revisionOf(
  series: SeriesReader,
  tenantId: string,
  result: BacktestResult,
): Promise<DataRevision> {
  const { datasetHash, instrumentId, timeframe, fromMs, toMs } = result;
  const now = await orGone(() =>
    series.dataset({
      tenantId,
      instrumentId,
      timeframe,
      fromMs,
      toMs,
      adjustment: Adjustment.parse(result.adjustment),
    }),
  );
  if (now === null) {
    return {
      state: "gone",
      datasetHash,
      currentHash: null,
      firstMs: null,
      detail: "The bars of this range are no longer stored: the run cannot be repeated.",
    };
  }
  if (now.hash === datasetHash) {
    return {
      state: "same",
      datasetHash,
      currentHash: now.hash,
      firstMs: null,
      detail: "The bars are still those that the run read.",
    };
  }
  const read = await orGone(() => series.byHash(datasetHash));
  const firstMs = read === null ? null : firstDifference(read, now);
  const since = firstMs === null ? "" : `, from the bar of ${isoDate(firstMs)} on`;
  return {
    state: "revised",
    datasetHash,
    currentHash: now.hash,
    firstMs,
    detail: `The bars of this range have been revised since the run read them${since}. A replay uses them as they were; a new run, as they are.`,
  };
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
