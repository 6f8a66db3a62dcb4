import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fitGarch } from "../statistics/garch.ts";
import { createNormals } from "../statistics/normals.ts";
import * as q from "./index.ts";
import { uniform } from "../testInputs.ts";

/** Returns of about 1 % whose spread comes in spells. */
function returnsOf(seed: number, n = 1200): Float64Array {
  const out = new Float64Array(n);
  createNormals(uniform(seed))(out);
  let variance = 1;
  return out.map((z) => {
    const r = z * Math.sqrt(variance);
    variance = 0.05 + 0.1 * r * r + 0.85 * variance;
    return r / 100;
  });
}

const methods: [string, (r: Float64Array, level: number) => q.TailRisk][] = [
  ["historical", q.historicalRisk],
  ["normal", q.normalRisk],
  ["Cornish-Fisher", q.cornishFisherRisk],
  ["Student t", (r, level) => q.studentRisk(q.fitStudent(r), level)],
  ["EWMA", (r, level) => q.ewmaRisk(r, level)],
  ["filtered historical", (r, level) => q.filteredHistoricalRisk(r, fitGarch(r), level)],
  ["extreme value", (r, level) => q.paretoRisk(q.fitPareto(r), level)],
];

describe.each(methods)("%s", (_name, risk) => {
  test.each([1, 2, 3])("ES is at least VaR, and both grow with the level (seed %i)", (seed) => {
    const r = returnsOf(seed);
    const levels = [0.96, 0.975, 0.99].map((level) => risk(r, level));
    levels.forEach(({ valueAtRisk, expectedShortfall }, i) => {
      expect(expectedShortfall).toBeGreaterThanOrEqual(valueAtRisk);
      if (i === 0) return;
      expect(valueAtRisk).toBeGreaterThanOrEqual(levels[i - 1]!.valueAtRisk);
      expect(expectedShortfall).toBeGreaterThanOrEqual(levels[i - 1]!.expectedShortfall);
    });
  });

  test("twice the returns are twice the risk", () => {
    const r = returnsOf(4);
    const [one, two] = [
      risk(r, 0.98),
      risk(
        r.map((v) => 2 * v),
        0.98,
      ),
    ];
    expect(two.valueAtRisk / one.valueAtRisk).toBeCloseTo(2, 4);
    expect(two.expectedShortfall / one.expectedShortfall).toBeCloseTo(2, 4);
  });
});

const weight = fc.double({ min: -2, max: 2, noNaN: true });

test("components sum to the whole, with means and without, and the shortfall's to the portfolio's own", () => {
  const k = 3;
  const columns = [11, 12, 13].map((seed) => returnsOf(seed, 300));
  const table = Float64Array.from({ length: 300 * k }, (_, i) => columns[i % k]![Math.floor(i / k)]!);
  const covariance = Float64Array.of(4, 1, 0.5, 1, 9, 2, 0.5, 2, 16).map((v) => v * 1e-4);
  const means = Float64Array.of(0.001, -0.002, 0.0005);
  fc.assert(
    fc.property(fc.tuple(weight, weight, weight), fc.constantFrom(0.9, 0.95, 0.99), (values, level) => {
      const weights = Float64Array.from(values);
      fc.pre(weights.some((w) => Math.abs(w) > 0.01));
      for (const given of [undefined, means]) {
        const { component, valueAtRisk } = q.componentRisk(weights, covariance, level, given);
        expect(component.reduce((a, b) => a + b, 0)).toBeCloseTo(valueAtRisk, 12);
      }
      const portfolio = columns[0]!.map((_, t) => values.reduce((sum, w, i) => sum + w * columns[i]![t]!, 0));
      const parts = q.componentShortfall(table, weights, level);
      const whole = q.historicalRisk(portfolio, level).expectedShortfall;
      expect(parts.reduce((a, b) => a + b, 0)).toBeCloseTo(whole, 12);
    }),
  );
});

describe("Sharpe inference", () => {
  const sample = fc.record({
    sharpe: fc.double({ min: 0.01, max: 0.5, noNaN: true }),
    skew: fc.double({ min: -1, max: 0.5, noNaN: true }),
    kurtosis: fc.double({ min: 3, max: 10, noNaN: true }),
  });

  test("at the minimum track record the probability is the confidence asked for", () => {
    fc.assert(
      fc.property(sample, fc.double({ min: 0.6, max: 0.99, noNaN: true }), (s, confidence) => {
        const n = q.minimumTrackRecord(s, 0, confidence);
        if (n >= 2) expect(q.probabilisticSharpe({ ...s, n })).toBeCloseTo(confidence, 10);
      }),
    );
  });

  test("more trials deflate more, and the deflated ratio is below the undeflated one", () => {
    fc.assert(
      fc.property(sample, fc.integer({ min: 2, max: 1000 }), (s, trials) => {
        const given = { ...s, n: 500 };
        const few = q.deflatedSharpe(given, 0.01, trials);
        expect(few).toBeLessThanOrEqual(q.probabilisticSharpe(given));
        expect(q.deflatedSharpe(given, 0.01, trials + 1)).toBeLessThanOrEqual(few);
      }),
    );
  });
});

test("a test of coverage finds nothing where violations come as promised, and sums its parts", () => {
  expect(q.kupiecTest(1000, 50, 0.05).statistic).toBeCloseTo(0, 9);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 2, maxLength: 200 }), (hits) => {
      const { kupiec, independence, conditional } = q.coverageTest(hits, 0.05);
      expect(conditional.statistic).toBeCloseTo(kupiec.statistic + independence.statistic, 12);
      const { n00, n01, n10, n11 } = independence;
      expect(n00 + n01 + n10 + n11).toBe(hits.length - 1);
    }),
  );
});

test("a variant that is best in every block is no overfit; noise is one half of the time", () => {
  const columns = 8;
  const noise = new Float64Array(1200 * columns);
  createNormals(uniform(21))(noise);
  const skilled = noise.map((v, i) => (i % columns === 3 ? v + 2 : v));
  expect(q.backtestOverfitting(skilled, columns, 10).probability).toBe(0);
  const { probability } = q.backtestOverfitting(noise, columns, 10);
  expect(probability).toBeGreaterThan(0.1);
  expect(probability).toBeLessThan(0.9);
});
