import * as z from "zod";
import { Figures } from "../fields.ts";

const most = 1e15;
const amount = z.number().min(0).max(most);
const price = z.number().positive().max(most);
const share = z.number().min(0).max(1);
const multiple = z.number().positive().max(1_000);
const side = z.enum(["long", "short"]).default("long");
const kellyShare = share.default(1).describe("Of the Kelly fraction; 0.5 is half Kelly");
const numbers = (fewest: number) => z.array(z.number().min(-most).max(most)).min(fewest).max(10_000);

/** A rule with the numbers that it needs. Ratios are fractions. */
export const SizingRule = z.discriminatedUnion("name", [
  z.strictObject({ name: z.literal("kelly"), probability: share, odds: price, share: kellyShare }),
  z.strictObject({
    name: z.literal("kellyReturns"),
    returns: numbers(2).describe("Past returns a period, as fractions"),
    share: kellyShare,
  }),
  z.strictObject({
    name: z.literal("kellyAssets"),
    means: numbers(1).describe("Expected return of each asset a period"),
    covariance: z.array(numbers(1)).min(1).max(200),
    riskFree: z.number().min(-1).max(1).default(0),
    share: kellyShare,
  }),
  z.strictObject({
    name: z.literal("fixedFractional"),
    equity: amount,
    fraction: share,
    entry: price,
    stop: price,
  }),
  z.strictObject({
    name: z.literal("fixedRatio"),
    profit: z.number().min(-most).max(most),
    delta: price,
  }),
  z.strictObject({
    name: z.literal("volatilityTarget"),
    equity: amount,
    price,
    volatility: price.describe("Of the asset, per the period of the target"),
    target: amount,
    maxLeverage: amount.default(1),
  }),
  z.strictObject({ name: z.literal("atrRisk"), equity: amount, fraction: share, atr: price, multiple }),
  z.strictObject({
    name: z.literal("optimalF"),
    profits: numbers(2).describe("Of past trades, a unit each"),
  }),
  z.strictObject({ name: z.literal("fixedStop"), side, entry: price, fraction: share }),
  z.strictObject({ name: z.literal("trailingStop"), side, best: price, fraction: share }),
  z.strictObject({ name: z.literal("atrStop"), side, entry: price, atr: amount, multiple }),
  z.strictObject({ name: z.literal("chandelierStop"), side, best: price, atr: amount, multiple }),
  z.strictObject({
    name: z.literal("timeStop"),
    barsHeld: z.int().min(0).max(1e9),
    maxBars: z.int().min(1).max(1e9),
  }),
  z.strictObject({
    name: z.literal("breakEvenStop"),
    side,
    entry: price,
    best: price,
    trigger: amount,
    cost: share.default(0),
  }),
  z.strictObject({
    name: z.literal("profitThreshold"),
    volatility: amount.describe("Present deviation of a bar's return"),
    bars: z.int().min(1).max(1e9),
    multiple: amount,
    costPerSide: share,
    regimes: z.array(share).min(1).max(20).optional().describe("Present probability of each regime"),
    regimeFactors: z.array(amount).min(1).max(20).optional(),
  }),
]);
export type SizingRule = z.output<typeof SizingRule>;

export const SizingPayload = z
  .strictObject({ kind: z.literal("sizing"), rule: SizingRule })
  .meta({ id: "SizingPayload", title: "How much to trade, where to give up, when a profit is worth taking" });
export type SizingPayload = z.output<typeof SizingPayload>;

export const SizingResult = z
  .object({
    kind: z.literal("sizing"),
    rule: z.string(),
    /** Each number, by name. */
    figures: Figures,
    seriesRef: z.null(),
    evidenceIds: z.array(z.string()),
  })
  .meta({ id: "SizingResult" });
export type SizingResult = z.output<typeof SizingResult>;
