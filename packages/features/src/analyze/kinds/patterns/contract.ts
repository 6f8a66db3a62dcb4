import * as z from "zod";
import { SeriesRequest } from "../../../series/contract.ts";
import { analysisFields, figuresOf } from "../fields.ts";

export const PatternsPayload = z
  .strictObject({
    kind: z.literal("patterns"),
    ...SeriesRequest.shape,
    minFit: z.number().min(0).max(1).default(0.85).describe("Least fit of a chart pattern"),
    minBars: z.int().min(5).max(1_000).default(15).describe("Shortest chart pattern"),
    maxBars: z.int().min(5).max(2_000).default(300).describe("Longest chart pattern"),
    recentBars: z
      .int()
      .min(0)
      .max(2_000)
      .default(60)
      .describe("How many of the newest bars are searched for candlestick patterns"),
    swing: z
      .number()
      .min(0.001)
      .max(1)
      .default(0.03)
      .describe("Least swing of support and resistance, as a change of ln(price)"),
    minTouches: z.int().min(2).max(20).default(3).describe("Least turns at a level"),
  })
  .refine(({ minBars, maxBars }) => minBars <= maxBars, {
    path: ["maxBars"],
    message: "must be at least minBars",
  })
  .meta({ id: "PatternsPayload", title: "Chart and candlestick patterns, support and resistance" });
export type PatternsPayload = z.output<typeof PatternsPayload>;

const Point = z.object({ atMs: z.int(), price: z.number(), high: z.boolean() });
const Line = z.object({ fromMs: z.int(), fromPrice: z.number(), toMs: z.int(), toPrice: z.number() });

/** Times are open times of bars, as charts show them; `seenMs` is the close from which it was known. */
export const ChartPatternView = z.object({
  name: z.string(),
  /** 1 up, -1 down. */
  direction: z.int(),
  startMs: z.int(),
  endMs: z.int(),
  seenMs: z.int(),
  points: z.array(Point),
  neckline: Line,
  /** The opposite line of triangles, wedges and flags; null for other shapes. */
  base: Line.nullable(),
  target: z.number(),
  fit: z.number(),
  evidenceId: z.string(),
});

export const CandleView = z.object({
  name: z.string(),
  title: z.string(),
  meaning: z.string(),
  /** 100 bullish, -100 bearish; 80 and -80 of weaker form, 200 and -200 confirmed. */
  value: z.number(),
  /** Open time of the bar that completes it, and its close, from which it was known. */
  openMs: z.int(),
  closeMs: z.int(),
  evidenceId: z.string(),
});

export const LevelView = z.object({
  price: z.number(),
  lowest: z.number(),
  highest: z.number(),
  side: z.enum(["support", "resistance"]),
  touches: z.array(Point),
  evidenceId: z.string(),
});

export const PatternsResult = z
  .object({
    kind: z.literal("patterns"),
    ...analysisFields,
    instrumentId: z.string(),
    /** In the order in which they became known: the newest 100. */
    chartPatterns: z.array(ChartPatternView),
    /** Older chart patterns that are left out here. */
    chartPatternsLeftOut: z.int(),
    /** Of the `recentBars`, in order of time. */
    candles: z.array(CandleView),
    /** The nearest to the last close first: 20 at most. */
    levels: z.array(LevelView),
    figures: figuresOf(["close", "nearestSupport", "nearestResistance"]),
  })
  .meta({ id: "PatternsResult" });
export type PatternsResult = z.output<typeof PatternsResult>;
