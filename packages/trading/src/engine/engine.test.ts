import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSimulation, runSimulation, signalBits } from "../simulate.ts";
import type { SimulationSettings } from "../simulate.ts";
import { noCosts } from "./costs.ts";
import type { Slippage } from "./costs.ts";
import { createEngine } from "./engine.ts";
import type { Engine } from "./engine.ts";
import { createCashReconciliation } from "./exact.ts";
import { fillFlags, fillRows, postingKinds } from "./fills.ts";
import { plainInstrument } from "./market.ts";
import type { MarketInstrument, PriceSeries } from "./market.ts";
import type { Bracket, OrderRequest } from "./orders.ts";
import { roundTripsOf } from "./roundTrips.ts";
import { rulesStrategy } from "./rules.ts";
import { stagedStrategy } from "./stages.ts";
import type { EngineSettings } from "./state.ts";
import type { EngineStrategy, StrategyContext } from "./strategy.ts";

const hourMs = 3_600_000;
const plain: EngineSettings = {
  baseCurrency: "USD",
  initialCash: 10_000,
  costs: noCosts,
  innerPath: "pessimistic",
  shortfall: "reject",
  rates: {},
};

/** Hourly bars as [open, high, low, close, volume]. */
function series(bars: ReadonlyArray<readonly number[]>, startMs = 0): PriceSeries {
  const column = (k: number) => Float64Array.from(bars, (bar) => bar[k] ?? Number.NaN);
  const openMs = Float64Array.from(bars, (_, i) => startMs + i * hourMs);
  return {
    openMs,
    closeMs: openMs.map((ms) => ms + hourMs),
    open: column(0),
    high: column(1),
    low: column(2),
    close: column(3),
    volume: column(4),
  };
}

const flat = (...prices: number[]) => series(prices.map((price) => [price, price, price, price]));

/** A strategy that does what it is told at the close of each bar. */
const scripted = (script: Record<number, (context: StrategyContext) => void>): EngineStrategy => {
  let bar = -1;
  return { name: "scripted", features: [], decide: (context) => script[++bar]?.(context) };
};

function run(
  instruments: readonly MarketInstrument[],
  strategy: EngineStrategy,
  settings: Partial<EngineSettings> = {},
): Engine {
  const engine = createEngine(instruments, strategy, { ...plain, ...settings }, () => {
    throw new Error("no formulas here");
  });
  while (!engine.advance(1_000));
  return engine;
}

/** Fills as [bar, signed quantity, price]. */
const fillsOf = ({ state: { postings } }: Engine) =>
  [...fillRows(postings)].map((row) => [postings.bar[row], postings.quantity[row], postings.price[row]]);

const one = (bars: PriceSeries, fields: Partial<MarketInstrument> = {}) => [
  { ...plainInstrument("A", bars), ...fields },
];
const submit = (order: OrderRequest) => (context: StrategyContext) => void context.submit(order);

describe("order types, submitted at the close of bar 0", () => {
  const up = series([
    [100, 101, 99, 100],
    [102, 105, 101, 104],
    [104, 110, 103, 109],
    [109, 112, 95, 96],
  ]);
  test.each<[string, OrderRequest, number[][]]>([
    ["market: the next open", { side: "buy", quantity: 1 }, [[1, 1, 102]]],
    [
      "limit: at its price when traded through",
      { side: "buy", quantity: 1, type: "limit", limitPrice: 98 },
      [[3, 1, 98]],
    ],
    ["limit: not when touched", { side: "buy", quantity: 1, type: "limit", limitPrice: 95 }, []],
    ["limit: at a better open", { side: "buy", quantity: 1, type: "limit", limitPrice: 103 }, [[1, 1, 102]]],
    ["stop: when touched", { side: "buy", quantity: 1, type: "stop", stopPrice: 105 }, [[1, 1, 105]]],
    [
      "stop: at the open after a gap",
      { side: "buy", quantity: 1, type: "stop", stopPrice: 101 },
      [[1, 1, 102]],
    ],
    [
      "stop limit: at the stop when that is better than the limit",
      { side: "buy", quantity: 1, type: "stopLimit", stopPrice: 106, limitPrice: 107 },
      [[2, 1, 106]],
    ],
    [
      "stop limit: a gap beyond the limit rests as a limit",
      { side: "buy", quantity: 1, type: "stopLimit", stopPrice: 101, limitPrice: 101.5 },
      [[1, 1, 101.5]],
    ],
    [
      "trailing stop: from the best of the bars closed before",
      { side: "sell", quantity: 1, type: "trailingStop", trailBy: 5 },
      [[3, -1, 105]],
    ],
    [
      "take profit: a limit",
      { side: "sell", quantity: 1, type: "takeProfit", limitPrice: 108 },
      [[2, -1, 108]],
    ],
    ["on open: the next session's", { side: "buy", quantity: 1, type: "onOpen" }, []],
    ["on close: this session's", { side: "buy", quantity: 1, type: "onClose" }, [[3, 1, 96]]],
    [
      "ioc: nothing at the open, then gone",
      { side: "buy", quantity: 1, type: "limit", limitPrice: 98, timeInForce: "ioc" },
      [],
    ],
    [
      "gtd: gone at its time",
      { side: "buy", quantity: 1, type: "limit", limitPrice: 98, timeInForce: "gtd", expiresMs: 2 * hourMs },
      [],
    ],
    ["a fraction of the cash", { side: "buy", cashFraction: 0.51 }, [[1, 50, 102]]],
    ["a sum of cash", { side: "sell", cashAmount: 1_020 }, [[1, -10, 102]]],
  ])("%s", (_name, order, expected) => {
    expect(fillsOf(run(one(up), scripted({ 0: submit(order) })))).toEqual(expected);
  });

  test("a day order ends with the session of its first bar", () => {
    const twoDays = series(Array.from({ length: 30 }, (_, i) => [100, 101, i > 24 ? 90 : 99, 100]));
    const order: OrderRequest = { side: "buy", quantity: 1, type: "limit", limitPrice: 95 };
    expect(fillsOf(run(one(twoDays), scripted({ 0: submit(order) })))).toHaveLength(1);
    const engine = run(one(twoDays), scripted({ 0: submit({ ...order, timeInForce: "day" }) }));
    expect(fillsOf(engine)).toEqual([]);
    expect(engine.state.rejected.expired).toBe(1);
  });

  test("on open waits for the first bar of the next session", () => {
    const twoDays = series(Array.from({ length: 30 }, (_, i) => [100 + i, 101 + i, 99 + i, 100 + i]));
    expect(
      fillsOf(run(one(twoDays), scripted({ 3: submit({ side: "buy", quantity: 1, type: "onOpen" }) }))),
    ).toEqual([[24, 1, 124]]);
  });

  test("latency: an order trades from the first bar that opens after it has arrived", () => {
    const costs = { ...noCosts, latencyMs: 1 };
    expect(fillsOf(run(one(up), scripted({ 0: submit({ side: "buy", quantity: 1 }) }), { costs }))).toEqual([
      [2, 1, 104],
    ]);
  });

  test.each<[EngineSettings["innerPath"], number, number[][], number]>([
    // The way from the stop at 105 back to the limit at 104 is a guess, unless the bar closes below it.
    ["pessimistic", 106, [], 0],
    ["optimistic", 106, [[1, 1, 104]], fillFlags.pathDependent],
    ["pessimistic", 103, [[1, 1, 104]], 0],
    ["optimistic", 103, [[1, 1, 104]], 0],
  ])("a stop limit with its limit before its stop, %s, closing at %d", (innerPath, close, fills, flags) => {
    const bars = series([
      [100, 101, 99, 100],
      [101, 106, 100, close],
      [110, 111, 110, 110],
    ]);
    const order = submit({ side: "buy", quantity: 1, type: "stopLimit", stopPrice: 105, limitPrice: 104 });
    const engine = run(one(bars), scripted({ 0: order }), { innerPath });
    expect(fillsOf(engine)).toEqual(fills);
    expect(engine.state.postings.flags[0]).toBe(flags);
  });
  test("a stop limit that is only looked at, as the rival of a target, stays one", () => {
    const bars = series([
      [100, 100, 100, 100],
      [100, 100, 100, 100],
      [100, 111, 94.5, 96],
      [96, 97, 95.5, 96],
    ]);
    const sale = { side: "sell", quantity: 1, reduceOnly: true } as const;
    const engine = run(
      one(bars),
      scripted({
        0: submit({ side: "buy", quantity: 2 }),
        1: (context) => {
          context.submit({ ...sale, type: "limit", limitPrice: 110 });
          context.submit({ ...sale, type: "stopLimit", stopPrice: 95, limitPrice: 94 });
        },
      }),
      { innerPath: "optimistic" },
    );
    expect(fillsOf(engine)).toEqual([
      [1, 2, 100],
      [2, -1, 110],
      [2, -1, 95],
    ]);
  });
  test("one cancels the other", () => {
    const engine = run(
      one(up),
      scripted({
        0: (context) => {
          const group = context.newGroup();
          context.submit({ side: "buy", quantity: 1, type: "stop", stopPrice: 104.5, group });
          context.submit({ side: "buy", quantity: 1, type: "limit", limitPrice: 98, group });
        },
      }),
    );
    expect(fillsOf(engine)).toEqual([[1, 1, 104.5]]);
    expect(engine.state.openOrders).toBe(0);
  });

  test("a part of a target leaves the stop on what is still held", () => {
    const bars = series([
      [100, 101, 99, 100, 1e6],
      [100, 101, 99, 100, 1e6],
      [100, 112, 99, 100, 100],
      [100, 101, 80, 85, 1e6],
      [85, 86, 80, 85, 1e6],
    ]);
    const bracket = { stopFraction: 0.1, targetPrice: 110 };
    const engine = run(one(bars), scripted({ 0: submit({ side: "buy", quantity: 50, bracket }) }), {
      costs: { ...noCosts, volumeShare: 0.1 },
    });
    expect(fillsOf(engine)).toEqual([
      [1, 50, 100],
      [2, -10, 110],
      [3, -40, 90],
    ]);
  });

  test("what was decided at a close fills at the open before a target that the open is beyond", () => {
    const scripts = scripted({
      0: submit({ side: "buy", quantity: 10, bracket: { targetPrice: 110 } }),
      1: submit({ side: "sell", quantity: 10 }),
    });
    const costs = { ...noCosts, slippage: { kind: "fixed", rate: 0.01, perUnit: 0 } } as const;
    const engine = run(one(flat(100, 100, 120, 120)), scripts, { costs });
    expect(fillsOf(engine)).toEqual([
      [1, 10, 101],
      [2, -10, 118.8],
    ]);
  });

  test("an order that turns a position round opens no more than the cash pays for, and what is cut does not wait", () => {
    const flips = scripted({
      0: (context) => context.target(-50),
      1: (context) => context.target(500),
      2: (context) => context.target(0),
    });
    const engine = run(one(flat(100, 100, 100, 100, 100)), flips, { shortfall: "reduce" });
    expect(fillsOf(engine)).toEqual([
      [1, -50, 100],
      [2, 150, 100],
      [3, -100, 100],
    ]);
    expect(engine.state.rejected.cash).toBe(1);
    const strict = run(
      one(flat(100, 100, 100, 100)),
      scripted({
        0: (context) => context.target(-50),
        1: (context) => context.target(500),
      }),
    );
    // What closes the short is filled, the rest is refused.
    expect(fillsOf(strict)).toEqual([
      [1, -50, 100],
      [2, 50, 100],
    ]);
  });

  test("a target beside an order by cash that waits is refused", () => {
    const both = scripted({
      0: (context) => {
        context.submit({ side: "buy", cashFraction: 0.1 });
        context.target(5);
      },
    });
    expect(() => run(one(flat(100, 100)), both)).toThrow("An order of A by cash is waiting");
  });
  test("a target that is not a number is refused with the instrument's name", () => {
    const lost = scripted({ 0: (context) => context.target(Number.NaN) });
    expect(() => run(one(flat(1, 2)), lost)).toThrow("The target of A is NaN; it must be a number.");
  });

  test.each([
    ["a NaN", { side: "buy", quantity: Number.NaN }, "NaN"],
    ["no size", { side: "buy" }, "one of quantity"],
    ["a limit without its price", { side: "buy", quantity: 1, type: "limit" }, "limitPrice"],
  ] as const)("refuses %s", (_name, order, text) => {
    expect(() => run(one(up), scripted({ 0: submit(order) }))).toThrow(text);
  });
});

describe("a bracket whose stop and target lie inside one bar", () => {
  const wide = series([
    [100, 100, 100, 100],
    [100, 101, 99, 100],
    [100, 112, 88, 100],
  ]);
  const entry = submit({ side: "buy", quantity: 1, bracket: { stopFraction: 0.1, targetFraction: 0.1 } });
  test.each([
    ["pessimistic", 90],
    ["optimistic", 100 * 1.1],
  ] as const)("%s", (innerPath, price) => {
    const engine = run(one(wide), scripted({ 0: entry }), { innerPath });
    expect(fillsOf(engine)).toEqual([
      [1, 1, 100],
      [2, -1, price],
    ]);
    expect(roundTripsOf(engine.state)).toMatchObject([{ pathDependent: true, exitBar: 2 }]);
  });

  test("finer bars decide by what happened: the target came first", () => {
    const fine = series([
      [100, 100, 100, 100],
      [100, 101, 99, 100],
      [100, 112, 100, 108],
      [108, 108, 88, 100],
    ]);
    const engine = run(one(fine), scripted({ 0: entry }));
    expect(roundTripsOf(engine.state)).toMatchObject([{ pathDependent: false, exitPrice: 100 * 1.1 }]);
  });

  test("a stop entry's target counts in its bar, its stop is a guess", () => {
    const engine = run(
      one(wide),
      scripted({
        1: submit({
          side: "buy",
          quantity: 1,
          type: "stop",
          stopPrice: 101,
          bracket: { stopPrice: 90, targetPrice: 110 },
        }),
      }),
    );
    expect(fillsOf(engine)).toEqual([
      [2, 1, 101],
      [2, -1, 90],
    ]);
    expect(roundTripsOf(engine.state)[0]!.pathDependent).toBe(true);
  });
});

describe("volume, lots, ticks, minimums", () => {
  const thin = series(Array.from({ length: 5 }, () => [10, 11, 9, 10, 100]));
  const costs = { ...noCosts, volumeShare: 0.1 };
  test("an order takes its share of each bar until it is full", () => {
    expect(
      fillsOf(run(one(thin), scripted({ 0: submit({ side: "buy", quantity: 25 }) }), { costs })),
    ).toEqual([
      [1, 10, 10],
      [2, 10, 10],
      [3, 5, 10],
    ]);
  });
  test("two orders do not take the same volume", () => {
    const both = (context: StrategyContext) => {
      context.submit({ side: "buy", quantity: 8 });
      context.submit({ side: "buy", quantity: 8 });
    };
    expect(fillsOf(run(one(thin), scripted({ 0: both }), { costs })).map((fill) => fill[1])).toEqual([
      8, 2, 6,
    ]);
  });
  test("fill or kill fills nothing when the volume is short", () => {
    const order: OrderRequest = { side: "buy", quantity: 25, timeInForce: "fok" };
    const engine = run(one(thin), scripted({ 0: submit(order) }), { costs });
    expect(fillsOf(engine)).toEqual([]);
    expect(engine.state.rejected.unfilled).toBe(1);
  });
  test("quantities go down to the lot, prices to the tick by side, small orders are refused", () => {
    const coarse = { lotSize: 5, tickSize: 0.5, minNotional: 60 };
    const buy: OrderRequest = { side: "buy", quantity: 14, type: "limit", limitPrice: 9.7 };
    expect(fillsOf(run(one(thin, coarse), scripted({ 0: submit(buy) })))).toEqual([[1, 10, 9.5]]);
    const engine = run(one(thin, coarse), scripted({ 0: submit({ side: "buy", quantity: 5 }) }));
    expect(engine.state.rejected.minNotional).toBe(1);
  });
  test.each([
    ["volume share", { kind: "volumeShare", coefficient: 0.5 }, 10 * (1 + 0.5 * 0.25 ** 2)],
    ["fixed with a spread", { kind: "fixed", rate: 0.01, perUnit: 0.02 }, 10 * (1 + 0.01 + 0.005) + 0.02],
  ] as const)("slippage: %s", (_name, slippage, price) => {
    const spreadRate = slippage.kind === "fixed" ? 0.01 : 0;
    const engine = run(one(thin), scripted({ 0: submit({ side: "buy", quantity: 25 }) }), {
      costs: { ...noCosts, slippage, spreadRate },
    });
    expect(fillsOf(engine)[0]![2]).toBeCloseTo(price, 12);
  });
  test.each<[string, OrderRequest["side"], Slippage, number]>([
    // 0.1 × (50 / 1,000)² = 0.00025 of 100.
    ["volume share, bought", "buy", { kind: "volumeShare", coefficient: 0.1 }, 100.025],
    ["volume share, sold", "sell", { kind: "volumeShare", coefficient: 0.1 }, 99.975],
    // The closes swing by 1%: 0.4 × 0.01 × √(50 / 1,000).
    ["square root", "buy", { kind: "squareRoot", coefficient: 0.4 }, 100 * (1 + 0.004 * Math.sqrt(0.05))],
  ])("slippage of what the volume leaves of an order, %s", (_, side, slippage, price) => {
    const swing = Array.from({ length: 24 }, (_row, i) => {
      const close = 100 * 1.01 ** (i % 2);
      return [100, 102, 99, close, 1_000];
    });
    const engine = run(
      one(series(swing)),
      scripted({ 22: (context) => void context.submit({ side, quantity: 5_000 }) }),
      { initialCash: 1e6, costs: { ...noCosts, volumeShare: 0.05, slippage } },
    );
    const [[bar, quantity, paid]] = fillsOf(engine) as [number[]];
    expect([bar, quantity]).toEqual([23, side === "buy" ? 50 : -50]);
    expect(paid).toBeCloseTo(price, slippage.kind === "squareRoot" ? 2 : 9);
  });

  test.each<[string, OrderRequest, number]>([
    // Half the spread of 2% and 1% of slippage.
    ["a buy takes", { side: "buy", type: "limit", limitPrice: 11, quantity: 1 }, 10.2],
    ["a buy, no further than its limit", { side: "buy", type: "limit", limitPrice: 10.1, quantity: 1 }, 10.1],
    ["a sale takes", { side: "sell", type: "limit", limitPrice: 9, quantity: 1 }, 9.8],
    ["a sale, no further than its limit", { side: "sell", type: "limit", limitPrice: 9.9, quantity: 1 }, 9.9],
    ["a limit that the bar comes to", { side: "buy", type: "limit", limitPrice: 9.5, quantity: 1 }, 9.5],
  ])("a limit beyond the open pays spread and slippage: %s", (_, order, price) => {
    const engine = run(one(thin), scripted({ 0: submit(order) }), {
      costs: { ...noCosts, spreadRate: 0.02, slippage: { kind: "fixed", rate: 0.01, perUnit: 0 } },
    });
    expect(fillsOf(engine)[0]![2]).toBeCloseTo(price, 12);
  });

  test("a sale that slippage would take to nothing is refused", () => {
    const engine = run(one(thin), scripted({ 0: submit({ side: "sell", quantity: 100 }) }), {
      costs: { ...noCosts, slippage: { kind: "volumeShare", coefficient: 1 } },
    });
    expect(fillsOf(engine)).toEqual([]);
    expect(engine.state.rejected.price).toBe(1);
  });

  test("an order for all the cash that the volume cuts leaves the rest of the cash", () => {
    const engine = run(one(thin), scripted({ 0: submit({ side: "buy", cashFraction: 1 }) }), {
      costs: { ...noCosts, volumeShare: 0.1 },
    });
    const [[, quantity, price]] = fillsOf(engine) as [number[]];
    expect(engine.state.cash[0]).toBe(10_000 - quantity! * price!);
  });

  test("slippage: square root of the share of the usual volume, times volatility", () => {
    const bars = series(Array.from({ length: 40 }, (_, i) => [10 + (i % 2), 12, 9, 10 + (i % 2), 100]));
    const engine = run(one(bars), scripted({ 30: submit({ side: "buy", quantity: 25 }) }), {
      costs: { ...noCosts, slippage: { kind: "squareRoot", coefficient: 0.1 } },
    });
    // Closes 10, 11, 10, ...: returns +1/10 and -1/11, ten each.
    const volatility = (1 / 10 + 1 / 11) / 2;
    expect(fillsOf(engine)[0]![2]).toBeCloseTo(11 * (1 + 0.1 * volatility * 0.5), 12);
  });
});

describe("money", () => {
  test("fees: maker and taker, a unit, a minimum, tiers by the month's notional", () => {
    const fees = {
      makerRate: 0.001,
      takerRate: 0.002,
      perUnit: 0.01,
      minimum: 1,
      tiers: [{ fromNotional: 1_500, makerRate: 0, takerRate: 0.0005 }],
    };
    const bars = series(Array.from({ length: 6 }, () => [100, 101, 99, 100]));
    const engine = run(
      one(bars),
      scripted({
        0: submit({ side: "buy", quantity: 10 }),
        1: submit({ side: "buy", quantity: 5, type: "limit", limitPrice: 99.5 }),
        2: submit({ side: "buy", quantity: 20 }),
        3: submit({ side: "buy", quantity: 1 }),
      }),
      { costs: { ...noCosts, fees } },
    );
    const { postings } = engine.state;
    expect([...fillRows(postings)].map((row) => postings.fee[row])).toEqual([
      1_000 * 0.002 + 0.1,
      // Placed at close 1, it could trade in bar 2 at once: no maker.
      497.5 * 0.002 + 0.05,
      // 1,497.5 so far: not yet the tier.
      2_000 * 0.002 + 0.2,
      1,
    ]);
  });

  test.each([
    ["a minimum", { minimum: 1 }, 0],
    ["a fee a unit that is less", { minimum: 0, perUnit: 0.05 }, 0.5],
  ])("a maker's rebate is paid out beside %s", (_, fees, perUnit) => {
    const engine = run(
      one(flat(100, 100, 90, 90)),
      scripted({ 0: submit({ side: "buy", quantity: 10, type: "limit", limitPrice: 95 }) }),
      { costs: { ...noCosts, fees: { ...noCosts.fees, makerRate: -0.001, takerRate: 0.001, ...fees } } },
    );
    // At the open of 90, better than its limit: 900 less 0.9.
    expect(engine.state.cash[0]).toBeCloseTo(10_000 - 900 + 0.9 - perUnit, 9);
    const exact = createCashReconciliation(engine.state);
    exact.advance(0, engine.state.postings.count);
    expect(exact.result().gap.toNumber()).toBeLessThan(1e-9);
  });
  test("all the cash buys more by the rebate", () => {
    const engine = run(
      one(flat(100, 100, 90, 90)),
      scripted({ 0: submit({ side: "buy", cashFraction: 1, type: "limit", limitPrice: 95 }) }),
      { costs: { ...noCosts, fees: { ...noCosts.fees, makerRate: -0.001 } } },
    );
    expect(engine.state.position[0]).toBeCloseTo(10_000 / (90 * 0.999), 9);
    expect(engine.state.cash[0]).toBeCloseTo(0, 9);
  });
  test("dividends, splits, funding, borrow fees and interest move what they should", () => {
    const dayBars = series(
      Array.from({ length: 72 }, (_, i) => (i < 30 ? [100, 100, 100, 100] : [50, 50, 50, 50])),
    );
    const engine = run(
      one(dayBars, {
        borrowRate: 0.365,
        events: [
          { kind: "dividend", atMs: 10 * hourMs, perUnit: 2 },
          { kind: "split", atMs: 30 * hourMs, ratio: 2 },
          { kind: "funding", atMs: 40 * hourMs, rate: 0.01 },
        ],
      }),
      scripted({ 0: submit({ side: "sell", quantity: 10 }) }),
      { costs: { ...noCosts, cashRate: 0.0365 } },
    );
    const { postings, position } = engine.state;
    const amounts = Array.from({ length: postings.count }, (_, row) => [
      postingKinds[postings.kind[row]!],
      postings.quantity[row]! * postings.price[row]!,
    ]);
    expect(position[0]).toBe(-20);
    expect(amounts.map(([kind]) => kind)).toEqual([
      "fill",
      "dividend",
      "borrow",
      "interest",
      "split",
      "funding",
      "borrow",
      "interest",
      "borrow",
      "interest",
    ]);
    // One day of 36.5 % on 1,000; two per mille a day on cash; ten units pay two each; shorts receive the funding.
    expect(amounts[1]![1]).toBe(-20);
    expect(amounts[2]![1]).toBeCloseTo(-1, 12);
    expect(amounts[3]![1]).toBeCloseTo((11_000 - 20 - 1) * 0.0001, 12);
    expect(amounts[5]![1]).toBeCloseTo(10, 12);
    expect(engine.equity.at(-1)).toBeCloseTo(
      10_000 + amounts.filter(([kind]) => kind !== "fill").reduce((sum, [, value]) => sum + Number(value), 0),
      8,
    );
  });

  test("a split leaves the equity alone and follows resting orders", () => {
    const bars = series([
      ...Array.from({ length: 5 }, () => [100, 100, 100, 100]),
      [25, 25, 25, 25],
      [25, 31, 25, 30],
    ]);
    const engine = run(
      one(bars, { events: [{ kind: "split", atMs: 5 * hourMs, ratio: 4 }] }),
      scripted({
        0: submit({ side: "buy", quantity: 10, bracket: { targetFraction: 0.2 } }),
      }),
    );
    expect(engine.equity.slice(0, 6)).toEqual(new Float64Array(6).fill(10_000));
    expect(fillsOf(engine)).toEqual([
      [1, 10, 100],
      [6, -40, 30],
    ]);
  });

  test.each([
    ["over a weekend", 1, 3],
    ["over a night", 2, 1],
  ])("a short pays for the nights that it is held: %s", (_, sold, nights) => {
    // Thursday, Friday, Monday, Tuesday, Wednesday.
    const openMs = Float64Array.of(0, 1, 4, 5, 6).map((day) => day * 24 * hourMs);
    const bars = { ...flat(100, 100, 100, 100, 100), openMs, closeMs: openMs.map((ms) => ms + 24 * hourMs) };
    const engine = run(
      one(bars, { borrowRate: 0.365 }),
      scripted({
        [sold - 1]: submit({ side: "sell", quantity: 10 }),
        [sold]: submit({ side: "buy", quantity: 10 }),
      }),
    );
    // 1,000 at 0.1% a day.
    expect(engine.state.cash[0]).toBeCloseTo(10_000 - nights, 9);
  });
  test("a split moves the bracket of an entry that waits", () => {
    const bars = series([
      [100, 101, 99, 100],
      [50, 51, 49, 50],
      [50, 61, 50, 60],
      [60, 60, 39, 40],
    ]);
    const bought = (bracket: Bracket) =>
      fillsOf(
        run(
          one(bars, { events: [{ kind: "split", atMs: hourMs, ratio: 2 }] }),
          scripted({ 0: submit({ side: "buy", quantity: 10, bracket }) }),
        ),
      );
    const entry = [1, 20, 50];
    expect(bought({ stopPrice: 80 })).toEqual([entry, [3, -20, 40]]);
    expect(bought({ stopBy: 16 })).toEqual([entry, [3, -20, 42]]);
    expect(bought({ trailBy: 14 })).toEqual([entry, [3, -20, 54]]);
    expect(bought({ targetPrice: 110 })).toEqual([entry, [2, -20, 55]]);
  });
  test("a foreign instrument is paid in its currency, bought at the rate of now", () => {
    const bars = flat(100, 100, 110, 110);
    const rates = { EUR: { closeMs: bars.closeMs, rate: Float64Array.of(1.1, 1.2, 1.3, 1.3) } };
    const engine = run(
      one(bars, { currency: "EUR" }),
      scripted({ 0: submit({ side: "buy", quantity: 10 }), 1: submit({ side: "sell", quantity: 10 }) }),
      { rates, costs: { ...noCosts, conversionRate: 0.01 } },
    );
    const { cash, currencies } = engine.state;
    expect(currencies).toEqual(["USD", "EUR"]);
    expect(cash[0]).toBeCloseTo(10_000 - 1_000 * 1.2 * 1.01, 10);
    expect(cash[1]).toBe(1_100);
    expect(engine.equity.at(-1)).toBeCloseTo(cash[0]! + 1_100 * 1.3, 10);
    expect(() => run(one(bars, { currency: "EUR" }), scripted({}))).toThrow("rates of EUR");
  });

  test("leverage ends where equity falls below the maintenance margin", () => {
    const bars = flat(100, 100, 96, 90, 89, 80);
    const engine = run(
      one(bars, { initialMargin: 0.1, maintenanceMargin: 0.05 }),
      scripted({ 0: submit({ side: "buy", quantity: 900 }) }),
    );
    expect(fillsOf(engine)).toEqual([
      [1, 900, 100],
      [4, -900, 89],
    ]);
    expect(engine.state.postings.flags[1]! & fillFlags.liquidation).toBe(fillFlags.liquidation);
    expect(engine.equity.at(-1)).toBe(10_000 - 900 * 11);
  });

  test("an order that cash does not pay is refused, or cut", () => {
    const order = submit({ side: "buy", quantity: 1_000 });
    expect(run(one(flat(100, 100)), scripted({ 0: order })).state.rejected.cash).toBe(1);
    const cut = run(one(flat(100, 100), { lotSize: 7 }), scripted({ 0: order }), { shortfall: "reduce" });
    expect(fillsOf(cut)).toEqual([[1, 98, 100]]);
  });
});

/** Random walks of `n` bars with gaps. */
const walk = (n: number) =>
  fc
    .array(
      fc.tuple(
        fc.double({ min: -0.05, max: 0.05, noNaN: true }),
        fc.double({ min: 0, max: 0.03, noNaN: true }),
      ),
      {
        minLength: n,
        maxLength: n,
      },
    )
    .map((steps) => {
      let price = 100;
      return steps.map(([move, width], i) => {
        const open = price * (1 + move / 3);
        const close = open * (1 + move);
        price = close;
        return [
          open,
          Math.max(open, close) * (1 + width),
          Math.min(open, close) * (1 - width),
          close,
          50 + (i % 7) * 20,
        ];
      });
    });

describe("properties on random bars", () => {
  const settingsArbitrary = fc.record({
    stopLoss: fc.constantFrom(0, 0.02),
    takeProfit: fc.constantFrom(0, 0.03),
    trailingStop: fc.constantFrom(0, 0.025),
    maxBars: fc.constantFrom(0, 3),
    feeRate: fc.constantFrom(0, 0.001),
    slippageRate: fc.constantFrom(0, 0.0005),
    lotSize: fc.constantFrom(0, 1),
    tickSize: fc.constantFrom(0, 0, 0.01, 0.25),
    minNotional: fc.constantFrom(0, 950),
    sizing: fc.constantFrom<SimulationSettings["sizing"]>(
      { kind: "fractionOfEquity", value: 1 },
      { kind: "fractionOfEquity", value: 0.5 },
      { kind: "fixedQuantity", value: 10 },
      { kind: "fixedCash", value: 900 },
    ),
  });

  test("rules in the engine make the fills of the single-instrument simulator", () => {
    fc.assert(
      fc.property(
        walk(60),
        fc.array(fc.integer({ min: 0, max: 15 }), { minLength: 60, maxLength: 60 }),
        settingsArbitrary,
        fc.constantFrom("long", "short", "both"),
        (bars, bits, chosen, side) => {
          const prices = series(bars);
          const allowed = side === "long" ? 3 : side === "short" ? 12 : 15;
          const signals = Uint8Array.from(bits, (value) => value & allowed);
          const settings: SimulationSettings = {
            initialCash: 10_000,
            feePerUnit: 0,
            minFee: 0,
            slippagePerUnit: 0,
            ...chosen,
          };
          const simulation = createSimulation(prices, signals, settings);
          runSimulation(simulation, 0, 60);
          const column = (bit: number) => ({
            closeMs: prices.closeMs,
            values: Uint8Array.from(signals, (value) => +((value & bit) !== 0)),
          });
          const short = side === "short";
          const columns: Record<string, ReturnType<typeof column>> = {
            entry: column(short ? signalBits.entryShort : signalBits.entryLong),
            exit: column(short ? signalBits.exitShort : signalBits.exitLong),
            shortEntry: column(signalBits.entryShort),
            shortExit: column(signalBits.exitShort),
          };
          const formulas =
            side === "both"
              ? { entry: "entry", exit: "exit", shortEntry: "shortEntry", shortExit: "shortExit" }
              : { entry: "entry", exit: "exit" };
          const engine = createEngine(
            one(prices, {
              lotSize: chosen.lotSize,
              tickSize: chosen.tickSize,
              minNotional: chosen.minNotional,
            }),
            rulesStrategy({ title: "rules", side, formulas }, settings),
            {
              ...plain,
              costs: {
                ...noCosts,
                fees: { ...noCosts.fees, takerRate: chosen.feeRate, makerRate: chosen.feeRate },
                slippage: { kind: "fixed", rate: chosen.slippageRate, perUnit: 0 },
              },
            },
            (formula) => columns[formula]!,
          );
          while (!engine.advance(7));
          const { fills } = simulation;
          const expected = Array.from({ length: fills.count }, (_, k) => [
            fills.bar[k],
            fills.quantity[k],
            fills.price[k],
          ]);
          const got = fillsOf(engine);
          expect(got.map((fill) => fill[0])).toEqual(expected.map((fill) => fill[0]));
          got.forEach((fill, k) => {
            expect(fill[1]! / expected[k]![1]!).toBeCloseTo(1, 9);
            expect(fill[2]! / expected[k]![2]!).toBeCloseTo(1, 12);
          });
          expect(engine.equity.at(-1)! / simulation.equity.at(-1)!).toBeCloseTo(1, 9);
        },
      ),
      { numRuns: 200 },
    );
  });

  /** Trades a basket by momentum, with brackets and limits, so that most order paths are taken. */
  const busy = () =>
    stagedStrategy("busy", [], {
      alpha: (context, scores) => {
        for (let k = 0; k < scores.length; k++) scores[k] = context.close(k) / context.close(k, 3) - 1;
      },
      portfolio: (context, weights, scores) => {
        for (let k = 0; k < weights.length; k++) {
          weights[k] = Number.isNaN(scores[k]!) ? 0 : Math.sign(scores[k]!) * 0.3;
          const group = context.newGroup();
          if (context.openOrders(k) > 2) context.cancelAll(k);
          const price = context.close(k);
          if (!(price > 0)) continue;
          context.submit({
            instrument: k,
            side: "buy",
            quantity: 3,
            type: "limit",
            limitPrice: price * 0.98,
            group,
          });
          context.submit({
            instrument: k,
            side: "sell",
            quantity: 3,
            type: "stop",
            stopPrice: price * 0.97,
            group,
          });
        }
      },
    });

  test("instruments in any order, and any pieces: the same run; the exact ledger agrees; profits add up", () => {
    fc.assert(
      fc.property(walk(40), walk(40), walk(40), fc.integer({ min: 1, max: 39 }), (a, b, c, piece) => {
        const instruments = [
          { ...plainInstrument("A", series(a)), borrowRate: 0.05 },
          plainInstrument("B", series(b.slice(5), 5 * hourMs)),
          plainInstrument("C", series(c, hourMs / 2), "EUR"),
        ];
        const closeMs = series(a).closeMs;
        const settings: EngineSettings = {
          ...plain,
          shortfall: "reduce",
          rates: {
            EUR: { closeMs: closeMs.map((ms) => ms - hourMs), rate: closeMs.map((_, i) => 1.1 + i / 1_000) },
          },
          costs: {
            ...noCosts,
            volumeShare: 0.2,
            spreadRate: 0.0004,
            conversionRate: 0.0002,
            debitRate: 0.08,
            fees: { makerRate: -0.0001, takerRate: 0.0005, perUnit: 0.001, minimum: 0, tiers: [] },
          },
        };
        const engines = [
          instruments,
          instruments.toReversed(),
          [instruments[1]!, instruments[2]!, instruments[0]!],
        ].map((given, index) => {
          const engine = createEngine(given, busy(), settings, () => {
            throw new Error("no formulas here");
          });
          while (!engine.advance(index === 2 ? piece : 1_000));
          return engine;
        });
        const [first, second, third] = engines as [Engine, Engine, Engine];
        expect(fillsOf(second)).toEqual(fillsOf(first));
        expect(second.equity).toEqual(first.equity);
        expect(third.equity).toEqual(first.equity);
        const { state } = first;
        const exact = createCashReconciliation(state);
        exact.advance(0, state.postings.count);
        const { gap, bound } = exact.result();
        expect(gap.toNumber()).toBeLessThanOrEqual(bound);
        expect(bound).toBeLessThan(0.005);
        // Currencies are bought when they run short: only the base can owe, and then interest is charged.
        expect(state.cash.slice(1).every((cash) => cash >= 0)).toBe(true);
        const quantities = state.instruments.map((_, k) =>
          [...fillRows(state.postings)].reduce(
            (sum, row) => sum + (state.postings.instrument[row] === k ? state.postings.quantity[row]! : 0),
            0,
          ),
        );
        quantities.forEach((quantity, k) => expect(quantity).toBeCloseTo(state.position[k]!, 8));
        const { postings } = state;
        for (const row of fillRows(postings)) {
          const { high, low } = state.instruments[postings.instrument[row]!]!.bars;
          expect(postings.price[row]!).toBeLessThanOrEqual(high[postings.bar[row]!]! * 1.0003);
          expect(postings.price[row]!).toBeGreaterThanOrEqual(low[postings.bar[row]!]! * 0.9997);
        }
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    ["A", "B"],
    ["B", "A"],
  ])("inside a bar the stop of one pays for the limit of another: %s buys, %s sells", (buys, sells) => {
    const bars = series([
      [100, 101, 99, 100],
      [100, 101, 99, 100],
      [100, 101, 90, 95],
    ]);
    const engine = run(
      [plainInstrument(buys, bars), plainInstrument(sells, bars)],
      scripted({
        0: (context) =>
          void context.submit({ instrument: context.indexOf(sells), side: "buy", cashFraction: 1 }),
        1: (context) => {
          const bought = { side: "buy", type: "limit", limitPrice: 93, quantity: 50 } as const;
          context.submit({ instrument: context.indexOf(buys), ...bought });
          const sold = { side: "sell", type: "stop", stopPrice: 95, quantity: 100 } as const;
          context.submit({ instrument: context.indexOf(sells), ...sold });
        },
      }),
    );
    expect(fillsOf(engine)).toEqual([
      [1, 100, 100],
      [2, -100, 95],
      [2, 50, 93],
    ]);
  });
  test("instruments by any names: the same fills", () => {
    const sides = ["limit", "stop", "market"] as const;
    const orders = fc.array(
      fc.record({
        bar: fc.integer({ min: 0, max: 8 }),
        instrument: fc.integer({ min: 0, max: 2 }),
        side: fc.constantFrom("buy" as const, "sell" as const),
        type: fc.constantFrom(...sides),
        quantity: fc.integer({ min: 1, max: 80 }),
        price: fc.integer({ min: 90, max: 110 }),
      }),
      { minLength: 4, maxLength: 30 },
    );
    const bar = fc
      .tuple(fc.integer({ min: 95, max: 105 }), fc.integer({ min: 95, max: 105 }), fc.nat(6), fc.nat(6))
      .map(([open, close, up, down]) => [
        open,
        Math.max(open, close) + up,
        Math.min(open, close) - down,
        close,
      ]);
    const market = fc.array(fc.array(bar, { minLength: 10, maxLength: 10 }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(market, orders, (prices, asked) => {
        const fillsBy = (names: readonly string[]) => {
          const engine = run(
            // Whole lots at whole prices: sums over the instruments are exact in any order.
            prices.map((bars, k) => ({ ...plainInstrument(names[k]!, series(bars)), lotSize: 1 })),
            {
              name: "asked",
              features: [],
              decide(context) {
                const now = context.bars() - 1;
                for (const { bar: at, instrument, side, type, quantity, price } of asked) {
                  if (at !== now) continue;
                  const k = context.indexOf(names[instrument]!);
                  const prices = { limit: { limitPrice: price }, stop: { stopPrice: price }, market: {} };
                  context.submit({ instrument: k, side, type, quantity, ...prices[type] });
                }
              },
            },
            { shortfall: "reduce" },
          );
          const { postings, instruments } = engine.state;
          return [...fillRows(postings)].map((row) => [
            postings.bar[row],
            names.indexOf(instruments[postings.instrument[row]!]!.id),
            postings.quantity[row],
            postings.price[row],
          ]);
        };
        const order = (fills: unknown[]) => fills.map((fill) => JSON.stringify(fill)).toSorted();
        const fills = order(fillsBy(["A", "B", "C"]));
        expect(order(fillsBy(["C", "A", "B"]))).toEqual(fills);
        expect(order(fillsBy(["B", "C", "A"]))).toEqual(fills);
      }),
      { numRuns: 200 },
    );
  });

  test("without leverage or shorts the cash never falls below zero, whatever is asked for", () => {
    fc.assert(
      fc.property(
        walk(40),
        fc.array(fc.double({ min: 0, max: 400, noNaN: true }), { minLength: 40, maxLength: 40 }),
        fc.constantFrom("reject" as const, "reduce" as const),
        (bars, wanted, shortfall) => {
          const greedy: EngineStrategy = {
            name: "greedy",
            features: [],
            decide: (context) => context.target(wanted[context.bars() - 1]!),
          };
          const costs = {
            ...noCosts,
            fees: { ...noCosts.fees, takerRate: 0.002, makerRate: 0.002 },
          };
          const { state } = run(one(series(bars)), greedy, { shortfall, costs });
          const { cash } = state.postings;
          for (let row = 0; row < state.postings.count; row++) expect(cash[row]).toBeGreaterThan(-1e-6);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("later bars change nothing earlier", () => {
    fc.assert(
      fc.property(walk(40), fc.integer({ min: 10, max: 39 }), (bars, cut) => {
        const whole = run(one(series(bars)), busy());
        const part = run(one(series(bars.slice(0, cut))), busy());
        // On-close orders ask where a session ends; none are used here.
        expect(part.equity).toEqual(whole.equity.slice(0, cut));
      }),
      { numRuns: 60 },
    );
  });
});

test("trade prints: a market order takes the next print, a resting limit its own price", () => {
  const prints = (prices: number[]): PriceSeries => {
    const at = Float64Array.from(prices, (_, i) => i * 100);
    const price = Float64Array.from(prices);
    return {
      openMs: at,
      closeMs: at,
      open: price,
      high: price,
      low: price,
      close: price,
      volume: price.map(() => 5),
    };
  };
  const engine = run(
    one(prints([100, 101, 100, 97])),
    scripted({
      0: (context) => {
        context.submit({ side: "buy", quantity: 1 });
        context.submit({ side: "buy", quantity: 1, type: "limit", limitPrice: 98 });
      },
    }),
  );
  expect(fillsOf(engine)).toEqual([
    [1, 1, 101],
    [3, 1, 98],
  ]);
});
