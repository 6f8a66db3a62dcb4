import * as z from "zod";
import { Figures } from "../fields.ts";

const mostSectors = 200;
const BySector = z.array(z.number().min(-100).max(100)).min(1).max(mostSectors);

const Period = z.strictObject({
  portfolioWeights: BySector.describe("They sum to 1"),
  benchmarkWeights: BySector.describe("They sum to 1"),
  portfolioReturns: BySector,
  benchmarkReturns: BySector,
});

export const AttributionPayload = z
  .strictObject({
    kind: z.literal("attribution"),
    sectors: z.array(z.string().min(1).max(100)).min(1).max(mostSectors),
    periods: z
      .array(Period)
      .min(1)
      .max(400)
      .describe("Weights and returns as fractions, in the order of the sectors"),
    link: z.enum(["carino", "menchero"]).default("carino").describe("How periods are joined"),
  })
  .refine(({ sectors }) => new Set(sectors).size === sectors.length, {
    path: ["sectors"],
    message: "names a sector twice; name each once",
  })
  .refine(
    ({ sectors, periods }) =>
      periods.every((one) => Object.values(one).every((row) => row.length === sectors.length)),
    { path: ["periods"], message: "every row needs one number a sector" },
  )
  .meta({ id: "AttributionPayload", title: "Brinson attribution of an active return" });
export type AttributionPayload = z.output<typeof AttributionPayload>;

export const AttributionResult = z
  .object({
    kind: z.literal("attribution"),
    /** Each number, by name. */
    figures: Figures,
    seriesRef: z.null(),
    evidenceIds: z.array(z.string()),
  })
  .meta({ id: "AttributionResult" });
export type AttributionResult = z.output<typeof AttributionResult>;
