import type { EvidenceItem, EvidenceStore } from "../evidence/contract.ts";
import type { SeriesDataset } from "../series/contract.ts";
import type { Statistics } from "./contract.ts";

/** What a dataset is and covers. */
export function spanOf({ hash, instrument, timeframe, adjustment, columns, length }: SeriesDataset) {
  return {
    datasetHash: hash,
    instrumentId: instrument.instrumentId,
    timeframe,
    adjustment,
    fromMs: columns.openMs[0]!,
    toMs: columns.closeMs[length - 1]!,
    bars: length,
  };
}

/** The bars that a run was computed from. */
export const rowsOf = (dataset: SeriesDataset): EvidenceItem => ({ kind: "rows", ...spanOf(dataset) });

/** Every statistic of a run, and its other figures at the top, as an evidence item, beside the rows that they were computed from. */
export async function citeFigures(
  store: EvidenceStore,
  ctx: { tenantId: string; jobId: string },
  type: string,
  rows: readonly EvidenceItem[],
  result: { statistics: Statistics; benchmark: Statistics },
): Promise<{ evidenceIds: string[]; evidence: Record<string, string> }> {
  const figures: Array<[string, number]> = [];
  const add = (pointer: string, value: unknown) => {
    if (typeof value === "number") figures.push([pointer, value]);
  };
  for (const part of ["statistics", "benchmark"] as const) {
    for (const [name, value] of Object.entries(result[part])) add(`/${part}/${name}`, value);
  }
  for (const [name, value] of Object.entries(result)) if (cited.has(name)) add(`/${name}`, value);
  const items = figures.map(([pointer, value]): EvidenceItem => ({
    kind: "job",
    jobId: ctx.jobId,
    type,
    pointer,
    value,
  }));
  const ids = await store.addAll(ctx.tenantId, ctx.jobId, [...rows, ...items]);
  return {
    evidenceIds: ids,
    evidence: Object.fromEntries(figures.map(([pointer], k) => [pointer, ids[rows.length + k]!])),
  };
}

const cited = new Set([
  "tradeCount",
  "roundTrips",
  "pathDependent",
  "liquidations",
  "dividends",
  "borrowFees",
  "funding",
  "interest",
]);
