import * as z from "zod";
import { Figures } from "../fields.ts";

export const OverfittingPayload = z
  .strictObject({
    kind: z.literal("overfitting"),
    trials: z
      .array(z.array(z.number().min(-1e6).max(1e6)).min(4).max(5_000))
      .min(2)
      .max(200)
      .describe("Returns of every variant that was tried, each over the same periods"),
    blocks: z
      .int()
      .min(2)
      .max(16)
      .multipleOf(2)
      .default(10)
      .describe("Consecutive blocks of periods; each half of them is in sample once"),
  })
  .refine(({ trials }) => trials.every((one) => one.length === trials[0]!.length), {
    path: ["trials"],
    message: "every trial needs a return of every period",
  })
  .meta({ id: "OverfittingPayload", title: "Probability of backtest overfitting" });
export type OverfittingPayload = z.output<typeof OverfittingPayload>;

export const OverfittingResult = z
  .object({
    kind: z.literal("overfitting"),
    /** Each number, by name. */
    figures: Figures,
    seriesRef: z.null(),
    evidenceIds: z.array(z.string()),
  })
  .meta({ id: "OverfittingResult" });
export type OverfittingResult = z.output<typeof OverfittingResult>;
