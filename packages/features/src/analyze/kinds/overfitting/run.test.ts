import { afterAll, beforeAll, expect, test } from "vitest";
import { analyzeFixture } from "../../fixture.ts";
import type { AnalyzeFixture } from "../../fixture.ts";

let fixture: AnalyzeFixture;
beforeAll(async () => {
  fixture = await analyzeFixture();
});
afterAll(() => fixture.close());

/** A trial whose returns are `mean` in the odd periods and three times that in the even ones. */
const trial = (mean: number, length = 40) => Array.from({ length }, (_, t) => (t % 2 ? mean : 3 * mean));

test("a trial that is best in every block is not overfitted, and no split picks a loser", async () => {
  const trials = [trial(0.01), trial(-0.01), trial(-0.02)];
  const { result } = await fixture.run<"overfitting">({ kind: "overfitting", trials, blocks: 4 });
  expect(result.figures["probability"]!.value).toBe(0);
  expect(result.figures["probabilityOfLoss"]!.value).toBe(0);
  expect(await fixture.evidenceOf(result.figures["probability"]!.evidenceId)).toMatchObject({
    kind: "request",
    formula: "backtestOverfitting(3 trials of 40 periods, 4 blocks).probability",
    value: 0,
  });
});

test("trials whose gains of one half are losses of the other are wholly overfitted on two blocks", async () => {
  const trials = [
    [...trial(0.01, 20), ...trial(-0.01, 20)],
    [...trial(-0.01, 20), ...trial(0.01, 20)],
  ];
  const { result } = await fixture.run<"overfitting">({ kind: "overfitting", trials, blocks: 2 });
  expect(result.figures["probability"]!.value).toBe(1);
  expect(result.figures["probabilityOfLoss"]!.value).toBe(1);
});

test("refuses trials of unequal length, and too few periods a block", async () => {
  const run = (trials: number[][]) => fixture.run({ kind: "overfitting", trials, blocks: 4 });
  await expect(run([trial(0.01), trial(0.01, 39)])).rejects.toThrow("a return of every period");
  await expect(run([trial(0.01, 4), trial(0.02, 4)])).rejects.toMatchObject({ code: "data.missing" });
});
