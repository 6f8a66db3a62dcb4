import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { analyzeFixture } from "../../fixture.ts";
import type { AnalyzeFixture } from "../../fixture.ts";
import { PortfolioMethod } from "./contract.ts";

let fixture: AnalyzeFixture;
beforeAll(async () => {
  fixture = await analyzeFixture();
});
afterAll(() => fixture.close());

const assets = ["MSFT", "IBM", "AAPL", "AMZN"];
const payload = { kind: "portfolio" as const, assets, timeframe: "1mo" };
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const weightsOf = async (change: Record<string, unknown>) =>
  (await fixture.run<"portfolio">({ ...payload, ...change })).result.assets.map((one) => one.weight);

test("weights sum to 1, contributions to the volatility, and each weight leads to its data", async () => {
  const { result } = await fixture.run<"portfolio">(payload);
  expect(sum(result.assets.map((one) => one.weight))).toBeCloseTo(1, 12);
  expect(sum(result.assets.map((one) => one.riskContribution))).toBeCloseTo(
    result.figures.volatility.value!,
    10,
  );
  expect(sum(result.assets.map((one) => one.riskShare))).toBeCloseTo(1, 10);
  const first = result.assets[0]!;
  expect(await fixture.evidenceOf(first.evidenceId)).toMatchObject({
    value: first.weight,
    others: expect.any(Array),
  });
});

test("every method has an answer, none less variance than minVariance, none a higher Sharpe ratio than maxSharpe", async () => {
  const { result } = await fixture.run<"portfolio">({ ...payload, method: "targetVolatility", target: 0.3 });
  expect(result.outcomes.map((one) => one.method)).toEqual(PortfolioMethod.options);
  const of = (method: string) => result.outcomes.find((one) => one.method === method)!;
  for (const one of result.outcomes.filter((outcome) => outcome.refusal === null)) {
    // Kelly may leave a part in cash.
    if (one.method !== "kelly") {
      expect(sum(one.weights!), one.method).toBeCloseTo(1, 9);
      expect(one.volatility, one.method).toBeGreaterThanOrEqual(of("minVariance").volatility! - 1e-9);
    }
    expect(one.sharpe, one.method).toBeLessThanOrEqual(of("maxSharpe").sharpe! + 1e-9);
  }
  expect(of("targetVolatility").volatility).toBeLessThanOrEqual(0.3 + 1e-9);
});

test("the frontier rises from the least variance", async () => {
  const { result } = await fixture.run<"portfolio">({ ...payload, frontierPoints: 10 });
  const least = result.outcomes.find((one) => one.method === "minVariance")!;
  expect(result.frontier).toHaveLength(10);
  expect(result.frontier[0]!.volatility).toBeCloseTo(least.volatility!, 8);
  const risks = result.frontier.map((point) => point.volatility);
  expect(risks).toEqual(risks.toSorted((a, b) => a - b));
});

test("more risk tolerance means no less risk and no less return; none is least variance", async () => {
  const figures = async (riskTolerance: number) =>
    (await fixture.run<"portfolio">({ ...payload, riskTolerance })).result.figures;
  const [timid, bold] = [await figures(0.05), await figures(1)];
  expect(bold.volatility.value).toBeGreaterThan(timid.volatility.value!);
  expect(bold.expectedReturn.value).toBeGreaterThan(timid.expectedReturn.value!);
  expect(await weightsOf({ riskTolerance: 0 })).toEqual(await weightsOf({ method: "minVariance" }));
});

describe("constraints", () => {
  test("bounds, groups and turnover hold", async () => {
    const capped = await weightsOf({ maxWeight: 0.3 });
    expect(Math.max(...capped)).toBeLessThanOrEqual(0.3 + 1e-9);
    const groups = [{ name: "old", assets: ["MSFT", "IBM"], least: 0.6 }];
    const grouped = await weightsOf({ groups });
    expect(grouped[0]! + grouped[1]!).toBeGreaterThanOrEqual(0.6 - 1e-9);
    const held = [0.25, 0.25, 0.25, 0.25];
    const { result } = await fixture.run<"portfolio">({ ...payload, weights: held, maxTurnover: 0.2 });
    expect(result.figures.turnover.value).toBeLessThanOrEqual(0.2 + 1e-9);
    expect(sum(result.assets.map((one, i) => Math.abs(one.weight - held[i]!)))).toBeCloseTo(
      result.figures.turnover.value!,
      12,
    );
  });

  test("what cannot be met is the caller's error, and says what", async () => {
    await expect(
      fixture.run({ ...payload, groups: [{ name: "all", assets, most: 0.5 }] }),
    ).rejects.toMatchObject({
      code: "payload.invalid",
      details: { reason: "infeasible" },
    });
    await expect(fixture.run({ ...payload, method: "riskParity", maxWeight: 0.5 })).rejects.toMatchObject({
      code: "payload.invalid",
      message: expect.stringContaining("takes no bounds"),
    });
    await expect(
      fixture.run({ ...payload, groups: [{ name: "x", assets: ["GOOG"], most: 0.1 }] }),
    ).rejects.toMatchObject({ code: "payload.invalid", message: expect.stringContaining("GOOG") });
  });

  test.each([
    [{ method: "targetReturn" }, "needs a target"],
    [{ weights: [1] }, "one number for each asset"],
    [{ maxTurnover: 0.1 }, "give them"],
    [{ minWeight: 0.5, maxWeight: 0.4 }, "at least minWeight"],
    [{ maxWeight: 0.2 }, "too low"],
    [{ minWeight: 0.3 }, "too high"],
    [{ views: [{ asset: "MSFT", expectedReturn: 0.1 }] }, "blackLitterman"],
  ])("refuses %j before anything is read", async (change, message) => {
    await expect(fixture.run({ ...payload, ...change })).rejects.toThrow(message);
  });
});

describe("Black–Litterman", () => {
  const prior = { expectedReturns: "blackLitterman" };

  test("without views the market weights are optimal at the market's aversion", async () => {
    const marketWeights = [0.4, 0.3, 0.2, 0.1];
    // The prior's own risk aversion; the predictive covariance is that of the assets and of their means.
    const { result } = await fixture.run<"portfolio">({
      ...payload,
      ...prior,
      marketWeights,
      method: "maxSharpe",
    });
    for (const [i, one] of result.assets.entries()) expect(one.weight).toBeCloseTo(marketWeights[i]!, 6);
  });

  test("a relative view tilts from one asset to the other", async () => {
    const before = await weightsOf({ ...prior });
    const views = [{ asset: "AAPL", over: "MSFT", expectedReturn: 0.5, confidence: 0.6 }];
    const after = await weightsOf({ ...prior, views });
    expect(after[2]!).toBeGreaterThan(before[2]!);
    expect(after[0]!).toBeLessThan(before[0]!);
  });
});

test("cash buys whole units and is accounted for", async () => {
  const { result } = await fixture.run<"portfolio">({ ...payload, method: "equalWeight", cash: 10_000 });
  const { units, left } = result.allocation!;
  expect(sum(units.map((one) => one.value)) + left).toBeCloseTo(10_000, 8);
  expect(left).toBeGreaterThanOrEqual(0);
  for (const one of units) {
    expect(Number.isInteger(one.units)).toBe(true);
    expect(one.value / 10_000).toBeCloseTo(0.25, 1);
  }
});
