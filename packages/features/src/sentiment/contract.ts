import { defineJob, EpochMs } from "@tapedeck/core";
import * as z from "zod";
import { DocumentId } from "../knowledge/contract.ts";

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
  version: 1,
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
