import { AppError, newId, withoutQuery } from "@tapedeck/core";
import type { Caller, JobContext } from "@tapedeck/core";
import { contentHash } from "@tapedeck/core/hash";
import { sql } from "kysely";
import type { Selectable } from "kysely";
import type { Db, Tx } from "../db.ts";
import type { EvidenceItem } from "../evidence/contract.ts";
import type { Outbox } from "../notifications/contract.ts";
import type { ScheduleBook } from "../schedules/contract.ts";
import { maxStandingQuestions } from "./contract.ts";
import type { AskResult, StandingChange, StandingQuestion, StandingQuestionBody } from "./contract.ts";
import type * as z from "zod";
import type { AskTables } from "./tables.ts";

type Row = Selectable<AskTables["askStanding"]>;

function view(row: Row): StandingQuestion {
  const { id, name, scheduleId, createdBy, createdMs, lastJobId, checkedMs, changedMs } = row;
  return {
    id,
    name,
    question: (JSON.parse(row.payload) as { question: string }).question,
    scheduleId,
    callbackUrl: row.callbackUrl === null ? null : withoutQuery(row.callbackUrl),
    channelIds: row.channelIds as string[] | null,
    createdBy,
    createdMs,
    lastJobId,
    lastStatus: row.lastStatus as StandingQuestion["lastStatus"],
    checkedMs,
    changedMs,
  };
}

/** A standing question and its schedule, both or neither. */
export async function createStanding(
  deps: { db: Db; schedules: ScheduleBook; now(): number },
  caller: Caller,
  body: z.output<typeof StandingQuestionBody>,
): Promise<StandingQuestion> {
  const { name, cron, timeZone, callbackUrl, channelIds = null, ...question } = body;
  const { tenantId } = caller;
  const nowMs = deps.now();
  const id = newId(nowMs);
  return deps.db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${`standing ${tenantId}`}, 0))`.execute(tx);
    const { count } = await tx
      .selectFrom("askStanding")
      .select((eb) => eb.fn.countAll<string>().as("count"))
      .where("tenantId", "=", tenantId)
      .executeTakeFirstOrThrow();
    if (Number(count) >= maxStandingQuestions)
      throw new AppError(
        "resource.conflict",
        `There are ${maxStandingQuestions} standing questions; delete one that is not needed.`,
      );
    const payload = { ...question, standingId: id };
    const schedule = await deps.schedules.create(tx, caller, {
      name: `question: ${name}`.slice(0, 100),
      type: "ask",
      payload,
      cron,
      timeZone,
      misfire: "once",
      enabled: true,
      priority: 5,
      callbackUrl: null,
    });
    const row: Row = {
      id,
      tenantId,
      name,
      payload: JSON.stringify(payload),
      scheduleId: schedule.id,
      callbackUrl,
      channelIds,
      createdBy: caller.principalId,
      createdMs: nowMs,
      lastJobId: null,
      lastStatus: null,
      checkedMs: null,
      changedMs: null,
      answerHash: null,
      evidenceHash: null,
    };
    await tx
      .insertInto("askStanding")
      .values({ ...row, channelIds: channelIds === null ? null : JSON.stringify(channelIds) })
      .execute();
    return view(row);
  });
}

/** Newest first, before the one of the cursor. */
export async function loadStandings(
  db: Db,
  query: { tenantId: string; before: string | undefined; limit: number },
): Promise<StandingQuestion[]> {
  let rows = db
    .selectFrom("askStanding")
    .selectAll()
    .where("tenantId", "=", query.tenantId)
    .orderBy("id", "desc")
    .limit(query.limit);
  if (query.before !== undefined) rows = rows.where("id", "<", query.before);
  return (await rows.execute()).map(view);
}

const shownChanges = 100;

export async function loadStanding(
  db: Db,
  tenantId: string,
  id: string,
): Promise<(StandingQuestion & { changes: StandingChange[] }) | undefined> {
  const row = await db
    .selectFrom("askStanding")
    .selectAll()
    .where("tenantId", "=", tenantId)
    .where("id", "=", id)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const changes = await db
    .selectFrom("askStandingChanges")
    .select(["jobId", "atMs", "changed", "answer"])
    .where("standingId", "=", id)
    .orderBy("atMs", "desc")
    .orderBy("jobId", "desc")
    .limit(shownChanges)
    .execute();
  return { ...view(row), changes };
}

/** False: there is none. */
export async function deleteStanding(
  deps: { db: Db; schedules: ScheduleBook },
  tenantId: string,
  id: string,
): Promise<boolean> {
  return deps.db.transaction().execute(async (tx) => {
    const row = await tx
      .deleteFrom("askStanding")
      .where("tenantId", "=", tenantId)
      .where("id", "=", id)
      .returning("scheduleId")
      .executeTakeFirst();
    if (row === undefined) return false;
    await deps.schedules.remove(tx, tenantId, row.scheduleId);
    return true;
  });
}

/**
 * What an item says, without what every new bar changes: the data's hash and how far it reaches. So a new bar that moves no
 * value is no change, and a value, a passage or a figure that is another one is.
 */
function essence(item: EvidenceItem): unknown {
  if (item.kind === "rows")
    return { kind: item.kind, instrumentId: item.instrumentId, timeframe: item.timeframe };
  if (item.kind === "computation") {
    const { formula, instrumentId, value, unit } = item;
    return { formula, instrumentId, value, unit };
  }
  if (item.kind === "account") {
    const { accountId, pointer, value } = item;
    return { accountId, pointer, value };
  }
  if (item.kind === "job") return { pointer: item.pointer, value: item.value };
  return item;
}

function answerOf({ sentences, message }: AskResult): string {
  return [
    ...sentences.map(({ text }) => text.replaceAll(/ ?\[\d+\]/g, "")),
    ...(message === null ? [] : [message]),
  ].join(" ");
}

/** Keeps the turn of a standing question; where the answer or its evidence is another than before, notes it and tells it. */
export async function recordStanding(
  ctx: JobContext<unknown, Tx>,
  outbox: Outbox,
  standingId: string,
  result: AskResult,
  items: readonly EvidenceItem[],
): Promise<void> {
  if (ctx.replayOf !== null) return;
  const answer = answerOf(result);
  const answerHash = contentHash({ status: result.status, answer });
  const evidenceHash = contentHash(items.map((item) => contentHash(essence(item))).toSorted());
  const nowMs = ctx.now();
  await ctx.commit(
    async (tx) => {
      const row = await tx
        .selectFrom("askStanding")
        .selectAll()
        .where("id", "=", standingId)
        .where("tenantId", "=", ctx.tenantId)
        .forUpdate()
        .executeTakeFirst();
      if (row === undefined) return;
      const changed =
        row.answerHash === null
          ? undefined
          : row.answerHash !== answerHash
            ? "answer"
            : row.evidenceHash !== evidenceHash
              ? "evidence"
              : undefined;
      await tx
        .updateTable("askStanding")
        .set({
          lastJobId: ctx.jobId,
          lastStatus: result.status,
          checkedMs: nowMs,
          answerHash,
          evidenceHash,
          ...(changed === undefined ? {} : { changedMs: nowMs }),
        })
        .where("id", "=", standingId)
        .execute();
      if (changed === undefined) return;
      await tx
        .insertInto("askStandingChanges")
        .values({ standingId, jobId: ctx.jobId, tenantId: ctx.tenantId, atMs: nowMs, changed, answer })
        .execute();
      await outbox(
        tx,
        {
          tenantId: ctx.tenantId,
          dedupeKey: `standing ${standingId} ${ctx.jobId}`,
          url: row.callbackUrl,
          channelIds: row.channelIds as string[] | null,
          body: {
            event: "standing.changed",
            text: `${row.name}: ${answer}`,
            standingId,
            name: row.name,
            jobId: ctx.jobId,
            changed,
            question: result.question,
            status: result.status,
            answer,
          },
        },
        nowMs,
      );
    },
    { once: "standing" },
  );
}
