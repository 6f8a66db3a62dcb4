import { describe, expect, test } from "vitest";
import { combinatorialPaths, groupBars, testSplits, trainingPart, walkForwardFolds } from "./folds.ts";

describe("walk-forward", () => {
  test.each([
    ["rolling", false],
    ["anchored", true],
  ])("%s: trains only on bars before the test, and tests every later bar once", (_name, anchored) => {
    const folds = walkForwardFolds(103, { anchored, trainBars: 30, testBars: 20, gapBars: 3 });
    expect(folds).toHaveLength(4);
    expect(folds[0]!.test.from).toBe(33);
    folds.forEach((fold, k) => {
      expect(fold.train.to + 3).toBe(fold.test.from);
      expect(fold.train.from).toBe(anchored ? 0 : fold.train.to - 30);
      expect(fold.test.from).toBe(k === 0 ? 33 : folds[k - 1]!.test.to);
    });
    expect(folds.at(-1)!.test.to).toBe(103);
  });

  test("no fold when the data is shorter than the training", () => {
    expect(walkForwardFolds(30, { anchored: false, trainBars: 30, testBars: 5, gapBars: 0 })).toEqual([]);
  });
});

test("groups cover every bar once; what is left of one for training keeps off its neighbours", () => {
  const groups = groupBars(101, 6);
  expect(groups[0]!.from).toBe(0);
  expect(groups.at(-1)!.to).toBe(101);
  for (let g = 1; g < 6; g++) expect(groups[g]!.from).toBe(groups[g - 1]!.to);
  expect(trainingPart({ from: 10, to: 40 }, 3, 5)).toEqual({ from: 18, to: 37 });
  expect(trainingPart({ from: 10, to: 14 }, 3, 5)).toEqual({ from: 18, to: 18 });
});

test("combinatorial: every path tests every group once, every split is used up", () => {
  const splits = testSplits(6, 2);
  expect(splits).toHaveLength(15);
  const paths = combinatorialPaths(6, splits);
  expect(paths).toHaveLength(5);
  for (const path of paths) path.forEach((split, g) => expect(splits[split]).toContain(g));
  const uses = paths.flatMap((path) => path.map((split, g) => `${split} ${g}`));
  expect(new Set(uses).size).toBe(30);
});
