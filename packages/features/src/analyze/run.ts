import { checkFormula, createFormulaCache, evaluateFormulas, FormulaError } from "@tapedeck/formula";
import type { CheckedFormula } from "@tapedeck/formula";
import { AppError, isoDate, timeframeMs } from "@tapedeck/core";
import type { BlobStore, JobHandler } from "@tapedeck/core";
import type { Tx } from "../db.ts";
import type { EvidenceItem, EvidenceStore } from "../evidence/contract.ts";
import type { SeriesDataset, SeriesReader } from "../series/contract.ts";
import { storeColumns } from "./columns.ts";
import type { analyze, AnalyzePayload, AnalyzeResult, FormulaOutcome } from "./contract.ts";
import { summarise, summaryFormulas } from "./summary.ts";
import type { SummaryColumns } from "./summary.ts";

export interface AnalyzeDeps {
  series: SeriesReader;
  evidence: EvidenceStore;
  blobs: BlobStore;
}

/** Parsed and checked, with the formula's place in the list in the error. */
function check(texts: readonly string[], barMs: number): CheckedFormula[] {
  return texts.map((text, i) => {
    try {
      return checkFormula(text, { allowLookAhead: true, timeframeMs: barMs });
    } catch (error) {
      if (!(error instanceof FormulaError)) throw error;
      throw new AppError("formula.invalid", `Formula ${i + 1}: ${error.message} (column ${error.column})`, {
        details: {
          index: i,
          formula: text,
          column: error.column,
          length: error.length,
          suggestion: error.suggestion ?? null,
        },
      });
    }
  });
}

function checkPayload(payload: AnalyzePayload): CheckedFormula[] {
  return check(payload.formulas ?? Object.values(summaryFormulas), timeframeMs(payload.timeframe));
}

function otherInstruments(checked: readonly CheckedFormula[]): string[] {
  return [...new Set(checked.flatMap((one) => one.instruments))];
}

function rowsItem(dataset: SeriesDataset): EvidenceItem {
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

function label(dataset: SeriesDataset): string {
  const { openMs, closeMs } = dataset.columns;
  return `${dataset.instrument.instrumentId} ${dataset.timeframe} ${isoDate(openMs[0]!)}..${isoDate(closeMs[dataset.length - 1]!)}`;
}

/** Booleans become 1 and 0, so that every column has one form. */
function asColumn(values: Float64Array | Uint8Array): Float64Array {
  return values instanceof Float64Array ? values : Float64Array.from(values);
}

async function readDatasets(
  deps: AnalyzeDeps,
  payload: AnalyzePayload,
  tenantId: string,
  others: readonly string[],
  asOfMs: number | undefined,
  signal: AbortSignal,
): Promise<{ dataset: SeriesDataset; byRef: Map<string, SeriesDataset> }> {
  const { timeframe, fromMs, toMs, adjustment } = payload;
  const read = async (ref: string) => {
    const instrument = await deps.series.resolve(tenantId, ref);
    const { instrumentId } = instrument;
    return deps.series.dataset(
      { tenantId, instrumentId, timeframe, fromMs, toMs, adjustment, asOfMs },
      signal,
    );
  };
  const dataset = await read(payload.instrumentId);
  const byRef = new Map<string, SeriesDataset>();
  for (const ref of others) byRef.set(ref, await read(ref));
  return { dataset, byRef };
}

/** Evaluates in groups, so that a cancel is seen between them. */
function* evaluate(
  checked: readonly CheckedFormula[],
  dataset: SeriesDataset,
  byRef: ReadonlyMap<string, SeriesDataset>,
): Generator<Float64Array[]> {
  const group = 10;
  const asInput = (one: SeriesDataset) => ({
    length: one.length,
    ...one.columns,
    timeframeMs: one.timeframeMs,
  });
  const data = {
    ...asInput(dataset),
    resolve: (symbol: string) => {
      const other = byRef.get(symbol);
      return other === undefined ? undefined : asInput(other);
    },
  };
  // Kept between the groups, so that a sub-expression of several formulas is computed once.
  const cache = createFormulaCache();
  for (let start = 0; start < checked.length; start += group) {
    const texts = checked.slice(start, start + group).map((one) => one.text);
    yield evaluateFormulas(texts, data, { allowLookAhead: true, cache }).map(asColumn);
  }
}

const run: JobHandler<typeof analyze, AnalyzeDeps, Tx> = async (deps, payload, ctx) => {
  const kind = payload.kind ?? (payload.formulas === undefined ? "summary" : "formulas");
  const checked = checkPayload(payload);
  const others = otherInstruments(checked);
  const { dataset, byRef } = await readDatasets(
    deps,
    payload,
    ctx.tenantId,
    others,
    payload.asOf,
    ctx.signal,
  );
  for (const one of [dataset, ...byRef.values()]) {
    ctx.input({ kind: "dataset", ref: one.hash, label: label(one), details: { ...rowsItem(one) } });
  }

  const columns: Float64Array[] = [];
  for (const group of evaluate(checked, dataset, byRef)) {
    columns.push(...group);
    ctx.progress({ done: columns.length, total: checked.length });
    await new Promise((resolve) => setImmediate(resolve));
    ctx.signal.throwIfAborted();
  }

  const last = dataset.length - 1;
  const lastAtMs = dataset.columns.closeMs[last]!;
  const base = {
    datasetHash: dataset.hash,
    instrumentId: dataset.instrument.instrumentId,
    timeframe: dataset.timeframe,
  };
  const result: AnalyzeResult = {
    kind,
    instrumentId: base.instrumentId,
    name: dataset.instrument.name,
    currency: dataset.instrument.currency,
    timeframe: dataset.timeframe,
    adjustment: dataset.adjustment,
    asOfMs: payload.asOf ?? dataset.asOfMs,
    datasetHash: dataset.hash,
    bars: dataset.length,
    fromMs: dataset.columns.openMs[0]!,
    toMs: lastAtMs,
    series: [],
    summary: [],
    seriesRef: null,
    evidenceIds: [],
  };

  const rowsId = await deps.evidence.add(ctx.tenantId, ctx.jobId, rowsItem(dataset));
  if (kind === "summary") {
    const byName = Object.fromEntries(
      Object.keys(summaryFormulas).map((name, i) => [name, columns[i]!]),
    ) as SummaryColumns;
    const drafts = summarise(dataset, byName);
    const ids = await deps.evidence.addAll(
      ctx.tenantId,
      ctx.jobId,
      drafts.map((line) => ({
        kind: "computation",
        ...base,
        formula: line.formula,
        atMs: line.atMs,
        value: line.value,
        unit: line.unit,
      })),
    );
    result.summary = drafts.map((line, i) => ({ ...line, evidenceId: ids[i]! }));
  } else {
    const outcomes = checked.map((one, i) => outcome(one, columns[i]!, lastAtMs));
    const ids = await deps.evidence.addAll(
      ctx.tenantId,
      ctx.jobId,
      outcomes.map((one) => ({
        kind: "computation",
        ...base,
        formula: one.formula,
        atMs: lastAtMs,
        value: one.last,
        unit: one.type,
      })),
    );
    result.series = outcomes.map((one, i) => ({ ...one, evidenceId: ids[i]! }));
  }
  result.evidenceIds = [
    ...new Set([
      rowsId,
      ...result.series.map((one) => one.evidenceId),
      ...result.summary.map((one) => one.evidenceId),
    ]),
  ];
  result.seriesRef = await storeColumns(deps.blobs, {
    ...base,
    openMs: dataset.columns.openMs,
    closeMs: dataset.columns.closeMs,
    columns: checked.map(({ text, type }, i) => ({ formula: text, type, values: columns[i]! })),
  });
  return result;
};

function outcome(
  checked: CheckedFormula,
  values: Float64Array,
  lastAtMs: number,
): Omit<FormulaOutcome, "evidenceId"> {
  const last = values[values.length - 1]!;
  let bars = 0;
  for (const value of values) {
    if (checked.type === "condition" ? value === 1 : Number.isFinite(value)) bars++;
  }
  return {
    formula: checked.text,
    type: checked.type,
    warmup: checked.warmup,
    bars,
    last: Number.isFinite(last) ? last : null,
    lastAtMs,
  };
}

/** The same formulas over the same data are the same analysis, whenever it is asked for. */
async function resolveInputs(
  deps: AnalyzeDeps,
  payload: AnalyzePayload,
  scope: { tenantId: string; signal: AbortSignal },
): Promise<{ payload: unknown; hashes: string[] }> {
  const others = otherInstruments(checkPayload(payload));
  const { tenantId, signal } = scope;
  const { dataset, byRef } = await readDatasets(deps, payload, tenantId, others, payload.asOf, signal);
  const { instrumentId, name, currency } = dataset.instrument;
  return {
    payload: { ...payload, instrumentId, instrument: { name, currency } },
    hashes: [dataset.hash, ...others.map((ref) => byRef.get(ref)!.hash)],
  };
}

export const runAnalyze = Object.assign(run, { resolveInputs });
