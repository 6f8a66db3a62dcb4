import * as z from "zod";
import { SeriesRequest } from "../../../series/contract.ts";
import { analysisFields, figuresOf } from "../fields.ts";
import { FormulaText } from "../formulas/contract.ts";

export const AnomalyMethod = z.enum(["z", "robustZ", "iqr", "seasonal", "isolationForest", "oneClassSvm"]);

export const AnomaliesPayload = z
  .strictObject({
    kind: z.literal("anomalies"),
    ...SeriesRequest.shape,
    method: AnomalyMethod.default("robustZ").describe(
      "The first four judge one feature, the last two several features together",
    ),
    features: z
      .array(FormulaText)
      .min(1)
      .max(20)
      .optional()
      .describe("Formulas; left out: the log return, and for several features range and volume besides"),
    threshold: z
      .number()
      .min(0.1)
      .max(100)
      .optional()
      .describe("Of the methods on one feature: deviations (3 for z, else 3.5), or ranges of iqr (1.5)"),
    season: z.enum(["hour", "weekday", "month"]).default("weekday").describe("Phases of seasonal, UTC"),
    share: z
      .number()
      .min(0.0001)
      .max(0.5)
      .default(0.01)
      .describe("Share of the bars that the methods on several features single out"),
  })
  .refine(({ method, features }) => isJoint(method) || features === undefined || features.length === 1, {
    path: ["features"],
    message: "this method judges one feature; isolationForest and oneClassSvm take several",
  })
  .meta({ id: "AnomaliesPayload", title: "Unusual bars, with the reason" });
export type AnomaliesPayload = z.output<typeof AnomaliesPayload>;

/** Methods that judge several features together. */
export function isJoint(method: z.output<typeof AnomalyMethod>): boolean {
  return method === "isolationForest" || method === "oneClassSvm";
}

export const AnomalyReason = z.object({
  /** The feature's formula. */
  feature: z.string(),
  value: z.number(),
  /** What was expected: the method's centre, or the feature's median. */
  expected: z.number(),
  /** Bounds that it would have had to keep; null where features are judged together. */
  low: z.number().nullable(),
  high: z.number().nullable(),
  /** What the feature adds to the score. */
  contribution: z.number(),
  /** Share of the bars at or below the value; null where the bounds say it. */
  quantile: z.number().nullable(),
});

export const Anomaly = z.object({
  openMs: z.int(),
  closeMs: z.int(),
  score: z.number(),
  /** The feature that says most first; none where only the combination is unusual. */
  reasons: z.array(AnomalyReason),
  /** The reasons in words. */
  reading: z.string(),
  evidenceId: z.string(),
});

export const AnomaliesResult = z
  .object({
    kind: z.literal("anomalies"),
    ...analysisFields,
    instrumentId: z.string(),
    method: AnomalyMethod,
    features: z.array(z.string()),
    figures: figuresOf(["judged", "leftOut", "found", "highestScore"]),
    /** The most unusual first: 200 at most. */
    anomalies: z.array(Anomaly),
  })
  .meta({ id: "AnomaliesResult" });
export type AnomaliesResult = z.output<typeof AnomaliesResult>;
