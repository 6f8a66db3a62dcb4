import { newId } from "@tapedeck/core";
import { testDatabase, testLog } from "@tapedeck/testkit";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Database } from "../db.ts";
import { insertNotification } from "../notifications/store.ts";
import { AlertRule, alertTemplates } from "./contract.ts";
import { createNewsAlerts } from "./news.ts";
import type { NewsEvent, NewsScore } from "./news.ts";
import { insertAlert, loadTriggers } from "./store.ts";

const startMs = Date.UTC(2026, 0, 5);
let database: Awaited<ReturnType<typeof testDatabase<Database>>>;
/** What documents have told so far; `sentiment` by instrument. */
let events: NewsEvent[] = [];
let scores: NewsScore[] = [];
const sentiment = new Map<string, number>();
let seq = 0;

beforeAll(async () => {
  database = await testDatabase<Database>();
});
beforeEach(() => {
  events = [];
  scores = [];
});
afterAll(() => database.close());

const after = <T extends { seq: number }>(rows: T[], afterSeq: number, limit: number) =>
  Promise.resolve(rows.filter((row) => row.seq > afterSeq).slice(0, limit));
const watch = () =>
  createNewsAlerts({
    db: database.db,
    loadEvents: (afterSeq, limit) => after(events, afterSeq, limit),
    loadScores: (afterSeq, limit) => after(scores, afterSeq, limit),
    sentimentAt: (_tenantId, instrumentId) => Promise.resolve(sentiment.get(instrumentId)),
    outbox: insertNotification,
    now: () => startMs,
    log: testLog(),
  });

async function alert(tenantId: string, instrumentId: string, rule: object): Promise<string> {
  const id = newId(startMs);
  await insertAlert(database.db, {
    id,
    tenantId,
    name: "mine",
    instrumentId,
    rule: AlertRule.parse(rule),
    cooldownMs: 0,
    expiresMs: null,
    callbackUrl: "https://hooks.example/",
    channelIds: [],
    muted: false,
    createdBy: "test",
    createdMs: startMs,
    deletedMs: null,
    armed: true,
    stateMs: startMs,
    firedMs: null,
  });
  return id;
}

/** A report that comes `minutes` after the alerts were made. */
function report(minutes: number, of: Partial<NewsEvent>): void {
  const id = newId(startMs);
  const atMs = startMs + minutes * 60_000;
  events.push({
    seq: ++seq,
    id,
    storyId: id,
    space: "shared",
    kind: "earnings",
    instrumentId: "A.NEWS",
    direction: "good",
    important: true,
    text: "A earned more than was expected.",
    publishedMs: atMs,
    recordedMs: atMs,
    ...of,
  });
}

const told = async (tenantId: string) =>
  (await loadTriggers(database.db, { tenantId, limit: 50 })).map(({ edgeMs, message }) => [
    (edgeMs - startMs) / 60_000,
    message,
  ]);

test("an event is told once, of its instrument, kind and direction, to whoever may read it", async () => {
  const [mine, other] = [newId(startMs), newId(startMs)];
  await alert(mine, "A.NEWS", { kind: "event", kinds: ["earnings"], direction: "good" });
  report(1, {});
  // Told again by another document.
  report(2, { storyId: events[0]!.id });
  report(3, { kind: "merger" });
  report(4, { direction: "bad" });
  report(5, { important: false });
  report(6, { instrumentId: "B.NEWS" });
  report(7, { space: other });
  report(8, { space: mine, text: "Ours alone." });
  // Read long ago, before the alert was made.
  report(9, { recordedMs: startMs - 1 });
  expect(await watch().runOnce()).toBe(2);
  expect(await watch().runOnce()).toBe(0);
  expect(await told(mine)).toEqual([
    [8, "A.NEWS, earnings: Ours alone."],
    [1, "A.NEWS, earnings: A earned more than was expected."],
  ]);
  const calls = await database.db
    .selectFrom("notifications")
    .select("body")
    .where("tenantId", "=", mine)
    .execute();
  expect(calls).toHaveLength(2);
});

const readyMade = (name: (typeof alertTemplates)[number]["name"]) =>
  alertTemplates.find((one) => one.name === name)!.rule;

test("the ready-made alert on news tells important events of any kind and direction", async () => {
  const tenantId = newId(startMs);
  await alert(tenantId, "E.NEWS", readyMade("News: an important event"));
  report(1, { instrumentId: "E.NEWS", important: false });
  report(2, { instrumentId: "E.NEWS", kind: "merger", direction: "bad", text: "E is sold." });
  expect(await watch().runOnce()).toBe(1);
  expect(await told(tenantId)).toEqual([[2, "E.NEWS, merger: E is sold."]]);
});

test("processes that look at once tell each event once", async () => {
  const tenantId = newId(startMs);
  await alert(tenantId, "C.NEWS", { kind: "event", importantOnly: false });
  for (let minute = 1; minute <= 20; minute++) report(minute, { instrumentId: "C.NEWS", important: false });
  const watches = Array.from({ length: 4 }, watch);
  await Promise.all(watches.map((one) => one.runOnce()));
  await Promise.all(watches.map((one) => one.runOnce()));
  expect((await told(tenantId)).map(([minute]) => minute)).toEqual(
    Array.from({ length: 20 }, (_, i) => 20 - i),
  );
});

test("sentiment fires at its edge, and again only after it came back by the hysteresis", async () => {
  const tenantId = newId(startMs);
  await alert(tenantId, "D.NEWS", { ...readyMade("News turns bad"), hysteresis: 0.1 });
  const look = async (minute: number, value: number) => {
    sentiment.set("D.NEWS", value);
    const atMs = startMs + minute * 60_000;
    const row = { seq: ++seq, space: "shared", instrumentId: "D.NEWS" };
    scores.push({ ...row, publishedMs: atMs, recordedMs: atMs });
    return watch().runOnce();
  };
  const fired: number[] = [];
  for (const [i, value] of [0, -0.4, -0.5, -0.25, -0.4, -0.1, -0.31].entries())
    fired.push(await look(i + 1, value));
  expect(fired).toEqual([0, 1, 0, 0, 0, 0, 1]);
  expect((await told(tenantId)).map(([, message]) => message)).toEqual([
    "mine – D.NEWS: sentiment below -0.3, at -0.31",
    "mine – D.NEWS: sentiment below -0.3, at -0.40",
  ]);
});
