import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { reconcileFills } from "./ledger.ts";
import { createSimulation, runSimulation, signalBits, tradesOf } from "./simulate.ts";
import type { PriceColumns, SimulationSettings } from "./simulate.ts";

const plain: SimulationSettings = {
  initialCash: 1_000,
  sizing: { kind: "fixedQuantity", value: 1 },
  lotSize: 0,
  feeRate: 0,
  feePerUnit: 0,
  minFee: 0,
  slippageRate: 0,
  slippagePerUnit: 0,
  tickSize: 0,
  minNotional: 0,
  stopLoss: 0,
  takeProfit: 0,
  trailingStop: 0,
  maxBars: 0,
};
const { entryLong, exitLong, entryShort, exitShort } = signalBits;

/** Bars as [open, high, low, close]. */
function columns(bars: ReadonlyArray<readonly [number, number, number, number]>): PriceColumns {
  const column = (k: number) => Float64Array.from(bars, (bar) => bar[k]!);
  return { open: column(0), high: column(1), low: column(2), close: column(3) };
}

/** Flat bars at each price. */
const flat = (...prices: number[]) => columns(prices.map((price) => [price, price, price, price] as const));

function simulate(prices: PriceColumns, signals: number[], settings: Partial<SimulationSettings> = {}) {
  const simulation = createSimulation(prices, Uint8Array.from(signals), { ...plain, ...settings });
  runSimulation(simulation, 0, signals.length);
  return { simulation, trades: tradesOf(simulation.fills, prices.close.at(-1)!) };
}

describe("by hand", () => {
  test("decides at the close, fills at the next open; nothing fills after the last bar", () => {
    const { trades } = simulate(flat(10, 20, 30, 40), [entryLong, exitLong, entryLong, 0]);
    expect(trades).toMatchObject([
      { entryBar: 1, entryPrice: 20, exitBar: 2, exitPrice: 30, profit: 10, exitReason: "signal" },
      { entryBar: 3, entryPrice: 40, exitBar: -1, exitReason: null },
    ]);
    expect(simulate(flat(10, 20), [0, entryLong]).trades).toEqual([]);
  });

  test("a short earns when the price falls, and pays fees both ways", () => {
    const { trades, simulation } = simulate(flat(100, 100, 80, 80), [entryShort, exitShort, 0, 0], {
      feeRate: 0.01,
    });
    expect(trades).toMatchObject([{ side: "short", entryPrice: 100, exitPrice: 80, fees: 1.8 }]);
    expect(trades[0]!.profit).toBeCloseTo(18.2, 12);
    expect(simulation.equity.at(-1)).toBeCloseTo(1_018.2, 12);
  });

  test("side both turns a long into a short at one open", () => {
    const { trades } = simulate(flat(10, 10, 12, 11), [entryLong, exitLong | entryShort, 0, 0]);
    expect(trades).toMatchObject([
      { side: "long", entryBar: 1, exitBar: 2, profit: 2 },
      { side: "short", entryBar: 2, exitBar: -1, profit: 1 },
    ]);
  });

  test("both entries at once open nothing", () => {
    expect(simulate(flat(10, 10, 10), [entryLong | entryShort, 0, 0]).trades).toEqual([]);
  });

  test.each([
    [
      "a fraction of the equity, fees in",
      { sizing: { kind: "fractionOfEquity", value: 0.5 }, feeRate: 0.01 },
      500 / (7 * 1.01),
    ],
    [
      "the same in whole lots",
      { sizing: { kind: "fractionOfEquity", value: 0.5 }, feeRate: 0.01, lotSize: 10 },
      70,
    ],
    ["cash", { sizing: { kind: "fixedCash", value: 140 } }, 20],
    ["all cash with a least fee", { sizing: { kind: "fractionOfEquity", value: 1 }, minFee: 6 }, 142],
    ["a fee a unit", { sizing: { kind: "fixedCash", value: 160 }, feePerUnit: 1 }, 20],
  ] as const)("sizes by %s", (_name, settings, quantity) => {
    const { trades } = simulate(flat(7, 7, 7), [entryLong, 0, 0], settings);
    expect(trades[0]!.quantity).toBeCloseTo(quantity, 10);
  });

  test("prices are on the tick: fills and stops against the position, targets no nearer", () => {
    const onTick = { tickSize: 0.5, slippageRate: 0.01, stopLoss: 0.1, takeProfit: 0.1 };
    // Bought at 100 × 1.01, up to 101; the stop at 90.9 is 90.5, which sells for 89.595, down to 89.5.
    const run = (last: readonly [number, number, number, number]) =>
      simulate(columns([[100, 100, 100, 100], [100, 100, 100, 100], last]), [entryLong, 0, 0], onTick);
    expect([...run([100, 100, 90.5, 95]).simulation.fills.price.subarray(0, 2)]).toEqual([101, 89.5]);
    expect(run([100, 100, 90.6, 95]).simulation.fills.count).toBe(1);
    // The target at 111.1 is 111.5.
    expect(run([100, 112, 100, 110]).trades[0]!.exitPrice).toBe(111.5);
  });

  test.each([
    ["cash does not pay", { sizing: { kind: "fixedQuantity", value: 1_000 } }, { cash: 1 }],
    ["less than a lot", { sizing: { kind: "fixedCash", value: 5 }, lotSize: 1 }, { lot: 1 }],
    [
      "below the least notional",
      { sizing: { kind: "fixedCash", value: 50 }, minNotional: 60 },
      { minNotional: 1 },
    ],
  ] as const)("drops an entry when %s, and counts it", (_name, settings, dropped) => {
    const { trades, simulation } = simulate(flat(7, 7, 7), [entryLong, 0, 0], settings);
    expect(trades).toEqual([]);
    expect(simulation.dropped).toEqual({ cash: 0, lot: 0, minNotional: 0, price: 0, ...dropped });
  });

  test("slippage worsens the open and the stop, not the target", () => {
    const bars = columns([
      [100, 100, 100, 100],
      [100, 101, 99, 100],
      [100, 100, 80, 90],
      [100, 100, 100, 100],
      [100, 130, 100, 120],
    ]);
    const { trades } = simulate(bars, [entryLong, 0, entryLong, 0, 0], {
      slippageRate: 0.01,
      stopLoss: 0.1,
      takeProfit: 0.2,
    });
    expect(trades[0]).toMatchObject({ entryPrice: 101, exitReason: "stop" });
    expect(trades[0]!.exitPrice).toBeCloseTo(101 * 0.9 * 0.99, 12);
    expect(trades[1]!.exitReason).toBe("target");
    expect(trades[1]!.exitPrice).toBeCloseTo(101 * 1.2, 12);
  });

  test.each([
    ["stop of a short", [100, 112, 99, 105], "stop", 110],
    ["gap through the stop of a short", [115, 120, 114, 118], "stopGap", 115],
    ["target of a short", [100, 101, 89, 92], "target", 90],
    ["target of a short touched", [100, 101, 90, 92], null, 92],
    ["gap beyond the target of a short", [85, 86, 84, 85], "targetGap", 85],
    ["both inside: the stop", [100, 111, 89, 100], "stop", 110],
  ] as const)("%s", (_name, bar, reason, price) => {
    const bars = columns([[100, 100, 100, 100], [100, 101, 99, 100], bar]);
    const { trades } = simulate(bars, [entryShort, 0, 0], { stopLoss: 0.1, takeProfit: 0.1 });
    expect(trades[0]!.exitReason).toBe(reason);
    expect(trades[0]!.exitPrice).toBeCloseTo(price, 12);
  });

  test("a trailing stop follows the bars closed before, not the bar itself", () => {
    const bars = columns([
      [100, 100, 100, 100],
      [100, 120, 95, 118],
      [118, 150, 109, 140],
      [140, 141, 134, 138],
    ]);
    // After bar 1 the best is 120: the stop is 108, and 109 does not reach it although bar 2 made 150.
    const { trades } = simulate(bars, [entryLong, 0, 0, 0], { trailingStop: 0.1 });
    expect(trades[0]).toMatchObject({ exitBar: 3, exitReason: "trailingStop", exitPrice: 135 });
  });

  test("closes after so many bars, at the next open", () => {
    const { trades } = simulate(flat(1, 2, 3, 4, 5), [entryLong, 0, 0, 0, 0], { maxBars: 2 });
    expect(trades[0]).toMatchObject({ entryBar: 1, exitBar: 3, exitReason: "time" });
  });

  test("a short that loses everything is closed at the next open, and nothing is traded after", () => {
    const { trades, simulation } = simulate(
      flat(100, 100, 5_000, 5_000, 10, 10),
      [entryShort, 0, 0, entryShort, entryLong, 0],
      {
        sizing: { kind: "fractionOfEquity", value: 1 },
      },
    );
    expect(trades).toMatchObject([{ exitReason: "ruin", exitBar: 3 }]);
    expect(simulation.equity.at(-1)).toBeLessThan(0);
  });
});

const bar = fc
  .tuple(
    fc.double({ min: 1, max: 1_000, noNaN: true }),
    fc.array(fc.double({ min: 0.9, max: 1.1, noNaN: true }), { minLength: 3, maxLength: 3 }),
  )
  .map(([open, [a, b, c]]) => {
    const close = open * a!;
    return [
      open,
      Math.max(open, close) * Math.max(b!, 1),
      Math.min(open, close) * Math.min(c!, 1),
      close,
    ] as const;
  });
const scene = fc.record({
  bars: fc.array(fc.tuple(bar, fc.integer({ min: 0, max: 15 })), { minLength: 2, maxLength: 80 }),
  stopLoss: fc.constantFrom(0, 0.02, 0.1),
  takeProfit: fc.constantFrom(0, 0.03),
  trailingStop: fc.constantFrom(0, 0.05),
  maxBars: fc.constantFrom(0, 3),
  feeRate: fc.constantFrom(0, 0.001),
  minFee: fc.constantFrom(0, 1),
  slippageRate: fc.constantFrom(0, 0.0005),
  lotSize: fc.constantFrom(0, 0.1),
});

describe("any bars and signals", () => {
  const settingsOf = ({
    bars: _,
    ...given
  }: { bars: unknown } & Partial<SimulationSettings>): SimulationSettings => ({
    ...plain,
    initialCash: 100_000,
    sizing: { kind: "fractionOfEquity", value: 0.9 },
    ...given,
  });

  test("in pieces as in one; cash + position = equity; the future changes no past; exact money agrees", () => {
    fc.assert(
      fc.property(scene, fc.nat(), (given, cutSeed) => {
        const prices = columns(given.bars.map(([one]) => one));
        const signals = Uint8Array.from(given.bars, ([, bits]) => bits);
        const settings = settingsOf(given);
        const n = signals.length;
        const cut = 1 + (cutSeed % (n - 1));
        const whole = createSimulation(prices, signals, settings);
        runSimulation(whole, 0, n);
        const pieces = createSimulation(prices, signals, settings);
        runSimulation(pieces, 0, cut);
        runSimulation(pieces, cut, n);
        expect(pieces).toEqual(whole);

        const short = createSimulation(
          {
            open: prices.open.slice(0, cut),
            high: prices.high.slice(0, cut),
            low: prices.low.slice(0, cut),
            close: prices.close.slice(0, cut),
          },
          signals.slice(0, cut),
          settings,
        );
        runSimulation(short, 0, cut);
        expect(short.equity).toEqual(whole.equity.slice(0, cut));

        const trades = tradesOf(whole.fills, prices.close[n - 1]!);
        const profit = trades.reduce((sum, trade) => sum + trade.profit, 0);
        // Doubles of this size: rounding grows with the largest sum that passed through.
        const peak = whole.equity.reduce((most, value) => Math.max(most, value), settings.initialCash);
        const drift = Math.abs(whole.equity[n - 1]! - settings.initialCash - profit);
        expect(drift).toBeLessThanOrEqual(1e-6 + 1e-12 * peak);
        for (let k = 0; k < whole.fills.count; k++) {
          const at = whole.fills.bar[k]!;
          const price = whole.fills.price[k]!;
          const slack = 1 + settings.slippageRate + 1e-6;
          expect(price).toBeLessThanOrEqual(prices.high[at]! * slack);
          expect(price * slack).toBeGreaterThanOrEqual(prices.low[at]!);
        }
        const exact = reconcileFills(whole.fills, settings);
        expect(exact.gap.toNumber()).toBeLessThanOrEqual(exact.bound);
        if (peak < 1e10) expect(exact.gap.toNumber()).toBeLessThan(0.005);
      }),
      { numRuns: 300 },
    );
  });
});

test("columns of other lengths are refused", () => {
  expect(() => createSimulation(flat(1, 2), new Uint8Array(3), plain)).toThrow(RangeError);
});
