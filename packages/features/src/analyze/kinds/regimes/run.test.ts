import { afterAll, beforeAll, expect, test } from "vitest";
import { analyzeFixture } from "../../fixture.ts";
import type { AnalyzeFixture } from "../../fixture.ts";

let fixture: AnalyzeFixture;
beforeAll(async () => {
  fixture = await analyzeFixture();
});
afterAll(() => fixture.close());

const payload = { kind: "regimes" as const, instrumentId: "SPX", fromMs: "2015-01-01" };

test.each([
  ["markovSwitching", 2],
  ["hiddenMarkov", 3],
])(
  "%s with %i regimes: ordered by volatility, probabilities that sum to 1, spans that cover the bars",
  async (model, regimes) => {
    const { result } = await fixture.run<"regimes">({ ...payload, model, regimes });
    expect(result.regimes).toHaveLength(regimes);
    const deviations = result.regimes.map((one) => one.deviation);
    expect(deviations).toEqual(deviations.toSorted((a, b) => a - b));
    expect(result.regimes.reduce((sum, one) => sum + one.bars, 0)).toBe(result.bars - 1);
    for (const row of result.transition!) expect(row.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 10);
    expect(result.spans.reduce((sum, span) => sum + span.bars, 0)).toBe(result.bars - 1);
    for (const [i, span] of result.spans.slice(1).entries()) {
      expect(span.regime).not.toBe(result.spans[i]!.regime);
      expect(span.fromMs).toBeGreaterThanOrEqual(result.spans[i]!.toMs);
    }
    const columns = await fixture.columns(result);
    const filtered = result.regimes.map((one) => columns.get(`filtered[${one.regime}]`)!);
    expect(filtered[0]![0]).toBeNaN();
    for (const at of [1, 100, result.bars - 1]) {
      expect(filtered.reduce((sum, column) => sum + column[at]!, 0)).toBeCloseTo(1, 10);
    }
    expect(result.figures.current.value).toBe(result.spans.at(-1)!.regime);
  },
);

test("change points part the bars into segments of constant volatility; a higher penalty makes fewer", async () => {
  const segments = async (penalty: number) =>
    (await fixture.run<"regimes">({ ...payload, model: "changePoints", penalty })).result;
  const few = await segments(10);
  const many = await segments(1);
  expect(many.regimes.length).toBeGreaterThan(few.regimes.length);
  expect(few.transition).toBeNull();
  expect(few.figures.logLikelihood).toMatchObject({
    value: null,
    reading: "change points have no likelihood",
  });
  expect(few.spans.map((span) => span.regime)).toEqual(few.regimes.map((one) => one.regime));
});

test("refuses too few bars, and regimes that the model does not have", async () => {
  await expect(fixture.run({ ...payload, fromMs: "2020-01-01" })).rejects.toMatchObject({
    code: "data.missing",
  });
  await expect(fixture.run({ ...payload, model: "markovSwitching", regimes: 3 })).rejects.toThrow(
    "only the hidden Markov model",
  );
});
