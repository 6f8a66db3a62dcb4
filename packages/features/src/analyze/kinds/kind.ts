import { setImmediate } from "node:timers/promises";
import { AppError } from "@tapedeck/core";
import { QuantError } from "@tapedeck/quant/error";
import type { BlobStore, JobContext } from "@tapedeck/core";
import type { Tx } from "../../db.ts";
import type { EventReader } from "../../events/contract.ts";
import type { EvidenceItem, EvidenceStore } from "../../evidence/contract.ts";
import type { FormulaLibrary } from "../../indicators/contract.ts";
import type { PortfolioReader } from "../../orders/contract.ts";
import type { SeriesDataset, SeriesReader } from "../../series/contract.ts";
import { storeColumns } from "../columns.ts";
import type { ColumnFile } from "../columns.ts";
import type { Figure } from "./fields.ts";

export interface AnalyzeDeps {
  series: SeriesReader;
  events: EventReader;
  evidence: EvidenceStore;
  blobs: BlobStore;
  portfolio: PortfolioReader;
  formulas: FormulaLibrary;
}

export type AnalyzeContext = JobContext<{ done: number; total: number }, Tx>;

/** One kind of analysis: its payload P to its result R. */
export interface AnalysisKind<P, R> {
  /** Completes the payload with what it names and is no bar series, such as an account's holdings. */
  prepare?(payload: P, deps: AnalyzeDeps, tenantId: string): Promise<P>;
  /** Every instrument that it reads, as the caller wrote them. Throws what the schema cannot see. */
  instruments(payload: P): readonly string[];
  run(payload: P, input: AnalysisInput): Promise<R>;
}

/** A number to be bound to the data behind it. */
export interface Citation {
  /** How it is computed: a formula, or the analysis with its parameters. */
  formula: string;
  value: number | null;
  unit: string;
  /** Close time of the bar that it is of; null for a value of the whole range. */
  atMs: number | null;
  /** Places of the datasets that it was computed from; absent: all of them. */
  of?: readonly number[];
}

/** What a kind gets besides its payload. */
export interface AnalysisInput {
  /** In the order of `instruments`. */
  readonly datasets: readonly SeriesDataset[];
  /** What was visible when: the request's, or the moment up to which the bars are known. */
  readonly asOfMs: number;
  readonly ctx: AnalyzeContext;
  /** Evidence of the bars of every dataset; ids in their order. */
  citeRows(): Promise<string[]>;
  /** Evidence of numbers computed from the datasets; ids in the citations' order. */
  cite(citations: readonly Citation[]): Promise<string[]>;
  /** Stores columns on one time axis, for `GET /api/analyses/{id}/series`. */
  storeColumns(
    axis: { openMs: Float64Array; closeMs: Float64Array },
    columns: ColumnFile["columns"],
  ): Promise<string>;
}

export function rowsItem(dataset: SeriesDataset): EvidenceItem {
  return {
    kind: "rows",
    datasetHash: dataset.hash,
    instrumentId: dataset.instrument.instrumentId,
    timeframe: dataset.timeframe,
    adjustment: dataset.adjustment,
    fromMs: dataset.columns.openMs[0]!,
    toMs: dataset.columns.closeMs[dataset.length - 1]!,
    bars: dataset.length,
  };
}

function sourceOf(dataset: SeriesDataset) {
  const { hash, instrument, timeframe } = dataset;
  return { datasetHash: hash, instrumentId: instrument.instrumentId, timeframe };
}

export function createAnalysisInput(
  deps: AnalyzeDeps,
  ctx: AnalyzeContext,
  datasets: readonly SeriesDataset[],
  asOfMs: number | undefined,
): AnalysisInput {
  const { tenantId, jobId } = ctx;
  const itemOf = ({ formula, value, unit, atMs, of }: Citation): EvidenceItem => {
    const [first, ...rest] = of === undefined ? datasets : of.map((place) => datasets[place]!);
    if (first === undefined) return { kind: "request", formula, value, unit };
    const others = rest
      .filter((one) => one.hash !== first.hash)
      .map((one) => ({ instrumentId: one.instrument.instrumentId, datasetHash: one.hash }));
    const item = { kind: "computation" as const, ...sourceOf(first), formula, value, unit, atMs };
    return others.length === 0 ? item : { ...item, others };
  };
  return {
    datasets,
    asOfMs: asOfMs ?? Math.max(0, ...datasets.map((one) => one.asOfMs)),
    ctx,
    citeRows: () => deps.evidence.addAll(tenantId, jobId, datasets.map(rowsItem)),
    cite: (citations) => deps.evidence.addAll(tenantId, jobId, citations.map(itemOf)),
    storeColumns: (axis, columns) =>
      storeColumns(deps.blobs, { ...sourceOf(datasets[0]!), ...axis, columns }),
  };
}

/** Tells how far the work is, lets other work of the thread run, and throws where the job was cancelled. */
export async function pace({ ctx }: AnalysisInput, done: number, total: number): Promise<void> {
  ctx.progress({ done, total });
  await setImmediate();
  ctx.signal.throwIfAborted();
}

export type FigureDraft = Omit<Figure, "evidenceId" | "atMs"> & { atMs?: number | null };

/** A statistic as JSON can carry it: null where it is not defined. */
export function finite(value: number | null | undefined): number | null {
  return value === null || value === undefined || !Number.isFinite(value) ? null : value;
}

/** Binds every figure to its evidence. */
export async function citeFigures<Name extends string>(
  input: AnalysisInput,
  drafts: Record<Name, FigureDraft>,
): Promise<Record<Name, Figure>> {
  const entries = (Object.entries(drafts) as [Name, FigureDraft][]).map(
    ([name, draft]) => [name, { ...draft, value: finite(draft.value), atMs: draft.atMs ?? null }] as const,
  );
  const ids = await input.cite(
    entries.map(([, { formula, value, unit, atMs }]) => ({ formula, value, unit, atMs })),
  );
  return Object.fromEntries(
    entries.map(([name, draft], i) => [name, { ...draft, evidenceId: ids[i]! }]),
  ) as Record<Name, Figure>;
}

/** Binds each row of a table by one number of it. */
export async function citeRowsOf<Row extends object>(
  input: AnalysisInput,
  rows: readonly Row[],
  citationOf: (row: Row) => Omit<Citation, "atMs"> & { atMs?: number | null },
): Promise<(Row & { evidenceId: string })[]> {
  const ids = await input.cite(
    rows.map((row) => {
      const { value, atMs = null, ...rest } = citationOf(row);
      return { ...rest, value: finite(value), atMs };
    }),
  );
  return rows.map((row, i) => ({ ...row, evidenceId: ids[i]! }));
}

const codeOf = {
  tooFew: "data.missing",
  notFinite: "data.invalid",
  unequalLengths: "data.invalid",
  outOfRange: "payload.invalid",
  infeasible: "payload.invalid",
  singular: "data.invalid",
  noConvergence: "data.invalid",
  undefined: "data.invalid",
} as const satisfies Record<QuantError["code"], AppError["code"]>;

/** A refusal of a numeric function, as the caller's error. Anything else stays as it is. */
export function asAnalysisError(error: unknown): unknown {
  if (!(error instanceof QuantError)) return error;
  const sentence = `${error.message.charAt(0).toUpperCase()}${error.message.slice(1)}`;
  return new AppError(codeOf[error.code], sentence.endsWith(".") ? sentence : `${sentence}.`, {
    details: { reason: error.code },
  });
}
