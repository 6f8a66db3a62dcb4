import { defineJob, defineQuery, Id, InstrumentRef, pageOf, PageQuery } from "@tapedeck/core";
import { eventKinds } from "@tapedeck/text/events/kinds";
import * as z from "zod";
import { DocumentId } from "../knowledge/contract.ts";
import { QueryTime } from "../series/contract.ts";

export const EventKind = z.enum(eventKinds);
export type EventKind = z.output<typeof EventKind>;
/** For the instrument that it happens to. */
export const EventDirection = z.enum(["good", "bad", "neutral"]);

/** What happened, once, however many documents report it. */
export const MarketEvent = z
  .object({
    id: Id,
    kind: EventKind,
    /** Null: it is of the economy as a whole. */
    instrumentId: z.string().nullable(),
    direction: EventDirection,
    /** In [-1, 1], of the direction's sign. */
    score: z.number(),
    /** It may move prices: by its kind, or by how strongly it is told. */
    important: z.boolean(),
    /** Announced for later, planned or talked about. */
    expected: z.boolean(),
    /** The sentence that tells it first. */
    text: z.string(),
    publishedMs: z.int(),
    /** The day on which it happens, midnight UTC, where the sentence names one. */
    atMs: z.int().nullable(),
    documentId: DocumentId,
    version: z.int(),
    title: z.string(),
    /** Where the sentence stands in the document's text; both 0: in its title. */
    start: z.int(),
    end: z.int(),
    /** Documents that tell it. */
    reports: z.int(),
  })
  .meta({ id: "MarketEvent" });
export type MarketEvent = z.output<typeof MarketEvent>;

/** One document's sentence about an event. */
export const EventReport = MarketEvent.pick({
  direction: true,
  score: true,
  expected: true,
  text: true,
  publishedMs: true,
  documentId: true,
  version: true,
  title: true,
  start: true,
  end: true,
}).meta({ id: "EventReport" });

export interface EventQuery {
  instrumentIds?: readonly string[] | undefined;
  kinds?: readonly EventKind[] | undefined;
  important?: boolean | undefined;
  /** Half-open [fromMs, toMs) on the first report's publication. */
  fromMs?: number | undefined;
  toMs?: number | undefined;
  /** What was published by then; default now. */
  asOfMs?: number | undefined;
  limit: number;
  cursor?: string | undefined;
}

/** Events that a tenant may read, as they were known at a time. */
export interface EventReader {
  /** Newest first. */
  list(tenantId: string, query: EventQuery): Promise<{ items: MarketEvent[]; nextCursor: string | null }>;
}

export const ExtractPayload = z
  .strictObject({
    /** Default: every document that has not been read yet. */
    documentIds: z.array(DocumentId).min(1).max(1_000).optional(),
  })
  .meta({ id: "ExtractPayload" });
export type ExtractPayload = z.output<typeof ExtractPayload>;

export const ExtractResult = z
  .object({
    documents: z.int(),
    /** Reports of events, and the stories among them that no document had told before. */
    events: z.int(),
    stories: z.int(),
    /** Scores of documents for an instrument. */
    scores: z.int(),
  })
  .meta({ id: "ExtractResult" });
export type ExtractResult = z.output<typeof ExtractResult>;

export const extract = defineJob({
  name: "extract",
  path: "/extractions",
  queue: "sentiment",
  summary: "Read documents: events of instruments, and how good the news is for them",
  version: 1,
  reuse: false,
  role: "analyst",
  attempts: 3,
  timeoutMs: 3_600_000,
  cpu: true,
  effects: true,
  payload: ExtractPayload,
  progress: z.object({ done: z.int(), total: z.int() }),
  result: ExtractResult,
  examples: [{}],
});

export const eventRoutes = {
  listEvents: defineQuery({
    name: "listEvents",
    path: "/events",
    tag: "Events",
    summary: "What happened to instruments, newest first, each once; as it was known at asOf",
    role: "viewer",
    query: PageQuery.extend({
      instrumentId: InstrumentRef.optional(),
      /** One kind, or several with commas; default all. */
      kind: z
        .string()
        .max(200)
        .transform((text) => text.split(","))
        .pipe(z.array(EventKind).min(1))
        .meta({ description: "One kind or several with commas", examples: ["earnings,guidance"] })
        .optional(),
      /** Only those that may move prices. */
      important: z.stringbool().optional(),
      from: QueryTime.optional(),
      to: QueryTime.optional(),
      asOf: QueryTime.optional(),
    }),
    response: pageOf(MarketEvent),
  }),
  getEvent: defineQuery({
    name: "getEvent",
    path: "/events/{id}",
    tag: "Events",
    summary: "One event with every report of it, the first first",
    role: "viewer",
    params: z.object({ id: Id }),
    query: z.object({ asOf: QueryTime.optional() }),
    response: MarketEvent.extend({ all: z.array(EventReport) }),
  }),
};
