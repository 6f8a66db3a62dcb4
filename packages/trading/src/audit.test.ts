import { seededRandom } from "@tapedeck/core";
import { evaluateFormulas } from "@tapedeck/formula";
import type { Dataset } from "@tapedeck/formula";
import { describe, expect, test } from "vitest";
import {
  auditLookAhead,
  auditRecursion,
  auditRevisions,
  revisionPlaces,
  auditSchedule,
  cutPoints,
  delaySignals,
  sliceBars,
  suspectSplits,
} from "./audit.ts";
import type { ColumnSource, Decider, DecisionTrace } from "./audit.ts";
import { noCosts } from "./engine/costs.ts";
import { createEngine } from "./engine/engine.ts";
import { plainInstrument } from "./engine/market.ts";
import { decidedOrders } from "./engine/orderLog.ts";
import type { EngineStrategy, StrategyContext } from "./engine/strategy.ts";

const dayMs = 86_400_000;
const n = 400;

function walk(seed: number, n: number): Dataset {
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

/** What a strategy would do at each close of some bars: 1 or 0. */
type SignalSource = (data: Dataset) => Uint8Array;

const bars = walk(1, n);
const cuts = cutPoints(n, 20, 60);
const cutsMs = cuts.map((cut) => bars.closeMs[cut - 1]!);
/** Bars that had closed by a time. */
const closedBy = (untilMs: number) =>
  sliceBars(bars, 0, bars.closeMs.findLastIndex((ms) => ms <= untilMs) + 1);
const traceOf = (source: SignalSource, data: Dataset) => ({ timeMs: data.closeMs, what: source(data) });
const deciderOf =
  (source: SignalSource): Decider =>
  (untilMs) =>
    Promise.resolve(traceOf(source, untilMs === undefined ? bars : closedBy(untilMs)));
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
  test.each(pairs)("%s", async (_name, cheat, honest) => {
    const caught = await auditLookAhead(deciderOf(cheat), cutsMs);
    expect(caught.passed).toBe(false);
    expect(bars.closeMs).toContain(caught.firstMs);
    expect(caught.firstMs).toBeLessThanOrEqual(cutsMs.at(-1)!);
    expect(await auditLookAhead(deciderOf(honest), cutsMs)).toMatchObject({ passed: true, firstMs: null });
  });

  test.each(pairs)("%s, as orders of a strategy in the engine", async (_name, cheat, honest) => {
    // The strategy holds while its source says so, and keeps a copy of the data as a cheat would.
    const strategyOf = (source: SignalSource, data: Dataset): EngineStrategy => {
      const wanted = source(data);
      return {
        name: "planted",
        features: [],
        decide(context: StrategyContext) {
          context.target(wanted[context.bars() - 1] === 1 ? 1 : 0);
        },
      };
    };
    const decider =
      (source: SignalSource): Decider =>
      (untilMs) => {
        const data = untilMs === undefined ? bars : closedBy(untilMs);
        const engine = createEngine(
          [plainInstrument("X", data)],
          strategyOf(source, data),
          {
            baseCurrency: "USD",
            initialCash: 10_000,
            costs: noCosts,
            innerPath: "pessimistic",
            shortfall: "reject",
            rates: {},
          },
          () => {
            throw new Error("no formulas here");
          },
        );
        while (!engine.advance(1_000));
        return Promise.resolve(decidedOrders(engine.state));
      };
    expect((await auditLookAhead(decider(cheat), cutsMs)).passed).toBe(false);
    expect(await auditLookAhead(decider(honest), cutsMs)).toMatchObject({ passed: true, firstMs: null });
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
    const asKnown = (of: SignalSource) => async (atMs: number) => traceOf(of, await knownAt(atMs));
    const caught = await auditRevisions(deciderOf(source), cutsMs, asKnown(source));
    expect(caught.passed).toBe(false);
    expect(cutsMs).toContain(caught.firstMs);
    // The twin decides by what was known: by bars older than any correction.
    const honest: SignalSource = (data) => each(data, (i) => data.close[i - 3]! > data.open[i - 3]!);
    expect(await auditRevisions(deciderOf(honest), cutsMs, asKnown(honest))).toMatchObject({ passed: true });
  });
});

describe("signals at one bar in a hundred that peek one bar ahead", () => {
  const long = walk(2, 5_000);
  const few = cutPoints(long.length, 20, 30).map((cut) => long.closeMs[cut - 1]!);
  const untilClose = (untilMs: number) =>
    sliceBars(long, 0, long.closeMs.findLastIndex((ms) => ms <= untilMs) + 1);
  const chosen = (seed: number) => {
    const random = seededRandom(seed, "signals");
    return Uint8Array.from({ length: long.length }, () => +(random() < 0.01));
  };
  const seeds = Array.from({ length: 20 }, (_, seed) => seed);
  const cheatOf = (seed: number): SignalSource => {
    const wanted = chosen(seed);
    return (data) => each(data, (i) => wanted[i] === 1 && data.close[i + 1]! > 0);
  };
  const honestOf = (seed: number): SignalSource => {
    const wanted = chosen(seed);
    return (data) => each(data, (i) => wanted[i] === 1 && data.close[i]! > 0);
  };
  const audit = (toTrace: (data: Dataset) => DecisionTrace) =>
    auditLookAhead(
      (untilMs) => Promise.resolve(toTrace(untilMs === undefined ? long : untilClose(untilMs))),
      few,
    );
  const ordersOf = (source: SignalSource, data: Dataset): DecisionTrace => {
    const signals = source(data);
    const rows = [...signals.keys()].filter((i) => signals[i] === 1);
    return { timeMs: rows.map((i) => data.closeMs[i]!), what: rows.map(() => "buy") };
  };

  test.each(seeds)("are caught as signals and as orders, whatever the bars (%d)", async (seed) => {
    for (const [source, passed] of [
      [cheatOf(seed), false],
      [honestOf(seed), true],
    ] as const) {
      expect(await audit((data) => traceOf(source, data))).toMatchObject({ passed });
      expect(await audit((data) => ordersOf(source, data))).toMatchObject({ passed });
    }
  });
});

test("closes at which a revision may tell: the first that saw it, and those before it was put right", () => {
  const closeMs = Array.from({ length: 100 }, (_, i) => (i + 1) * 10);
  const revised = [
    { closeMs: 100, visibleMs: 125 },
    // Put right before any close saw it.
    { closeMs: 301, visibleMs: 305 },
    { closeMs: 500, visibleMs: 5_000 },
  ];
  expect(revisionPlaces(closeMs, revised, 4, 99)).toEqual([100, 110, 120, 500, 510, 520, 530]);
  expect(revisionPlaces(closeMs, revised, 4, 4)).toEqual([100, 110, 500, 510]);
  expect(revisionPlaces(closeMs, [], 4, 4)).toEqual([]);
});

test("recursion: an average that never forgets depends on where it began, one over a window does not", () => {
  const formula =
    (text: string): ColumnSource =>
    (data) =>
      evaluateFormulas([text], data);
  const starts = [7, 50, 120];
  expect(auditRecursion(formula("close > sma(close, 10)"), bars, 10, starts).passed).toBe(true);
  expect(auditRecursion(formula("sma(close, 10)"), bars, 10, starts).passed).toBe(true);
  const sinceStart: ColumnSource = (data) => [
    each(data, (i) => data.close[i]! > scale(data.close, 0, i + 1).mean),
  ];
  expect(auditRecursion(sinceStart, bars, 10, starts).passed).toBe(false);
  const value = auditRecursion(formula("ema(close, 10)"), bars, 10, starts);
  expect(value).toMatchObject({ passed: false, firstMs: bars.closeMs[17] });
});

test("a schedule that counts from the start moves with it, one of the calendar does not", () => {
  const at = (...timeMs: number[]) => ({ timeMs, what: timeMs.map(() => "buy") });
  expect(auditSchedule(at(1, 4, 7, 10), at(2, 5, 8), 5)).toEqual({ passed: false, firstMs: 5, compared: 4 });
  // Orders before the time, sizes and the number of orders at one moment do not count.
  expect(auditSchedule(at(1, 4, 8, 8), at(5, 8), 6)).toEqual({ passed: true, firstMs: null, compared: 1 });
});

test("formulas pass: the language cannot look ahead", async () => {
  for (const text of [
    "crossover(ema(close, 5), sma(close, 20))",
    'close > sma(close, 3, timeframe: "1w")',
    "zscore(close, 20) < -1",
  ]) {
    const source: SignalSource = (data) => evaluateFormulas([text], data)[0] as Uint8Array;
    expect(await auditLookAhead(deciderOf(source), cutsMs), text).toMatchObject({ passed: true });
  }
});

test("a fall to a half looks like a split, a fall by a third does not", () => {
  const close = Float64Array.of(100, 50, 52, 35, 71);
  expect(suspectSplits({ ...sliceBars(bars, 0, 5), close })).toEqual([1, 4]);
});

test("delayed signals come one bar later", () => {
  expect(delaySignals(Uint8Array.of(1, 0, 2, 3))).toEqual(Uint8Array.of(0, 1, 0, 2));
});
