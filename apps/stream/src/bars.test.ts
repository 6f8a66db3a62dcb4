import { timeframeMs } from "@tapedeck/core";
import { liveTimeframes } from "@tapedeck/features/ticks/contract";
import type { LiveBar } from "@tapedeck/features/ticks/contract";
import { calendarOf } from "@tapedeck/trading/calendar/index";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createBarMaker } from "./bars.ts";
import type { BarTick, OpenBar } from "./bars.ts";

const instrumentId = "A.HAND";
function maker(fromMs = () => -Infinity, kept: readonly OpenBar[] = []) {
  const bars = createBarMaker({ venue: "hand", graceMs: 500, fromMs });
  bars.open(instrumentId, calendarOf("24x7"), kept);
  return bars;
}
const day = Date.UTC(2026, 0, 5);

const ticks = fc
  .array(
    fc.record({
      eventMs: fc.integer({ min: day, max: day + 400_000 }),
      price: fc.integer({ min: 1, max: 10_000 }).map((cents) => cents / 100),
      size: fc.integer({ min: 1, max: 1_000_000 }).map((thousandths) => thousandths / 1_000),
    }),
    { minLength: 1, maxLength: 200 },
  )
  .map((rows) => rows.map((row, ordinal): BarTick => ({ instrumentId, ordinal, ...row })));

const all = (bars: ReturnType<typeof maker>) =>
  liveTimeframes.flatMap((timeframe) => bars.recent(instrumentId, timeframe, 1_000));

/** Bars by another way: sort, group, reduce. Volume in whole thousandths. */
function reference(rows: readonly BarTick[]) {
  const sorted = rows.toSorted((a, b) => a.eventMs - b.eventMs || a.ordinal - b.ordinal);
  return liveTimeframes.flatMap((timeframe) => {
    const lengthMs = timeframeMs(timeframe);
    const groups = Map.groupBy(sorted, (tick) => tick.eventMs - (tick.eventMs % lengthMs));
    return [...groups].map(([openMs, group]) => ({
      timeframe,
      openMs,
      closeMs: openMs + lengthMs,
      open: group[0]!.price,
      high: Math.max(...group.map((tick) => tick.price)),
      low: Math.min(...group.map((tick) => tick.price)),
      close: group.at(-1)!.price,
      volume: group.reduce((sum, tick) => sum + Math.round(tick.size * 1_000), 0) / 1_000,
      trades: group.length,
    }));
  });
}

test("bars are those of the sorted ticks, in whatever order the ticks come, final or not", () => {
  fc.assert(
    fc.property(ticks, fc.array(fc.nat()), fc.nat(), (rows, keys, cut) => {
      const shuffled = rows
        .map((tick, index) => ({ tick, key: keys[index] ?? index }))
        .toSorted((a, b) => a.key - b.key)
        .map(({ tick }) => tick);
      const bars = maker();
      for (const [index, tick] of shuffled.entries()) {
        if (index === cut % shuffled.length) bars.finish(day + 200_000);
        bars.add(tick);
      }
      const made = all(bars).map(({ venue: _v, instrumentId: _i, final: _f, revision: _r, ...bar }) => bar);
      const wanted = reference(rows);
      expect(made.map((bar) => ({ ...bar, volume: 0 }))).toEqual(
        wanted.map((bar) => ({ ...bar, volume: 0 })),
      );
      for (const [index, bar] of made.entries()) expect(bar.volume).toBeCloseTo(wanted[index]!.volume, 9);

      // The order does not show in a single bit, so that what is restored equals what was stored.
      const inOrder = maker();
      for (const tick of rows.toSorted((a, b) => a.eventMs - b.eventMs || a.ordinal - b.ordinal))
        inOrder.add(tick);
      expect(all(inOrder).map((bar) => bar.volume)).toEqual(made.map((bar) => bar.volume));
    }),
  );
});

test("each bar is final once, half a second after its end; each correction raises its revision by one", () => {
  const bars = maker();
  const add = (eventMs: number, ordinal = 0): readonly LiveBar[] =>
    bars.add({ instrumentId, eventMs: day + eventMs, ordinal, price: 5, size: 1 });
  expect(add(0)).toEqual([]);
  expect(add(999)).toEqual([]);
  expect(bars.changed().map((bar) => [bar.timeframe, bar.trades])).toEqual([
    ["1s", 2],
    ["1m", 2],
    ["5m", 2],
    ["1h", 2],
    ["1d", 2],
  ]);
  expect(bars.changed()).toEqual([]);
  expect(bars.finish(day + 1_499)).toEqual([]);
  expect(bars.finish(day + 1_500)).toMatchObject([{ timeframe: "1s", final: true, revision: 1 }]);
  expect(bars.finish(day + 1_501)).toEqual([]);
  expect(add(500)).toMatchObject([{ timeframe: "1s", final: true, revision: 2, trades: 3 }]);
  expect(add(500, 1)).toMatchObject([{ timeframe: "1s", revision: 3, trades: 4 }]);
  expect(bars.changed().map((bar) => [bar.timeframe, bar.final])).toEqual([
    ["1m", false],
    ["5m", false],
    ["1h", false],
    ["1d", false],
  ]);
});

test("no bar is made of a bucket without ticks, and memory keeps what late ticks may change", () => {
  let nowMs = day;
  const bars = maker(() => nowMs - 600_000);
  for (let second = 0; second < 2_000; second += 2) {
    nowMs = day + second * 1_000;
    bars.add({ instrumentId, eventMs: day + second * 1_000, ordinal: 0, price: 5, size: 1 });
    bars.finish(day + second * 1_000);
  }
  const kept = bars.recent(instrumentId, "1s", 10_000);
  expect(kept.every((bar) => bar.openMs % 2_000 === 0)).toBe(true);
  expect(kept.length).toBeGreaterThanOrEqual(300);
  expect(kept.length).toBeLessThan(320);
  expect(bars.recent(instrumentId, "1s", 5).map((bar) => bar.openMs)).toEqual(
    kept.slice(-5).map((bar) => bar.openMs),
  );
});

test("hours and days that were kept go on as if nothing had stopped, without their ticks", () => {
  fc.assert(
    fc.property(ticks, fc.nat(), (rows, cut) => {
      const at = cut % rows.length;
      const whole = maker();
      const before = maker();
      for (const tick of rows.slice(0, at)) before.add(tick);
      const after = maker(undefined, JSON.parse(JSON.stringify(before.long(instrumentId))) as OpenBar[]);
      for (const tick of rows.slice(0, at)) after.restore(tick);
      for (const tick of rows.slice(at)) after.add(tick);
      for (const tick of rows) whole.add(tick);
      expect(all(after)).toEqual(all(whole));
    }),
  );
});

test("over kills and late ticks: each bar is announced as final once, corrections count up, and the last state is the batch's", () => {
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant("tick" as const), at: fc.nat() }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("clock" as const), byMs: fc.nat(120_000) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("kill" as const), lostTicks: fc.nat(5) }) },
  );
  const keyOf = (bar: { timeframe: string; openMs: number }) => `${bar.timeframe} ${bar.openMs}`;
  fc.assert(
    fc.property(ticks, fc.array(step, { maxLength: 300 }), (rows, steps) => {
      const waiting = [...rows];
      const stored: BarTick[] = [];
      let nowMs = day;
      let bars = maker();
      const revisions = new Map<string, number>();
      const final = new Map<string, LiveBar>();
      const announce = (made: readonly LiveBar[]) => {
        for (const bar of made) {
          const key = keyOf(bar);
          // One more than the last that was told; a process that takes over begins with what is stored.
          expect(bar.revision).toBe((revisions.get(key) ?? 0) + 1);
          revisions.set(key, bar.revision);
          final.set(key, bar);
        }
      };
      const add = (tick: BarTick) => {
        stored.push(tick);
        announce(bars.add(tick));
      };
      for (const one of steps) {
        if (one.kind === "tick" && waiting.length > 0) {
          const [tick] = waiting.splice(one.at % waiting.length, 1);
          add(tick!);
        } else if (one.kind === "clock") {
          nowMs += one.byMs;
          announce(bars.finish(nowMs));
        } else if (one.kind === "kill") {
          // What was not stored comes again from the venue's history.
          const lost = stored.splice(Math.max(0, stored.length - one.lostTicks));
          waiting.push(...lost);
          const before = maker();
          for (const tick of stored) before.add(tick);
          bars = maker(undefined, before.long(instrumentId));
          for (const tick of stored) bars.restore(tick);
          revisions.clear();
          for (const bar of bars.finishOf(instrumentId, nowMs)) {
            revisions.set(keyOf(bar), bar.revision);
            final.set(keyOf(bar), bar);
          }
        }
      }
      for (const tick of waiting) add(tick);
      announce(bars.finish(day + 2 * 86_400_000));
      expect(bars.finish(day + 3 * 86_400_000)).toEqual([]);
      const wanted = reference(rows);
      expect(final.size).toBe(wanted.length);
      for (const { volume, ...bar } of wanted) {
        const made = final.get(keyOf(bar))!;
        expect(made).toMatchObject({ ...bar, final: true });
        expect(made.volume).toBeCloseTo(volume, 9);
      }
    }),
  );
});

test("with sessions a day is one, hours begin with it, and outside there are no bars", () => {
  const bars = createBarMaker({ venue: "hand", graceMs: 500, fromMs: () => -Infinity });
  bars.open(instrumentId, calendarOf("XNYS"), []);
  // 2026-01-05 is a Monday; New York opens at 14:30 UTC.
  const add = (hours: number, price: number) =>
    bars.add({ instrumentId, eventMs: day + hours * 3_600_000, ordinal: 0, price, size: 1 });
  for (const [hours, price] of [
    [14, 1],
    [14.5, 2],
    [15.4, 3],
    [15.6, 4],
    [20.99, 5],
    [21, 6],
  ] as const)
    add(hours, price);
  const of = (timeframe: "1h" | "1d") =>
    bars
      .recent(instrumentId, timeframe, 10)
      .map((bar) => [(bar.openMs - day) / 3_600_000, bar.open, bar.close]);
  expect(of("1d")).toEqual([[14.5, 2, 5]]);
  expect(of("1h")).toEqual([
    [14.5, 2, 3],
    [15.5, 4, 4],
    [20.5, 5, 5],
  ]);
});
