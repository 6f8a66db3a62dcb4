import type { JobContext, LanguageModel } from "@tapedeck/core";
import { contentHash } from "@tapedeck/core/hash";
import type { Db, Tx } from "../db.ts";

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

/** The questions that the last turn answered by then rests on; none at the conversation's beginning. */
export async function loadChain(
  db: Db,
  ctx: JobContext<unknown, Tx>,
  conversationId: string,
  asOfMs: number,
): Promise<string[]> {
  const row = await db
    .selectFrom("askTurns")
    .select("chain")
    .where("tenantId", "=", ctx.tenantId)
    .where("conversationId", "=", conversationId)
    .where("jobId", "!=", ctx.jobId)
    .where("atMs", "<=", asOfMs)
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
