import { defineQuery, Id, InstrumentId } from "@tapedeck/core";
import * as z from "zod";

/** Bar lengths that are made of ticks as they come: a day is a session of the instrument's calendar. */
export const liveTimeframes = ["1s", "1m", "5m", "1h", "1d"] as const;
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

/** A price and the size that rests there. */
const Level = z.tuple([z.number(), z.number()]);

/** The best levels of an instrument's order book, the best first. */
export const Book = z.object({
  venue: z.string(),
  instrumentId: InstrumentId,
  eventMs: z.int(),
  receivedMs: z.int(),
  bids: z.array(Level),
  asks: z.array(Level),
  /** The best bid is not below the best ask: the book is wrong. */
  crossed: z.boolean(),
});
export type Book = z.output<typeof Book>;

/** What a perpetual future is marked at, and what its holders pay each other. */
export const Mark = z.object({
  venue: z.string(),
  instrumentId: InstrumentId,
  eventMs: z.int(),
  receivedMs: z.int(),
  markPrice: z.number(),
  indexPrice: z.number(),
  /** Of the notional, paid by longs to shorts at `nextFundingMs`; a fraction. */
  fundingRate: z.number(),
  nextFundingMs: z.int(),
});
export type Mark = z.output<typeof Mark>;

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

/** Two instruments over their common final bars, by the methods of analyses of kind `pairs` on logarithms of closes; null where undefined. */
export const PairValue = z.object({
  /** Of the last bar that both have. */
  closeMs: z.int(),
  /** y on x and a constant, least squares over the window. */
  hedgeRatio: z.number().nullable(),
  intercept: z.number().nullable(),
  /** What is left of y at the last bar. */
  spread: z.number().nullable(),
  /** Of the spread among its last `zWindow` bars, the last one among them. */
  zScore: z.number().nullable(),
  /** Of the log returns within the window. */
  correlation: z.number().nullable(),
  /** Augmented Dickey-Fuller test of the spread, as Engle and Granger do it: MacKinnon's points for two variables. */
  adf: z.number().nullable(),
  adfP: z.number().nullable(),
  /** Bars in which half of a gap closes; null where the spread does not revert. */
  halfLife: z.number().nullable(),
});
export type PairValue = z.output<typeof PairValue>;

const topics = [
  z.strictObject({ channel: z.literal("ticks"), instrumentId: InstrumentId }),
  z.strictObject({ channel: z.literal("quotes"), instrumentId: InstrumentId }),
  /** A snapshot is a `Book`; a delta has the levels that changed, those that left it with size 0. */
  z.strictObject({ channel: z.literal("book"), instrumentId: InstrumentId }),
  z.strictObject({ channel: z.literal("marks"), instrumentId: InstrumentId }),
  z.strictObject({ channel: z.literal("bars"), instrumentId: InstrumentId, timeframe: LiveTimeframe }),
  /** A formula's value whenever a bar becomes final. */
  z.strictObject({
    channel: z.literal("formulas"),
    instrumentId: InstrumentId,
    timeframe: LiveTimeframe,
    formula: z.string().trim().min(1).max(2_000),
  }),
  /** A pair whenever a bar that both have becomes final. */
  z
    .strictObject({
      channel: z.literal("pairs"),
      /** The instrument that is explained. */
      y: InstrumentId,
      x: InstrumentId,
      timeframe: LiveTimeframe,
      /** Bars of the regression, the correlation and the test. */
      window: z.int().min(30).max(1_000).default(120),
      zWindow: z.int().min(5).max(1_000).default(60),
    })
    .refine(({ y, x, window, zWindow }) => y !== x && zWindow <= window, {
      message: "two instruments, and zWindow at most window",
    }),
  z.strictObject({ channel: z.literal("jobs"), jobId: Id }),
  /** Triggers of the caller's tenant. */
  z.strictObject({ channel: z.literal("alerts") }),
  /** The accounts of the caller's tenant, as GET /portfolio tells them, positions marked with the last prints. */
  z.strictObject({ channel: z.literal("portfolio") }),
] as const;

/** What a client is subscribed to. */
export const Topic = z.discriminatedUnion("channel", topics);
export type Topic = z.output<typeof Topic>;
/** A topic of the market, the same for every client. */
export type MarketTopic = Exclude<Topic, { channel: "jobs" | "alerts" | "portfolio" }>;

/**
 * A topic as an event stream's address has it: its channel and its members in their order, `:` between them, such as
 * `bars:SYN-A.SIMULATED:1m`. The last member may hold `:` itself. Throws a ZodError.
 */
export function parseTopic(text: string): Topic {
  const [channel] = text.split(":", 1);
  const topic = topics.find(({ shape }) => shape.channel.value === channel);
  const names = Object.keys(topic?.shape ?? {});
  const parts = text.split(":");
  const values = [...parts.slice(0, names.length - 1), parts.slice(names.length - 1).join(":")];
  const given = names.map((name, i) => [name, values[i]] as const).filter(([, value]) => value !== "");
  return Topic.parse(Object.fromEntries(given.map(([name, value]) => [name, asMember(name, value)])));
}

/** Members that are numbers come as text. */
function asMember(name: string, value: string | undefined): unknown {
  return (name === "window" || name === "zWindow") && value !== undefined ? Number(value) : value;
}

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
  /** `topic`: what could not be subscribed to; absent where the frame itself was wrong. */
  | { type: "error"; code: string; message: string; topic?: Topic };

/** The topic of a frame that has one. */
export function topicOf(frame: Extract<ServerFrame, { channel: string }>): Topic {
  const topic: Record<string, unknown> = { ...frame };
  for (const name of ["type", "epoch", "seq", "data"]) delete topic[name];
  return topic as Topic;
}

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
    /** Instruments whose ticks it takes. */
    instruments: z.int(),
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
        bookResyncs: z.int(),
        breaker: z.enum(["closed", "open", "half-open"]),
        /** Requests to the venue since the start, and the limits that they are held to. */
        calls: z.object({
          made: z.int(),
          failed: z.int(),
          timedOut: z.int(),
          heldBack: z.int(),
          underWay: z.int(),
          atOnce: z.int(),
          timeoutMs: z.int(),
        }),
        lastError: z.string().nullable(),
      })
      .nullable(),
  })
  .meta({ id: "FeedRun" });
export type FeedRun = z.output<typeof FeedRun>;

/** What may be wrong with what a venue sends of an instrument. */
export const QualityKind = z.enum(["stale", "crossed", "outlier", "bar"]);
export type QualityKind = z.output<typeof QualityKind>;

/** stale: no prints. crossed: the best bid is not below the best ask. outlier: a print far from those around it, or from its time. bar: the venue's own bar differs. */
export const FeedFinding = z
  .object({
    venue: z.string(),
    instrumentId: InstrumentId,
    kind: QualityKind,
    fromMs: z.int(),
    /** Null while it lasts. */
    toMs: z.int().nullable(),
    detail: z.string(),
  })
  .meta({ id: "FeedFinding" });

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

/** Where server-sent events of the live stream come from. */
export interface LiveEvents {
  /** The answer to a request for `/stream`, which goes on until either side ends it. Throws what the stream refuses. */
  open(request: Request, clientAddress: string): Promise<Response>;
}

export const tickRoutes = {
  streamEvents: defineQuery({
    name: "streamEvents",
    path: "/stream",
    tag: "Live",
    summary: "The live stream's topics as server-sent events, the frames of /ws; Last-Event-ID resumes",
    role: "viewer",
    query: z.object({
      /** `ticks:SYN-A.SIMULATED`, `bars:SYN-A.SIMULATED:1m`, `alerts` …; may be repeated. */
      topic: z.union([z.string().max(2_500), z.array(z.string().max(2_500)).max(50)]),
    }),
    raw: true,
    contentType: "text/event-stream",
  }),
  listFeeds: defineQuery({
    name: "listFeeds",
    path: "/feeds",
    tag: "Live",
    summary:
      "The last 20 lives of stream processes with their venue's connection, and the last 100 gaps and findings",
    role: "viewer",
    response: z.object({ runs: z.array(FeedRun), gaps: z.array(FeedGap), findings: z.array(FeedFinding) }),
  }),
};
