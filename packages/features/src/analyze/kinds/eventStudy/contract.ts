import { EpochMs, Id, InstrumentRef } from "@tapedeck/core";
import * as z from "zod";
import { EventDirection, EventKind } from "../../../events/contract.ts";
import { analysisFields, figuresOf, rangeFields, universe } from "../fields.ts";

/** An event by itself: whom it happened to, and when it was known. */
export const StudiedEvent = z.strictObject({
  instrumentId: InstrumentRef,
  atMs: EpochMs,
  /** Of a stored event. */
  eventId: Id.optional(),
  label: z.string().max(1_000).optional(),
});

/** Most events and instruments of one study. */
export const mostEvents = 2_000;
export const mostInstruments = 50;

export const StudiedEvents = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("stored"),
    instruments: universe(1, mostInstruments).describe("Whose stored events"),
    kinds: z.array(EventKind).min(1).max(20).optional().describe("Left out: every kind"),
    direction: EventDirection.optional(),
  }),
  z.strictObject({
    kind: z.literal("dated"),
    events: z.array(StudiedEvent).min(1).max(mostEvents),
  }),
]);

/** Bars from day 0, both ends included. */
const Window = z
  .strictObject({ from: z.int().min(-250).max(250), to: z.int().min(-250).max(250) })
  .refine(({ from, to }) => to >= from, "ends before it begins");

export const EventStudyPayload = z
  .strictObject({
    kind: z.literal("eventStudy"),
    of: StudiedEvents,
    ...rangeFields,
    model: z
      .enum(["market", "marketAdjusted", "mean"])
      .default("market")
      .describe("What was normal: alpha + beta × market, the market's return, or the mean before"),
    market: InstrumentRef.optional().describe("Needed but for the model of the mean"),
    before: z.int().min(0).max(250).default(5).describe("Bars of the event window before day 0"),
    after: z.int().min(0).max(250).default(5).describe("Bars of the event window after day 0"),
    estimationBars: z
      .int()
      .min(20)
      .max(1_000)
      .default(120)
      .describe("Bars from which what is normal is learnt"),
    gapBars: z.int().min(0).max(250).default(5).describe("Bars between those and the event window"),
    windows: z
      .array(Window)
      .min(1)
      .max(20)
      .optional()
      .describe("Windows to cumulate over; left out: the whole, -1 to 1, and day 0"),
  })
  .refine(({ model, market }) => model === "mean" || market !== undefined, {
    path: ["market"],
    message: "name the market's instrument, or choose the model of the mean",
  })
  .refine(
    ({ windows, before, after }) => (windows ?? []).every(({ from, to }) => from >= -before && to <= after),
    {
      path: ["windows"],
      message: "a window reaches beyond the event window; widen `before` or `after`",
    },
  )
  .meta({ id: "EventStudyPayload", title: "Event study: abnormal returns around events" });
export type EventStudyPayload = z.output<typeof EventStudyPayload>;

/** A statistic and its two-sided p. */
const Test = z.object({ statistic: z.number(), p: z.number() });

export const EventStudyResult = z
  .object({
    kind: z.literal("eventStudy"),
    ...analysisFields,
    model: z.enum(["market", "marketAdjusted", "mean"]),
    market: z.string().nullable(),
    figures: figuresOf([
      "events",
      "leftOut",
      "cumulated",
      "positive",
      "crossSectional",
      "timeSeries",
      "patell",
      "bmp",
    ]),
    /** Cumulated abnormal returns over each window. */
    windows: z.array(
      z.object({
        from: z.int(),
        to: z.int(),
        mean: z.number(),
        /** Events above 0. */
        positive: z.int(),
        /** Null below two events. */
        crossSectional: Test.nullable(),
        timeSeries: Test,
        patell: Test,
        bmp: Test.nullable(),
        evidenceId: z.string(),
      }),
    ),
    /** Bar by bar from day 0. */
    path: z.array(
      z.object({
        bar: z.int(),
        /** Mean abnormal return. */
        mean: z.number(),
        /** Sum of the means from the window's beginning. */
        cumulated: z.number(),
        /** 95 % interval of `cumulated` from the spread between events; null below two events. */
        low: z.number().nullable(),
        high: z.number().nullable(),
      }),
    ),
    /** Those studied, 500 at most, oldest first. */
    events: z.array(
      z.object({
        instrumentId: z.string(),
        atMs: z.int(),
        /** Close of day 0: the first bar that closes after it was known. */
        closeMs: z.int(),
        eventId: z.string().nullable(),
        label: z.string().nullable(),
        alpha: z.number(),
        beta: z.number(),
        /** Over the whole event window. */
        cumulated: z.number(),
        evidenceId: z.string(),
      }),
    ),
    /** Those that could not be, 100 at most. */
    leftOut: z.array(z.object({ instrumentId: z.string(), atMs: z.int(), reason: z.string() })),
  })
  .meta({ id: "EventStudyResult" });
export type EventStudyResult = z.output<typeof EventStudyResult>;
