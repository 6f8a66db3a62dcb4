import { expect, test } from "vitest";
import { noise } from "../testInputs.ts";
import { bayesSteinReturns, capmReturns, ewmaReturns } from "./index.ts";

/** 200 returns of two assets, the second tied to the first. */
const n = 200;
const first = noise(n, 11).map((v) => 0.001 + v / 100);
const second = noise(n, 12).map((v, t) => 0.0004 + 0.5 * first[t]! + v / 150);
const returns = Float64Array.from({ length: 2 * n }, (_, at) => (at % 2 === 0 ? first : second)[at >> 1]!);

test("exponentially weighted means, written out", () => {
  const written = [first, second].map((asset) => {
    let sum = 0;
    let weights = 0;
    asset.forEach((r, t) => {
      sum += 0.9 ** (n - 1 - t) * r;
      weights += 0.9 ** (n - 1 - t);
    });
    return sum / weights;
  });
  ewmaReturns(returns, 2, 0.9).forEach((mean, i) => expect(mean).toBeCloseTo(written[i]!, 15));
});

test("an asset's CAPM return: two assets by hand", () => {
  const covariance = Float64Array.of(0.04, 0.01, 0.01, 0.09);
  // Market half and half: variance 0.0375, covariances 0.025 and 0.05.
  const [one, other] = capmReturns(covariance, Float64Array.of(0.5, 0.5), 0.08, 0.02);
  expect(one).toBeCloseTo(0.02 + (0.025 / 0.0375) * 0.06, 15);
  expect(other).toBeCloseTo(0.02 + (0.05 / 0.0375) * 0.06, 15);
  expect((one! + other!) / 2).toBeCloseTo(0.08, 15);
});

test("Bayes-Stein means of two assets, by the inverse of a 2 by 2 matrix", () => {
  const mean = (x: Float64Array) => x.reduce((a, b) => a + b, 0) / n;
  const [m1, m2] = [mean(first), mean(second)];
  const moment = (x: Float64Array, mx: number, y: Float64Array, my: number) =>
    x.reduce((sum, v, t) => sum + (v - mx) * (y[t]! - my), 0) / (n - 4);
  const [a, b, d] = [
    moment(first, m1, first, m1),
    moment(first, m1, second, m2),
    moment(second, m2, second, m2),
  ];
  const determinant = a * d - b * b;
  // Weights of least variance are proportional to the rows of the inverse summed.
  const [w1, w2] = [(d - b) / determinant, (a - b) / determinant];
  const common = (w1 * m1 + w2 * m2) / (w1 + w2);
  const [x, y] = [m1 - common, m2 - common];
  const distance = (d * x * x - 2 * b * x * y + a * y * y) / determinant;
  const share = 4 / (4 + n * distance);

  const { means, shrinkage } = bayesSteinReturns(returns, 2);
  expect(shrinkage).toBeCloseTo(share, 12);
  expect(means[0]).toBeCloseTo((1 - share) * m1 + share * common, 14);
  expect(means[1]).toBeCloseTo((1 - share) * m2 + share * common, 14);
});
