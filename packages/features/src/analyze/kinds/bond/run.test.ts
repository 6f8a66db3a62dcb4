import { afterAll, beforeAll, expect, test } from "vitest";
import { analyzeFixture } from "../../fixture.ts";
import type { AnalyzeFixture } from "../../fixture.ts";

let fixture: AnalyzeFixture;
beforeAll(async () => {
  fixture = await analyzeFixture();
});
afterAll(() => fixture.close());

const terms = { kind: "bond" as const, face: 100, couponRate: 0.1, frequency: 1, periods: 3 };

test("a bond whose yield is its coupon is worth its face; durations and DV01 follow by hand", async () => {
  const { result } = await fixture.run<"bond">({ ...terms, yieldRate: 0.1 });
  const macaulay = (10 / 1.1 + (2 * 10) / 1.1 ** 2 + (3 * 110) / 1.1 ** 3) / 100;
  expect(result.figures["price"]!.value).toBeCloseTo(100, 10);
  expect(result.figures["macaulayDuration"]!.value).toBeCloseTo(macaulay, 12);
  expect(result.figures["modifiedDuration"]!.value).toBeCloseTo(macaulay / 1.1, 12);
  expect(result.figures["dv01"]!.value).toBeCloseTo(macaulay / 1.1 / 100, 12);
  expect(await fixture.evidenceOf(result.figures["convexity"]!.evidenceId)).toEqual({
    kind: "request",
    formula: "bond(face 100, coupon 0.1, 1 a year, 3 left, yield 0.1).convexity",
    value: result.figures["convexity"]!.value,
    unit: "years squared",
  });
});

test("finds the yield that a price implies", async () => {
  const { result } = await fixture.run<"bond">({ ...terms, couponRate: 0, price: 100 / 1.05 ** 3 });
  expect(result.figures["yieldRate"]!.value).toBeCloseTo(0.05, 12);
});

test.each([[{}], [{ yieldRate: 0.1, price: 90 }]])("refuses %j", async (change) => {
  await expect(fixture.run({ ...terms, ...change })).rejects.toThrow("give a yield, or a price");
});
