import type { JobContext, LanguageModel } from "@tapedeck/core";
import { contentHash } from "@tapedeck/core/hash";
import type { Db, Tx } from "../db.ts";
import type { AskTables } from "./tables.ts";

export type ModelRequest = Parameters<LanguageModel["complete"]>[0];
export type Completion = Awaited<ReturnType<LanguageModel["complete"]>>;

/**
 * The model with a memory: a request that this job has made before, or the job that it replays, gets the stored completion. Stored through the
 * job's fence, so that an attempt that lost the job leaves nothing.
 */
export async function completeOnce(
  db: Db,
  ctx: JobContext<unknown, Tx>,
  model: LanguageModel,
  ordinal: number,
  request: ModelRequest,
): Promise<Completion> {
  const requestHash = contentHash({ model: model.name, messages: request.messages, tools: request.tools });
  const stored = await db
    .selectFrom("askCompletions")
    .select("response")
    .where("tenantId", "=", ctx.tenantId)
    .where("jobId", "in", [ctx.jobId, ctx.replayOf ?? ctx.jobId])
    .where("ordinal", "=", ordinal)
    .where("requestHash", "=", requestHash)
    .executeTakeFirst();
  if (stored !== undefined) return JSON.parse(stored.response) as Completion;
  const completion = await model.complete(request);
  await ctx.commit(async (tx) => {
    await tx
      .insertInto("askCompletions")
      .values({
        jobId: ctx.jobId,
        tenantId: ctx.tenantId,
        ordinal,
        requestHash,
        model: model.name,
        response: JSON.stringify(completion),
        createdMs: ctx.now(),
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  });
  return completion;
}

/** Turns that are shown of one conversation. */
const mostTurns = 200;

/** The answered turns of a conversation, oldest first; the question is the last of each chain. */
export async function loadTurns(
  db: Db,
  tenantId: string,
  conversationId: string,
): Promise<{ jobId: string; atMs: number; question: string }[]> {
  const rows = await db
    .selectFrom("askTurns")
    .select(["jobId", "atMs", "chain"])
    .where("tenantId", "=", tenantId)
    .where("conversationId", "=", conversationId)
    .orderBy("atMs")
    .orderBy("jobId")
    .limit(mostTurns)
    .execute();
  return rows.map(({ jobId, atMs, chain }) => ({
    jobId,
    atMs,
    question: (JSON.parse(chain) as string[]).at(-1)!,
  }));
}

/**
 * The questions that the last turn rests on; none at the conversation's beginning. A replay sees the turns that the job it repeats
 * could see, whatever time either is asked as of.
 */
export async function loadChain(
  db: Db,
  ctx: JobContext<unknown, Tx>,
  conversationId: string,
): Promise<string[]> {
  const repeated =
    ctx.replayOf === null
      ? undefined
      : await db
          .selectFrom("jobs")
          .select("endedMs")
          .where("tenantId", "=", ctx.tenantId)
          .where("id", "=", ctx.replayOf)
          .executeTakeFirst();
  const row = await db
    .selectFrom("askTurns")
    .select("chain")
    .where("tenantId", "=", ctx.tenantId)
    .where("conversationId", "=", conversationId)
    .where("jobId", "not in", [ctx.jobId, ctx.replayOf ?? ctx.jobId])
    .where("atMs", "<=", repeated?.endedMs ?? ctx.now())
    .orderBy("atMs", "desc")
    .orderBy("jobId", "desc")
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? [] : (JSON.parse(row.chain) as string[]);
}

/** Keeps a turn for the next question; a replay is no turn of the conversation. */
export async function saveChain(
  ctx: JobContext<unknown, Tx>,
  conversationId: string,
  chain: readonly string[],
): Promise<void> {
  if (ctx.replayOf !== null) return;
  await ctx.commit(async (tx) => {
    await tx
      .insertInto("askTurns")
      .values({
        tenantId: ctx.tenantId,
        conversationId,
        jobId: ctx.jobId,
        atMs: ctx.now(),
        chain: JSON.stringify(chain),
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  });
}

export type FeedbackRow = AskTables["askFeedback"];

export async function saveFeedback(db: Db, row: FeedbackRow): Promise<void> {
  const { useful, note, givenBy, atMs } = row;
  await db
    .insertInto("askFeedback")
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(["tenantId", "jobId"]).doUpdateSet({ useful, note, givenBy, atMs }),
    )
    .execute();
}

/** Of the newest question first, before the job of the cursor. */
export async function loadFeedback(
  db: Db,
  query: { tenantId: string; useful: boolean | undefined; before: string | undefined; limit: number },
): Promise<FeedbackRow[]> {
  let rows = db
    .selectFrom("askFeedback")
    .selectAll()
    .where("tenantId", "=", query.tenantId)
    .orderBy("jobId", "desc")
    .limit(query.limit);
  if (query.useful !== undefined) rows = rows.where("useful", "=", query.useful);
  if (query.before !== undefined) rows = rows.where("jobId", "<", query.before);
  return rows.execute();
}
