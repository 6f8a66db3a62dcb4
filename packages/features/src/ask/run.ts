import { AppError } from "@tapedeck/core";
import type { JobHandler, LanguageModel } from "@tapedeck/core";
import type { Db, Tx } from "../db.ts";
import type { EvidenceStore } from "../evidence/contract.ts";
import type { Outbox } from "../notifications/contract.ts";
import type { Instrument } from "../series/contract.ts";
import { Declined } from "./answer.ts";
import { readDates } from "./dates.ts";
import type { ask, AskResult } from "./contract.ts";
import { refusal, unreadable } from "./families/refuse.ts";
import { answerByModel, ModelUnusable } from "./model.ts";
import { neutralised } from "./neutral.ts";
import { isFollowUp, makePlan } from "./planner.ts";
import { readQuestion } from "./question.ts";
import { createRelease } from "./release.ts";
import type { Release } from "./release.ts";
import { recordStanding } from "./standing.ts";
import { loadChain, saveChain } from "./store.ts";
import { createTools } from "./tools.ts";
import type { AskSources, Tools } from "./tools.ts";

export interface AskDeps extends AskSources {
  db: Db;
  evidence: EvidenceStore;
  model: LanguageModel | undefined;
  outbox: Outbox;
}

type Context = Parameters<JobHandler<typeof ask, AskDeps, Tx>>[2];

export const runAsk: JobHandler<typeof ask, AskDeps, Tx> = async (deps, payload, ctx) => {
  const nowMs = payload.asOf ?? ctx.now();
  // "As of 2009-03-31" in the question bounds it like the request's own asOf.
  const said = readDates(payload.question.toLowerCase(), nowMs).asOfMs;
  const asOfMs = Math.min(nowMs, said ?? nowMs);
  const tools = createTools(deps, ctx, asOfMs, payload.asOf === undefined && said === undefined);
  const release = createRelease(deps.evidence, ctx);
  const base = { question: payload.question, asOfMs };
  const instruments = await tools.listInstruments();
  const hinted: Instrument[] = [];
  for (const ref of payload.instrumentIds ?? []) hinted.push(await tools.resolveInstrument(ref));
  const { conversationId } = payload;
  const chain = conversationId === undefined ? [] : await loadChain(deps.db, ctx, conversationId);
  const work: Work = {
    chain,
    conversationId,
    deps,
    tools,
    release,
    ctx,
    instruments,
    hinted,
    jobId: payload.jobId,
    base,
  };
  const result = await (deps.model === undefined || (await isRefused(work))
    ? answerByPlan(work)
    : answerByModelOrPlan(work, deps.model));
  if (payload.standingId !== undefined)
    await recordStanding(ctx, deps.outbox, payload.standingId, result, release.items);
  return result;
};

interface Work {
  deps: AskDeps;
  tools: Tools;
  release: Release;
  ctx: Context;
  instruments: Instrument[];
  hinted: Instrument[];
  jobId: string | undefined;
  base: { question: string; asOfMs: number };
  /** Of the conversation so far. */
  chain: readonly string[];
  conversationId: string | undefined;
}

const empty = (base: Work["base"]): AskResult => ({
  status: "declined",
  ...base,
  sentences: [],
  citations: [],
  message: null,
  understood: null,
  plan: null,
  steps: 0,
  suggestions: [],
  missing: [],
  dropped: 0,
  model: null,
  notice: null,
});

/** Errors of the data that a reader can do something about are an answer, not a failed job. */
function asDeclined(error: unknown): Declined {
  if (error instanceof Declined) return error;
  if (
    error instanceof AppError &&
    ["data.missing", "symbol.unknown", "formula.invalid", "job.unknown"].includes(error.code)
  ) {
    return new Declined(error.message);
  }
  if (error instanceof AppError && error.code === "symbol.ambiguous") {
    const candidates = error.details?.["candidates"];
    return new Declined(error.message, {
      status: "clarify",
      suggestions: Array.isArray(candidates) ? candidates.map(String) : [],
    });
  }
  throw error;
}

/** Is the question declined whoever answers: in another language, a command, an order, for advice or a forecast? */
async function isRefused({ base, instruments, hinted, tools, jobId }: Work): Promise<boolean> {
  if (unreadable(base.question) !== undefined) return true;
  const hint = { instruments: hinted, all: instruments, filings: await tools.listFilings(), jobId };
  return refusal(readQuestion(base.question, instruments, base.asOfMs), hint) !== undefined;
}

/** The model drives the tools; where it fails, the planner answers and the answer says so. */
async function answerByModelOrPlan(work: Work, model: LanguageModel): Promise<AskResult> {
  const { tools, release, ctx, base } = work;
  try {
    await answerByModel({ ...work, db: work.deps.db, model, question: base.question });
    if (work.conversationId !== undefined) {
      await saveChain(ctx, work.conversationId, [...work.chain, base.question].slice(-8));
    }
    return {
      ...empty(base),
      status: "answered",
      sentences: release.sentences,
      citations: release.citations,
      dropped: release.dropped,
      steps: tools.calls,
      model: model.name,
    };
  } catch (error) {
    if (!(error instanceof ModelUnusable)) throw error;
    ctx.log("warn", "the language model gave no usable answer", { model: model.name, reason: error.message });
    const result = await answerByPlan(work);
    return {
      ...result,
      notice: `The language model (${model.name}) gave no usable answer: ${error.message.replace(/[.\s]+$/, "")}. The built-in planner took the question instead.`,
    };
  }
}

/** The built-in planner: a plan over the tools, carried out, each sentence checked before it leaves. */
async function answerByPlan(work: Work): Promise<AskResult> {
  const { tools, release, ctx, base } = work;
  const result = empty(base);
  try {
    const plan = makePlan({
      question: base.question,
      instruments: work.instruments,
      hinted: work.hinted,
      filings: await tools.listFilings(),
      jobId: work.jobId,
      asOfMs: base.asOfMs,
      chain: work.chain,
    });
    const planned = plan.steps.map(({ family, args }) => ({
      family: family.name,
      arguments: readable(args),
    }));
    result.plan = planned.length === 1 ? planned[0]! : { family: "several", arguments: { steps: planned } };
    result.understood = [
      ...plan.steps.map(({ family }) => family.about),
      ...plan.readAs.map((text) => `read ${text}`),
    ].join("; ");
    ctx.step({ name: "plan", input: { question: base.question }, output: result.plan });
    for (const { family, args } of plan.steps) {
      const answer = await family.run(args, tools);
      for (const draft of answer.drafts) await release.sentence(draft);
      result.suggestions.push(...(answer.suggestions ?? []));
      result.message = answer.message ?? result.message;
    }
    if (release.sentences.length === 0) {
      throw new Declined("No sentence of the answer passed its check; the log has the reason.");
    }
    result.status = "answered";
    if (work.conversationId !== undefined) await saveChain(ctx, work.conversationId, plan.chain);
  } catch (error) {
    const declined = asDeclined(error);
    // What was said before the later part failed stands; why the rest is missing is said beside it.
    result.status = release.sentences.length > 0 ? "answered" : declined.status;
    result.message = neutralised(declined.message);
    // A short reply to what is asked back changes this question.
    const asked = readQuestion(base.question, work.instruments, base.asOfMs);
    if (declined.status === "clarify" && work.conversationId !== undefined && !isFollowUp(asked))
      await saveChain(ctx, work.conversationId, [base.question]);
    result.suggestions = declined.suggestions.map(neutralised);
    result.missing = declined.missing;
  }
  result.sentences = release.sentences;
  result.citations = release.citations;
  result.dropped = release.dropped;
  result.steps = tools.calls;
  return result;
}

/** Arguments as plain data: instruments by id. */
function readable(args: Record<string, unknown>): Record<string, unknown> {
  const plain = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value === "number" && !Number.isFinite(value)) return null;
    if (typeof value !== "object" || value === null) return value;
    if ("instrumentId" in value && "calendar" in value) return value.instrumentId;
    return readable(value as Record<string, unknown>);
  };
  return Object.fromEntries(
    Object.entries(args)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, plain(value)]),
  );
}
