import { AppError, timeframeMs } from "@tapedeck/core";
import { checkFormula, createFormulaCache, evaluateFormulas, FormulaError } from "@tapedeck/formula";
import type { CheckedFormula } from "@tapedeck/formula";
import { bucketRule } from "@tapedeck/trading/calendar/index";
import type { SeriesDataset } from "../../../series/contract.ts";
import { finite, pace } from "../kind.ts";
import type { AnalysisInput, AnalysisKind } from "../kind.ts";
import { isProviderCall, readProviderCall } from "./technicalIndicators.ts";
import type { FormulaOutcome, FormulasPayload, FormulasResult } from "./contract.ts";

/** Parsed and checked, with the formula's place in the list in the error. */
export function checkFormulas(texts: readonly string[], timeframe: string): CheckedFormula[] {
  const barMs = timeframeMs(timeframe);
  return texts.map((text, i) => {
    try {
      if (isProviderCall(text)) return readProviderCall(text).checked;
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

/** Instruments that the formulas name besides the one that they run on. */
function otherInstruments(checked: readonly CheckedFormula[]): string[] {
  return [...new Set(checked.flatMap((one) => one.instruments))];
}

/** Booleans become 1 and 0, so that every column has one form. */
function asColumn(values: Float64Array | Uint8Array): Float64Array {
  return values instanceof Float64Array ? values : Float64Array.from(values);
}

/** Columns of the formulas, in groups, so that a cancel is seen between them. */
export async function evaluateColumns(
  checked: readonly CheckedFormula[],
  input: AnalysisInput,
): Promise<Float64Array[]> {
  const group = 10;
  const [dataset, ...rest] = input.datasets as [SeriesDataset, ...SeriesDataset[]];
  const byRef = new Map(otherInstruments(checked).map((ref, i) => [ref, rest[i]!]));
  const asInput = (one: SeriesDataset) => ({
    length: one.length,
    ...one.columns,
    timeframeMs: one.timeframeMs,
    bucketOf: bucketRule(one.instrument.calendar),
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
  const columns: Float64Array[] = [];
  for (let start = 0; start < checked.length; start += group) {
    const texts = checked.slice(start, start + group).map((one) => one.text);
    const own = texts.filter((text) => !isProviderCall(text));
    const computed = evaluateFormulas(own, data, { allowLookAhead: true, cache }).map(asColumn);
    for (const text of texts) {
      columns.push(
        isProviderCall(text) ? await readProviderCall(text).compute(dataset.columns) : computed.shift()!,
      );
    }
    await pace(input, columns.length, checked.length);
  }
  return columns;
}

/** The result's members that formulas and summary fill alike, the computed columns stored. */
export async function describeInstrument(
  input: AnalysisInput,
  checked: readonly CheckedFormula[],
  columns: readonly Float64Array[],
) {
  const dataset = input.datasets[0]!;
  const { openMs, closeMs } = dataset.columns;
  const seriesRef = await input.storeColumns(
    { openMs, closeMs },
    checked.map(({ text, type }, i) => ({ formula: text, type, values: columns[i]! })),
  );
  return {
    instrumentId: dataset.instrument.instrumentId,
    name: dataset.instrument.name,
    currency: dataset.instrument.currency,
    timeframe: dataset.timeframe,
    adjustment: dataset.adjustment,
    asOfMs: input.asOfMs,
    datasetHash: dataset.hash,
    bars: dataset.length,
    fromMs: openMs[0]!,
    toMs: closeMs[dataset.length - 1]!,
    seriesRef,
    evidenceIds: await input.citeRows(),
  };
}

function outcome(
  checked: CheckedFormula,
  values: Float64Array,
  lastAtMs: number,
): Omit<FormulaOutcome, "evidenceId"> {
  let bars = 0;
  for (const value of values) {
    if (checked.type === "condition" ? value === 1 : Number.isFinite(value)) bars++;
  }
  return {
    formula: checked.text,
    type: checked.type,
    warmup: checked.warmup,
    bars,
    last: finite(values[values.length - 1]),
    lastAtMs,
  };
}

export const formulas: AnalysisKind<FormulasPayload, FormulasResult> = {
  prepare: async (payload, deps, tenantId) => ({
    ...payload,
    formulas: await deps.formulas.expand(tenantId, payload.formulas),
  }),

  instruments: (payload) => [
    payload.instrumentId,
    ...otherInstruments(checkFormulas(payload.formulas, payload.timeframe)),
  ],

  async run(payload, input) {
    const checked = checkFormulas(payload.formulas, payload.timeframe);
    const columns = await evaluateColumns(checked, input);
    const described = await describeInstrument(input, checked, columns);
    const outcomes = checked.map((one, i) => outcome(one, columns[i]!, described.toMs));
    const ids = await input.cite(
      outcomes.map((one) => ({
        formula: one.formula,
        value: one.last,
        unit: one.type,
        atMs: described.toMs,
      })),
    );
    return {
      kind: "formulas",
      ...described,
      series: outcomes.map((one, i) => ({ ...one, evidenceId: ids[i]! })),
      evidenceIds: [...new Set([...described.evidenceIds, ...ids])],
    };
  },
};
