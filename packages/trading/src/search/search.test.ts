import { seededRandom } from "@tapedeck/core";
import { describe, expect, test } from "vitest";
import { dominates, paretoFronts } from "./nsga2.ts";
import { createSearcher, searchMethods } from "./searcher.ts";
import type { SearchMethod, Trial } from "./searcher.ts";
import { createSobol, mostSobolDimensions } from "./sobol.ts";
import { gridPoint, gridSize, valuesAt } from "./space.ts";
import type { Parameter } from "./space.ts";

const space: Parameter[] = [
  { name: "fast", from: 2, to: 26, step: 1 },
  { name: "width", from: 0.1, to: 0.5, step: 0.1 },
  { name: "average", values: ["sma", "ema"] },
];

test("a grid has every combination once, in whole steps", () => {
  expect(gridSize(space)).toBe(25 * 5 * 2);
  const seen = Array.from({ length: 250 }, (_, i) => JSON.stringify(valuesAt(space, gridPoint(space, i))));
  expect(new Set(seen).size).toBe(250);
  expect(seen[0]).toBe('{"fast":2,"width":0.1,"average":"sma"}');
  expect(seen[249]).toBe('{"fast":26,"width":0.5,"average":"ema"}');
  expect(seen.filter((text) => text.includes('"width":0.3,'))).toHaveLength(50);
});

test("every dimension of the Sobol sequence puts one of the first 2^k points into each of 2^k intervals", () => {
  const next = createSobol(mostSobolDimensions);
  const points = Array.from({ length: 256 }, next);
  for (let j = 0; j < mostSobolDimensions; j++) {
    for (const size of [16, 64, 256]) {
      const cells = points.slice(0, size).map((point) => Math.floor(point[j]! * size));
      expect(new Set(cells).size, `dimension ${j}, ${size} points`).toBe(size);
    }
  }
  // Known start of the two-dimensional sequence.
  expect(points.slice(0, 4).map((point) => [point[0], point[1]])).toEqual([
    [0, 0],
    [0.5, 0.5],
    [0.75, 0.25],
    [0.25, 0.75],
  ]);
});

const plane: Parameter[] = ["x", "y", "z"].map((name) => ({ name, from: -5, to: 5 }));

function search(method: SearchMethod, trials: number, score: (at: number[]) => number[], seed = 3): Trial[] {
  const random = seededRandom(seed, method);
  const searcher = createSearcher(method, plane, { trials, objectives: score([0, 0, 0]).length, random });
  const all: Trial[] = [];
  for (;;) {
    const points = searcher.next();
    if (points.length === 0) return all;
    const told = points.map((point) => ({
      point,
      scores: score(Object.values(valuesAt(plane, point)).map(Number)),
    }));
    searcher.tell(told);
    all.push(...told);
  }
}

/** Rosenbrock's valley, its top 0 at (1, 1, 1). */
const valley = ([x, y, z]: number[]) => [
  -(100 * (y! - x! ** 2) ** 2 + (1 - x!) ** 2 + 100 * (z! - y! ** 2) ** 2 + (1 - y!) ** 2),
];
const bowl = ([x, y, z]: number[]) => [-((x! - 1) ** 2 + (y! + 2) ** 2 + (z! - 3) ** 2)];
const best = (trials: readonly Trial[]) => Math.max(...trials.map((trial) => trial.scores[0]!));

describe("learning methods", () => {
  test("each beats random points on a bowl by far, at equal trials", () => {
    const random = best(search("random", 600, bowl));
    for (const method of ["tpe", "cmaes", "nsga2"] as const) {
      expect(best(search(method, 600, bowl)), method).toBeGreaterThan(random / 5);
    }
  });

  test("covariance adaptation follows a curved valley to its end", () => {
    expect(best(search("cmaes", 4_000, valley))).toBeGreaterThan(-1e-3);
  });

  test("nsga2 finds both ends and the middle of a trade-off", () => {
    const far = ([x]: number[]) => [-((x! - 2) ** 2), -((x! + 2) ** 2)];
    const trials = search("nsga2", 800, far);
    const front = paretoFronts(trials.map((trial) => trial.scores))[0]!.map((i) =>
      Number(valuesAt(plane, trials[i]!.point)["x"]),
    );
    expect(Math.min(...front)).toBeLessThan(-1.8);
    expect(Math.max(...front)).toBeGreaterThan(1.8);
    expect(front.every((x) => x > -2.2 && x < 2.2)).toBe(true);
    expect(front.some((x) => Math.abs(x) < 0.3)).toBe(true);
  });
});

test.each(searchMethods.filter((method) => method !== "grid"))(
  "%s: the same seed, the same search",
  (method) => {
    const points = (seed: number) => search(method, 100, bowl, seed).map((trial) => [...trial.point]);
    expect(points(5)).toHaveLength(100);
    expect(points(5)).toEqual(points(5));
    if (method !== "sobol") expect(points(5)).not.toEqual(points(6));
  },
);

test("fronts: nothing in a front dominates another of it", () => {
  const scores = [
    [1, 1],
    [2, 0],
    [0, 2],
    [0, 0],
    [1, 0.5],
  ];
  expect(paretoFronts(scores)).toEqual([[0, 1, 2], [4], [3]]);
  expect(dominates([1, 1], [1, 1])).toBe(false);
});

test("a grid without a step is refused", () => {
  expect(() => createSearcher("grid", plane, { trials: 10, objectives: 1, random: Math.random })).toThrow(
    "step",
  );
});
