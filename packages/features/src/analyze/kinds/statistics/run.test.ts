import { afterAll, beforeAll, expect, test } from "vitest";
import { analyzeFixture } from "../../fixture.ts";
import type { AnalyzeFixture } from "../../fixture.ts";

let fixture: AnalyzeFixture;
beforeAll(async () => {
  fixture = await analyzeFixture();
});
afterAll(() => fixture.close());

const payload = { kind: "statistics" as const, instrumentId: "SPX", fromMs: "2012-01-01" };

test("an index: a unit root, clustered volatility, fat tails, each figure with its data", async () => {
  const { result } = await fixture.run<"statistics">(payload);
  const { figures } = result;
  expect(figures.adfP.value).toBeGreaterThan(0.05);
  expect(figures.kpssP.value).toBe(0.01);
  expect(figures.archLmP.value).toBeLessThan(1e-6);
  expect(figures.jarqueBeraP.value).toBeLessThan(1e-6);
  expect(result.distributions[0]!.name).not.toBe("normal");
  const aic = result.distributions.map((one) => one.aic);
  expect(aic).toEqual(aic.toSorted((a, b) => a - b));
  expect(await fixture.evidenceOf(figures.adf.evidenceId)).toMatchObject({ value: figures.adf.value });
});

test("the volatility is stored on the bars, and forecasts tend to the long run", async () => {
  const { result } = await fixture.run<"statistics">({ ...payload, forecastBars: 250 });
  const columns = await fixture.columns(result);
  expect(columns.get("volatility")).toHaveLength(result.bars);
  expect(columns.get("volatility")![0]).toBeNaN();
  const { volatilityNow, volatilityForecast, volatilityLongRun } = result.figures;
  const gap = (value: number | null) => Math.abs(value! - volatilityLongRun.value!);
  expect(gap(volatilityForecast.value)).toBeLessThan(gap(volatilityNow.value));
});

test("the first autocorrelation is that of the returns", async () => {
  const { result } = await fixture.run<"statistics">({ ...payload, lags: 3 });
  const closes = fixture.spx.filter((bar) => bar.openMs >= Date.UTC(2012, 0, 1)).map((bar) => bar.close);
  const returns = closes.slice(1).map((close, i) => Math.log(close / closes[i]!));
  const mean = returns.reduce((sum, value) => sum + value, 0) / returns.length;
  const product = (lag: number) =>
    returns.slice(lag).reduce((sum, value, i) => sum + (value - mean) * (returns[i]! - mean), 0);
  expect(result.autocorrelations).toHaveLength(3);
  expect(result.autocorrelations[0]!.returns).toBeCloseTo(product(1) / product(0), 10);
});

test("normal innovations have no degrees of freedom, Student's have; too few bars are refused", async () => {
  const normal = (await fixture.run<"statistics">(payload)).result.figures.garchDegreesOfFreedom;
  expect(normal.value).toBeNull();
  const student = (await fixture.run<"statistics">({ ...payload, garch: "student" })).result.figures;
  expect(student.garchDegreesOfFreedom.value).toBeGreaterThan(2);
  await expect(fixture.run({ ...payload, fromMs: "2020-01-01" })).rejects.toMatchObject({
    code: "data.missing",
  });
});
