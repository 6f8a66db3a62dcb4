import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { analyzeFixture } from "../../fixture.ts";
import type { AnalyzeFixture } from "../../fixture.ts";
import { impliedReturns } from "./stress.ts";

let fixture: AnalyzeFixture;
beforeAll(async () => {
  fixture = await analyzeFixture();
});
afterAll(() => fixture.close());

const index = { kind: "risk" as const, of: { kind: "instrument", instrumentId: "SPX" }, replications: 200 };
const mix = {
  kind: "risk" as const,
  timeframe: "1mo",
  replications: 200,
  of: {
    kind: "weights",
    weights: [
      { instrumentId: "MSFT", weight: 0.6 },
      { instrumentId: "AAPL", weight: 0.3 },
    ],
  },
};
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

describe("of an instrument", () => {
  let result: Awaited<ReturnType<typeof fixture.run<"risk">>>["result"];
  beforeAll(async () => {
    ({ result } = await fixture.run<"risk">(index));
  });

  test("the figures belong together and lead to their data", async () => {
    const closes = fixture.spx.map((bar) => bar.close);
    expect(result.figures.totalReturn.value).toBeCloseTo(closes.at(-1)! / closes[0]! - 1, 10);
    const columns = await fixture.columns(result);
    expect(columns.get("wealth")!.at(-1)).toBeCloseTo(closes.at(-1)! / closes[0]!, 10);
    expect(Math.max(...columns.get("drawdown")!)).toBeCloseTo(result.figures.maxDrawdown.value!, 12);
    expect(result.drawdowns[0]!.depth).toBeCloseTo(result.figures.maxDrawdown.value!, 12);
    const { sharpe, sharpeLow, sharpeHigh } = result.figures;
    expect(sharpeLow.value).toBeLessThan(sharpe.value!);
    expect(sharpeHigh.value).toBeGreaterThan(sharpe.value!);
    expect(await fixture.evidenceOf(sharpe.evidenceId)).toMatchObject({ value: sharpe.value });
  });

  test("by every method the shortfall is at least the value at risk, and higher levels cost more", () => {
    expect(new Set(result.tailRisk.map((row) => row.method)).size).toBe(8);
    for (const row of result.tailRisk) {
      expect(row.refusal, row.method).toBeNull();
      expect(row.expectedShortfall).toBeGreaterThanOrEqual(row.valueAtRisk!);
    }
    for (const low of result.tailRisk.filter((row) => row.level === 0.95)) {
      const high = result.tailRisk.find((row) => row.method === low.method && row.level === 0.99)!;
      expect(high.valueAtRisk).toBeGreaterThan(low.valueAtRisk!);
    }
  });

  test("the forecasts are tested against what came, each from the bars before alone", async () => {
    const row = result.coverage.find((one) => one.method === "historical" && one.level === 0.99)!;
    const columns = await fixture.columns(result);
    const [returns, forecasts] = [columns.get("return")!, columns.get("valueAtRisk.historical")!];
    const violations = returns.filter((value, i) => value < -forecasts[i]!).length;
    expect(row).toMatchObject({ violations, forecasts: result.bars - 1 - 250 });
    expect(row.passed).toBe(row.kupiecP! >= 0.05 && row.independenceP! >= 0.05);
    const before = returns.slice(1, 251).toSorted();
    const place = 0.01 * 249;
    const quantile =
      before[Math.floor(place)]! * (1 - (place % 1)) + before[Math.floor(place) + 1]! * (place % 1);
    expect(forecasts[251]).toBeCloseTo(-quantile, 12);
  });

  test("crises are told only where the bars cover them", async () => {
    const all = result.stress.map((row) => row.name);
    expect(all).toContain("Pandemic");
    expect(all).not.toContain("Rates, 2022");
    const late = (await fixture.run<"risk">({ ...index, fromMs: "2017-01-01" })).result.stress;
    expect(late.map((row) => row.name)).not.toContain("Financial crisis");
    expect(late.find((row) => row.name === "Pandemic")!.total).toBeLessThan(-0.3);
  });
});

describe("of weights", () => {
  test("components add up, and the part in cash carries none", async () => {
    const { result } = await fixture.run<"risk">(mix);
    const normal = result.tailRisk.find((row) => row.method === "normal" && row.level === 0.99)!;
    const historical = result.tailRisk.find((row) => row.method === "historical" && row.level === 0.99)!;
    expect(sum(result.components.map((row) => row.share))).toBeCloseTo(1, 10);
    expect(sum(result.components.map((row) => row.componentShortfall))).toBeCloseTo(
      historical.expectedShortfall!,
      10,
    );
    // Component risk has zero mean; the method's has the sample's.
    const returns = (await fixture.columns(result)).get("return")!.slice(1);
    const mean = sum(Array.from(returns)) / returns.length;
    expect(sum(result.components.map((row) => row.component))).toBeCloseTo(normal.valueAtRisk! + mean, 10);
  });

  test("a benchmark gives beta: 1 against itself", async () => {
    const { result } = await fixture.run<"risk">({
      ...mix,
      of: { kind: "instrument", instrumentId: "MSFT" },
      benchmark: "MSFT",
    });
    expect(result.relative["beta"]!.value).toBeCloseTo(1, 10);
    expect(result.relative["trackingErrorAnnual"]!.value).toBeCloseTo(0, 10);
  });

  test("a shock moves the other holdings by their covariance", async () => {
    const { result } = await fixture.run<"risk">({
      ...mix,
      shocks: [{ name: "Apple falls", returns: [{ instrumentId: "AAPL", return: -0.3 }] }],
    });
    const [shock] = result.shocks;
    const implied = shock!.returns.find((one) => one.implied)!;
    expect(implied).toMatchObject({ instrumentId: "MSFT.XNAS" });
    expect(shock!.return).toBeCloseTo(0.6 * implied.return + 0.3 * -0.3, 12);
    await expect(
      fixture.run({ ...mix, shocks: [{ name: "x", returns: [{ instrumentId: "IBM", return: -0.3 }] }] }),
    ).rejects.toMatchObject({ code: "payload.invalid", message: expect.stringContaining("not held") });
  });

  test("a method that the sample cannot carry says why", async () => {
    const { result } = await fixture.run<"risk">(mix);
    const row = result.tailRisk.find((one) => one.method === "extremeValue")!;
    expect(row).toMatchObject({ valueAtRisk: null, expectedShortfall: null });
    expect(row.refusal).toContain("at least 20");
    expect(result.coverage).toEqual([]);
    expect(result.notes.join(" ")).toContain("not tested");
  });
});

describe("of an account", () => {
  test("its positions are the weights, its cash the rest", async () => {
    await expect(fixture.run({ ...mix, of: { kind: "account" } })).rejects.toMatchObject({
      code: "data.missing",
    });
    await fixture.openAccount({ instrumentId: "MSFT.XNAS", quantity: "100", cash: "5000" });
    const { result } = await fixture.run<"risk">({ ...mix, of: { kind: "account" } });
    const value = 100 * fixture.stocks.get("MSFT")!.at(-1)!.close;
    expect(result.of).toBe("account Main");
    expect(result.components[0]!.weight).toBeCloseTo(value / (value + 5_000), 12);
  });
});

test("implied returns are the regression of the others on the shocked", () => {
  const covariance = Float64Array.of(4, 1, 2, 1, 9, 3, 2, 3, 16);
  expect([...impliedReturns(covariance, 3, new Map([[0, -0.2]]))]).toEqual([-0.2, -0.05, -0.1]);
});
