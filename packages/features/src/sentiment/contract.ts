import { defineJob, defineQuery, EpochMs, InstrumentRef, pageOf, PageQuery } from "@tapedeck/core";
import * as z from "zod";
import type { Tx } from "../db.ts";
import { DocumentId, DocumentKind } from "../knowledge/contract.ts";
import { QueryTime } from "../series/contract.ts";

const Label = z.enum(["positive", "negative", "neutral"]);
/** In [-1, 1]: bad news to good news. */
const Score = z.number().min(-1).max(1);

export const SentimentText = z
  .strictObject({
    /** Default: its place in the list, from 0. */
    id: z.string().min(1).max(200).optional(),
    text: z.string().min(1).max(20_000),
    /** Names whose own score is wanted; cashtags ($TSLA) are found by themselves. */
    entities: z.array(z.string().trim().min(1).max(100)).max(50).optional(),
  })
  .meta({ id: "SentimentText" });

export const SentimentPayload = z
  .strictObject({
    texts: z.array(SentimentText).max(2_000).optional(),
    /** Documents of the knowledge base or sent by the tenant. */
    documentIds: z.array(DocumentId).max(100).optional(),
    /** Documents as they were then; default now. */
    asOf: EpochMs.optional(),
  })
  .refine((payload) => (payload.texts?.length ?? 0) + (payload.documentIds?.length ?? 0) > 0, {
    message: "give texts or documentIds, at least one",
  })
  .meta({ id: "SentimentPayload" });
export type SentimentPayload = z.output<typeof SentimentPayload>;

const tone = {
  /** Mean over its sentences. */
  score: Score,
  label: Label,
  /** Share of its words that weaken what is said ("may", "we believe"). */
  hedging: z.number().min(0).max(1),
  words: z.int(),
};
const Tone = z.object(tone).meta({ id: "Tone" });

/** An earnings call by part and speaker. */
export const CallTone = z
  .object({
    /** What the company says: all of it, prepared, and in answers; and what analysts ask. Null: nobody speaks there. */
    company: Tone.nullable(),
    prepared: Tone.nullable(),
    answers: Tone.nullable(),
    questions: Tone.nullable(),
    /** The first 100, as they first speak. */
    speakers: z.array(
      z.object({
        speaker: z.string(),
        role: z.string().nullable(),
        side: z.enum(["company", "analyst", "operator"]),
        ...tone,
      }),
    ),
    /** The call of the same company before it, and this call's figures minus its; null: none is there. */
    previous: z
      .object({
        documentId: DocumentId,
        version: z.int(),
        title: z.string(),
        publishedMs: z.int(),
        change: z.object({
          company: z.number().nullable(),
          prepared: z.number().nullable(),
          answers: z.number().nullable(),
          hedging: z.number().nullable(),
        }),
      })
      .nullable(),
  })
  .meta({ id: "CallTone" });
export type CallTone = z.output<typeof CallTone>;

export const SentimentItem = z
  .object({
    id: z.string(),
    score: Score,
    label: Label,
    /** What decided, in the text's order: text.slice(start, end). The 200 heaviest. */
    words: z.array(
      z.object({
        text: z.string(),
        start: z.int(),
        end: z.int(),
        /** Above zero: good news. */
        weight: z.number(),
        why: z.string(),
      }),
    ),
    /** Findings beyond those listed. */
    wordsLeftOut: z.int(),
    /** The first 500. */
    sentences: z.array(z.object({ start: z.int(), end: z.int(), score: Score, label: Label })),
    sentencesLeftOut: z.int(),
    entities: z.array(z.object({ entity: z.string(), mentions: z.int(), score: Score, label: Label })),
    /** Null for texts of the payload. */
    document: z.object({ id: z.string(), version: z.int(), title: z.string() }).nullable(),
    /** Of a transcript of a call; null for any other text. */
    call: CallTone.nullable(),
    /** The passages behind the score of a document; empty for texts of the payload. */
    evidenceIds: z.array(z.string()),
  })
  .meta({ id: "SentimentItem" });

export const SentimentResult = z
  .object({
    items: z.array(SentimentItem),
    counts: z.object({ positive: z.int(), negative: z.int(), neutral: z.int() }),
    /** Mean of the items' scores. */
    meanScore: Score,
    /** What scored: rules, no trained model. */
    method: z.literal("rules"),
  })
  .meta({ id: "SentimentResult" });
export type SentimentResult = z.output<typeof SentimentResult>;

export const sentiment = defineJob({
  name: "sentiment",
  path: "/sentiments",
  queue: "sentiment",
  summary: "Score texts or documents as good or bad news, with the words that decided",
  version: 2,
  reuse: true,
  role: "analyst",
  attempts: 3,
  timeoutMs: 300_000,
  cpu: true,
  payload: SentimentPayload,
  progress: z.object({ done: z.int(), total: z.int() }),
  result: SentimentResult,
  examples: [
    {
      texts: [
        { text: "Operating profit rose to EUR 13.1 mn from EUR 8.7 mn a year earlier." },
        { text: "Shares of the lender fell 6% after losses widened." },
      ],
    },
  ],
});

/** How good a document is for an instrument. */
export const InstrumentSentiment = z
  .object({
    publishedMs: z.int(),
    score: Score,
    label: Label,
    /** How much it counts in the series, by its source and by how much it is about the instrument. */
    weight: z.number(),
    source: DocumentKind,
    publisher: z.string().nullable(),
    mentions: z.int(),
    documentId: DocumentId,
    version: z.int(),
    title: z.string(),
    /** The sentence that weighs most in the document's text; both 0: its title. */
    start: z.int(),
    end: z.int(),
  })
  .meta({ id: "InstrumentSentiment" });
export type InstrumentSentiment = z.output<typeof InstrumentSentiment>;

/** What news says of an instrument at a moment: the mean of the scores by weight, and the weights' sum. */
export interface SentimentPoint {
  atMs: number;
  score: number;
  weight: number;
  items: number;
}

/** Sentiment of instruments as a tenant could read it at a time. */
export interface SentimentReader {
  /** Newest first, of what was published in [fromMs, toMs) and by asOfMs (default now). */
  list(
    tenantId: string,
    query: {
      instrumentId: string;
      fromMs?: number | undefined;
      toMs?: number | undefined;
      asOfMs?: number | undefined;
      limit: number;
      cursor?: string | undefined;
    },
  ): Promise<{ items: InstrumentSentiment[]; nextCursor: string | null }>;
  /** What was published up to a time, each moment once, oldest first. */
  points(tenantId: string, instrumentId: string, untilMs: number): Promise<SentimentPoint[]>;
  /** What the formula sentiment("…") gives at a bar that closes then, from how much; undefined before any news. */
  valueAt(
    tenantId: string,
    instrumentId: string,
    atMs: number,
  ): Promise<{ value: number; items: number; lastMs: number } | undefined>;
}

/** A document as its scores are stored. */
export interface SentimentOrigin {
  documentId: string;
  version: number;
  space: string;
  source: DocumentKind;
  publishedMs: number;
  recordedMs: number;
}

export interface SentimentScore {
  instrumentId: string;
  score: number;
  weight: number;
  mentions: number;
  start: number;
  end: number;
}

export interface SentimentWriter {
  /** A score that the document has for an instrument stays as it was first published. Returns how many are new. */
  write(tx: Tx, origin: SentimentOrigin, scores: readonly SentimentScore[]): Promise<number>;
}

export const sentimentRoutes = {
  getSentiment: defineQuery({
    name: "getSentiment",
    path: "/sentiment/{instrumentId}",
    tag: "Sentiment",
    summary: "What was published about an instrument and how good it is, newest first; with the decayed mean",
    role: "viewer",
    params: z.object({ instrumentId: InstrumentRef }),
    query: PageQuery.extend({
      from: QueryTime.optional(),
      to: QueryTime.optional(),
      asOf: QueryTime.optional(),
    }),
    response: pageOf(InstrumentSentiment).extend({
      instrumentId: z.string(),
      asOfMs: z.int(),
      /** What the formula sentiment("…") gives at asOf; null before any news. */
      value: Score.nullable(),
      halfLifeMs: z.int(),
    }),
  }),
};
