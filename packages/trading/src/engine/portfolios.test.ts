import { seededRandom } from "@tapedeck/core";
import { describe, expect, test } from "vitest";
import { noCosts } from "./costs.ts";
import { createEngine } from "./engine.ts";
import type { Engine } from "./engine.ts";
import { fillRows } from "./fills.ts";
import { plainInstrument } from "./market.ts";
import type { PriceSeries } from "./market.ts";
import { createPortfolioStrategy, portfolioStrategies } from "./portfolios.ts";

const dayMs = 86_400_000;

/** Daily bars whose open is the close before. */
function closes(values: readonly number[]): PriceSeries {
  const close = Float64Array.from(values);
  const open = Float64Array.from(values, (value, i) => values[i - 1] ?? value);
  const openMs = Float64Array.from(values, (_, i) => i * dayMs);
  return {
    openMs,
    closeMs: openMs.map((ms) => ms + dayMs),
    open,
    high: open.map((o, i) => Math.max(o, close[i]!)),
    low: open.map((o, i) => Math.min(o, close[i]!)),
    close,
    volume: close.map(() => 1e6),
  };
}

function walk(seed: number, n: number, volatility: number, drift = 0): number[] {
  const random = seededRandom(seed, "walk");
  let price = 100;
  return Array.from({ length: n }, () => (price *= 1 + drift + (random() - 0.5) * volatility));
}

const run = (
  name: string,
  params: Record<string, number>,
  series: Record<string, readonly number[]>,
): Engine => {
  const bars = Object.entries(series).map(([id, values]) => [id, closes(values)] as const);
  return runOn(name, params, Object.fromEntries(bars));
};

function runOn(name: string, params: Record<string, number>, series: Record<string, PriceSeries>): Engine {
  const ids = Object.keys(series);
  const engine = createEngine(
    ids.map((id) => plainInstrument(id, series[id]!)),
    createPortfolioStrategy(name, params, ids.length).strategy,
    {
      baseCurrency: "USD",
      initialCash: 10_000,
      costs: noCosts,
      innerPath: "pessimistic",
      shortfall: "reduce",
      rates: {},
    },
    () => {
      throw new Error("no formulas");
    },
  );
  while (!engine.advance(100));
  return engine;
}

const fillsOf = ({ state: { postings, instruments } }: Engine) =>
  [...fillRows(postings)].map((row) => ({
    id: instruments[postings.instrument[row]!]!.id,
    bar: postings.bar[row]!,
    quantity: postings.quantity[row]!,
    price: postings.price[row]!,
  }));

test("equal weights: brought back at every rebalance, at the closes' weights", () => {
  const engine = run(
    "equalWeight",
    { every: 2, invested: 0.9 },
    { A: [10, 10, 20, 20, 20], B: [10, 10, 10, 10, 10] },
  );
  // 450 units each; at bar 2's close A is 9,000 of 14,500: both go to 6,525.
  expect(fillsOf(engine)).toEqual([
    { id: "A", bar: 1, quantity: 450, price: 10 },
    { id: "B", bar: 1, quantity: 450, price: 10 },
    { id: "A", bar: 3, quantity: 6_525 / 20 - 450, price: 20 },
    { id: "B", bar: 3, quantity: 6_525 / 10 - 450, price: 10 },
  ]);
});

test("momentum rotation: holds those that rose most, nothing when all fell", () => {
  const engine = run(
    "momentumRotation",
    { window: 2, hold: 1, every: 2, invested: 1 },
    { A: [10, 11, 12, 12, 9, 8, 7, 7], B: [10, 10, 11, 12, 13, 12, 10, 10], C: [10, 9, 9, 8, 8, 8, 7, 7] },
  );
  const moves = fillsOf(engine).map(({ id, bar, quantity }) => [id, bar, Math.sign(quantity)]);
  expect(moves).toEqual([
    ["A", 3, 1],
    ["A", 5, -1],
    ["B", 5, 1],
    ["B", 7, -1],
  ]);
});

test("risk parity: equal contributions to the variance", () => {
  const n = 160;
  const series = { A: walk(1, n, 0.01), B: walk(2, n, 0.03), C: walk(3, n, 0.06) };
  const engine = run("riskParity", { window: 126, every: 1_000, invested: 1 }, series);
  const bought = fillsOf(engine);
  expect(bought).toHaveLength(3);
  const decidedAt = bought[0]!.bar - 1;
  const returns = Object.values(series).map((column) =>
    Array.from({ length: 126 }, (_, back) => column[decidedAt - back]! / column[decidedAt - back - 1]! - 1),
  );
  const weights = bought.map(({ id, quantity }) => quantity * series[id as "A"][decidedAt]!);
  const mean = (x: number[]) => x.reduce((sum, value) => sum + value, 0) / x.length;
  const covariance = (x: number[], y: number[]) =>
    mean(x.map((value, t) => (value - mean(x)) * (y[t]! - mean(y))));
  const contributions = weights.map(
    (weight, i) =>
      weight * weights.reduce((sum, other, j) => sum + other * covariance(returns[i]!, returns[j]!), 0),
  );
  expect(contributions[1]! / contributions[0]!).toBeCloseTo(1, 6);
  expect(contributions[2]! / contributions[0]!).toBeCloseTo(1, 6);
});

test("volatility target: the calm instrument gets the larger weight, and no more than allowed together", () => {
  const engine = run(
    "volatilityTarget",
    { window: 20, target: 0.1, every: 1_000 },
    { A: walk(1, 30, 0.02), B: walk(2, 30, 0.08) },
  );
  const [a, b] = fillsOf(engine);
  expect(a!.quantity * a!.price).toBeGreaterThan(2.5 * b!.quantity * b!.price);
  expect(Math.max(...engine.gross)).toBeLessThan(10_000 * 1.2);
});

test("pairs: sells the spread when it is wide, and leaves at the mean", () => {
  const base = walk(5, 120, 0.01);
  const spread = base.map((_, i) => (i >= 90 && i < 93 ? 0.05 : 0.002 * Math.sin(i)));
  const engine = run(
    "pairsZScore",
    { window: 40, entry: 2.5, exit: 1, stop: 100 },
    { A: base.map((price, i) => price * Math.exp(spread[i]!)), B: base },
  );
  const moves = fillsOf(engine).map(({ id, quantity }) => [id, Math.sign(quantity)]);
  expect(moves.slice(0, 2)).toEqual([
    ["A", -1],
    ["B", 1],
  ]);
  expect(fillsOf(engine)[0]!.bar).toBe(91);
  expect(engine.state.position).toEqual(new Float64Array(2));
  expect(engine.equity.at(-1)).toBeGreaterThan(10_000);
});

test("cross-venue arbitrage: the same units on both sides, and the gap is earned", () => {
  const engine = run(
    "crossVenueArbitrage",
    { entry: 0.01, exit: 0.001, leg: 0.4 },
    { "BTC.X": [100, 102, 102, 103, 103], "BTC.Y": [100, 100, 100, 103, 103] },
  );
  const [first, second, third, fourth] = fillsOf(engine);
  expect([first!.id, second!.id].sort()).toEqual(["BTC.X", "BTC.Y"]);
  expect(first!.quantity).toBe(-second!.quantity);
  expect(third!.quantity + fourth!.quantity).toBe(0);
  expect(engine.equity.at(-1)).toBeCloseTo(10_000 + 2 * Math.abs(first!.quantity), 8);
});

test("cross-venue arbitrage: a price that is a day old is no gap", () => {
  const whole = closes([100, 102, 100, 100]);
  const kept = [0, 2, 3];
  const columns = Object.entries(whole).map(([name, column]: [string, Float64Array]) => [
    name,
    Float64Array.from(kept, (i) => column[i]!),
  ]);
  const late = Object.fromEntries(columns) as PriceSeries;
  const engine = runOn("crossVenueArbitrage", { entry: 0.01 }, { "BTC.X": whole, "BTC.Y": late });
  expect(engine.state.orderLog.count).toBe(0);
});

test("twap entry: equal parts of the equity, bar by bar", () => {
  const engine = run("twapEntry", { slices: 4, invested: 0.8 }, { A: Array.from({ length: 8 }, () => 10) });
  expect(fillsOf(engine).map(({ bar, quantity }) => [bar, quantity])).toEqual([
    [1, 200],
    [2, 200],
    [3, 200],
    [4, 200],
  ]);
});

describe("parameters", () => {
  test.each([
    ["an unknown name", "magic", {}, 2, "there are equalWeight"],
    ["an unknown parameter", "equalWeight", { window: 3 }, 2, "no parameter window"],
    ["one out of range", "momentumRotation", { hold: 0 }, 2, "hold is a whole number from 1"],
    ["too many instruments", "pairsZScore", {}, 3, "takes 2 instruments"],
  ])("refuses %s", (_name, name, params, instruments, text) => {
    expect(() => createPortfolioStrategy(name, params as Record<string, number>, instruments)).toThrow(text);
  });

  test("each default is in its range", () => {
    for (const { name, instruments } of portfolioStrategies) {
      expect(() => createPortfolioStrategy(name, {}, instruments[0])).not.toThrow();
    }
  });
});
