import { hedgesOf } from "@tapedeck/features/analyze/kinds/pairs/hedge";
import { seededRandom } from "@tapedeck/core";
import { registry, runKernel } from "@tapedeck/quant";
import { correlation, engleGrangerTest, halfLifeOf } from "@tapedeck/quant/statistics/index";
import { expect, test } from "vitest";
import { computePair } from "./pairs.ts";

/** Two logarithms of prices that go together, [n]. */
function levels(n: number, seed: number): [Float64Array, Float64Array] {
  const random = seededRandom(seed, "pair");
  const [y, x] = [new Float64Array(n), new Float64Array(n)];
  let common = 3;
  let gap = 0;
  for (let i = 0; i < n; i++) {
    common += 0.01 * (random() - 0.5);
    x[i] = common;
    gap = 0.7 * gap + 0.01 * (random() - 0.5);
    y[i] = 1 + 0.8 * common + gap;
  }
  return [y, x];
}

test("the figures are those of the pairs analysis over the same bars, bit for bit", () => {
  const [y, x] = levels(150, 7);
  const { ratio, intercept, spread } = hedgesOf(y, x, 1e-4).by.ols;
  const zScores = runKernel(registry.get("zscore")!, [spread], [40, 1])[0]!;
  const { statistic, p } = engleGrangerTest(y, x, { terms: "c" });
  const changes = (one: Float64Array) => one.slice(1).map((value, i) => value - one[i]!);
  expect([...computePair(y, x, 40)]).toEqual([
    ratio,
    intercept,
    spread.at(-1)!,
    zScores.at(-1)!,
    correlation(changes(y), changes(x)),
    statistic,
    p,
    halfLifeOf(spread).halfLife,
  ]);
});

test("a price that does not move has no ratio, and nothing that follows from it", () => {
  const [y] = levels(100, 8);
  expect([...computePair(y, new Float64Array(100).fill(2), 20)].every(Number.isNaN)).toBe(true);
});
