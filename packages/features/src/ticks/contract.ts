import { Id, InstrumentId } from "@tapedeck/core";
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

const resume = z
  .strictObject({
    /** `epoch` of the messages; another one means that the numbers began anew. */
    epoch: z.string().max(64),
    /** The last number that was received. */
    seq: z.int().min(0),
  })
  .optional();

/** What a client is subscribed to. */
export const Topic = z.discriminatedUnion("channel", [
  z.strictObject({ channel: z.literal("ticks"), instrumentId: InstrumentId }),
  z.strictObject({ channel: z.literal("bars"), instrumentId: InstrumentId, timeframe: LiveTimeframe }),
  z.strictObject({ channel: z.literal("jobs"), jobId: Id }),
]);
export type Topic = z.output<typeof Topic>;

/** What a client may send: one JSON object a text frame. */
export const ClientFrame = z.union([
  z.strictObject({ op: z.literal("ping") }),
  z.strictObject({
    op: z.literal("subscribe"),
    channel: z.literal("ticks"),
    instrumentId: InstrumentId,
    resume,
  }),
  z.strictObject({
    op: z.literal("subscribe"),
    channel: z.literal("bars"),
    instrumentId: InstrumentId,
    timeframe: LiveTimeframe,
    resume,
  }),
  z.strictObject({ op: z.literal("subscribe"), channel: z.literal("jobs"), jobId: Id, resume }),
  z.strictObject({ op: z.literal("unsubscribe"), channel: z.literal("ticks"), instrumentId: InstrumentId }),
  z.strictObject({
    op: z.literal("unsubscribe"),
    channel: z.literal("bars"),
    instrumentId: InstrumentId,
    timeframe: LiveTimeframe,
  }),
  z.strictObject({ op: z.literal("unsubscribe"), channel: z.literal("jobs"), jobId: Id }),
]);
export type ClientFrame = z.output<typeof ClientFrame>;

export function topicOf(frame: Exclude<ClientFrame, { op: "ping" }>): Topic {
  if (frame.channel === "jobs") return { channel: "jobs", jobId: frame.jobId };
  const { instrumentId } = frame;
  return frame.channel === "ticks"
    ? { channel: "ticks", instrumentId }
    : { channel: "bars", instrumentId, timeframe: frame.timeframe };
}

export function topicKey(topic: Topic): string {
  if (topic.channel === "jobs") return `jobs ${topic.jobId}`;
  return topic.channel === "ticks"
    ? `ticks ${topic.instrumentId}`
    : `bars ${topic.instrumentId} ${topic.timeframe}`;
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
