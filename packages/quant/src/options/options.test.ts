import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as q from "./index.ts";
import { codeOf } from "../testInputs.ts";

const base: q.OptionInputs = {
  type: "call",
  spot: 100,
  strike: 105,
  years: 0.7,
  rate: 0.04,
  dividend: 0.015,
  volatility: 0.27,
};
const put = { ...base, type: "put" as const };

describe("Greeks are the slopes of the price", () => {
  const slope = (key: keyof q.OptionInputs, step: number): number => {
    const at = (v: number): number => q.optionPrice({ ...base, [key]: v });
    const x = base[key] as number;
    return (at(x + step) - at(x - step)) / (2 * step);
  };
  const v = q.blackScholes(base);

  test.each<[string, number | null, number]>([
    ["delta", v.delta, slope("spot", 1e-3)],
    ["vega", v.vega, slope("volatility", 1e-5)],
    ["theta", v.theta, -slope("years", 1e-5)],
    ["rho", v.rho, slope("rate", 1e-5)],
    ["phi", v.phi, slope("dividend", 1e-5)],
    ["dual delta", v.dualDelta, slope("strike", 1e-3)],
  ])("%s", (_name, got, want) => expect(got).toBeCloseTo(want, 5));
});

test("the price obeys its differential equation: theta + drift + curvature = r V", () => {
  for (const spot of [60, 100, 160]) {
    const o = { ...base, spot };
    const { price, theta, delta, gamma } = q.blackScholes(o);
    const drift = (o.rate - o.dividend) * spot * delta!;
    const curve = 0.5 * o.volatility ** 2 * spot ** 2 * gamma!;
    expect(theta! + drift + curve).toBeCloseTo(o.rate * price, 10);
  }
});

const inputs = fc.record({
  type: fc.constantFrom("call" as const, "put" as const),
  spot: fc.double({ min: 20, max: 500, noNaN: true }),
  strike: fc.double({ min: 20, max: 500, noNaN: true }),
  years: fc.double({ min: 0.01, max: 5, noNaN: true }),
  rate: fc.double({ min: -0.05, max: 0.2, noNaN: true }),
  dividend: fc.double({ min: -0.05, max: 0.2, noNaN: true }),
  volatility: fc.double({ min: 0.05, max: 1.5, noNaN: true }),
});

test("call less put is the forward, whatever the inputs", () => {
  fc.assert(
    fc.property(inputs, (o) => {
      const forward = o.spot * Math.exp(-o.dividend * o.years) - o.strike * Math.exp(-o.rate * o.years);
      const gap = q.optionPrice({ ...o, type: "call" }) - q.optionPrice({ ...o, type: "put" });
      expect(gap).toBeCloseTo(forward, 9);
    }),
  );
});

test("in and out of a barrier make the European option, and each is worth no less than nothing", () => {
  fc.assert(
    fc.property(inputs, fc.double({ min: 10, max: 600, noNaN: true }), (o, barrier) => {
      for (const side of ["down", "up"] as const) {
        const inside = q.barrierOption(o, `${side}In`, barrier);
        const outside = q.barrierOption(o, `${side}Out`, barrier);
        expect(inside + outside).toBeCloseTo(q.optionPrice(o), 9);
        expect(Math.min(inside, outside)).toBeGreaterThan(-1e-8);
      }
    }),
  );
});

test("an American option is worth at least the European one and its exercise", () => {
  fc.assert(
    fc.property(inputs, (o) => {
      const american = q.americanPrice(o);
      const exercise = o.type === "call" ? o.spot - o.strike : o.strike - o.spot;
      expect(american).toBeGreaterThanOrEqual(Math.max(q.optionPrice(o), exercise));
    }),
  );
});

test("Black-76 has the Greeks of an asset that yields the rate, but for the rate's own", () => {
  const o = { type: "put" as const, forward: 98, strike: 105, years: 0.7, rate: 0.04, volatility: 0.27 };
  const slope = (key: "forward" | "volatility" | "years" | "rate", step: number) => {
    const at = (v: number) => q.black76({ ...o, [key]: v });
    return { up: at(o[key] + step), down: at(o[key] - step), width: 2 * step };
  };
  const v = q.black76(o);
  const f = slope("forward", 1e-3);
  const s = slope("volatility", 1e-5);
  const t = slope("years", 1e-5);
  const r = slope("rate", 1e-5);
  expect((f.up.price - f.down.price) / f.width).toBeCloseTo(v.delta!, 6);
  expect((f.up.delta! - f.down.delta!) / f.width).toBeCloseTo(v.gamma!, 6);
  expect((f.up.gamma! - f.down.gamma!) / f.width).toBeCloseTo(v.speed!, 6);
  expect((s.up.delta! - s.down.delta!) / s.width).toBeCloseTo(v.vanna!, 5);
  expect((s.up.vega! - s.down.vega!) / s.width).toBeCloseTo(v.volga!, 3);
  expect((t.down.price - t.up.price) / t.width).toBeCloseTo(v.theta!, 5);
  expect((t.down.delta! - t.up.delta!) / t.width).toBeCloseTo(v.charm!, 5);
  expect((t.down.vega! - t.up.vega!) / t.width).toBeCloseTo(v.veta!, 3);
  expect((r.up.price - r.down.price) / r.width).toBeCloseTo(v.rho, 5);
});

test.each([0.05, 0.3, 1, 4])("implied volatility finds %f again on both sides", (volatility) => {
  for (const strike of [80, 100, 130]) {
    for (const type of ["call", "put"] as const) {
      const o = { ...base, type, strike, volatility };
      expect(q.impliedVolatility(o, q.optionPrice(o)) / volatility).toBeCloseTo(1, 6);
    }
  }
});

test("an American put is worth more than a European one, a call without yield is not", () => {
  expect(q.americanPrice(put)).toBeGreaterThan(q.optionPrice(put) + 0.01);
  const call = { ...base, dividend: 0 };
  expect(q.americanPrice(call)).toBe(q.optionPrice(call));
  expect(q.americanPrice({ ...put, spot: 20 })).toBe(85);
});

test("without volatility an American put is exercised at once where that pays most", () => {
  expect(q.americanPrice({ ...put, volatility: 0, dividend: 0 })).toBe(5);
});

test("a barrier already passed counts as touched", () => {
  expect(q.barrierOption(base, "downOut", 101)).toBe(0);
  expect(q.barrierOption(base, "downIn", 101)).toBe(q.optionPrice(base));
});

test("a bond at its coupon's yield is at par, and its price falls with the yield by its duration", () => {
  const bond = { face: 100, couponRate: 0.06, frequency: 2, periods: 20 };
  expect(q.bondValue(bond, 0.06).price).toBeCloseTo(100, 11);
  const { modifiedDuration } = q.bondValue(bond, 0.05);
  const step = 1e-6;
  const move = q.bondValue(bond, 0.05 + step).price / q.bondValue(bond, 0.05 - step).price;
  expect(-Math.log(move) / (2 * step)).toBeCloseTo(modifiedDuration, 6);
  for (const y of [-0.01, 0, 0.03, 0.4])
    expect(q.bondYield(bond, q.bondValue(bond, y).price)).toBeCloseTo(y, 11);
});

test.each<[string, string, () => unknown]>([
  ["a spot of 0", "outOfRange", () => q.blackScholes({ ...base, spot: 0 })],
  ["NaN volatility", "outOfRange", () => q.optionPrice({ ...base, volatility: NaN })],
  ["negative time", "outOfRange", () => q.optionPrice({ ...base, years: -1 })],
  ["a price below intrinsic", "outOfRange", () => q.impliedVolatility({ ...base, spot: 200 }, 50)],
  ["a price above the spot", "outOfRange", () => q.impliedVolatility(base, 101)],
  ["an expired option", "undefined", () => q.impliedVolatility({ ...base, years: 0 }, 1)],
  ["a price of nothing", "undefined", () => q.impliedVolatility({ ...base, spot: 50 }, 0)],
  [
    "a lost time value",
    "undefined",
    () =>
      q.impliedVolatility({ ...base, spot: 1000 }, 1000 * Math.exp(-0.0105) - 105 * Math.exp(-0.028) + 2e-13),
  ],
  ["two steps", "outOfRange", () => q.americanPrice(put, 2)],
  ["a negative barrier", "outOfRange", () => q.barrierOption(base, "upIn", -1)],
  [
    "half a coupon",
    "outOfRange",
    () => q.bondValue({ face: 1, couponRate: 0.1, frequency: 2, periods: 1.5 }, 0),
  ],
])("%s is refused as %s", (_name, expected, compute) => {
  expect(codeOf(compute)).toBe(expected);
});
