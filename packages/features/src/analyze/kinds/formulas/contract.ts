import * as z from "zod";
import { Adjustment, SeriesRequest } from "../../../series/contract.ts";

/** A formula as text: parsed and checked by packages/formula. */
export const FormulaText = z
  .string()
  .trim()
  .min(1)
  .max(2_000)
  .meta({
    description: "A formula over a bar series",
    examples: ["sma(close, 50)", "rsi(close, 14) < 30"],
    format: "formula",
  });

export const FormulasPayload = z
  .strictObject({
    kind: z.literal("formulas"),
    ...SeriesRequest.shape,
    formulas: z.array(FormulaText).min(1).max(100),
  })
  .meta({ id: "FormulasPayload", title: "Formulas over an instrument's bars" });
export type FormulasPayload = z.output<typeof FormulasPayload>;

/** One formula's outcome. The whole series is at `GET /api/analyses/{id}/series`. */
export const FormulaOutcome = z
  .object({
    /** Canonical text. */
    formula: z.string(),
    type: z.enum(["series", "condition", "scalar"]),
    /** Bars before its first value, known before it ran. */
    warmup: z.int(),
    /** Bars with a value (for a condition: bars on which it holds). */
    bars: z.int(),
    /** Null where the last bar has none (warm-up, or undefined there). A condition is 1 or 0. */
    last: z.number().nullable(),
    /** Close time of the last bar. */
    lastAtMs: z.int(),
    evidenceId: z.string(),
  })
  .meta({ id: "FormulaOutcome" });
export type FormulaOutcome = z.output<typeof FormulaOutcome>;

/** What a result over one instrument's bars says about them. */
export const instrumentFields = {
  instrumentId: z.string(),
  name: z.string(),
  currency: z.string(),
  timeframe: z.string(),
  adjustment: Adjustment,
  asOfMs: z.int(),
  datasetHash: z.string(),
  bars: z.int(),
  /** Open of the first bar and close of the last. */
  fromMs: z.int(),
  toMs: z.int(),
  /** Where the computed columns lie. */
  seriesRef: z.string(),
  evidenceIds: z.array(z.string()),
};

export const FormulasResult = z
  .object({ kind: z.literal("formulas"), ...instrumentFields, series: z.array(FormulaOutcome) })
  .meta({ id: "FormulasResult" });
export type FormulasResult = z.output<typeof FormulasResult>;
