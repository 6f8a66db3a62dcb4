import { AppError } from "@tapedeck/core";
import type { SeriesDataset } from "../../series/contract.ts";
import type { AnalysisInput } from "./kind.ts";

/** Closes of several instruments on the bars that close at the same time in all of them. */
export interface AlignedCloses {
  /** [n] of the first instrument. */
  openMs: Float64Array;
  closeMs: Float64Array;
  /** [k][n]. */
  closes: Float64Array[];
  /** [k] bars of each instrument that have no partner in every other. */
  dropped: number[];
}

const idOf = (dataset: SeriesDataset) => dataset.instrument.instrumentId;

/**
 * Inner join by close time.
 * @throws AppError data.missing below `least` common bars, data.invalid where a close is not above 0.
 */
export function alignCloses(datasets: readonly SeriesDataset[], least: number): AlignedCloses {
  const [first, ...rest] = datasets as [SeriesDataset, ...SeriesDataset[]];
  const at = datasets.map(() => 0);
  const rows: number[][] = datasets.map(() => []);
  for (let i = 0; i < first.length; i++) {
    const time = first.columns.closeMs[i]!;
    const common = rest.every((dataset, k) => {
      const { closeMs } = dataset.columns;
      let j = at[k + 1]!;
      while (j < dataset.length && closeMs[j]! < time) j++;
      at[k + 1] = j;
      return j < dataset.length && closeMs[j] === time;
    });
    if (!common) continue;
    at[0] = i;
    for (const [k, list] of rows.entries()) list.push(at[k]!);
  }
  const n = rows[0]!.length;
  if (n < least) throw tooFewCommonBars(datasets, n, least);
  const take = (column: Float64Array, k: number) => Float64Array.from(rows[k]!, (row) => column[row]!);
  const closes = datasets.map((dataset, k) => take(dataset.columns.close, k));
  for (const [k, series] of closes.entries()) {
    const bad = series.findIndex((close) => !(close > 0));
    if (bad >= 0) throw notPositive(datasets[k]!, take(datasets[k]!.columns.closeMs, k)[bad]!, series[bad]!);
  }
  return {
    openMs: take(first.columns.openMs, 0),
    closeMs: take(first.columns.closeMs, 0),
    closes,
    dropped: datasets.map((dataset) => dataset.length - n),
  };
}

function tooFewCommonBars(datasets: readonly SeriesDataset[], common: number, least: number): AppError {
  const told = datasets
    .slice(0, 10)
    .map((one) => `${idOf(one)} has ${one.length}`)
    .join(", ");
  const what = datasets.length === 1 ? "bars there" : "bars close at the same time in all instruments";
  return new AppError(
    "data.missing",
    `Only ${common} ${what} and ${least} are needed (${told}); widen the range, or import more bars.`,
    {
      details: {
        common,
        needed: least,
        bars: datasets.map((one) => ({ instrumentId: idOf(one), bars: one.length })),
      },
    },
  );
}

function notPositive(dataset: SeriesDataset, atMs: number, close: number): AppError {
  return new AppError(
    "data.invalid",
    `${idOf(dataset)} closes at ${close} on ${new Date(atMs).toISOString()}; returns need closes above 0.`,
  );
}

/** Simple returns [n - 1] of closes [n]. */
export function returnsOf(closes: Float64Array): Float64Array {
  return Float64Array.from({ length: closes.length - 1 }, (_, i) => closes[i + 1]! / closes[i]! - 1);
}

/** Log returns [n - 1] of closes [n]. */
export function logReturnsOf(closes: Float64Array): Float64Array {
  return Float64Array.from({ length: closes.length - 1 }, (_, i) => Math.log(closes[i + 1]! / closes[i]!));
}

/** The result's members that every kind over bars fills alike. */
export async function describeBars(input: AnalysisInput, aligned: AlignedCloses) {
  const { datasets } = input;
  const rowIds = await input.citeRows();
  const last = aligned.closeMs.length - 1;
  return {
    timeframe: datasets[0]!.timeframe,
    adjustment: datasets[0]!.adjustment,
    asOfMs: input.asOfMs,
    datasets: datasets.map((one, k) => ({
      instrumentId: idOf(one),
      name: one.instrument.name,
      currency: one.instrument.currency,
      datasetHash: one.hash,
      bars: one.length,
      dropped: aligned.dropped[k]!,
      evidenceId: rowIds[k]!,
    })),
    bars: last + 1,
    fromMs: aligned.openMs[0]!,
    toMs: aligned.closeMs[last]!,
    evidenceIds: rowIds,
  };
}
