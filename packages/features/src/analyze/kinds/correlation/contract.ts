import * as z from "zod";
import { analysisFields, figuresOf, rangeFields, universe } from "../fields.ts";

export const CorrelationPayload = z
  .strictObject({
    kind: z.literal("correlation"),
    instruments: universe(2, 60),
    ...rangeFields,
    method: z.enum(["pearson", "spearman", "kendall"]).default("pearson"),
    of: z.enum(["returns", "closes"]).default("returns").describe("Log returns, or the closes themselves"),
  })
  .meta({ id: "CorrelationPayload", title: "Correlation matrix" });
export type CorrelationPayload = z.output<typeof CorrelationPayload>;

export const CorrelationResult = z
  .object({
    kind: z.literal("correlation"),
    ...analysisFields,
    method: z.enum(["pearson", "spearman", "kendall"]),
    of: z.enum(["returns", "closes"]),
    instruments: z.array(z.string()),
    /** [k][k] in the order of `instruments`; null where one does not vary. */
    matrix: z.array(z.array(z.number().nullable())),
    /** [k][k] evidence of each number; null on the diagonal, which is 1 by definition. */
    matrixEvidence: z.array(z.array(z.string().nullable())),
    /** Places of the instruments so that alike ones stand together. */
    order: z.array(z.int()),
    figures: figuresOf(["mean", "highest", "lowest", "firstComponent"]),
  })
  .meta({ id: "CorrelationResult" });
export type CorrelationResult = z.output<typeof CorrelationResult>;
