import { defineQuery, Id, InstrumentId } from "@tapedeck/core";
import * as z from "zod";

/** Bar lengths that are made of ticks as they come. */
export const liveTimeframes = ["1s", "1m", "5m"] as const;
export const LiveTimeframe = z.enum(liveTimeframes);
export type LiveTimeframe = (typeof liveTimeframes)[number];

/** One print. `seq` counts the ticks of an instrument in this run of the stream, in order of receipt. */
export const Tick = z.object({
  /** Where it came from: `simulated` is made up by this program. */
  venue: z.string(),
  instrumentId: InstrumentId,
  seq: z.int(),
  /** When it happened, by the venue's clock. */
  eventMs: z.int(),
  /** When it arrived here. */
  receivedMs: z.int(),
  price: z.number(),
  size: z.number(),
  /** Of who took liquidity. */
  side: z.enum(["buy", "sell"]),
});
export type Tick = z.output<typeof Tick>;

/** Best bid and ask. */
export const Quote = z.object({
  venue: z.string(),
  instrumentId: InstrumentId,
  eventMs: z.int(),
  receivedMs: z.int(),
  bid: z.number(),
  bidSize: z.number(),
  ask: z.number(),
  askSize: z.number(),
  /** The bid is not below the ask: one of them is wrong. */
  crossed: z.boolean(),
});
export type Quote = z.output<typeof Quote>;

/** A bar of ticks: [openMs, closeMs), UTC. */
export const LiveBar = z.object({
  venue: z.string(),
  instrumentId: InstrumentId,
  timeframe: LiveTimeframe,
  openMs: z.int(),
  closeMs: z.int(),
  open: z.number(),
  high: z.number(),
  low: z.number(),
  close: z.number(),
  volume: z.number(),
  trades: z.int(),
  /** Its time is over. A final bar is announced again, with a higher revision, when a late tick changes it. */
  final: z.boolean(),
  /** 1 when it became final; 0 before. */
  revision: z.int(),
});
export type LiveBar = z.output<typeof LiveBar>;

const topics = [
  z.strictObject({ channel: z.literal("ticks"), instrumentId: InstrumentId }),
  z.strictObject({ channel: z.literal("quotes"), instrumentId: InstrumentId }),
  z.strictObject({ channel: z.literal("bars"), instrumentId: InstrumentId, timeframe: LiveTimeframe }),
  /** A formula's value whenever a bar becomes final. */
  z.strictObject({
    channel: z.literal("formulas"),
    instrumentId: InstrumentId,
    timeframe: LiveTimeframe,
    formula: z.string().trim().min(1).max(2_000),
  }),
  z.strictObject({ channel: z.literal("jobs"), jobId: Id }),
  /** Triggers of the caller's tenant. */
  z.strictObject({ channel: z.literal("alerts") }),
] as const;

/** What a client is subscribed to. */
export const Topic = z.discriminatedUnion("channel", topics);
export type Topic = z.output<typeof Topic>;
/** A topic of the market, numbered by the stream; the others are rows. */
export type MarketTopic = Extract<Topic, { instrumentId: string }>;

const Subscribe = z.strictObject({
  op: z.literal("subscribe"),
  topic: Topic,
  resume: z
    .strictObject({
      /** `epoch` of the messages; another one means that the numbers began anew. */
      epoch: z.string().max(64),
      /** The last number that was received. */
      seq: z.int().min(0),
    })
    .optional(),
});

/** What a client may send, one JSON object a text frame; a topic's members stand beside `op`. */
export const ClientFrame = z.preprocess(
  (value) => {
    if (typeof value !== "object" || value === null || !("channel" in value)) return value;
    const { op, resume, ...topic } = value as Record<string, unknown>;
    return { op, topic, ...(resume === undefined ? {} : { resume }) };
  },
  z.discriminatedUnion("op", [
    z.strictObject({ op: z.literal("ping") }),
    Subscribe,
    z.strictObject({ op: z.literal("unsubscribe"), topic: Topic }),
  ]),
);
export type ClientFrame = z.output<typeof ClientFrame>;

export function topicKey(topic: Topic): string {
  return Object.values(topic).join(" ");
}

/** What the server sends: one JSON object a text frame; docs/stream.md describes each. */
export type ServerFrame =
  | { type: "hello"; epoch: string; venue: string | null; simulated: boolean; instruments: string[] }
  | ({ type: "snapshot"; epoch: string; seq: number; data: unknown } & Topic)
  | ({ type: "resumed"; epoch: string; seq: number } & Topic)
  | ({ type: "delta"; seq: number; data: unknown } & Topic)
  | ({ type: "unsubscribed" } & Topic)
  | { type: "pong"; atMs: number }
  | { type: "error"; code: string; message: string };

/** A life of a stream process, the current ones first. */
export const FeedRun = z
  .object({
    id: Id,
    venue: z.string(),
    simulated: z.boolean(),
    /** alive: it beats; gone: it stopped, or is silent. */
    state: z.enum(["alive", "gone"]),
    startedMs: z.int(),
    heartbeatMs: z.int(),
    /** The venue's connection as of the heartbeat; null where there is none. */
    feed: z
      .object({
        state: z.enum(["connecting", "live", "down"]),
        reconnects: z.int(),
        lastMessageMs: z.int().nullable(),
        /** The venue's clock minus ours. */
        clockOffsetMs: z.int().nullable(),
        malformed: z.int(),
        duplicates: z.int(),
        missing: z.int(),
        breaker: z.enum(["closed", "open", "half-open"]),
        lastError: z.string().nullable(),
      })
      .nullable(),
  })
  .meta({ id: "FeedRun" });

/** Prints [fromId, toId], by the venue's numbers, that did not come. */
export const FeedGap = z
  .object({
    venue: z.string(),
    instrumentId: InstrumentId,
    fromId: z.int(),
    toId: z.int(),
    state: z.enum(["open", "healed", "lost"]),
    foundMs: z.int(),
    closedMs: z.int().nullable(),
  })
  .meta({ id: "FeedGap" });

export const tickRoutes = {
  listFeeds: defineQuery({
    name: "listFeeds",
    path: "/feeds",
    tag: "Live",
    summary: "The last 20 lives of stream processes with their venue's connection, and the last 100 gaps",
    role: "viewer",
    response: z.object({ runs: z.array(FeedRun), gaps: z.array(FeedGap) }),
  }),
};
