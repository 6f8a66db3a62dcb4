import { evaluateFormulas } from "@tapedeck/formula";
import type { Dataset } from "@tapedeck/formula";
import { afterEach, beforeEach, expect, test } from "vitest";
import { handSource, streamFixture } from "./fixture.ts";

let fixture: Awaited<ReturnType<typeof streamFixture>>;
beforeEach(async () => {
  fixture = await streamFixture();
});
afterEach(() => fixture.close());

const instrumentId = "A.HAND";
const minute = 60_000;
/** Two minutes ago, at a minute's begin: bars of then are final at once. */
const pastMinute = () => Math.floor(Date.now() / minute) * minute - 2 * minute;

const triggers = () =>
  fixture.db.selectFrom("alertTriggers").select(["alertId", "edgeMs", "value"]).orderBy("edgeMs").execute();
const calls = async () => (await fixture.db.selectFrom("notifications").select("id").execute()).length;
const has = (count: number) =>
  expect.poll(async () => (await triggers()).length, { timeout: 10_000 }).toBe(count);

test("a move of 2 % within a minute is told to subscribers once, with the print that made it", async () => {
  const source = handSource();
  const stream = await fixture.start(source);
  const alertId = await fixture.alertOn({ kind: "move" });
  await expect.poll(() => stream.stats()["alerts"], { timeout: 10_000 }).toBe(1);
  const client = await fixture.connect(stream.url);
  client.send({ op: "subscribe", channel: "alerts" });
  expect(await client.next((frame) => frame.type === "snapshot")).toMatchObject({ seq: 0, data: [] });
  const atMs = Date.now();
  source.send({ eventMs: atMs - 100_000, price: 90 });
  source.send({ eventMs: atMs - 20, price: 100 });
  source.send({ eventMs: atMs - 10, price: 101.9 });
  source.send({ eventMs: atMs - 5, price: 102.1 });
  source.send({ eventMs: atMs, price: 103 });
  const frame = await client.next((one) => one.type === "delta");
  expect(frame).toMatchObject({
    channel: "alerts",
    data: { alertId, instrumentId, edgeMs: atMs - 5, name: "watched", test: false },
  });
  expect(frame.data.message).toBe("A.HAND moved up 2.10 % within 60 s, to 102.1");
  expect(await triggers()).toHaveLength(1);
  expect(await calls()).toBe(1);
  // One who comes back gets what followed the number that it knows.
  const again = await fixture.connect(stream.url);
  again.send({ op: "subscribe", channel: "alerts", resume: { epoch: "any", seq: 0 } });
  await again.next((one) => one.type === "delta" && one.seq === frame.seq);
  // A number that no trigger has yet cannot be gone on from.
  const ahead = await fixture.connect(stream.url);
  ahead.send({ op: "subscribe", channel: "alerts", resume: { epoch: "any", seq: frame.seq + 1_000 } });
  expect(await ahead.next((one) => one.type === "snapshot")).toMatchObject({ seq: frame.seq });
  for (const one of [client, again, ahead]) one.socket.close();
});

test("a move of 2 % from prints that another process took is told once, by the one that has the instrument then", async () => {
  await fixture.alertOn({ kind: "move" });
  const source = handSource();
  const first = await fixture.start(source);
  const atMs = Date.now() - 10_000;
  for (const [i, price] of [103, 100, 101, 101.2, 101.5].entries())
    source.send({ eventMs: atMs + i * 1_000, price });
  await has(1);
  await first.close(1_000);
  const next = handSource();
  const second = await fixture.start(next);
  await expect.poll(() => second.stats()["alerts"], { timeout: 10_000 }).toBe(1);
  // From the 103 it is back within 2 %, and from the 100 it is not.
  next.send({ eventMs: atMs + 5_000, price: 101.5 });
  next.send({ eventMs: atMs + 6_000, price: 102.1 });
  await has(2);
  await second.close(1_000);
  const last = handSource();
  const third = await fixture.start(last);
  await expect.poll(() => third.stats()["alerts"], { timeout: 10_000 }).toBe(1);
  last.send({ eventMs: atMs + 7_000, price: 102.2 });
  await third.close(1_000);
  expect((await triggers()).map(({ edgeMs, value }) => [edgeMs - atMs, value!.toFixed(4)])).toEqual([
    [1_000, "-0.0291"],
    [6_000, "0.0210"],
  ]);
});

test("a level fires at its edge, and again only after the price came back by the hysteresis", async () => {
  const source = handSource();
  const stream = await fixture.start(source);
  await fixture.alertOn({ kind: "price", direction: "above", level: 100, hysteresis: 0.01 });
  await expect.poll(() => stream.stats()["alerts"], { timeout: 10_000 }).toBe(1);
  const atMs = Date.now() - 1_000;
  for (const [i, price] of [99.9, 100, 100.1, 99.5, 100.2, 98.9, 100.3].entries())
    source.send({ eventMs: atMs + i, price });
  await has(2);
  expect(await triggers()).toMatchObject([
    { edgeMs: atMs + 2, value: 100.1 },
    { edgeMs: atMs + 6, value: 100.3 },
  ]);
});

test("an alert whose change the database refuses keeps up no other", async () => {
  const source = handSource();
  const stream = await fixture.start(source);
  const rule = { kind: "price", direction: "above", level: 100 };
  const [gone, kept] = [await fixture.alertOn(rule), await fixture.alertOn(rule)];
  await expect.poll(() => stream.stats()["alerts"], { timeout: 10_000 }).toBe(2);
  await fixture.db.deleteFrom("alerts").where("id", "=", gone).execute();
  source.send({ price: 101 });
  await has(1);
  expect(await triggers()).toMatchObject([{ alertId: kept }]);
  await expect.poll(() => stream.stats()["unsaved"]).toBe(0);
});

test("a feed that is silent fires once, and again after it spoke", async () => {
  const source = handSource();
  await fixture.alertOn({ kind: "stale", afterMs: 1_000 });
  await fixture.start(source);
  await has(1);
  // A print from before the silence does not end it.
  source.send({ eventMs: Date.now() - 60_000 });
  source.send({});
  await has(2);
});

test("a formula over bars, of another instrument too, fires at the bar's end; a restart neither repeats nor misses one", async () => {
  const source = handSource();
  const first = await fixture.start(source);
  await fixture.alertOn({
    kind: "formula",
    timeframe: "1s",
    formula: 'crossover(close - close["B.HAND"], 5)',
  });
  await expect.poll(() => first.stats()["alerts"], { timeout: 10_000 }).toBe(1);
  const openMs = pastMinute();
  const second = (n: number, a: number, b: number) => {
    source.send({ instrumentId: "B.HAND", eventMs: openMs + n * 1_000, price: b });
    source.send({ eventMs: openMs + n * 1_000, price: a });
  };
  second(0, 10, 9);
  second(1, 20, 9);
  second(2, 10, 9);
  await has(1);
  await first.close(1_000);
  await fixture.db.updateTable("alerts").set({ armed: true, stateMs: 0, firedMs: null }).execute();
  const again = handSource();
  const next = await fixture.start(again);
  await expect.poll(() => next.stats()["unsaved"], { timeout: 10_000 }).toBe(0);
  for (const [n, price] of [
    [3, 9],
    [4, 30],
  ] as const) {
    again.send({ instrumentId: "B.HAND", eventMs: openMs + n * 1_000, price: 9 });
    again.send({ eventMs: openMs + n * 1_000, price });
  }
  await has(2);
  expect((await triggers()).map(({ edgeMs }) => edgeMs - openMs)).toEqual([2_000, 5_000]);
  expect(await calls()).toBe(2);
});

test("a late print that corrects a bar corrects what formulas saw of it", async () => {
  const source = handSource();
  const stream = await fixture.start(source);
  await fixture.alertOn({ kind: "formula", timeframe: "1s", formula: "high > 50" });
  await expect.poll(() => stream.stats()["alerts"], { timeout: 10_000 }).toBe(1);
  const openMs = pastMinute();
  source.send({ eventMs: openMs + 100, price: 10 });
  source.send({ eventMs: openMs + 1_100, price: 10 });
  await expect.poll(() => stream.stats()["barsFinal"]).toBeGreaterThanOrEqual(2);
  expect(await triggers()).toEqual([]);
  source.send({ eventMs: openMs + 200, price: 60 });
  await has(1);
  expect((await triggers())[0]!.edgeMs).toBe(openMs + 1_000);
});

test("a formula's values come as a snapshot and at each bar's end, of a pair too, equal to the batch's", async () => {
  const source = handSource();
  const stream = await fixture.start(source);
  const openMs = pastMinute();
  const formula = 'zscore(log(close) - log(close["B.HAND"]), 3)';
  const topic = { channel: "formulas", instrumentId, timeframe: "1s", formula };
  const prices: [number, number][] = [];
  const second = (a: number, b: number) => {
    const eventMs = openMs + prices.length * 1_000;
    source.send({ instrumentId: "B.HAND", eventMs, price: b });
    source.send({ eventMs, price: a });
    prices.push([a, b]);
  };
  for (let i = 0; i < 5; i++) second(10 + ((i * 7) % 4), 9 + ((i * 5) % 3));
  await expect.poll(() => stream.stats()["barsFinal"]).toBeGreaterThanOrEqual(10);
  const client = await fixture.connect(stream.url);
  client.send({ op: "subscribe", ...topic });
  const snapshot = await client.next((frame) => frame.type === "snapshot");
  second(15, 9);
  const delta = await client.next((frame) => frame.type === "delta");
  const dataset = (column: 0 | 1): Dataset => {
    const price = Float64Array.from(prices, (row) => row[column]);
    const at = Float64Array.from(prices, (_row, i) => openMs + i * 1_000);
    return {
      length: prices.length,
      openMs: at,
      closeMs: at.map((ms) => ms + 1_000),
      open: price,
      high: price,
      low: price,
      close: price,
      volume: price.map(() => 1),
      timeframeMs: 1_000,
    };
  };
  const [batch] = evaluateFormulas([formula], { ...dataset(0), resolve: () => dataset(1) });
  const wanted = [...batch!].map((value, i) => ({
    closeMs: openMs + (i + 1) * 1_000,
    value: Number.isNaN(value) ? null : value,
  }));
  expect(wanted.filter(({ value }) => value !== null)).toHaveLength(4);
  expect([...snapshot.data, delta.data]).toEqual(wanted);
  for (const [wrong, code] of [
    ["smaa(close, 3)", "formula.invalid"],
    ['close["NONE.HAND"]', "symbol.unknown"],
  ]) {
    client.send({ op: "subscribe", ...topic, formula: wrong });
    await client.next((frame) => frame.code === code);
  }
  client.send({ op: "unsubscribe", ...topic });
  await client.next((frame) => frame.type === "unsubscribed");
  client.socket.close();
});
