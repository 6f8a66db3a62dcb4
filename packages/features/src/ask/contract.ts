import { defineJob, EpochMs, Id, InstrumentRef } from "@tapedeck/core";
import * as z from "zod";

export const AskPayload = z
  .strictObject({
    question: z
      .string()
      .trim()
      .min(3)
      .max(1_000)
      .meta({ description: "A question in English about markets, data or a job" }),
    /** Nothing that became known later is used. Default: now. */
    asOf: EpochMs.optional(),
    /** What "it" is, when the question names no instrument. */
    instrumentIds: z.array(InstrumentRef).max(20).optional(),
    /** The job that the question is about. */
    jobId: Id.optional(),
    /** Questions with one conversation id may refer to what was asked before ("and in 2008?"). */
    conversationId: z.string().min(1).max(100).optional(),
  })
  .meta({ id: "AskPayload" });
export type AskPayload = z.output<typeof AskPayload>;

/** One sentence of an answer, released after its check. `text` carries its markers, such as [1]. */
export const AnswerSentence = z.object({ text: z.string(), evidenceIds: z.array(z.string()).min(1) });

export const Citation = z
  .object({
    /** The n of the marker [n]. */
    number: z.int(),
    evidenceId: z.string(),
    /** What it is, in a line. */
    label: z.string(),
  })
  .meta({ id: "Citation" });
export type Citation = z.output<typeof Citation>;

/** What is not there and how to get it. */
export const MissingData = z
  .object({
    what: z.string(),
    /** CLI. */
    command: z.string(),
    /** The same over HTTP. */
    http: z.object({ method: z.literal("POST"), path: z.string(), body: z.record(z.string(), z.unknown()) }),
  })
  .meta({ id: "MissingData" });
export type MissingData = z.output<typeof MissingData>;

export const AskResult = z
  .object({
    /** clarify: the question fits several things; `suggestions` are the questions to choose from. */
    status: z.enum(["answered", "declined", "clarify"]),
    question: z.string(),
    /** The answer. Empty unless answered. */
    sentences: z.array(AnswerSentence),
    citations: z.array(Citation),
    /** Why not, and what would be needed; null when answered. Holds no number of its own making. */
    message: z.string().nullable(),
    /** How the question was understood, in the words of the plan; null when it was not. */
    understood: z.string().nullable(),
    plan: z.object({ family: z.string(), arguments: z.record(z.string(), z.unknown()) }).nullable(),
    /** Tool calls made. */
    steps: z.int(),
    suggestions: z.array(z.string()),
    missing: z.array(MissingData),
    /** Sentences that were left out because a number in them had no evidence. */
    dropped: z.int(),
    /** Name of the language model that wrote it; null: the built-in planner did. */
    model: z.string().nullable(),
    /** Said to the reader: that the model failed and the planner answered, and why. */
    notice: z.string().nullable(),
    asOfMs: z.int(),
  })
  .meta({ id: "AskResult" });
export type AskResult = z.output<typeof AskResult>;

export const ask = defineJob({
  name: "ask",
  path: "/questions",
  queue: "ask",
  summary: "Answer a question in plain English, every number and sentence cited",
  version: 1,
  reuse: false,
  role: "analyst",
  attempts: 3,
  timeoutMs: 180_000,
  cpu: false,
  payload: AskPayload,
  progress: z.object({ steps: z.int() }),
  result: AskResult,
  examples: [
    {
      question:
        "When did the S&P 500 last close below its 200-day average, and what was the drawdown from the peak?",
    },
    { question: "What is a drawdown?" },
  ],
});
