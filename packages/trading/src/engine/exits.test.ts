import { describe, expect, test } from "vitest";
import { fillReasons } from "../simulate.ts";
import { noCosts } from "./costs.ts";
import { createEngine } from "./engine.ts";
import type { Engine } from "./engine.ts";
import { fillRows } from "./fills.ts";
import { plainInstrument } from "./market.ts";
import type { MarketInstrument, PriceSeries } from "./market.ts";
import { decidedOrders } from "./orderLog.ts";
import { roundTripsOf } from "./roundTrips.ts";
import { rulesStrategy } from "./rules.ts";
import type { RuleTerms } from "./rules.ts";
import type { EngineSettings } from "./state.ts";

const dayMs = 86_400_000;

/** Daily bars as [open, high, low, close]. */
function series(bars: ReadonlyArray<readonly number[]>, lengthMs = dayMs): PriceSeries {
  const column = (k: number) => Float64Array.from(bars, (bar) => bar[k]!);
  const openMs = Float64Array.from(bars, (_, i) => i * lengthMs);
  return {
    openMs,
    closeMs: openMs.map((ms) => ms + lengthMs),
    open: column(0),
    high: column(1),
    low: column(2),
    close: column(3),
    volume: new Float64Array(bars.length).fill(Number.NaN),
  };
}

const noTerms: RuleTerms = {
  sizing: { kind: "fixedQuantity", value: 10 },
  stopLoss: 0,
  takeProfit: 0,
  trailingStop: 0,
  maxBars: 0,
};

interface Case {
  bars: ReadonlyArray<readonly number[]>;
  terms: Partial<RuleTerms>;
  /** Bars at whose close the entry is true. */
  entries?: readonly number[];
  side?: "long" | "short";
  /** Values of formulas, by their text. */
  features?: Record<string, readonly number[]>;
  instrument?: Partial<MarketInstrument>;
  settings?: Partial<EngineSettings>;
}

function run({ bars, terms, entries = [1], side = "long", features = {}, ...rest }: Case): Engine {
  const prices = series(bars);
  const engine = createEngine(
    [{ ...plainInstrument("A", prices), ...rest.instrument }],
    rulesStrategy({ title: "rules", side, formulas: { entry: "enter" } }, { ...noTerms, ...terms }),
    {
      baseCurrency: "USD",
      initialCash: 10_000,
      costs: noCosts,
      innerPath: "pessimistic",
      shortfall: "reduce",
      rates: {},
      ...rest.settings,
    },
    (formula) => ({
      closeMs: prices.closeMs,
      values:
        formula === "enter"
          ? Uint8Array.from(bars, (_, i) => +entries.includes(i))
          : Float64Array.from(features[formula]!),
    }),
  );
  while (!engine.advance(100));
  return engine;
}

/** [bar, signed quantity, price, reason]. */
const fillsOf = ({ state: { postings } }: Engine) =>
  [...fillRows(postings)].map((row) => [
    postings.bar[row],
    postings.quantity[row],
    postings.price[row],
    fillReasons[postings.reason[row]!],
  ]);

/** Rises by 2 a bar from 100 (close 100, 102, …), each bar one wide either way of its body, then falls by 5 a bar. */
const hill = [
  [100, 101, 99, 100],
  [100, 103, 99, 102],
  [102, 105, 101, 104],
  [104, 107, 103, 106],
  [106, 109, 105, 108],
  [108, 109, 102, 103],
  [103, 104, 97, 98],
  [98, 99, 92, 93],
];
const mirrored = hill.map(([open, high, low, close]) => [200 - open!, 200 - low!, 200 - high!, 200 - close!]);
const atr2 = { "atr(3)": hill.map(() => 2) };
const entry = [2, 10, 102, "entry"];

describe("the catalogue of exits, entered at bar 2's open of 102", () => {
  test.each<[string, Case, unknown[]]>([
    [
      "true ranges as they were at the entry: 102 - 1.5 × 2",
      { bars: hill, terms: { atrStop: { length: 3, multiple: 1.5 } }, features: atr2 },
      [6, -10, 99, "stop"],
    ],
    [
      "chandelier: 2 ranges below the best, 109 when bar 4 has closed",
      { bars: hill, terms: { chandelier: { length: 3, multiple: 2 } }, features: atr2 },
      [5, -10, 105, "trailingStop"],
    ],
    [
      "chandelier: a range that widens does not loosen the stop",
      {
        bars: hill,
        terms: { chandelier: { length: 3, multiple: 2 } },
        features: { "atr(3)": [2, 2, 2, 2, 4, 4, 4, 4] },
      },
      // 107 - 4 at bar 3's close; at bar 4's it would be 109 - 8.
      [5, -10, 103, "trailingStop"],
    ],
    [
      "break-even: once 5 % were reached, the price that pays 1 %",
      { bars: hill, terms: { breakEven: { trigger: 0.05, cost: 0.01 } } },
      [5, -10, 102 * 1.01, "trailingStop"],
    ],
    [
      "break-even: not before its trigger",
      { bars: hill, terms: { breakEven: { trigger: 0.08, cost: 0.01 } } },
      [],
    ],
    ["an amount below the best", { bars: hill, terms: { trailingAmount: 4 } }, [5, -10, 105, "trailingStop"]],
    ["age: closed at the open after two bars", { bars: hill, terms: { maxBars: 2 } }, [4, -10, 106, "time"]],
    [
      "a target by volatility: 2 × 0.001 + 1 × 0.01 × √4",
      {
        bars: hill,
        terms: { profitThreshold: { length: 3, bars: 4, multiple: 1, costPerSide: 0.001 } },
        features: { "stddev(close / lag(close, 1) - 1, 3)": hill.map(() => 0.01) },
      },
      [2, -10, 102 * 1.022, "target"],
    ],
  ])("%s", (_name, given, exit) => {
    const fills = fillsOf(run(given));
    expect(fills).toHaveLength(exit.length === 0 ? 1 : 2);
    expect(fills[0]).toEqual(entry);
    if (exit.length === 0) return;
    expect(fills[1]!.toSpliced(2, 1)).toEqual(exit.toSpliced(2, 1));
    expect(fills[1]![2]).toBeCloseTo(exit[2] as number, 10);
  });

  test("parabolic: from the low of the bars before, faster with every new high", () => {
    // Entry bar's close: the stop is min(low 1, low 2) = 99 (the same that the entry began with), best 105, step 0.02.
    // Bar 3: best 107, 0.04: 99 + 0.04 × 8 = 99.32. Bar 4: best 109, 0.06: 99.32 + 0.06 × 9.68 = 99.9008.
    // Bar 5: no new best: 99.9008 + 0.06 × 9.0992 = 100.446752, reached in bar 6.
    const fills = fillsOf(run({ bars: hill, terms: { parabolic: { step: 0.02, most: 0.2 } } }));
    expect(fills[1]![0]).toBe(6);
    expect(fills[1]![2]).toBeCloseTo(100.446752, 9);
  });

  test("parts are sold at their gains, the rest at the stop", () => {
    const scaleOut = [
      { gain: 0.02, share: 0.5 },
      { gain: 0.05, share: 0.3 },
    ];
    const engine = run({ bars: hill, terms: { stopLoss: 0.02, scaleOut } });
    const fills = fillsOf(engine);
    expect(fills.map(([bar, quantity, , reason]) => [bar, quantity, reason])).toEqual([
      [2, 10, "entry"],
      [2, -5, "target"],
      [4, -3, "target"],
      [6, -2, "stop"],
    ]);
    expect(fills[1]![2]).toBeCloseTo(104.04, 10);
    expect(fills[2]![2]).toBeCloseTo(107.1, 10);
    expect(roundTripsOf(engine.state)).toHaveLength(1);
  });

  test("a stop that the fill has passed already acts at the fill, not at its better level", () => {
    const bars = [...hill.slice(0, 2), [96, 97, 94, 95], [95, 96, 94, 95]];
    const fills = fillsOf(run({ bars, terms: { parabolic: { step: 0.02, most: 0.2 } } }));
    expect(fills).toEqual([
      [2, 10, 96, "entry"],
      [2, -10, 96, "stop"],
    ]);
  });

  test("nothing is entered while the range of a stop has no value", () => {
    const features = { "atr(3)": hill.map(() => Number.NaN) };
    expect(fillsOf(run({ bars: hill, terms: { atrStop: { length: 3, multiple: 2 } }, features }))).toEqual(
      [],
    );
  });

  test("a short is the mirror of a long", () => {
    const terms = {
      chandelier: { length: 3, multiple: 2 },
      breakEven: { trigger: 0.03, cost: 0 },
      parabolic: { step: 0.02, most: 0.2 },
    };
    const long = fillsOf(run({ bars: hill, terms, features: atr2 }));
    const short = fillsOf(run({ bars: mirrored, terms, features: atr2, side: "short" }));
    expect(short.map(([bar, quantity, , reason]) => [bar, -(quantity as number), reason])).toEqual(
      long.map(([bar, quantity, , reason]) => [bar, quantity, reason]),
    );
    expect(short[1]![2]).toBeCloseTo(200 - (long[1]![2] as number), 9);
  });

  test("a split moves stops and best prices with the units", () => {
    const halved = hill.map((bar, i) => (i < 4 ? bar : bar.map((price) => price / 2)));
    const terms = { chandelier: { length: 3, multiple: 2 } };
    const features = { "atr(3)": hill.map((_, i) => (i < 4 ? 2 : 1)) };
    const instrument = { events: [{ kind: "split" as const, atMs: 4 * dayMs, ratio: 2 }] };
    expect(fillsOf(run({ bars: halved, terms, features, instrument }))).toEqual([
      entry,
      [5, -20, 52.5, "trailingStop"],
    ]);
  });
});

describe("sizes", () => {
  const steady = Array.from({ length: 12 }, () => [100, 101, 99, 100]);
  const sized = (terms: Partial<RuleTerms>, features: Record<string, readonly number[]> = {}) =>
    fillsOf(run({ bars: steady, terms, features }))[0]?.[1];

  test.each<[string, Partial<RuleTerms>, number]>([
    [
      "a fraction lost at the stop: 10,000 × 0.005 / (0.02 × 100)",
      { sizing: { kind: "fixedFractional", fraction: 0.005 }, stopLoss: 0.02 },
      25,
    ],
    [
      "the nearest stop counts: 10,000 × 0.005 / 1.5",
      { sizing: { kind: "fixedFractional", fraction: 0.005 }, stopLoss: 0.02, trailingAmount: 1.5 },
      100 / 3,
    ],
    [
      "never more than the cash pays",
      { sizing: { kind: "fixedFractional", fraction: 0.5 }, stopLoss: 0.02 },
      100,
    ],
    [
      "half of Kelly before there are trades: the start",
      { sizing: { kind: "kelly", share: 0.5, least: 2, start: 0.2 } },
      20,
    ],
    [
      "fixed ratio before there is profit: one unit",
      { sizing: { kind: "fixedRatio", delta: 100, quantity: 3 } },
      3,
    ],
  ])("%s", (_name, terms, units) => {
    expect(sized(terms)).toBeCloseTo(units, 9);
  });

  test("risk by true ranges: 10,000 × 0.01 / (2 × 2)", () => {
    const sizing = { kind: "atrRisk", fraction: 0.01, length: 3, multiple: 2 } as const;
    expect(sized({ sizing }, { "atr(3)": steady.map(() => 2) })).toBeCloseTo(25, 9);
  });

  test("volatility: 10,000 × (0.005 / 0.01) / 100", () => {
    const sizing = { kind: "volatilityTarget", target: 0.005, length: 3, maxLeverage: 1 } as const;
    const features = { "stddev(close / lag(close, 1) - 1, 3)": steady.map(() => 0.01) };
    expect(sized({ sizing }, features)).toBeCloseTo(50, 9);
  });

  test("without a stop a fraction at risk is nothing: no entry", () => {
    expect(sized({ sizing: { kind: "fixedFractional", fraction: 0.01 } })).toBeUndefined();
  });

  test("Kelly and optimal f follow the trades that are over", () => {
    // Two trades: +10 % and -5 %, each held a bar.
    const bars = [
      [100, 100, 100, 100],
      [100, 110, 100, 110],
      [110, 110, 110, 100],
      [100, 100, 95, 95],
      [95, 95, 95, 100],
      [100, 100, 100, 100],
    ];
    const sizedAfter = (sizing: RuleTerms["sizing"]) => {
      const engine = run({ bars, terms: { sizing, maxBars: 1 }, entries: [0, 2, 4] });
      const fills = fillsOf(engine);
      return { quantity: fills[4]![1] as number, equity: engine.equity[4]!, fills };
    };
    // Mean log growth of (1 + 0.1 f)(1 - 0.05 f) is best at f = (0.1 - 0.05) / (2 × 0.1 × 0.05) = 5; a tenth of it: half the equity.
    const kelly = sizedAfter({ kind: "kelly", share: 0.1, least: 2, start: 0.1 });
    expect(kelly.fills.map((fill) => fill[2])).toEqual([100, 110, 100, 95, 100]);
    expect(kelly.quantity).toBeCloseTo((kelly.equity * 0.5) / 100, 8);
    // Profits a unit of 10 and -5: optimal f 0.25 of the equity over a worst loss of 5.
    const optimal = sizedAfter({ kind: "optimalF", least: 2, start: 0.1 });
    expect(optimal.quantity).toBeCloseTo(Math.min(optimal.equity / 100, (optimal.equity * 0.25) / 5), 8);
  });
});

describe("the path inside a bar, from finer bars", () => {
  /** A day of 24 hours that goes down to `low` first or up to `high` first. */
  const hours = (order: "down" | "up") =>
    Array.from({ length: 24 }, (_, h) => {
      if (h === 6) return order === "down" ? [100, 101, 94, 100] : [100, 112, 99, 100];
      if (h === 12) return order === "down" ? [100, 112, 99, 100] : [100, 101, 94, 100];
      return [100, 101, 99, 100];
    });
  const day = [100, 112, 94, 100];
  const quiet = [100, 101, 99, 100];
  const quietHours = Array.from({ length: 24 }, () => quiet);
  const finer = (order: "down" | "up") =>
    series([...quietHours, ...quietHours, ...quietHours, ...hours(order)], dayMs / 24);
  const bars = [quiet, quiet, quiet, day, quiet];
  const terms = { stopLoss: 0.05, takeProfit: 0.1 };

  test.each([
    ["down", -10, 95, "stop"],
    ["up", -10, 110, "target"],
  ] as const)("%s first", (order, quantity, price, reason) => {
    const engine = run({ bars, terms, instrument: { finerBars: finer(order) } });
    const last = fillsOf(engine)[1]!;
    expect(last.toSpliced(2, 1)).toEqual([3, quantity, reason]);
    expect(last[2]).toBeCloseTo(price, 9);
    expect(roundTripsOf(engine.state)[0]!.pathDependent).toBe(false);
  });

  test("bars without finer ones are assumed, and counted", () => {
    const engine = run({ bars, terms, instrument: { finerBars: series([quiet], dayMs / 24) } });
    expect(fillsOf(engine)[1]![3]).toBe("stop");
    expect(engine.state.assumedBars[0]).toBe(2);
    expect(roundTripsOf(engine.state)[0]!.pathDependent).toBe(true);
  });

  test("a gap between finer bars goes through a stop at the open after it", () => {
    const gap = hours("up").with(6, quiet).with(12, [93, 94, 92, 93]);
    const finerBars = series([...quietHours, ...quietHours, ...quietHours, ...gap], dayMs / 24);
    const engine = run({ bars: bars.with(3, [100, 101, 92, 100]), terms, instrument: { finerBars } });
    expect(fillsOf(engine)[1]).toEqual([3, -10, 93, "stopGap"]);
  });

  test("finer bars that begin late: a gap before the first goes through a stop", () => {
    const late = series(
      Array.from({ length: 24 }, () => [80, 82, 79, 81]),
      dayMs / 24,
    );
    const after = (ms: number) => ms + 3 * dayMs + dayMs / 24;
    const finerBars = { ...late, openMs: late.openMs.map(after), closeMs: late.closeMs.map(after) };
    const engine = run({ bars: bars.with(3, [100, 101, 79, 81]), terms, instrument: { finerBars } });
    expect(fillsOf(engine)[1]).toEqual([3, -10, 80, "stopGap"]);
  });

  test("where the finer bars say what the coarse one does, the fills are the same", () => {
    const one = series(bars, dayMs);
    const terms2 = { stopLoss: 0.05, trailingStop: 0.04, takeProfit: 0.1 };
    expect(fillsOf(run({ bars, terms: terms2, instrument: { finerBars: one } }))).toEqual(
      fillsOf(run({ bars, terms: terms2 })),
    );
  });
});

test("what is held of an instrument that ends is closed at its last close, and no order is left", () => {
  const engine = run({ bars: hill.slice(0, 4), terms: {}, instrument: { delists: true } });
  expect(fillsOf(engine)[1]).toEqual([3, -10, 106, "delisted"]);
  expect(engine.state.openOrders).toBe(0);
  expect(engine.equity.at(-1)).toBe(10_040);
});

test("an order of a decision waits as many bars more as it is told", () => {
  const fills = fillsOf(run({ bars: hill, terms: {}, settings: { delayBars: 2 } }));
  expect(fills).toEqual([[4, 10, 106, "entry"]]);
});

test.each([0, 1])(
  "a stop that is tightened holds until the tighter one can trade, latency %d ms",
  (latencyMs) => {
    let bar = -1;
    const engine = createEngine(
      [
        plainInstrument(
          "A",
          series([
            [100, 101, 99, 100],
            [100, 101, 99, 100],
            [100, 111, 99, 110],
            [110, 111, 70, 75],
            [75, 76, 74, 75],
          ]),
        ),
      ],
      {
        name: "tightens",
        features: [],
        decide(context) {
          bar++;
          if (bar === 0) context.submit({ side: "buy", quantity: 10, bracket: { stopPrice: 90 } });
          if (bar === 2) context.tightenStops(105);
        },
      },
      {
        baseCurrency: "USD",
        initialCash: 10_000,
        costs: { ...noCosts, latencyMs },
        innerPath: "pessimistic",
        shortfall: "reject",
        rates: {},
      },
      () => {
        throw new Error("no formulas here");
      },
    );
    while (!engine.advance(1_000));
    // With latency the order of bar 0 waits for bar 2, and the tighter stop of bar 2 for bar 4.
    const [entered, left] = latencyMs === 0 ? [1, 105] : [2, 90];
    expect(fillsOf(engine)).toEqual([
      [entered, 10, 100, "entry"],
      [3, -10, left, latencyMs === 0 ? "trailingStop" : "stop"],
    ]);
    expect(decidedOrders(engine.state).what).toHaveLength(1);
  },
);
