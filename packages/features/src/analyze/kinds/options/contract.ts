import * as z from "zod";
import { Figures } from "../fields.ts";

const Rate = z.number().min(-1).max(10);
const Positive = z.number().positive().max(1e12);

const optionModels = [
  "blackScholes",
  "black76",
  "american",
  "cashOrNothing",
  "assetOrNothing",
  "barrier",
] as const;

export const OptionsPayload = z
  .strictObject({
    kind: z.literal("options"),
    model: z
      .enum(optionModels)
      .default("blackScholes")
      .describe(
        "European on an asset, European on a forward, American on an asset (tree), paying 1 or the asset in the money, European with a barrier",
      ),
    type: z.enum(["call", "put"]),
    spot: Positive.describe("Price of the asset; of the forward for black76"),
    strike: Positive,
    years: z.number().min(0).max(100).describe("Time to expiry"),
    rate: Rate.default(0).describe("Continuous rate a year, as a fraction"),
    dividend: Rate.default(0).describe("Continuous dividend yield a year, as a fraction"),
    volatility: z.number().positive().max(10).optional().describe("A year, as a fraction"),
    price: Positive.optional().describe("Instead of the volatility: the price to find it from"),
    steps: z.int().min(3).max(5_001).default(501).describe("Steps of the American tree, odd"),
    barrierKind: z
      .enum(["downIn", "downOut", "upIn", "upOut"])
      .optional()
      .describe("Where the barrier lies, and whether touching it begins or ends the option"),
    barrier: Positive.optional().describe("Price that is watched continuously"),
  })
  .refine(({ volatility, price }) => (volatility === undefined) !== (price === undefined), {
    path: ["volatility"],
    message: "give a volatility, or a price to find it from, and not both",
  })
  .refine(({ model, price }) => price === undefined || model === "blackScholes", {
    path: ["price"],
    message: "the implied volatility is found for blackScholes; give the other models a volatility",
  })
  .refine(({ model, dividend }) => model !== "black76" || dividend === 0, {
    path: ["dividend"],
    message: "a forward has no dividend; leave it out",
  })
  .refine(
    ({ model, barrier, barrierKind }) =>
      (barrier !== undefined) === (model === "barrier") &&
      (barrierKind !== undefined) === (model === "barrier"),
    { path: ["barrier"], message: "give barrier and barrierKind with the model barrier, and only there" },
  )
  .refine(({ steps }) => steps % 2 === 1, { path: ["steps"], message: "must be odd" })
  .meta({ id: "OptionsPayload", title: "Price and Greeks of an option" });
export type OptionsPayload = z.output<typeof OptionsPayload>;

export const OptionsResult = z
  .object({
    kind: z.literal("options"),
    model: z.enum(optionModels),
    type: z.enum(["call", "put"]),
    /** Price, volatility and the Greeks that the model has. */
    figures: Figures,
    /** Price over the spot, all else equal. */
    curve: z.object({
      spot: z.array(z.number()),
      price: z.array(z.number()),
      /** At once, without time value: the vanilla payoff, or that of a digital option. */
      intrinsic: z.array(z.number()),
    }),
    seriesRef: z.null(),
    evidenceIds: z.array(z.string()),
  })
  .meta({ id: "OptionsResult" });
export type OptionsResult = z.output<typeof OptionsResult>;
