import { newId } from "@tapedeck/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { StandingQuestion } from "./contract.ts";
import { StandingQuestionBody } from "./contract.ts";
import { askFixture, nowMs, tenantId } from "./fixture.ts";
import type { AskFixture } from "./fixture.ts";
import { askRouteHandlers } from "./read.ts";
import { insertChannel } from "../notifications/store.ts";
import { createScheduleBook } from "../schedules/book.ts";

let fixture: AskFixture;
beforeAll(async () => {
  fixture = await askFixture();
});
afterAll(async () => {
  await fixture.close();
});

const caller = {
  principalId: newId(nowMs),
  kind: "user" as const,
  tenantId,
  role: "analyst" as const,
  requestId: "test",
};
const stranger = { ...caller, tenantId: "00000000-0000-7000-8000-0000000000ff" };
const now = () => nowMs;
const request = new Request("http://loopback/");

function routeDeps() {
  return { ...fixture.deps, now, schedules: createScheduleBook({ jobs: fixture.deps.jobs, now }) };
}

async function stand(name: string, question: string, channelIds?: string[]): Promise<StandingQuestion> {
  const body = StandingQuestionBody.parse({
    name,
    question,
    cron: "0 22 * * *",
    callbackUrl: "https://hooks.example/standing?token=secret",
    channelIds,
  });
  return askRouteHandlers.createStandingQuestion(
    routeDeps(),
    { params: undefined, query: undefined, body, request },
    caller,
  );
}

/** An address of the caller's tenant; gives its id. */
async function addChannel(name: string): Promise<string> {
  const settings = { kind: "email" as const, to: `${name}@example.com` };
  const row = { id: newId(nowMs), tenantId, name, settings, createdBy: caller.principalId, createdMs: nowMs };
  await insertChannel(fixture.db, row, 50);
  return row.id;
}

const details = (id: string, by = caller) =>
  askRouteHandlers.getStandingQuestion(
    routeDeps(),
    { params: { id }, query: undefined, body: undefined, request },
    by,
  );

test("a standing question is a schedule of its own, and shows no secret of its address", async () => {
  const made = await stand("close", "What is the last price of the S&P 500?");
  expect(made.callbackUrl).not.toContain("secret");
  const schedule = await fixture.db
    .selectFrom("schedules")
    .selectAll()
    .where("id", "=", made.scheduleId)
    .executeTakeFirstOrThrow();
  expect(schedule).toMatchObject({ type: "ask", cron: "0 22 * * *", callbackUrl: null });
  expect(JSON.parse(schedule.payload)).toEqual({
    question: "What is the last price of the S&P 500?",
    standingId: made.id,
  });
  await expect(details(made.id, stranger)).rejects.toMatchObject({ code: "resource.unknown" });
});

test("a change of the answer is noted once and called; data that moves nothing is no change", async () => {
  const question = "What was the highest close of the S&P 500 in 2007?";
  const [desk, phone] = await Promise.all([addChannel("desk"), addChannel("phone")]);
  const { id } = await stand("high of 2007", question);
  const narrow = await stand("high of 2007, to the phone", question, [phone]);
  expect([(await details(id)).channelIds, narrow.channelIds]).toEqual([null, [phone]]);
  const turn = async () => {
    await fixture.ask({ question, standingId: narrow.id });
    return fixture.ask({ question, standingId: id });
  };
  const first = await turn();
  await turn();
  expect((await details(id)).changes).toEqual([]);
  expect(await details(id)).toMatchObject({ lastStatus: "answered", changedMs: null });

  const spx = { instrumentId: "SPX.INDEX", timeframe: "1d", recordedMs: nowMs };
  const of2007 = fixture.bars.filter(({ openMs }) => new Date(openMs).getUTCFullYear() === 2007);
  const peak = of2007.reduce((best, one) => (one.close > best.close ? one : best));
  await fixture.writeBars(spx, [{ ...peak, volume: peak.volume + 1 }]);
  await turn();
  expect((await details(id)).changes, "another volume moves nothing that was said").toEqual([]);
  await fixture.writeBars(spx, [{ ...peak, high: 1_700, close: 1_666 }]);
  const after = await turn();
  expect(after.text).not.toBe(first.text);
  const seen = await details(id);
  expect(seen.changes).toHaveLength(1);
  expect(seen.changes[0]).toMatchObject({ changed: "answer", jobId: after.ctx.jobId });
  expect(seen.changes[0]!.answer).toContain("1,666.00");

  const calls = await fixture.db.selectFrom("notifications").selectAll().execute();
  const of = (standingId: string) =>
    calls.filter((one) => one.dedupeKey.startsWith(`standing ${standingId}`));
  const targets = (standingId: string) =>
    of(standingId)
      .map(({ url, channelId }) => String(url ?? channelId))
      .toSorted();
  const callbackUrl = "https://hooks.example/standing?token=secret";
  expect(targets(id)).toEqual([desk, phone, callbackUrl].toSorted());
  expect(targets(narrow.id)).toEqual([phone, callbackUrl].toSorted());
  for (const { body } of of(id))
    expect(JSON.parse(body)).toMatchObject({
      event: "standing.changed",
      text: expect.stringMatching(/^high of 2007: .*1,666\.00/),
      changed: "answer",
      name: "high of 2007",
    });
});

test("a standing question goes with its schedule, and only by its own tenant", async () => {
  const { id, scheduleId } = await stand("gone", "What is a drawdown?");
  const gone = (by: typeof caller) =>
    askRouteHandlers.deleteStandingQuestion(
      routeDeps(),
      { params: { id }, query: undefined, body: undefined, request },
      by,
    );
  await expect(gone(stranger)).rejects.toMatchObject({ code: "resource.unknown" });
  await gone(caller);
  await expect(details(id)).rejects.toMatchObject({ code: "resource.unknown" });
  expect(
    await fixture.db.selectFrom("schedules").select("id").where("id", "=", scheduleId).execute(),
  ).toEqual([]);
});

test("feedback is kept by answer, the last word counts", async () => {
  const jobId = await fixture.finishBacktest();
  const give = (id: string, useful: boolean) =>
    askRouteHandlers.giveFeedback(
      routeDeps(),
      { params: { id }, query: undefined, body: { useful, note: "why" }, request },
      caller,
    );
  await expect(give(jobId, true)).rejects.toMatchObject({ code: "resource.unknown" });
  const { job } = await fixture.deps.jobs.submit({
    caller,
    type: "ask",
    payload: { question: "What is a drawdown?" },
  });
  await give(job.id, true);
  await give(job.id, false);
  const list = (useful?: boolean) =>
    askRouteHandlers.listFeedback(
      routeDeps(),
      { params: undefined, query: { limit: 10, useful }, body: undefined, request },
      caller,
    );
  expect((await list()).items).toEqual([
    { jobId: job.id, useful: false, note: "why", givenBy: caller.principalId, atMs: nowMs },
  ]);
  expect((await list(true)).items).toEqual([]);
});

test("a conversation lists its answered questions, and only to its tenant", async () => {
  const conversationId = "seen";
  await fixture.ask({ question: "What was the return of the S&P 500 in 2008?", conversationId });
  await fixture.ask({ question: "And in 2009?", conversationId });
  const turns = async (by: typeof caller) =>
    (
      await askRouteHandlers.getConversation(
        routeDeps(),
        { params: { id: conversationId }, query: undefined, body: undefined, request },
        by,
      )
    ).turns.map(({ question }) => question);
  expect((await turns(caller)).toSorted()).toEqual([
    "And in 2009?",
    "What was the return of the S&P 500 in 2008?",
  ]);
  await expect(turns(stranger)).rejects.toMatchObject({ code: "resource.unknown" });
});
