import { afterAll, beforeAll, expect, test } from "vitest";
import { analyzeFixture } from "../../fixture.ts";
import type { AnalyzeFixture } from "../../fixture.ts";

let fixture: AnalyzeFixture;
beforeAll(async () => {
  fixture = await analyzeFixture();
});
afterAll(() => fixture.close());

const call = { kind: "options" as const, type: "call", spot: 42, strike: 40, years: 0.5, rate: 0.1 };

test("prices Hull's textbook call and put, each number with evidence that names its inputs", async () => {
  const { result } = await fixture.run<"options">({ ...call, volatility: 0.2 });
  const put = (await fixture.run<"options">({ ...call, type: "put", volatility: 0.2 })).result;
  // Hull, Options, Futures and Other Derivatives, example 15.6.
  expect(result.figures["price"]!.value).toBeCloseTo(4.76, 2);
  expect(put.figures["price"]!.value).toBeCloseTo(0.81, 2);
  const parity = 42 - 40 * Math.exp(-0.05);
  expect(result.figures["price"]!.value! - put.figures["price"]!.value!).toBeCloseTo(parity, 10);
  expect(await fixture.evidenceOf(result.figures["delta"]!.evidenceId)).toEqual({
    kind: "request",
    formula: "blackScholes(call, spot 42, strike 40, years 0.5, rate 0.1, dividend 0, volatility 0.2).delta",
    value: result.figures["delta"]!.value,
    unit: "price per unit of spot",
  });
});

test("finds the volatility that a price implies", async () => {
  const { result } = await fixture.run<"options">({ ...call, price: 4.759422392871542 });
  expect(result.figures["volatility"]!.value).toBeCloseTo(0.2, 9);
});

test("an American put is worth no less than the European one, and no less than its exercise", async () => {
  const put = { ...call, type: "put", strike: 50, volatility: 0.2 };
  const european = (await fixture.run<"options">(put)).result;
  const american = (await fixture.run<"options">({ ...put, model: "american" })).result;
  expect(american.figures["price"]!.value).toBeGreaterThan(european.figures["price"]!.value!);
  for (const [i, price] of american.curve.price.entries()) {
    expect(price).toBeGreaterThanOrEqual(american.curve.intrinsic[i]! - 1e-9);
  }
});

test("digital options make up the European one, and a knock-in and knock-out pair does", async () => {
  const priceOf = async (change: object) =>
    (await fixture.run<"options">({ ...call, volatility: 0.2, ...change })).result.figures["price"]!.value!;
  const european = await priceOf({});
  const asset = await priceOf({ model: "assetOrNothing" });
  const cash = await priceOf({ model: "cashOrNothing" });
  expect(asset - 40 * cash).toBeCloseTo(european, 10);
  const barrier = { model: "barrier", barrier: 38 };
  const knockIn = await priceOf({ ...barrier, barrierKind: "downIn" });
  const knockOut = await priceOf({ ...barrier, barrierKind: "downOut" });
  expect(knockIn).toBeGreaterThan(0);
  expect(knockIn + knockOut).toBeCloseTo(european, 10);
});

test.each([
  [{}, "give a volatility"],
  [{ volatility: 0.2, price: 4 }, "give a volatility"],
  [{ price: 4, model: "american" }, "found for blackScholes"],
  [{ volatility: 0.2, model: "black76", dividend: 0.01 }, "no dividend"],
  [{ volatility: 0.2, model: "american", steps: 500 }, "must be odd"],
  [{ volatility: 0.2, model: "barrier" }, "give barrier and barrierKind"],
  [{ volatility: 0.2, barrier: 38 }, "give barrier and barrierKind"],
])("refuses %j", async (change, message) => {
  await expect(fixture.run({ ...call, ...change })).rejects.toThrow(message);
});

test("a price beyond its bounds is the caller's error", async () => {
  await expect(fixture.run({ ...call, price: 43 })).rejects.toMatchObject({
    code: "payload.invalid",
    details: { reason: "outOfRange" },
  });
});
