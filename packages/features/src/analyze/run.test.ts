import { AppError } from "@tapedeck/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadColumns } from "./columns.ts";
import { analyzeFixture } from "./fixture.ts";
import type { AnalyzeFixture } from "./fixture.ts";

let fixture: AnalyzeFixture;

beforeAll(async () => {
  fixture = await analyzeFixture();
});
afterAll(() => fixture.close());

const formulasOf = (payload: Record<string, unknown>) => fixture.run<"formulas">(payload);
const summaryOf = (payload: Record<string, unknown>) => fixture.run<"summary">(payload);
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe("formulas", () => {
  test("gives each formula's last value, the stored column and evidence that opens", async () => {
    const { result, context } = await formulasOf({
      instrumentId: "SPX",
      formulas: ["sma(close,200)", "close > sma(close, 200)", "rsi(close,14)"],
    });
    const closes = fixture.spx.map((bar) => bar.close);
    expect(result.instrumentId).toBe("SPX.INDEX");
    expect(result.bars).toBe(fixture.spx.length);
    expect(result.series[0]!.last).toBeCloseTo(mean(closes.slice(-200)), 8);
    expect(result.series[0]!.warmup).toBe(199);
    expect(result.series[1]!.type).toBe("condition");
    const above = closes.filter((close, i) => i >= 199 && close > mean(closes.slice(i - 199, i + 1))).length;
    expect(result.series[1]!.bars).toBe(above);

    const file = await loadColumns(fixture.deps.blobs, result.seriesRef!);
    expect(file.datasetHash).toBe(result.datasetHash);
    expect(file.columns[0]!.values[198]).toBeNaN();
    expect(file.columns[0]!.values[199]).toBeCloseTo(mean(closes.slice(0, 200)), 8);

    const evidence = await fixture.deps.evidence.get(context.tenantId, result.series[0]!.evidenceId);
    expect(evidence.item).toMatchObject({
      kind: "computation",
      formula: "sma(close, 200)",
      datasetHash: result.datasetHash,
      value: result.series[0]!.last,
    });
    expect(context.recorded.inputs.map((input) => input.ref)).toEqual([result.datasetHash]);
  });

  test("runs twice to the same result and the same evidence", async () => {
    const first = await formulasOf({ instrumentId: "SPX.INDEX", formulas: ["ema(close, 20)"] });
    const second = await formulasOf({ instrumentId: "SPX.INDEX", formulas: ["ema(close, 20)"] });
    expect(second.result).toEqual(first.result);
  });

  test("sees nothing after asOf", async () => {
    const asOf = Date.UTC(2008, 9, 10, 20);
    const { result } = await formulasOf({ instrumentId: "SPX.INDEX", formulas: ["highest(close, 5)"], asOf });
    expect(result.toMs).toBeLessThanOrEqual(asOf);
    const visible = fixture.spx.filter((bar) => bar.closeMs <= asOf);
    expect(result.bars).toBe(visible.length);
    expect(result.series[0]!.last).toBe(Math.max(...visible.slice(-5).map((bar) => bar.close)));
  });

  test.each([
    ["smaa(close, 5)", "formula.invalid", "sma"],
    ["sma(close, 0)", "formula.invalid", ""],
    ["sma(close", "formula.invalid", ""],
  ])("refuses %s and says where", async (formula, code, suggestion) => {
    const failure = await formulasOf({ instrumentId: "SPX.INDEX", formulas: ["close", formula] }).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(AppError);
    expect(failure).toMatchObject({ code, details: { index: 1, formula } });
    expect((failure as AppError).message).toContain(suggestion);
  });

  test("puts the tenant's saved formulas in, and a changed one is another analysis", async () => {
    const { tenantId } = fixture.context();
    const row = { tenantId, name: "stretch", meaning: "", savedBy: tenantId, createdMs: 0, updatedMs: 0 };
    const params = JSON.stringify([{ name: "n", default: "20" }]);
    await fixture.db
      .insertInto("savedFormulas")
      .values({ ...row, params, formula: "close / sma(close, n)" })
      .execute();
    const payload = { instrumentId: "SPX", formulas: ["stretch(50)"] };
    const { result } = await fixture.run<"formulas">({ ...payload, kind: "formulas" });
    expect(result.series[0]).toMatchObject({ formula: "close / sma(close, 50)", warmup: 49 });
    const before = await fixture.resolve({ ...payload, kind: "formulas" });
    await fixture.db
      .updateTable("savedFormulas")
      .set({ formula: "open / sma(close, n)" })
      .where("tenantId", "=", tenantId)
      .execute();
    expect(await fixture.resolve({ ...payload, kind: "formulas" })).not.toEqual(before);
  });

  test("names an instrument that is not there", async () => {
    await expect(formulasOf({ instrumentId: "NOPE.XNAS", formulas: ["close"] })).rejects.toMatchObject({
      code: "symbol.unknown",
    });
    await expect(
      formulasOf({ instrumentId: "SPX.INDEX", formulas: ['close / close["NOPE.XNAS"]'] }),
    ).rejects.toMatchObject({ code: "symbol.unknown" });
  });
});

describe("summary", () => {
  test("is the default, and its figures are those of the bars", async () => {
    const { result } = await summaryOf({ instrumentId: "SPX.INDEX" });
    const line = (name: string) => result.summary.find((one) => one.name === name)!;
    const closes = fixture.spx.map((bar) => bar.close);
    const last = closes.at(-1)!;
    expect(result.kind).toBe("summary");
    expect(line("close").value).toBe(last);
    expect(line("aboveSma200").value).toBeCloseTo(last / mean(closes.slice(-200)) - 1, 10);
    expect(line("drawdown").value).toBeCloseTo(1 - last / Math.max(...closes), 12);
    expect(line("drawdown").unit).toBe("fraction");
    const returns = closes
      .slice(-21)
      .map((close, i, all) => (i === 0 ? 0 : Math.log(close / all[i - 1]!)))
      .slice(1);
    const m = mean(returns);
    const deviation = Math.sqrt(returns.reduce((sum, r) => sum + (r - m) ** 2, 0) / 19);
    expect(line("volatility20").value).toBeCloseTo(deviation * Math.sqrt(252), 12);
    for (const one of result.summary) expect(one.evidenceId).toMatch(/^ev_[0-9a-f]{40}$/);
  });

  test("says what a short range cannot give", async () => {
    const { result } = await summaryOf({
      instrumentId: "SPX.INDEX",
      fromMs: "2020-01-01",
      toMs: "2020-03-01",
    });
    const line = result.summary.find((one) => one.name === "sma200")!;
    expect(line.value).toBeNull();
    expect(line.reading).toContain("too few bars");
  });
});

test("a cancel is seen", async () => {
  const signal = AbortSignal.abort(new AppError("job.cancelled", "cancelled"));
  await expect(fixture.run({ instrumentId: "SPX.INDEX" }, fixture.context({ signal }))).rejects.toMatchObject(
    {
      code: "job.cancelled",
    },
  );
});

test("the same formulas over the same data have one content address, other formulas another", async () => {
  const address = fixture.resolve;
  const first = await address({ instrumentId: "SPX", formulas: ["sma(close, 20)"] });
  const again = await address({ instrumentId: "SPX.INDEX", formulas: ["sma(close, 20)"] });
  expect(again).toEqual(first);
  const other = await address({ instrumentId: "SPX", formulas: ["sma(close, 21)"] });
  expect(other.hashes).toEqual(first.hashes);
  expect(other.payload).not.toEqual(first.payload);
  const shorter = await address({ instrumentId: "SPX", formulas: ["sma(close, 20)"], toMs: "2010-01-01" });
  expect(shorter.hashes).not.toEqual(first.hashes);
});
