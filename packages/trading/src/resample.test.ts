import { seededRandom } from "@tapedeck/core";
import { describe, expect, test } from "vitest";
import {
  bootstrapPath,
  createJointResampling,
  jitterNumber,
  quantileOf,
  resampleBars,
  shuffledDrawdown,
} from "./resample.ts";

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

test("a price path is made of the bars' shapes", () => {
  const close = Float64Array.of(100, 110, 99, 108.9);
  const bars = {
    open: Float64Array.of(99, 101, 108, 100),
    high: close.map((price) => price * 1.02),
    low: close.map((price) => price * 0.9),
    close,
    volume: Float64Array.of(1, 2, 3, 4),
  };
  const path = resampleBars(bars, 1, seededRandom(5, "path"));
  expect(path.close[0]).toBe(100);
  const shapes = [1, 2, 3].map((i) => bars.close[i]! / bars.close[i - 1]!);
  for (let i = 1; i < 4; i++) {
    const shape = shapes.findIndex((ratio) => Math.abs(path.close[i]! / path.close[i - 1]! - ratio) < 1e-12);
    expect(shape).toBeGreaterThanOrEqual(0);
    expect(path.volume[i]).toBe(bars.volume[shape + 1]);
    expect(path.high[i]! / path.close[i]!).toBeCloseTo(1.02, 12);
    expect(path.open[i]! / path.close[i]!).toBeCloseTo(bars.open[shape + 1]! / bars.close[shape + 1]!, 12);
  }
});

test.each([
  [10, 0.2, 8, 12],
  [1, 0.9, 1, 2],
  [-4, 0.5, -6, -2],
])("%d moved by up to %d of itself stays whole, between %d and %d", (value, share, least, most) => {
  const random = seededRandom(1, "jitter");
  const moved = Array.from({ length: 50 }, () => jitterNumber(value, share, random));
  expect(moved.every((one) => Number.isInteger(one) && one >= least && one <= most)).toBe(true);
});

describe("several instruments at once", () => {
  const listed = (from: number, n: number) => {
    const random = seededRandom(from, "prices");
    const close = Float64Array.from({ length: n }, () => 50 + 50 * random());
    return {
      closeMs: Float64Array.from({ length: n }, (_, i) => from + i),
      open: close.map((price) => price * 0.99),
      high: close.map((price) => price * 1.02),
      low: close.map((price) => price * 0.98),
      close,
      volume: close.map(() => 1 + Math.floor(100 * random())),
    };
  };

  test("one alone has the path that it has by itself", () => {
    const bars = listed(0, 90);
    const [path] = createJointResampling([bars])!(7, seededRandom(2, "paths"));
    expect(path).toEqual(resampleBars(bars, 7, seededRandom(2, "paths")));
  });

  test("each close takes one moment of all: what they did together stays together", () => {
    const all = [listed(0, 120), listed(40, 80)];
    const paths = createJointResampling(all)!(5, seededRandom(4, "paths"));
    const changes = ({ close }: { close: Float64Array }) =>
      Float64Array.from({ length: close.length - 1 }, (_, i) => close[i + 1]! / close[i]!);
    const [first, second] = all.map(changes);
    const [firstPath, secondPath] = paths.map(changes);
    secondPath!.forEach((change, i) => {
      const moment = second!.findIndex((one) => Math.abs(one - change) < 1e-9);
      expect(moment).toBeGreaterThanOrEqual(0);
      expect(firstPath![40 + i]!).toBeCloseTo(first![40 + moment]!, 9);
    });
  });

  test("none where they are hardly ever listed together", () => {
    expect(createJointResampling([listed(0, 60), listed(40, 60)])).toBeNull();
  });
});
