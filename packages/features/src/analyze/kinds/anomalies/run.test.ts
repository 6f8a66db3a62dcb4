import { afterAll, beforeAll, expect, test } from "vitest";
import { analyzeFixture } from "../../fixture.ts";
import type { AnalyzeFixture } from "../../fixture.ts";

let fixture: AnalyzeFixture;
beforeAll(async () => {
  fixture = await analyzeFixture();
});
afterAll(() => fixture.close());

const payload = { kind: "anomalies" as const, instrumentId: "SPX", fromMs: "2007-01-01" };
const monday = Date.UTC(2008, 9, 13);

test.each(["z", "robustZ", "iqr", "seasonal"])(
  "%s finds the largest moves and says what was usual",
  async (method) => {
    const { result } = await fixture.run<"anomalies">({ ...payload, method });
    const returns = fixture.spx.map((bar, i) =>
      Math.log(bar.close / (fixture.spx[i - 1]?.close ?? Number.NaN)),
    );
    expect(result.figures.judged.value).toBe(result.bars - 1);
    expect(result.figures.leftOut.value).toBe(1);
    const rise = result.anomalies.find((one) => one.closeMs > monday && one.openMs < monday + 86_400_000)!;
    const at = fixture.spx.findIndex((bar) => bar.openMs === rise.openMs);
    expect(rise.reasons[0]!.value).toBeCloseTo(returns[at]!, 12);
    for (const { reasons, reading } of result.anomalies) {
      const [reason] = reasons;
      expect(reason!.value < reason!.low! || reason!.value > reason!.high!).toBe(true);
      expect(reading).toContain("outside");
    }
    const sizes = result.anomalies.map((one) => Math.abs(one.score));
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
  },
);

test.each(["isolationForest", "oneClassSvm"])(
  "%s judges return, range and volume together and names the reason",
  async (method) => {
    const from = { ...payload, fromMs: "2017-01-01" };
    const { result } = await fixture.run<"anomalies">({ ...from, method, share: 0.02 });
    expect(result.features).toHaveLength(3);
    // Sixteen sessions of 2 % of some 800; the machine's bound holds up to its margin.
    expect(result.anomalies.length).toBeGreaterThan(5);
    expect(result.anomalies.length).toBeLessThan(30);
    const years = result.anomalies.slice(0, 5).map((one) => new Date(one.openMs).getUTCFullYear());
    expect(years).toContain(2020);
    for (const { reasons, reading } of result.anomalies) {
      expect(reading).toMatch(reasons.length === 0 ? /combination/ : /usually/);
      const parts = reasons.map((one) => one.contribution);
      expect(parts).toEqual(parts.toSorted((a, b) => b - a));
    }
    const columns = await fixture.columns(result);
    const first = result.anomalies[0]!;
    expect(Math.max(...columns.get("score")!.filter(Number.isFinite))).toBe(first.score);
    expect(await fixture.evidenceOf(first.evidenceId)).toMatchObject({
      value: first.score,
      atMs: first.closeMs,
    });
  },
);

test("is the same again with the same seed", async () => {
  const forest = { ...payload, method: "isolationForest", fromMs: "2019-01-01" };
  const first = await fixture.run<"anomalies">(forest);
  expect((await fixture.run<"anomalies">(forest)).result).toEqual(first.result);
});

test("refuses several features for one, unknown names, and features without values", async () => {
  await expect(fixture.run({ ...payload, method: "z", features: ["close", "volume"] })).rejects.toThrow(
    "judges one feature",
  );
  await expect(fixture.run({ ...payload, features: ["smaa(close, 3)"] })).rejects.toMatchObject({
    code: "formula.invalid",
  });
  await expect(
    fixture.run({ ...payload, fromMs: "2019-06-01", features: ["sma(close, 200)"] }),
  ).rejects.toMatchObject({ code: "data.missing" });
});
