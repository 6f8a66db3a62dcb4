import { alertTemplates } from "@tapedeck/features/alerts/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { handSource, streamFixture } from "./fixture.ts";

const minute = 60_000;
const startMs = Date.UTC(2026, 0, 5);
/** In which minute what is watched for happens: averages and deviations have their bars by then. */
const edgeMinute = 130;
const minutes = edgeMinute + 3;

/** A price around 100 that goes round in five minutes. */
const quiet = (i: number) => 100 + (((i * 7) % 5) - 2) / 10;
const jump = (i: number, by: number) => (i < edgeMinute ? 0 : by);
const flat = { price: quiet, size: () => 1 };

/** Of each ready-made alert on prints or bars: what the minutes of its instrument are, and when it should fire. */
const scenes: Record<string, { price(i: number): number; size(i: number): number; firesMs?: number }> = {
  // Half a minute after a print at the usual price.
  "2 % in a minute": { ...flat, firesMs: startMs + edgeMinute * minute + 30_000 },
  "Pair: z-score above 2": { ...flat, price: (i) => quiet(i) + jump(i, 2) },
  "Volume spike": { ...flat, size: (i) => (i === edgeMinute ? 10 : 1 + (i % 3)) },
  "Volatility above its hour's twofold": { ...flat, price: (i) => quiet(i) + jump(i, 5) },
  "RSI falls below 30": { ...flat, price: (i) => quiet(i) + jump(i, -2) },
  // The short average is below the long one until then.
  "Average of 10 crosses that of 30": { ...flat, price: (i) => 200 - i / 10 + jump(i, 20) },
  "Anomaly: 4 deviations from the average": { ...flat, price: (i) => quiet(i) + jump(i, 5) },
  "Stale feed: no print for 30 s": { ...flat, firesMs: startMs + (minutes - 1) * minute + 30_000 },
};
const idOf = (name: string) => `${Object.keys(scenes).indexOf(name)}.HAND`;
const other = "OTHER.HAND";

let fixture: Awaited<ReturnType<typeof streamFixture>>;
beforeAll(async () => {
  fixture = await streamFixture();
});
afterAll(() => fixture.close());

test("each ready-made alert fires once, at what it is for", async () => {
  const ofStream = alertTemplates.filter(({ rule }) => rule.kind !== "event" && rule.kind !== "sentiment");
  expect(ofStream.map(({ name }) => name)).toEqual(Object.keys(scenes));
  let nowMs = startMs;
  const ids = [...Object.keys(scenes).map(idOf), other];
  const symbols = ids.map((id) => id.replace(".HAND", ""));
  const source = handSource("hand", { symbols, now: () => nowMs });
  for (const { name, rule } of ofStream)
    await fixture.alertOn(JSON.parse(JSON.stringify(rule).replaceAll("{other}", "OTHER")), {
      name,
      instrumentId: idOf(name),
      cooldownMs: minute,
      createdMs: startMs,
    });
  const stream = await fixture.start(source);
  await expect.poll(() => stream.stats()["alerts"], { timeout: 10_000 }).toBe(ofStream.length);
  for (let i = 0; i < minutes; i++) {
    nowMs = startMs + i * minute;
    // The other one of the pair goes round the other way.
    source.send({ instrumentId: other, eventMs: nowMs, price: 200 - quiet(i) });
    for (const [name, { price, size }] of Object.entries(scenes))
      source.send({ instrumentId: idOf(name), eventMs: nowMs, price: price(i), size: size(i) });
    if (i !== edgeMinute) continue;
    nowMs += 30_000;
    source.send({ instrumentId: idOf("2 % in a minute"), eventMs: nowMs, price: quiet(i) * 1.021 });
    nowMs += 1_000;
    source.send({ instrumentId: idOf("2 % in a minute"), eventMs: nowMs, price: quiet(i) });
  }
  nowMs += minute;
  const triggers = () =>
    fixture.db
      .selectFrom("alertTriggers")
      .innerJoin("alerts", "alerts.id", "alertTriggers.alertId")
      .select(["alerts.name", "alertTriggers.edgeMs"])
      .execute();
  await expect.poll(async () => (await triggers()).length, { timeout: 15_000 }).toBe(ofStream.length);
  await stream.close(1_000);
  const wanted = Object.entries(scenes).map(([name, { firesMs }]) => ({
    name,
    edgeMs: firesMs ?? startMs + (edgeMinute + 1) * minute,
  }));
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
  expect((await triggers()).toSorted(byName)).toEqual(wanted.toSorted(byName));
});
