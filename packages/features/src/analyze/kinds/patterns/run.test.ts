import { evaluateFormulas } from "@tapedeck/formula";
import { afterAll, beforeAll, expect, test } from "vitest";
import { analyzeFixture } from "../../fixture.ts";
import type { AnalyzeFixture } from "../../fixture.ts";

let fixture: AnalyzeFixture;
beforeAll(async () => {
  fixture = await analyzeFixture();
});
afterAll(() => fixture.close());

const payload = { kind: "patterns" as const, instrumentId: "SPX", fromMs: "2012-01-01" };

test("chart patterns lie in order, are known only after their break, and lead to their data", async () => {
  const { result } = await fixture.run<"patterns">({ ...payload, fromMs: undefined });
  expect(result.chartPatterns.length).toBeGreaterThan(5);
  const opens = new Set(fixture.spx.map((bar) => bar.openMs));
  for (const one of result.chartPatterns) {
    expect(one.startMs).toBeLessThan(one.endMs);
    expect(one.seenMs).toBeGreaterThan(one.endMs);
    expect(one.fit).toBeGreaterThanOrEqual(0.85);
    expect(one.neckline.fromMs).toBeLessThan(one.neckline.toMs);
    for (const point of one.points) expect(opens.has(point.atMs)).toBe(true);
  }
  const first = result.chartPatterns[0]!;
  expect(await fixture.evidenceOf(first.evidenceId)).toMatchObject({
    value: first.target,
    atMs: first.seenMs,
  });
});

test("a pattern that is seen stays when later bars are cut", async () => {
  const whole = (await fixture.run<"patterns">(payload)).result;
  const toMs = fixture.spx.at(-500)!.openMs;
  const cut = (await fixture.run<"patterns">({ ...payload, toMs })).result;
  const plain = (list: typeof whole.chartPatterns) => list.map(({ evidenceId: _, ...one }) => one);
  expect(plain(cut.chartPatterns)).toEqual(plain(whole.chartPatterns).filter((one) => one.seenMs <= toMs));
});

test("candlestick patterns are those of the formulas at the same bars", async () => {
  const { result } = await fixture.run<"patterns">({ ...payload, recentBars: 250 });
  const bars = fixture.spx.filter((bar) => bar.openMs >= Date.UTC(2012, 0, 1));
  const column = (pick: (bar: (typeof bars)[number]) => number) => Float64Array.from(bars, pick);
  const data = {
    length: bars.length,
    openMs: column((bar) => bar.openMs),
    closeMs: column((bar) => bar.closeMs),
    open: column((bar) => bar.open),
    high: column((bar) => bar.high),
    low: column((bar) => bar.low),
    close: column((bar) => bar.close),
    volume: column((bar) => bar.volume),
    timeframeMs: 86_400_000,
  };
  for (const name of ["cdlengulfing", "cdldoji", "cdlhammer"]) {
    const [values] = evaluateFormulas([`${name}()`], data);
    const expected = bars.flatMap((bar, i) =>
      i >= bars.length - 250 && values![i] !== 0 ? [[bar.openMs, values![i]]] : [],
    );
    const found = result.candles.filter((one) => one.name === name).map((one) => [one.openMs, one.value]);
    expect(found).toEqual(expected);
    expect(found.length).toBeGreaterThan(0);
  }
});

test("levels hold the turns that were asked for, support below the close and resistance above", async () => {
  const { result } = await fixture.run<"patterns">({ ...payload, minTouches: 3 });
  const close = fixture.spx.at(-1)!.close;
  expect(result.levels.length).toBeGreaterThan(0);
  for (const level of result.levels) {
    expect(level.touches.length).toBeGreaterThanOrEqual(3);
    expect(level.side).toBe(level.price < close ? "support" : "resistance");
    for (const { price } of level.touches) {
      expect(price).toBeGreaterThanOrEqual(level.lowest);
      expect(price).toBeLessThanOrEqual(level.highest);
    }
  }
  const support = result.levels.filter((one) => one.side === "support").map((one) => one.price);
  expect(result.figures.nearestSupport.value).toBe(Math.max(...support));
});

test("refuses bounds the wrong way round", async () => {
  await expect(fixture.run({ ...payload, minBars: 100, maxBars: 50 })).rejects.toThrow("at least minBars");
});
