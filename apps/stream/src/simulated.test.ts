import { testLog } from "@tapedeck/testkit";
import { expect, test } from "vitest";
import { createSimulatedSource, simulatedPath } from "./simulated.ts";
import type { VenueTick } from "./source.ts";

const startMs = Date.UTC(2026, 0, 5);
const path = (symbol: string, seed: number, ticksPerSecond = 4) => {
  const made = simulatedPath(symbol, { seed, ticksPerSecond, now: () => startMs });
  return Array.from({ length: 20_000 }, () => made.next());
};

test("the same seed and symbol make the same ticks, others make others", () => {
  expect(path("SYN-A", 1)).toEqual(path("SYN-A", 1));
  expect(path("SYN-A", 1)).not.toEqual(path("SYN-A", 2));
  expect(path("SYN-A", 1).map(({ tick }) => tick.price)).not.toEqual(
    path("SYN-B", 1).map(({ tick }) => tick.price),
  );
});

test("the process is the one that is documented", () => {
  const made = path("SYN-A", 3);
  const ticks = made.map(({ tick }) => tick);
  // Waiting times: exponential with mean a quarter of a second.
  const gaps = ticks.slice(1).map((tick, i) => tick.eventMs - ticks[i]!.eventMs);
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  expect(mean).toBeGreaterThan(242);
  expect(mean).toBeLessThan(258);
  const beyondMean = gaps.filter((gap) => gap > 250).length / gaps.length;
  expect(Math.abs(beyondMean - Math.exp(-1))).toBeLessThan(0.015);
  for (const tick of ticks) {
    expect(tick.price).toBeGreaterThan(0);
    expect(Number(tick.price.toFixed(2))).toBe(tick.price);
    expect(tick.size).toBeGreaterThan(0);
  }
  // Volatility of a minute, scaled to a year, is near 60 % (below it by the pull and above by rounding).
  const minutes = [...Map.groupBy(ticks, (tick) => Math.floor(tick.eventMs / 60_000)).values()].map(
    (group) => group.at(-1)!.price,
  );
  const returns = minutes.slice(1).map((price, i) => Math.log(price / minutes[i]!));
  const variance = returns.reduce((sum, value) => sum + value * value, 0) / returns.length;
  const volatility = Math.sqrt(variance * 365 * 1_440);
  expect(volatility).toBeGreaterThan(0.4);
  expect(volatility).toBeLessThan(0.9);
  const late = made.filter(({ tick, arrivesMs }) => arrivesMs > tick.eventMs);
  expect(late.length / made.length).toBeGreaterThan(0.005);
  expect(late.length / made.length).toBeLessThan(0.015);
  expect(Math.max(...late.map(({ tick, arrivesMs }) => arrivesMs - tick.eventMs))).toBeLessThanOrEqual(2_000);
});

test("it sends in real time, never from the future, and after a sleep goes on from now", async () => {
  let offsetMs = 0;
  const now = () => Date.now() + offsetMs;
  const log = testLog();
  const source = createSimulatedSource({ symbols: ["SYN-A"], seed: 1, ticksPerSecond: 200, now, log });
  const ticks: { tick: VenueTick; atMs: number }[] = [];
  const ignore = () => undefined;
  const books: number[] = [];
  source.start({
    tick: (tick) => ticks.push({ tick, atMs: now() }),
    book({ book }) {
      expect(book.crossed()).toBe(false);
      books.push(book.depth("bid"));
    },
    quote: ({ bid, ask }) => expect(bid).toBeLessThan(ask),
    mark: ignore,
    ownBar: ignore,
    gap: ignore,
  });
  source.follow("SYN-A.SIMULATED", undefined);
  await expect.poll(() => ticks.length).toBeGreaterThan(50);
  expect(ticks.every(({ tick, atMs }) => tick.eventMs <= atMs && atMs - tick.eventMs < 60_000)).toBe(true);
  const before = ticks.length;
  offsetMs = 86_400_000;
  await expect.poll(() => ticks.length).toBeGreaterThan(before + 20);
  source.stop();
  expect(books.every((depth) => depth === 25)).toBe(true);
  expect(books.length).toBe(ticks.length);
  // A day of ticks would be seventeen million.
  expect(ticks.length).toBeLessThan(20_000);
  expect(log.lines.some((line) => line.message.startsWith("the clock jumped"))).toBe(true);
  const stopped = ticks.length;
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(ticks.length).toBe(stopped);
});
