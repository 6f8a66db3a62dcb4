import { describe, expect, test } from "vitest";
import * as q from "./index.ts";
import { codeOf, uniform } from "../testInputs.ts";

function sample(n: number, seed: number): Float64Array {
  const random = uniform(seed);
  return Float64Array.from({ length: n }, () => (random() + random() + random() - 1.5) * 0.02);
}

describe("performance", () => {
  test("a hand case: up 10 %, down 20 %, up 25 %", () => {
    const p = q.performanceOf(Float64Array.of(0.1, -0.2, 0.25, 0), 252);
    expect(p.totalReturn).toBeCloseTo(0.1, 12);
    expect(p.maxDrawdown).toBeCloseTo(0.2, 12);
    expect(p.deepest).toMatchObject({ peak: 1, trough: 2 });
    expect(p.profitFactor).toBeCloseTo(0.35 / 0.2, 12);
    expect(p.positiveShare).toBe(0.5);
  });

  test("a series without losses has no ratio to a loss, and no infinite one", () => {
    const p = q.performanceOf(Float64Array.of(0.01, 0.01, 0.01, 0.01), 252);
    expect([p.sharpe, p.sortino, p.calmar, p.omega, p.profitFactor]).toEqual([null, null, null, null, null]);
    expect(p.deepest).toBeNull();
    expect(p.maxDrawdown).toBe(0);
  });

  test.each([1, 2, 3])("episodes cover exactly the days under water (seed %i)", (seed) => {
    const { drawdown, episodes } = q.drawdownsOf(sample(500, seed));
    const under = new Set<number>();
    for (const e of episodes) {
      for (let i = e.peak + 1; i < (e.recovery ?? drawdown.length); i++) under.add(i);
      expect(e.depth).toBe(drawdown[e.trough]);
    }
    drawdown.forEach((d, i) => expect(under.has(i)).toBe(d > 0));
  });
});

describe("value at risk", () => {
  test.each([0.9, 0.95, 0.975, 0.99])("expected shortfall is never below VaR at %f", (level) => {
    for (let seed = 1; seed <= 20; seed++) {
      const r = sample(300, seed);
      for (const risk of [q.historicalRisk, q.normalRisk, q.ewmaRisk]) {
        const { valueAtRisk, expectedShortfall } = risk(r, level);
        expect(expectedShortfall).toBeGreaterThanOrEqual(valueAtRisk);
      }
    }
  });

  test("expected shortfall is subadditive", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const a = sample(200, seed);
      const b = sample(200, seed + 100);
      const both = q.historicalRisk(
        a.map((v, i) => v + b[i]!),
        0.95,
      ).expectedShortfall;
      const apart = q.historicalRisk(a, 0.95).expectedShortfall + q.historicalRisk(b, 0.95).expectedShortfall;
      expect(both).toBeLessThanOrEqual(apart + 1e-15);
    }
  });

  test("simulation agrees with the closed form of a log-normal", () => {
    const settings = { drift: 0.05, volatility: 0.2, horizonYears: 1, steps: 252, paths: 20_000 };
    const { valueAtRisk } = q.simulatedRisk(settings, 0.95, uniform(7));
    expect(valueAtRisk).toBeCloseTo(1 - Math.exp(0.05 - 0.02 - 1.6448536 * 0.2), 2);
    expect(q.simulatedRisk(settings, 0.95, uniform(7)).valueAtRisk).toBe(valueAtRisk);
  });

  test("the expansion says where it is not monotone", () => {
    const heavy = Float64Array.from({ length: 1000 }, (_, i) => (i % 100 === 0 ? -0.2 : 0.001 * (i % 7)));
    expect(q.cornishFisherRisk(heavy, 0.99).monotone).toBe(false);
    expect(codeOf(() => q.cornishFisherRisk(new Float64Array(100), 0.99))).toBe("undefined");
  });
});

test("components sum to the whole", () => {
  const w = Float64Array.of(0.5, 0.3, 0.2);
  const cov = Float64Array.of(4, 1, 0.5, 1, 9, 2, 0.5, 2, 16).map((v) => v * 1e-4);
  const got = q.componentRisk(w, cov, 0.99);
  expect(got.component.reduce((a, b) => a + b, 0)).toBeCloseTo(got.valueAtRisk, 14);
  expect(got.share.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 14);
});

test("a perfectly independent grid of blocks counts every combination once", () => {
  expect([...q.combinations(4, 2)].length).toBe(6);
  const seen: string[] = [];
  for (const c of q.combinations(5, 3)) seen.push(c.join(""));
  expect(seen).toEqual(["012", "013", "014", "023", "024", "034", "123", "124", "134", "234"]);
});

test("bootstrap resamples stay inside the series and repeat with their numbers", () => {
  const draw = (seed: number) => q.stationaryIndices(50, 20, 10, uniform(seed));
  for (const row of draw(3)) for (const i of row) expect(i >= 0 && i < 50).toBe(true);
  expect(draw(3)).toEqual(draw(3));
  expect(q.iidIndices(50, 20, uniform(3))[0]).not.toEqual(q.iidIndices(50, 20, uniform(4))[0]);
});

test.each<[string, string, () => unknown]>([
  ["too few returns", "tooFew", () => q.performanceOf(Float64Array.of(0.1))],
  ["NaN inside", "notFinite", () => q.performanceOf(Float64Array.of(0.1, NaN, 0.1, 0.2))],
  ["negative periods", "outOfRange", () => q.performanceOf(sample(9, 1), -252)],
  ["unequal lengths", "unequalLengths", () => q.relativePerformance(sample(9, 1), sample(8, 1))],
  ["constant benchmark", "undefined", () => q.relativePerformance(sample(9, 1), new Float64Array(9))],
  ["level 1", "outOfRange", () => q.historicalRisk(sample(9, 1), 1)],
  ["level 0", "outOfRange", () => q.normalRisk(sample(9, 1), 0)],
  ["odd blocks", "outOfRange", () => q.backtestOverfitting(sample(90, 1), 3, 5)],
  ["violations above observations", "outOfRange", () => q.kupiecTest(10, 11, 0.05)],
  ["level inside the threshold", "outOfRange", () => q.paretoRisk(q.fitPareto(sample(900, 1)), 0.9)],
  ["few exceedances", "tooFew", () => q.fitPareto(sample(100, 1))],
  [
    "infinite tail",
    "undefined",
    () => q.studentRisk({ df: 1, location: 0, scale: 1, logLikelihood: 0 }, 0.95),
  ],
  ["one trial", "outOfRange", () => q.expectedMaximumSharpe(0.1, 1)],
  ["no resamples", "tooFew", () => q.bootstrap(sample(9, 1), [], (x) => x[0]!)],
  ["no weight of risk", "undefined", () => q.componentRisk(new Float64Array(2), new Float64Array(4), 0.95)],
])("%s is refused as %s", (_name, expected, compute) => {
  expect(codeOf(compute)).toBe(expected);
});
