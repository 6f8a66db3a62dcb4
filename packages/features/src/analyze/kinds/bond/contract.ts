import * as z from "zod";
import { Figures } from "../fields.ts";

export const BondPayload = z
  .strictObject({
    kind: z.literal("bond"),
    face: z.number().positive().max(1e12).default(100),
    couponRate: z.number().min(0).max(10).describe("A year, as a fraction of the face"),
    frequency: z.int().min(1).max(12).default(2).describe("Coupons a year"),
    periods: z.int().min(1).max(1_200).describe("Coupons left; the next is one whole period away"),
    yieldRate: z.number().min(-0.9).max(10).optional().describe("A year, compounding once a coupon"),
    price: z
      .number()
      .positive()
      .max(1e12)
      .optional()
      .describe("Instead of the yield: the price to find it from"),
  })
  .refine(({ yieldRate, price }) => (yieldRate === undefined) !== (price === undefined), {
    path: ["yieldRate"],
    message: "give a yield, or a price to find it from, and not both",
  })
  .meta({ id: "BondPayload", title: "Value, yield, durations and convexity of a bond" });
export type BondPayload = z.output<typeof BondPayload>;

export const BondResult = z
  .object({
    kind: z.literal("bond"),
    /** Each number, by name. */
    figures: Figures,
    seriesRef: z.null(),
    evidenceIds: z.array(z.string()),
  })
  .meta({ id: "BondResult" });
export type BondResult = z.output<typeof BondResult>;
