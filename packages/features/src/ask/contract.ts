import {
  defineCommand,
  defineJob,
  defineQuery,
  EpochMs,
  Id,
  InstrumentRef,
  pageOf,
  PageQuery,
} from "@tapedeck/core";
import * as z from "zod";
import { CallbackUrl } from "../jobs/contract.ts";
import { maxChannels } from "../notifications/contract.ts";

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
    /** The standing question that this is a turn of. */
    standingId: Id.optional(),
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
    /** The number that it holds, as it was computed; absent where it holds none. */
    value: z.number().optional(),
    /** The words of a document that it holds. */
    excerpt: z.string().optional(),
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

/** Most standing questions of a tenant. */
export const maxStandingQuestions = 200;

const { question, instrumentIds } = AskPayload.shape;

export const StandingQuestionBody = z
  .strictObject({
    /** Unique in the tenant. */
    name: z.string().trim().min(1).max(100),
    question,
    instrumentIds,
    /** When it is asked: five fields (minute hour day month weekday), or six with seconds first. */
    cron: z.string().trim().min(1).max(100),
    timeZone: z.string().max(60).default("UTC"),
    /** Called when the answer, or what it rests on, is another than before; signed and repeated until it answers 2xx. */
    callbackUrl: CallbackUrl.nullable().default(null),
    /** Channels of /notifications/channels that a change goes to; absent: all that there are then. */
    channelIds: z.array(Id).max(maxChannels).optional(),
  })
  .meta({
    id: "StandingQuestionBody",
    examples: [
      {
        name: "death cross",
        question: "When was the last death cross of the S&P 500?",
        cron: "30 22 * * 1-5",
        timeZone: "America/New_York",
      },
    ],
  });

export const StandingQuestion = z
  .object({
    id: Id,
    name: z.string(),
    question: z.string(),
    scheduleId: Id,
    /** Without its query, which may hold a secret. */
    callbackUrl: z.string().nullable(),
    /** Null: every channel of the tenant. */
    channelIds: z.array(Id).nullable(),
    createdBy: z.string(),
    createdMs: z.int(),
    lastJobId: Id.nullable(),
    lastStatus: AskResult.shape.status.nullable(),
    checkedMs: z.int().nullable(),
    /** When its answer last was another than before; null: it has not been yet. */
    changedMs: z.int().nullable(),
  })
  .meta({ id: "StandingQuestion" });
export type StandingQuestion = z.output<typeof StandingQuestion>;

/** What of an answer is another than before: its words, or only what they rest on. */
export const StandingChange = z
  .object({
    jobId: Id,
    atMs: z.int(),
    changed: z.enum(["answer", "evidence"]),
    answer: z.string(),
  })
  .meta({ id: "StandingChange" });
export type StandingChange = z.output<typeof StandingChange>;

export const Feedback = z
  .object({
    jobId: Id,
    useful: z.boolean(),
    note: z.string(),
    givenBy: z.string(),
    atMs: z.int(),
  })
  .meta({ id: "Feedback" });
export type Feedback = z.output<typeof Feedback>;

const ById = z.object({ id: Id });

export const askRoutes = {
  listStandingQuestions: defineQuery({
    name: "listStandingQuestions",
    path: "/standing-questions",
    tag: "Questions",
    summary: "Standing questions of the tenant, newest first",
    role: "viewer",
    query: PageQuery,
    response: pageOf(StandingQuestion),
  }),
  createStandingQuestion: defineCommand({
    name: "createStandingQuestion",
    method: "POST",
    path: "/standing-questions",
    tag: "Questions",
    summary: "Ask a question on a schedule, and tell when its answer or its evidence changes",
    role: "analyst",
    body: StandingQuestionBody,
    response: StandingQuestion,
    status: 201,
  }),
  getStandingQuestion: defineQuery({
    name: "getStandingQuestion",
    path: "/standing-questions/{id}",
    tag: "Questions",
    summary: "One standing question with the changes of its answer, newest first",
    role: "viewer",
    params: ById,
    response: StandingQuestion.extend({ changes: z.array(StandingChange) }).meta({
      id: "StandingQuestionDetails",
    }),
  }),
  deleteStandingQuestion: defineCommand({
    name: "deleteStandingQuestion",
    method: "DELETE",
    path: "/standing-questions/{id}",
    tag: "Questions",
    summary: "Delete a standing question and its schedule; answers stay",
    role: "analyst",
    params: ById,
  }),
  giveFeedback: defineCommand({
    name: "giveFeedback",
    method: "PUT",
    path: "/questions/{id}/feedback",
    tag: "Questions",
    summary: "Say whether an answer was useful; the last word counts",
    role: "viewer",
    params: ById,
    body: z.strictObject({ useful: z.boolean(), note: z.string().trim().max(2_000).default("") }),
    response: Feedback,
  }),
  listFeedback: defineQuery({
    name: "listFeedback",
    path: "/question-feedback",
    tag: "Questions",
    summary: "What readers said of answers, newest question first",
    role: "viewer",
    query: PageQuery.extend({ useful: z.stringbool().optional() }),
    response: pageOf(Feedback),
  }),
  getConversation: defineQuery({
    name: "getConversation",
    path: "/conversations/{id}",
    tag: "Questions",
    summary: "The answered questions of a conversation, oldest first",
    role: "viewer",
    params: z.object({ id: z.string().min(1).max(100) }),
    response: z.object({
      turns: z.array(z.object({ jobId: Id, atMs: z.int(), question: z.string() })),
    }),
  }),
};
