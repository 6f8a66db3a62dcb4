import { seededRandom } from "@tapedeck/core";
import { evaluateFormulas } from "@tapedeck/formula";
import type { Dataset } from "@tapedeck/formula";
import { describe, expect, test } from "vitest";
import {
  auditLookAhead,
  auditRecursion,
  auditRevisions,
  cutPoints,
  delaySignals,
  sliceBars,
  suspectSplits,
} from "./audit.ts";
import type { SignalSource } from "./audit.ts";

const dayMs = 86_400_000;
const n = 400;

function walk(seed: number): Dataset {
  const random = seededRandom(seed, "walk");
  const [open, high, low, close] = Array.from({ length: 4 }, () => new Float64Array(n)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  let price = 100;
  for (let i = 0; i < n; i++) {
    open[i] = price;
    price *= 1 + (random() - 0.5) * 0.04;
    close[i] = price;
    high[i] = Math.max(open[i]!, price) * (1 + random() * 0.01);
    low[i] = Math.min(open[i]!, price) * (1 - random() * 0.01);
  }
  // Mondays first: five bars a week.
  const openMs = Float64Array.from({ length: n }, (_, i) => (4 + i + 2 * Math.floor(i / 5)) * dayMs);
  return {
    length: n,
    timeframeMs: dayMs,
    openMs,
    closeMs: openMs.map((ms) => ms + dayMs),
    open,
    high,
    low,
    close,
    volume: new Float64Array(n).fill(1),
  };
}

const bars = walk(1);
const cuts = cutPoints(n, 20, 60);
const each = (data: Dataset, when: (i: number) => boolean) =>
  Uint8Array.from({ length: data.length }, (_, i) => +when(i));

/** Mean and standard deviation of closes [from, to). */
function scale(close: Float64Array, from: number, to: number) {
  const part = close.subarray(from, to);
  const mean = part.reduce((sum, x) => sum + x, 0) / part.length;
  const squares = part.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / part.length) };
}

/** Close of the week's last bar (here: bars come five a week) that a reader may know at bar `i`. */
const weekClose = (data: Dataset, i: number, closedOnly: boolean) => {
  const end = closedOnly ? Math.floor((i + 1) / 5) * 5 - 1 : Math.floor(i / 5) * 5 + 4;
  return end < 0 ? Number.NaN : (data.close[Math.min(end, data.length - 1)] ?? Number.NaN);
};

const pairs: Array<[string, SignalSource, SignalSource]> = [
  [
    "peeking at the next bar's high and low",
    (data) => each(data, (i) => data.high[i + 1]! - data.close[i]! > data.close[i]! - data.low[i + 1]!),
    (data) => each(data, (i) => data.high[i]! - data.open[i]! > data.open[i]! - data.low[i]!),
  ],
  [
    "filling in the bar that decides: the signal stands one bar early",
    (data) => each(data, (i) => data.close[i + 1]! > data.open[i + 1]!),
    (data) => each(data, (i) => data.close[i]! > data.open[i]!),
  ],
  [
    "a scale fitted on all data",
    (data) => {
      const { mean, deviation } = scale(data.close, 0, data.length);
      return each(data, (i) => (data.close[i]! - mean) / deviation < -0.2);
    },
    (data) =>
      each(data, (i) => {
        if (i < 19) return false;
        const { mean, deviation } = scale(data.close, i - 19, i + 1);
        return (data.close[i]! - mean) / deviation < -0.2;
      }),
  ],
  [
    "a weekly bar that has not closed",
    (data) => each(data, (i) => weekClose(data, i, false) > data.close[i]!),
    (data) => each(data, (i) => weekClose(data, i, true) > data.close[i]!),
  ],
];

describe("planted cheats are caught, their honest twins cleared", () => {
  test.each(pairs)("%s", (_name, cheat, honest) => {
    const caught = auditLookAhead(cheat, bars, cuts);
    expect(caught.passed).toBe(false);
    expect(caught.firstBar).toBeGreaterThanOrEqual(0);
    expect(caught.firstBar).toBeLessThan(cuts.at(-1)!);
    expect(auditLookAhead(honest, bars, cuts)).toMatchObject({ passed: true, firstBar: -1 });
  });

  test("revised data", async () => {
    // Each bar is corrected two days after its close: what is stored now was not known then.
    const first: Dataset = { ...bars, close: bars.close.map((close, i) => close * (i % 3 === 0 ? 1.03 : 1)) };
    const source: SignalSource = (data) => each(data, (i) => data.close[i]! > data.open[i]!);
    const knownAt = async (closeMs: number): Promise<Dataset> => {
      const end = bars.closeMs.findLastIndex((ms) => ms <= closeMs) + 1;
      const known = sliceBars(bars, 0, end);
      return {
        ...known,
        close: known.close.map((close, i) =>
          closeMs - bars.closeMs[i]! < 2 * dayMs ? first.close[i]! : close,
        ),
      };
    };
    const caught = await auditRevisions(source, bars, cuts, knownAt);
    expect(caught.passed).toBe(false);
    // The twin decides by what was known: by bars older than any correction.
    const honest: SignalSource = (data) => each(data, (i) => data.close[i - 3]! > data.open[i - 3]!);
    expect(await auditRevisions(honest, bars, cuts, knownAt)).toMatchObject({ passed: true });
  });
});

test("recursion: an average that never forgets depends on where it began, one over a window does not", () => {
  const formula =
    (text: string): SignalSource =>
    (data) =>
      evaluateFormulas([text], data)[0] as Uint8Array;
  const starts = [7, 50, 120];
  expect(auditRecursion(formula("close > sma(close, 10)"), bars, 10, starts).passed).toBe(true);
  const sinceStart: SignalSource = (data) =>
    each(data, (i) => data.close[i]! > scale(data.close, 0, i + 1).mean);
  expect(auditRecursion(sinceStart, bars, 10, starts).passed).toBe(false);
});

test("formulas pass: the language cannot look ahead", () => {
  for (const text of [
    "crossover(ema(close, 5), sma(close, 20))",
    'close > sma(close, 3, timeframe: "1w")',
    "zscore(close, 20) < -1",
  ]) {
    const source: SignalSource = (data) => evaluateFormulas([text], data)[0] as Uint8Array;
    expect(auditLookAhead(source, bars, cuts), text).toMatchObject({ passed: true });
  }
});

test("a fall to a half looks like a split, a fall by a third does not", () => {
  const close = Float64Array.of(100, 50, 52, 35, 71);
  expect(suspectSplits({ ...sliceBars(bars, 0, 5), close })).toEqual([1, 4]);
});

test("delayed signals come one bar later", () => {
  expect(delaySignals(Uint8Array.of(1, 0, 2, 3))).toEqual(Uint8Array.of(0, 1, 0, 2));
});
