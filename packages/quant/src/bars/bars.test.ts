import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { dataDir, leaveOutUnless } from "@tapedeck/testkit/leaveout";
import type { Bar, BarColumns, BarRule, Ticks } from "../index.ts";
import { barsFromTicks, createBarBuilder, createTimeBars, heikinAshiBars } from "../index.ts";

type Trade = readonly [timeMs: number, price: number, size: number];

function ticksOf(...trades: readonly Trade[]): Ticks {
  return columnsOf(trades);
}

function columnsOf(trades: readonly Trade[]): Ticks {
  const column = (k: 0 | 1 | 2): Float64Array => Float64Array.from(trades, (t) => t[k]);
  return { timeMs: column(0), price: column(1), size: column(2) };
}

function rowsOf(bars: BarColumns): Bar[] {
  const names = Object.keys(bars) as (keyof Bar)[];
  return Array.from(
    { length: bars.open.length },
    (_, i) => Object.fromEntries(names.map((n) => [n, bars[n][i]])) as unknown as Bar,
  );
}

/** Trades of a walk with pauses, several in one millisecond, sizes that do not add up exactly. */
function walk(n: number, seed: number): Ticks {
  let s = seed;
  const next = (): number => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 4294967296;
  };
  let time = 1_600_000_000_000;
  let price = 10_000;
  return columnsOf(
    Array.from({ length: n }, (): Trade => {
      time += next() < 0.3 ? 0 : Math.floor(next() * (next() < 0.01 ? 400_000 : 900));
      price += Math.floor(next() * 7) - 3;
      return [time, price / 100, Math.floor(next() * 1000) / 1000];
    }),
  );
}

const rules: readonly (readonly [string, BarRule])[] = [
  ["time", { kind: "time", everyMs: 60_000 }],
  ["ticks", { kind: "ticks", size: 37 }],
  ["volume", { kind: "volume", size: 20 }],
  ["dollars", { kind: "dollars", size: 2_000 }],
  ["range", { kind: "range", size: 0.2 }],
  ["renko", { kind: "renko", size: 0.1 }],
];

describe.each(rules)("%s bars", (kind, rule) => {
  const ticks = walk(20_000, 5);
  const whole = createBarBuilder(rule);
  whole.advance(ticks, 0, 20_000);
  const rows = rowsOf(whole.closed.copy());

  test("any split of the trades gives the same bits", () => {
    for (const step of [1, 3, 4097]) {
      const builder = createBarBuilder(rule);
      for (let i = 0; i < 20_000; i += step) builder.advance(ticks, i, Math.min(20_000, i + step));
      expect(rowsOf(builder.closed.copy())).toEqual(rows);
      expect(builder.forming()).toEqual(whole.forming());
    }
  });

  test("later trades change no closed bar, and a closed bar says from when it may be used", () => {
    const half = createBarBuilder(rule);
    half.advance(ticks, 0, 9_001);
    const early = rowsOf(half.closed.copy());
    expect(early.length).toBeGreaterThan(20);
    expect(early).toEqual(rows.slice(0, early.length));
    for (const bar of early) expect(bar.closeMs).toBeLessThanOrEqual(ticks.timeMs[9_000]!);
  });

  test("no trade is lost or invented", () => {
    const forming = whole.forming()!;
    const sum = (name: "ticks" | "volume"): number =>
      rows.reduce((total, bar) => total + bar[name], forming[name]);
    expect(sum("ticks")).toBe(20_000);
    expect(sum("volume")).toBeCloseTo(
      ticks.size.reduce((a, b) => a + b),
      6,
    );
    for (const bar of rows) {
      if (kind !== "renko") expect(bar.ticks).toBeGreaterThan(0);
      expect(bar.low).toBeLessThanOrEqual(Math.min(bar.open, bar.close));
      expect(bar.high).toBeGreaterThanOrEqual(Math.max(bar.open, bar.close));
    }
  });

  test.each([
    [{ price: 0 }, /price 0/],
    [{ price: NaN }, /price NaN/],
    [{ price: Infinity }, /price Infinity/],
    [{ size: -1 }, /size -1/],
    [{ size: NaN }, /size NaN/],
    [{ size: Infinity }, /size Infinity/],
    [{ timeMs: NaN }, /time NaN/],
  ] as const)("a trade with %j is refused wherever it stands", (bad, message) => {
    for (const at of [0, 6_001, 6_002, 6_003, 6_004, 9_999]) {
      const holed = { ...walk(10_000, 5) };
      for (const [name, value] of Object.entries(bad)) holed[name as keyof Ticks][at] = value;
      expect(() => createBarBuilder(rule).advance(holed, 0, 10_000)).toThrow(message);
    }
  });

  test("a bar needs a size", () => {
    const none = kind === "time" ? { kind: "time", everyMs: 0 } : { ...rule, size: 0 };
    expect(() => createBarBuilder(none as BarRule)).toThrow(RangeError);
  });
});

describe("time bars", () => {
  test("buckets are half-open and empty ones make no bar", () => {
    const ticks = ticksOf([0, 10, 1], [59_999, 12, 2], [60_000, 11, 3], [240_000, 9, 4], [300_000, 8, 5]);
    expect(rowsOf(barsFromTicks(ticks, { kind: "time", everyMs: 60_000 }))).toEqual([
      { openMs: 0, closeMs: 60_000, open: 10, high: 12, low: 10, close: 12, volume: 3, ticks: 2 },
      { openMs: 60_000, closeMs: 120_000, open: 11, high: 11, low: 11, close: 11, volume: 3, ticks: 1 },
      { openMs: 240_000, closeMs: 300_000, open: 9, high: 9, low: 9, close: 9, volume: 4, ticks: 1 },
    ]);
  });

  test("the last bar is closed by time, at the end of its bucket and not before", () => {
    const bars = createTimeBars({ everyMs: 60_000 });
    bars.advance(ticksOf([30_000, 10, 1]), 0, 1);
    bars.closeUntil(59_999);
    expect(bars.closed.count).toBe(0);
    bars.closeUntil(60_000);
    expect(bars.closed.count).toBe(1);
    expect(bars.forming()).toBeUndefined();
  });

  test("a trade out of order counts in the open bar and is left out of a closed one", () => {
    const bars = createTimeBars({ everyMs: 60_000 });
    const ticks = ticksOf([10_000, 10, 1], [9_000, 11, 1], [70_000, 12, 1], [59_000, 99, 1], [71_000, 13, 1]);
    bars.advance(ticks, 0, 5);
    bars.closeUntil(120_000);
    expect(bars.late).toBe(1);
    expect(rowsOf(bars.closed.copy()).map((b) => [b.openMs, b.high, b.close, b.ticks])).toEqual([
      [0, 11, 11, 2],
      [60_000, 13, 13, 2],
    ]);
  });

  test("a late trade is left out after the bar was closed by time", () => {
    const bars = createTimeBars({ everyMs: 60_000 });
    bars.advance(ticksOf([10_000, 10, 1]), 0, 1);
    bars.closeUntil(60_000);
    bars.advance(ticksOf([59_000, 99, 1], [60_000, 12, 1]), 0, 2);
    bars.closeUntil(120_000);
    expect(bars.late).toBe(1);
    expect(rowsOf(bars.closed.copy()).map((b) => [b.openMs, b.ticks])).toEqual([
      [0, 1],
      [60_000, 1],
    ]);
  });

  test("sessions start the buckets, cut the last one and leave the rest out", () => {
    // two sessions of 100 minutes, the second an hour later in UTC: the clocks have changed
    const minute = 60_000;
    const startMs = Float64Array.of(30 * minute, 1_530 * minute);
    const endMs = startMs.map((s) => s + 100 * minute);
    const at = (m: number): Trade => [m * minute, 10, 1];
    const bars = createTimeBars({ everyMs: 60 * minute, sessions: { startMs, endMs } });
    const trades = [
      at(29),
      at(30),
      at(89),
      at(90),
      at(129),
      at(130),
      at(1_500),
      at(1_530),
      at(1_629),
      at(1_631),
    ];
    bars.advance(ticksOf(...trades), 0, trades.length);
    expect(rowsOf(bars.closed.copy()).map((b) => [b.openMs / minute, b.closeMs / minute, b.ticks])).toEqual([
      [30, 90, 2],
      [90, 130, 2],
      [1_530, 1_590, 1],
      [1_590, 1_630, 1],
    ]);
    expect(bars.outside).toBe(4);
  });

  test("sessions that overlap or end before they start are refused", () => {
    const of = (...pairs: readonly (readonly [number, number])[]) => ({
      everyMs: 10,
      sessions: {
        startMs: Float64Array.from(pairs, (p) => p[0]),
        endMs: Float64Array.from(pairs, (p) => p[1]),
      },
    });
    expect(() => createTimeBars(of([0, 100], [50, 200]))).toThrow(/session 1/);
    expect(() => createTimeBars(of([100, 100]))).toThrow(/session 0/);
  });
});

test("a tick, volume or dollar bar closes with the trade that reaches its size", () => {
  const ticks = ticksOf([1, 10, 3], [2, 11, 3], [3, 12, 9], [4, 10, 1]);
  const closes = (rule: BarRule) =>
    rowsOf(barsFromTicks(ticks, rule)).map((b) => [b.closeMs, b.close, b.volume]);
  expect(closes({ kind: "ticks", size: 2 })).toEqual([
    [2, 11, 6],
    [4, 10, 10],
  ]);
  expect(closes({ kind: "volume", size: 6 })).toEqual([
    [2, 11, 6],
    [3, 12, 9],
  ]);
  expect(closes({ kind: "dollars", size: 63 })).toEqual([
    [2, 11, 6],
    [3, 12, 9],
  ]);
});

test("a range bar closes with the trade that completes its range; a gap makes it larger, not more of them", () => {
  const ticks = ticksOf([1, 168.2, 1], [2, 168.3, 1], [3, 168.2, 1], [4, 169, 1]);
  const rows = rowsOf(barsFromTicks(ticks, { kind: "range", size: 0.1 }));
  expect(rows.map((b) => [b.closeMs, b.low, b.high])).toEqual([
    [2, 168.2, 168.3],
    [4, 168.2, 169],
  ]);
});

test("Renko bricks lie on the grid, follow after one size and turn after two", () => {
  const ticks = ticksOf([1, 10.4, 1], [2, 12.2, 2], [3, 11.1, 3], [4, 10.9, 4], [5, 10, 5], [6, 9.2, 6]);
  const rows = rowsOf(barsFromTicks(ticks, { kind: "renko", size: 1 }));
  expect(rows.map((b) => [b.open, b.close, b.closeMs, b.volume, b.ticks])).toEqual([
    [10, 11, 2, 3, 2],
    [11, 12, 2, 0, 0],
    [11, 10, 5, 12, 3],
  ]);
});

test("Heikin-Ashi bars average the prices and keep the rest", () => {
  const bars = barsFromTicks(walk(3_000, 9), { kind: "time", everyMs: 60_000 });
  const smooth = heikinAshiBars(bars);
  expect(smooth.volume).toBe(bars.volume);
  expect(smooth.close[5]!).toBeCloseTo(
    (bars.open[5]! + bars.high[5]! + bars.low[5]! + bars.close[5]!) / 4,
    12,
  );
  expect(smooth.open[6]!).toBeCloseTo((smooth.open[5]! + smooth.close[5]!) / 2, 12);
});

test("columns of unequal length are refused", () => {
  const ticks = { ...walk(10, 1), size: new Float64Array(9) };
  expect(() => barsFromTicks(ticks, { kind: "ticks", size: 2 })).toThrow(/differ in length \(10, 10, 9\)/);
});

const prints = path.join(dataDir, "equities", "SPY-trades-20131008.csv.gz");
leaveOutUnless(existsSync(prints), "SPY-trades-20131008.csv.gz under DATA_DIR")("a day of SPY prints", () => {
  const lines = existsSync(prints)
    ? gunzipSync(readFileSync(prints)).toString("utf8").trimEnd().split("\n").slice(1)
    : [];
  const ticks = columnsOf(lines.map((l) => l.split(",").slice(0, 3).map(Number) as unknown as Trade));

  test("its minute bars are those of a plain grouping by minute", () => {
    const minutes = new Map<number, Bar>();
    for (let i = 0; i < lines.length; i++) {
      const [time, price, size] = [ticks.timeMs[i]!, ticks.price[i]!, ticks.size[i]!];
      const openMs = time - (time % 60_000);
      const bar = minutes.get(openMs);
      if (bar) {
        bar.high = Math.max(bar.high, price);
        bar.low = Math.min(bar.low, price);
        bar.close = price;
        bar.volume += size;
        bar.ticks++;
      } else {
        const [open, high, low, close] = [price, price, price, price];
        minutes.set(openMs, {
          openMs,
          closeMs: openMs + 60_000,
          open,
          high,
          low,
          close,
          volume: size,
          ticks: 1,
        });
      }
    }
    const rows = rowsOf(barsFromTicks(ticks, { kind: "time", everyMs: 60_000 }, Infinity));
    expect(rows.length).toBeGreaterThan(390);
    expect(rows).toEqual([...minutes.values()]);
  });

  test("its regular session has 390 minutes", () => {
    const open = Date.UTC(2013, 9, 8, 13, 30);
    const sessions = { startMs: Float64Array.of(open), endMs: Float64Array.of(open + 390 * 60_000) };
    const bars = createTimeBars({ everyMs: 60_000, sessions });
    bars.advance(ticks, 0, lines.length);
    bars.closeUntil(Infinity);
    expect(bars.closed.count).toBe(390);
    expect(bars.late).toBe(0);
    const inside = ticks.timeMs.filter((t) => t >= open && t < open + 390 * 60_000).length;
    expect(bars.outside).toBe(lines.length - inside);
  });
});
