import { afterAll, beforeAll, expect, test } from "vitest";
import { analyzeFixture } from "../../fixture.ts";
import type { AnalyzeFixture } from "../../fixture.ts";
import { clusterOrder } from "./run.ts";

let fixture: AnalyzeFixture;
beforeAll(async () => {
  fixture = await analyzeFixture();
});
afterAll(() => fixture.close());

const instruments = ["MSFT", "IBM", "GOOG", "AAPL", "AMZN"];
const payload = { kind: "correlation" as const, instruments, timeframe: "1mo" };

test.each(["pearson", "spearman", "kendall"])(
  "%s: symmetric, within [-1, 1], each cell with evidence",
  async (method) => {
    const { result } = await fixture.run<"correlation">({ ...payload, method });
    expect(result.instruments).toEqual(instruments.map((symbol) => `${symbol}.XNAS`));
    for (const [i, row] of result.matrix.entries()) {
      expect(row[i]).toBe(1);
      expect(result.matrixEvidence[i]![i]).toBeNull();
      for (const [j, value] of row.entries()) {
        expect(value).toBe(result.matrix[j]![i]);
        expect(Math.abs(value!)).toBeLessThanOrEqual(1);
        if (i === j) continue;
        expect(await fixture.evidenceOf(result.matrixEvidence[i]![j]!)).toMatchObject({ value });
      }
    }
    expect(result.order.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4]);
  },
);

test("Pearson's is that of the log returns of the common bars", async () => {
  const { result } = await fixture.run<"correlation">(payload);
  const bars = fixture.stocks.get("GOOG")!.length;
  expect(result.bars).toBe(bars);
  const returns = (symbol: string) => {
    const closes = fixture.stocks
      .get(symbol)!
      .slice(-bars)
      .map((bar) => bar.close);
    return closes.slice(1).map((close, i) => Math.log(close / closes[i]!));
  };
  const [a, b] = [returns("MSFT"), returns("IBM")];
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const product = (p: number[], q: number[]) =>
    p.reduce((sum, value, i) => sum + (value - mean(p)) * (q[i]! - mean(q)), 0);
  expect(result.matrix[0]![1]).toBeCloseTo(product(a, b) / Math.sqrt(product(a, a) * product(b, b)), 12);
  expect(result.figures.highest.value).toBe(
    Math.max(
      ...result.matrix
        .flat()
        .filter((r) => r !== 1)
        .map(Number),
    ),
  );
});

test("an instrument named twice is refused", async () => {
  await expect(fixture.run({ ...payload, instruments: ["MSFT", "MSFT"] })).rejects.toThrow("twice");
});

test("alike instruments stand together", () => {
  const near = [
    [1, 0, 0.9, 0.1],
    [0, 1, 0.1, 0.8],
    [0.9, 0.1, 1, 0],
    [0.1, 0.8, 0, 1],
  ];
  const order = clusterOrder(near);
  expect(Math.abs(order.indexOf(0) - order.indexOf(2))).toBe(1);
  expect(Math.abs(order.indexOf(1) - order.indexOf(3))).toBe(1);
});

test("a cancel is seen between the rows", async () => {
  const signal = AbortSignal.abort(new Error("cancelled"));
  await expect(fixture.run(payload, fixture.context({ signal }))).rejects.toThrow("cancelled");
});
