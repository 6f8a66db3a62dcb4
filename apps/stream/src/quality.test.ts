import type { Tick } from "@tapedeck/features/ticks/contract";
import { beforeEach, expect, test } from "vitest";
import { createQualityWatch } from "./quality.ts";
import type { Finding, QualityWatch } from "./quality.ts";

const instrumentId = "A.HAND";
let found: Finding[];
let watch: QualityWatch;
let atMs: number;
beforeEach(() => {
  found = [];
  atMs = Date.UTC(2026, 0, 5);
  watch = createQualityWatch((finding) => found.push(finding));
  watch.add(instrumentId, atMs);
});

/** A second later. */
function print(price: number, waitMs = 1_000): void {
  atMs += waitMs;
  const tick: Tick = {
    venue: "hand",
    instrumentId,
    seq: 1,
    eventMs: atMs,
    receivedMs: atMs,
    price,
    size: 1,
    side: "buy",
  };
  watch.tick(tick);
}

const calm = (prints: number) => {
  for (let i = 0; i < prints; i++) print(100 + (i % 2) / 100);
};

test("a print far from the median of those before it is an outlier; a move that goes on is none after a while", () => {
  calm(30);
  print(100.4);
  expect(found).toEqual([]);
  print(110);
  expect(found).toEqual([
    {
      instrumentId,
      kind: "outlier",
      fromMs: atMs,
      toMs: atMs,
      detail: expect.stringContaining("a print at 110, 9."),
    },
  ]);
  for (let i = 0; i < 40; i++) print(110 + (i % 2) / 100);
  const before = found.length;
  print(110.2);
  expect(found).toHaveLength(before);
  expect(before).toBeLessThan(15);
});

test("what always jumps has no outliers, and of what is broken only the first sixty an hour are told", () => {
  for (let i = 0; i < 200; i++) print(i % 2 === 0 ? 100 : 104);
  expect(found).toEqual([]);
  for (let i = 0; i < 3_000; i++) print(i % 25 === 24 ? 1_000 : 100, 100);
  expect(found.length).toBe(60);
});

test("a print that was refused for its time is told, sixty times an hour at most", () => {
  watch.ahead("B.HAND", atMs + 72_000_000, atMs);
  for (let i = 0; i < 100; i++) watch.ahead(instrumentId, atMs + 72_000_000, atMs + i);
  expect(found).toHaveLength(60);
  expect(found[0]).toEqual({
    instrumentId,
    kind: "outlier",
    fromMs: atMs,
    toMs: atMs,
    detail: "a print 72000 s ahead of the venue's clock was refused",
  });
});

test("a crossed book is one finding with its beginning and its end", () => {
  watch.crossed(instrumentId, false, 1, "book");
  for (const eventMs of [2, 3, 4]) {
    watch.crossed(instrumentId, true, eventMs, "book");
    watch.crossed(instrumentId, false, eventMs, "quote");
  }
  watch.crossed(instrumentId, false, 9, "book");
  watch.crossed("B.HAND", true, 10, "book");
  expect(found).toMatchObject([
    { kind: "crossed", fromMs: 2, toMs: null },
    { kind: "crossed", fromMs: 2, toMs: 9 },
  ]);
});

test("a quote that comes and goes across is told sixty times an hour, each with its end", () => {
  for (let i = 0; i < 7_300; i++) watch.crossed(instrumentId, i % 2 === 0, atMs + i * 500, "quote");
  const ends = found.filter(({ toMs }) => toMs !== null);
  expect([found.length, ends.length]).toEqual([2 * 60 + 2 * 50, 60 + 50]);
  expect(found.at(-1)).toMatchObject({ fromMs: atMs + 7_298 * 500, toMs: atMs + 7_299 * 500 });
});

test("an instrument is stale after a minute without prints and thirty of its usual waits, until one comes", () => {
  calm(200);
  const lastMs = atMs;
  watch.look(lastMs + 59_000);
  expect(found).toEqual([]);
  watch.look(lastMs + 61_000);
  watch.look(lastMs + 62_000);
  expect(found).toMatchObject([{ kind: "stale", fromMs: lastMs, toMs: null, detail: "no print for 61 s" }]);
  print(100, 70_000);
  expect(found[1]).toMatchObject({ kind: "stale", fromMs: lastMs, toMs: atMs });
});

test("a bar of the venue's own that differs is told with what differs; rounding of a volume is none", () => {
  const bar = { openMs: 0, closeMs: 60_000, open: 1, high: 3, low: 1, close: 2, volume: 0.3 };
  const own = { ...bar, instrumentId, timeframe: "1m" };
  const ours = {
    ...bar,
    venue: "hand",
    instrumentId,
    timeframe: "1m" as const,
    trades: 3,
    final: true,
    revision: 1,
  };
  watch.ownBar(own, undefined);
  watch.ownBar(own, { ...ours, volume: 0.1 + 0.2 });
  expect(found).toEqual([]);
  watch.ownBar(own, { ...ours, high: 4, volume: 1 });
  expect(found).toMatchObject([
    {
      kind: "bar",
      fromMs: 0,
      toMs: 60_000,
      detail: "1m: high 4, by the venue 3; volume 1, by the venue 0.3",
    },
  ]);
});
