import { afterAll, beforeAll, expect, test } from "vitest";
import { analyzeFixture } from "../../fixture.ts";
import type { AnalyzeFixture } from "../../fixture.ts";

let fixture: AnalyzeFixture;
beforeAll(async () => {
  fixture = await analyzeFixture();
});
afterAll(() => fixture.close());

const payload = {
  kind: "pairSearch" as const,
  instruments: ["MSFT", "IBM", "AAPL", "AMZN"],
  timeframe: "1mo",
};

test("tests every pair once, the surest first, with progress and evidence of the two alone", async () => {
  const { result, context } = await fixture.run<"pairSearch">(payload);
  expect(result.figures.tested.value).toBe(6);
  expect(new Set(result.pairs.map((one) => [one.y, one.x].toSorted().join())).size).toBe(6);
  const p = result.pairs.map((one) => one.p);
  expect(p).toEqual(p.toSorted((a, b) => a - b));
  for (const one of result.pairs) {
    expect(one.adjustedP).toBeGreaterThanOrEqual(one.p);
    expect(one.accepted).toBe(one.adjustedP <= 0.05);
  }
  const first = result.pairs[0]!;
  expect(await fixture.evidenceOf(first.evidenceId)).toMatchObject({
    instrumentId: first.y,
    others: [{ instrumentId: first.x }],
    value: first.p,
  });
  expect(context.recorded.progress.at(-1)).toEqual({ done: 6, total: 6 });
});

test("agrees with the analysis of the pair", async () => {
  const { result } = await fixture.run<"pairSearch">(payload);
  const { y, x, statistic, hedgeRatio } = result.pairs[0]!;
  const pair = (await fixture.run<"pairs">({ kind: "pairs", y, x, timeframe: "1mo", zWindow: 24 })).result;
  expect(pair.figures.engleGranger.value).toBeCloseTo(statistic, 10);
  expect(pair.figures.olsRatio.value).toBeCloseTo(hedgeRatio, 10);
});

test("a laxer rate accepts no fewer pairs", async () => {
  const accepted = async (falseDiscoveryRate: number) =>
    (await fixture.run<"pairSearch">({ ...payload, falseDiscoveryRate })).result.figures.accepted.value!;
  expect(await accepted(0.5)).toBeGreaterThanOrEqual(await accepted(0.01));
});

test("a cancel is seen between the chunks", async () => {
  const signal = AbortSignal.abort(new Error("cancelled"));
  await expect(fixture.run(payload, fixture.context({ signal }))).rejects.toThrow("cancelled");
});
