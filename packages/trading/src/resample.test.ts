import { seededRandom } from "@tapedeck/core";
import { expect, test } from "vitest";
import { bootstrapPath, quantileOf, shuffledDrawdown } from "./resample.ts";

test("quantiles interpolate between order statistics", () => {
  const sorted = Float64Array.of(1, 2, 3, 4);
  expect([0, 0.5, 1, 0.25].map((level) => quantileOf(sorted, level))).toEqual([1, 2.5, 4, 1.75]);
});

test("a path of equal returns grows alike whatever is drawn; its marks are growth so far", () => {
  const returns = new Float64Array(10).fill(0.01);
  const growth = new Float64Array(2);
  const path = bootstrapPath(returns, 3, seededRandom(1, "a"), Int32Array.of(4, 9), growth);
  expect(path.totalReturn).toBeCloseTo(1.01 ** 10 - 1, 12);
  expect(path.maxDrawdown).toBe(0);
  expect(growth[0]).toBeCloseTo(1.01 ** 5, 12);
  expect(growth[1]).toBe(1 + path.totalReturn);
});

test("drawn means are those of the sample, and the same seed draws the same", () => {
  const random = seededRandom(2, "returns");
  const returns = Float64Array.from({ length: 250 }, () => (random() - 0.49) * 0.02);
  const logOf = (k: number) =>
    Math.log1p(
      bootstrapPath(returns, 10, seededRandom(k, "path"), new Int32Array(0), new Float64Array(0)).totalReturn,
    );
  const paths = Array.from({ length: 2_000 }, (_, k) => logOf(k));
  const mean = paths.reduce((sum, value) => sum + value, 0) / paths.length;
  const expected = returns.reduce((sum, r) => sum + Math.log1p(r), 0);
  // Standard error of the mean: 0.0058 × √250 / √2000.
  expect(Math.abs(mean - expected)).toBeLessThan(5 * 0.0021 * 2);
  expect(logOf(7)).toBe(paths[7]);
});

test("shuffled trades: no order is worse than all losses in a row, and one trade has one order", () => {
  const factors = Float64Array.of(1.1, 0.9, 1.2, 0.95, 0.8);
  const worst = 1 - 0.9 * 0.95 * 0.8;
  const drawn = Array.from({ length: 500 }, (_, k) => shuffledDrawdown(factors, seededRandom(k, "shuffle")));
  expect(Math.max(...drawn)).toBeCloseTo(worst, 12);
  expect(Math.min(...drawn)).toBeCloseTo(0.2, 12);
  expect(shuffledDrawdown(Float64Array.of(0.7), seededRandom(1, "x"))).toBeCloseTo(0.3, 12);
});
