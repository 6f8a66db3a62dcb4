import { newId } from "@tapedeck/core";
import type { Caller } from "@tapedeck/core";
import { testDatabase } from "@tapedeck/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Database } from "../db.ts";
import { createFormulaLibrary } from "../indicators/library.ts";
import { insertNotification } from "../notifications/store.ts";
import { AlertBody, alertTemplates } from "./contract.ts";
import { alertRouteHandlers as routes } from "./read.ts";
import type { AlertDeps } from "./read.ts";
import { insertTriggers, loadChangedAlerts, saveStates } from "./store.ts";

const nowMs = Date.UTC(2026, 0, 2);
let database: Awaited<ReturnType<typeof testDatabase<Database>>>;
let deps: AlertDeps;

beforeAll(async () => {
  database = await testDatabase<Database>();
  const { db } = database;
  deps = { db, formulas: createFormulaLibrary({ db }), outbox: insertNotification, now: () => nowMs };
});
afterAll(() => database.close());

function someone(): Caller {
  const tenantId = newId(nowMs);
  return { principalId: newId(nowMs), kind: "user", tenantId, role: "analyst", requestId: "test" };
}

const request = new Request("http://localhost/");
const input = <P, Q, B>(parts: { params?: P; query?: Q; body?: B }) =>
  ({ params: undefined, query: undefined, body: undefined, request, ...parts }) as never;
const make = (caller: Caller, body: object) =>
  routes.createAlert(
    deps,
    input({ body: AlertBody.parse({ instrumentId: "A.HAND", rule: { kind: "move" }, ...body }) }),
    caller,
  );
const byId = (id: string) => ({ params: { id } });

test("an alert is made, listed, muted, tested and deleted, by its own tenant alone", async () => {
  const caller = someone();
  const first = await make(caller, { callbackUrl: "https://hooks.example/x?token=secret" });
  expect(first).toMatchObject({
    name: "A.HAND: 2.00 % within 60 s",
    armed: true,
    muted: false,
    cooldownMs: 60_000,
    callbackUrl: "https://hooks.example/x?[redacted]",
  });
  const second = await make(caller, { instrumentId: "B.HAND", rule: { kind: "stale" } });
  const list = (query: object) => routes.listAlerts(deps, input({ query: { limit: 50, ...query } }), caller);
  expect((await list({})).items.map(({ id }) => id)).toEqual([second.id, first.id]);
  const page = await list({ limit: 1 });
  expect(page.nextCursor).toBe(second.id);
  expect((await list({ limit: 1, cursor: page.nextCursor })).items).toEqual([first]);
  expect((await list({ instrumentId: "B.HAND" })).items).toEqual([second]);

  const muted = await routes.muteAlert(deps, input({ ...byId(first.id), body: { muted: true } }), caller);
  expect(muted).toEqual({ ...first, muted: true });
  const told = await routes.testAlert(deps, input(byId(first.id)), caller);
  expect(told).toMatchObject({ alertId: first.id, test: true, message: `Test of ${first.name}` });
  const [call] = await database.db
    .selectFrom("notifications")
    .select(["url", "body"])
    .where("tenantId", "=", caller.tenantId)
    .execute();
  expect(call!.url).toBe("https://hooks.example/x?token=secret");
  expect(JSON.parse(call!.body)).toMatchObject({
    event: "alert.triggered",
    triggerId: told.id,
    text: told.message,
  });

  const other = someone();
  for (const run of [
    () => routes.getAlert(deps, input(byId(first.id)), other),
    () => routes.muteAlert(deps, input({ ...byId(first.id), body: { muted: true } }), other),
    () => routes.testAlert(deps, input(byId(first.id)), other),
    () => routes.deleteAlert(deps, input(byId(first.id)), other),
  ])
    await expect(run()).rejects.toMatchObject({ code: "resource.unknown" });

  await routes.deleteAlert(deps, input(byId(first.id)), caller);
  expect((await list({})).items).toEqual([second]);
  const triggers = await routes.listAlertTriggers(deps, input({ query: { limit: 50 } }), caller);
  expect(triggers.items).toEqual([]);
});

test("an edge is one row and one call, however often it is stored", async () => {
  const caller = someone();
  const alert = await make(caller, { callbackUrl: "https://hooks.example/" });
  const trigger = {
    alertId: alert.id,
    tenantId: caller.tenantId,
    name: alert.name,
    instrumentId: "A.HAND",
    edgeMs: nowMs + 5,
    value: 0.02,
    message: "moved",
    test: false,
    muted: false,
    callbackUrl: "https://hooks.example/",
    channelIds: null,
  };
  const store = (...edgesMs: number[]) => {
    const triggers = edgesMs.map((edgeMs) => ({ ...trigger, edgeMs }));
    return database.db.transaction().execute((tx) => insertTriggers(tx, triggers, insertNotification, nowMs));
  };
  expect(await store(nowMs + 5)).toMatchObject([{ edgeMs: nowMs + 5, name: alert.name }]);
  expect(await store(nowMs + 5)).toEqual([]);
  expect(await store(nowMs + 5, nowMs + 6, nowMs + 6)).toMatchObject([{ edgeMs: nowMs + 6 }]);
  const { items } = await routes.listAlertTriggers(deps, input({ query: { limit: 1 } }), caller);
  expect(items).toMatchObject([{ edgeMs: nowMs + 6 }]);
  const calls = await database.db
    .selectFrom("notifications")
    .select("id")
    .where("tenantId", "=", caller.tenantId)
    .execute();
  expect(calls).toHaveLength(2);
});

test("an older state never replaces a newer one, and a change is seen by who evaluates", async () => {
  const caller = someone();
  const { id } = await make(caller, {});
  const all = await loadChangedAlerts(database.db, 0);
  const made = all.find((row) => row.id === id)!;
  expect(made.rule).toEqual({ kind: "move", direction: "either", fraction: 0.02, windowMs: 60_000 });
  await saveStates(database.db, new Map([[id, { armed: false, stateMs: nowMs + 10, firedMs: nowMs + 10 }]]));
  await saveStates(database.db, new Map([[id, { armed: true, stateMs: nowMs + 9, firedMs: null }]]));
  expect(await routes.getAlert(deps, input(byId(id)), caller)).toMatchObject({
    armed: false,
    firedMs: nowMs + 10,
  });
  await routes.deleteAlert(deps, input(byId(id)), caller);
  const [changed] = await loadChangedAlerts(database.db, all.at(-1)!.change);
  expect(changed).toMatchObject({ id, deletedMs: nowMs });
});

test("an alert that no stream's ticks reach says so; a formula over venues is refused", async () => {
  const caller = someone();
  const { id, waits } = await make(caller, { instrumentId: "NOSUCH.NOWHERE" });
  expect(waits).toMatch(/^No stream takes NOSUCH\.NOWHERE now/);
  const pair = { rule: { kind: "formula", formula: 'close > close["TAKEN.NOWHERE"]' } };
  expect((await make(caller, { instrumentId: "NOSUCH.NOWHERE", ...pair })).waits).toMatch(
    /^No stream takes NOSUCH\.NOWHERE, TAKEN\.NOWHERE now/,
  );
  const place = (instrumentId: string, untilMs: number) => ({
    venue: "nowhere",
    instrumentId,
    place: null,
    bars: "[]",
    runId: null,
    untilMs,
  });
  await database.db
    .insertInto("streamPlaces")
    .values([place("NOSUCH.NOWHERE", Date.now() + 600_000), place("TAKEN.NOWHERE", 0)])
    .execute();
  expect((await routes.getAlert(deps, input(byId(id)), caller)).waits).toBeNull();
  const page = await routes.listAlerts(deps, input({ query: { limit: 50 } }), caller);
  expect(page.items.map(({ waits }) => waits?.slice(0, 31) ?? null)).toEqual([
    "No stream takes TAKEN.NOWHERE n",
    null,
  ]);
  const news = await make(caller, { instrumentId: "OTHER.NOWHERE", rule: { kind: "event" } });
  expect(news.waits).toBeNull();
  await expect(
    make(caller, { rule: { kind: "formula", formula: 'close > close["TAKEN.NOWHERE"]' } }),
  ).rejects.toMatchObject({
    code: "formula.invalid",
    message: expect.stringContaining("of another venue than A.HAND") as string,
  });
});

test("a formula is checked and kept whole; every template is a rule that is taken", async () => {
  const caller = someone();
  const rule = (formula: string) => ({ rule: { kind: "formula", formula } });
  await expect(make(caller, rule("smaa(close, 5) > 1"))).rejects.toMatchObject({ code: "formula.invalid" });
  await expect(make(caller, rule("close"))).rejects.toMatchObject({ code: "formula.invalid" });
  // What was published is of no venue's stream.
  const news = await make(caller, rule('sentiment("AAPL.XNAS") < 0'));
  expect(news.waits).toMatch(/^No stream takes A.HAND now/);
  for (const template of alertTemplates) {
    const body = JSON.parse(JSON.stringify(template).replaceAll("{other}", "B.HAND")) as typeof template;
    const made = await make(caller, body);
    expect(made).toMatchObject({ name: template.name, rule: { kind: template.rule.kind } });
  }
});
