import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as q from "./index.ts";

const money = fc.double({ min: 1, max: 1e6, noNaN: true });
const share = fc.double({ min: 0.001, max: 0.5, noNaN: true });

describe("sizes risk what they are told to", () => {
  test("the loss at the stop is the fraction of the equity, on either side", () => {
    fc.assert(
      fc.property(money, share, money, share, (equity, fraction, entry, away) => {
        for (const stop of [entry * (1 - away), entry * (1 + away)]) {
          const quantity = q.fixedFractional(equity, fraction, entry, stop);
          expect((quantity * Math.abs(entry - stop)) / (equity * fraction)).toBeCloseTo(1, 10);
        }
      }),
    );
  });

  test("a move of the stated true ranges costs the fraction", () => {
    expect(q.atrRisk(100_000, 0.01, 2.5, 2) * 2.5 * 2).toBeCloseTo(1000, 9);
  });

  test("volatility is the target's until leverage ends", () => {
    expect(q.volatilityTarget(10_000, 50, 0.2, 0.1) * 50).toBe(5000);
    expect(q.volatilityTarget(10_000, 50, 0.05, 0.1, 1.5) * 50).toBe(15_000);
  });

  test.each([
    [-500, 1],
    [0, 1],
    [999, 1],
    [1000, 2],
    [2999, 2],
    [3000, 3],
    [6000, 4],
  ])("fixed ratio at a profit of %d with a delta of 1000: %d units", (profit, units) => {
    expect(q.fixedRatio(profit, 1000)).toBe(units);
  });
});

describe("Kelly and optimal f", () => {
  test("optimal f of a coin that pays 2 for 1 is the Kelly fraction 0.25", () => {
    const { fraction, worstLoss } = q.optimalF(Float64Array.of(2, -1));
    expect(fraction).toBeCloseTo(q.kellyBinary(0.5, 2), 12);
    expect(worstLoss).toBe(1);
  });

  test("no other fraction grows faster", () => {
    const profit = fc.double({ min: -100, max: 150, noNaN: true });
    fc.assert(
      fc.property(fc.array(profit, { minLength: 3, maxLength: 30 }), share, (list, other) => {
        const profits = Float64Array.from([...list, -50]);
        const { fraction, growth, worstLoss } = q.optimalF(profits);
        const grown = profits.reduce((s, p) => s + Math.log1p((other * p) / worstLoss), 0) / profits.length;
        expect(growth).toBeGreaterThanOrEqual(grown - 1e-12);
        expect(fraction).toBeLessThan(1);
      }),
    );
  });

  test("a share of Kelly weights keeps their proportions and the gross limit", () => {
    expect([...q.fractionalKelly(Float64Array.of(2, -1), 0.5)]).toEqual([1, -0.5]);
    expect([...q.fractionalKelly(Float64Array.of(2, -1), 0.5, 0.75)]).toEqual([0.5, -0.25]);
  });
});

describe("stops", () => {
  test.each<[string, q.Side, number | null, number]>([
    ["fixed, long", 1, q.fixedStop(1, 100, 0.05), 95],
    ["fixed, short", -1, q.fixedStop(-1, 100, 0.05), 105],
    ["trailing, long", 1, q.trailingStop(1, 120, 0.05), 114],
    ["trailing, short", -1, q.trailingStop(-1, 80, 0.05), 84],
    ["true ranges, long", 1, q.atrStop(1, 100, 3, 2), 94],
    ["true ranges, short", -1, q.atrStop(-1, 100, 3, 2), 106],
    ["chandelier, long", 1, q.chandelierStop(1, 120, 3, 3), 111],
    ["break-even, long", 1, q.breakEvenStop(1, 100, 104, 0.03, 0.01), 101],
    ["break-even, short", -1, q.breakEvenStop(-1, 100, 96, 0.03, 0.01), 99],
  ])("%s", (_, side, stop, want) => {
    expect(stop).toBeCloseTo(want, 12);
    expect(q.tighterStop(side, stop, want + side)).toBe(want + side);
    expect(q.tighterStop(side, null, stop)).toBe(stop);
  });

  test("break-even waits for its trigger", () => {
    expect(q.breakEvenStop(1, 100, 102.9, 0.03)).toBeNull();
    expect(q.breakEvenStop(-1, 100, 97.1, 0.03)).toBeNull();
  });

  test("a trailing stop held by tighterStop never loosens", () => {
    fc.assert(
      fc.property(
        fc.array(money, { minLength: 2, maxLength: 50 }),
        fc.constantFrom(1, -1),
        (prices, side) => {
          let stop: number | null = null;
          for (const price of prices) {
            const next: number | null = q.tighterStop(side, stop, q.trailingStop(side, price, 0.1));
            if (stop !== null) expect(side * next!).toBeGreaterThanOrEqual(side * stop);
            stop = next;
          }
        },
      ),
    );
  });

  test("time", () => {
    expect([4, 5, 6].map((bars) => q.timeStop(bars, 5))).toEqual([false, true, true]);
  });
});

describe("profit threshold", () => {
  const inputs = { volatility: 0.01, bars: 4, multiple: 1.5, costPerSide: 0.001 };

  test("pays the round trip, then the move", () => {
    expect(q.profitThreshold(inputs)).toBeCloseTo(0.002 + 0.03, 15);
    expect(q.profitThreshold({ ...inputs, volatility: 0 })).toBe(0.002);
  });

  test("is blended over regimes", () => {
    const regimes = Float64Array.of(0.25, 0.75);
    const regimeFactors = Float64Array.of(2, 0.5);
    expect(q.profitThreshold({ ...inputs, regimes, regimeFactors })).toBeCloseTo(0.002 + 0.03 * 0.875, 15);
    expect(() => q.profitThreshold({ ...inputs, regimes })).toThrow("together");
    const wrong = { ...inputs, regimes: Float64Array.of(0.5, 0.2), regimeFactors };
    expect(() => q.profitThreshold(wrong)).toThrow("sum to 0.7");
  });
});
