import { afterAll, beforeAll, expect, test } from "vitest";
import { analyzeFixture } from "../../fixture.ts";
import type { AnalyzeFixture } from "../../fixture.ts";

let fixture: AnalyzeFixture;
beforeAll(async () => {
  fixture = await analyzeFixture();
});
afterAll(() => fixture.close());

const pair = { kind: "pairs" as const, y: "MSFT", x: "IBM", timeframe: "1mo", zWindow: 24 };
const closesOf = (symbol: string) => fixture.stocks.get(symbol)!.map((bar) => bar.close);
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

test("the hedge ratio, spread and z-score are those of the aligned log closes, and lead to their data", async () => {
  const { result, context } = await fixture.run<"pairs">(pair);
  const [y, x] = [closesOf("MSFT").map(Math.log), closesOf("IBM").map(Math.log)];
  const [meanY, meanX] = [mean(y), mean(x)];
  const slope =
    y.reduce((sum, value, i) => sum + (value - meanY) * (x[i]! - meanX), 0) /
    x.reduce((sum, value) => sum + (value - meanX) ** 2, 0);
  const spread = y.map((value, i) => value - meanY - slope * (x[i]! - meanX));
  const { figures } = result;
  expect(figures.hedgeRatio.value).toBeCloseTo(slope, 10);
  expect(figures.spread.value).toBeCloseTo(spread.at(-1)!, 10);
  const window = spread.slice(-24);
  const deviation = Math.sqrt(window.reduce((sum, s) => sum + (s - mean(window)) ** 2, 0) / 23);
  expect(figures.zScore.value).toBeCloseTo((spread.at(-1)! - mean(window)) / deviation, 8);
  expect(result.cointegrated).toBe(figures.engleGrangerP.value! < 0.05);

  const columns = await fixture.columns(result);
  expect(columns.get("spread")).toHaveLength(result.bars);
  expect(columns.get("upper")!.at(-1)).toBeCloseTo(mean(window) + 2 * deviation, 8);

  const item = await fixture.evidenceOf(figures.hedgeRatio.evidenceId);
  expect(item).toMatchObject({
    kind: "computation",
    instrumentId: "MSFT.XNAS",
    value: figures.hedgeRatio.value,
    others: [{ instrumentId: "IBM.XNAS", datasetHash: result.datasets[1]!.datasetHash }],
  });
  expect(context.recorded.inputs.map((input) => input.ref)).toEqual(
    result.datasets.map((one) => one.datasetHash),
  );
});

test("bars without a partner are left out and counted", async () => {
  const { result } = await fixture.run<"pairs">({ ...pair, y: "MSFT", x: "GOOG" });
  const [msft, goog] = [closesOf("MSFT").length, closesOf("GOOG").length];
  expect(goog).toBeLessThan(msft);
  expect(result.bars).toBe(goog);
  expect(result.datasets.map((one) => one.dropped)).toEqual([msft - goog, 0]);
});

test("the Kalman spread does not know later bars, the fitted one does", async () => {
  const toMs = fixture.stocks.get("MSFT")!.at(-12)!.openMs;
  const spreads = async (hedge: string) => {
    const whole = await fixture.run<"pairs">({ ...pair, hedge });
    const cut = await fixture.run<"pairs">({ ...pair, hedge, toMs });
    const n = cut.result.bars;
    return [
      (await fixture.columns(whole.result)).get("spread")!.slice(0, n),
      (await fixture.columns(cut.result)).get("spread")!,
    ] as const;
  };
  const [kalman, kalmanCut] = await spreads("kalman");
  expect(kalman).toEqual(kalmanCut);
  const [ols, olsCut] = await spreads("ols");
  expect(ols).not.toEqual(olsCut);
});

test.each([
  [{ y: "MSFT", x: "MSFT" }, "must be another instrument"],
  [{ zWindow: 1 }, "Too small"],
])("refuses %j before anything is read", async (change, message) => {
  await expect(fixture.run({ ...pair, ...change })).rejects.toThrow(message);
});

test("says how many common bars there are when they are too few", async () => {
  await expect(fixture.run({ ...pair, fromMs: "2008-01-01" })).rejects.toMatchObject({
    code: "data.missing",
    details: { needed: 60, common: 27 },
  });
  await expect(fixture.run({ ...pair, x: "NOPE" })).rejects.toMatchObject({ code: "symbol.unknown" });
});

test("is one analysis however its instruments are written", async () => {
  const first = await fixture.resolve(pair);
  expect(await fixture.resolve({ ...pair, y: "MSFT.XNAS", x: "IBM.XNAS" })).toEqual(first);
  expect(await fixture.resolve({ ...pair, y: "IBM", x: "MSFT" })).not.toEqual(first);
});
