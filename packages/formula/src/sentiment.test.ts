import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  checkFormula,
  createFormulaRun,
  evaluateFormulas,
  instrumentOfSentiment,
  MissingInstrumentError,
  sentimentSeries,
} from "./index.ts";
import type { Bar, Dataset } from "./index.ts";

const day = 86_400_000;

interface News {
  atMs: number;
  score: number;
  weight: number;
}

const newsBar = ({ atMs, score, weight }: News): Bar => ({
  openMs: atMs,
  closeMs: atMs,
  open: score,
  high: score,
  low: score,
  close: score,
  volume: weight,
});
const dayBar = (i: number): Bar => ({
  openMs: i * day,
  closeMs: (i + 1) * day,
  open: 1,
  high: 1,
  low: 1,
  close: 1,
  volume: 1,
});

function datasetOf(bars: readonly Bar[], news: readonly News[] = []): Dataset {
  const column = (name: keyof Bar) => Float64Array.from(bars, (bar) => bar[name]);
  return {
    length: bars.length,
    openMs: column("openMs"),
    closeMs: column("closeMs"),
    open: column("open"),
    high: column("high"),
    low: column("low"),
    close: column("close"),
    volume: column("volume"),
    timeframeMs: day,
    resolve: (name) => (name === sentimentSeries("AAPL") ? datasetOf(news.map(newsBar)) : undefined),
  };
}

const bars = Array.from({ length: 30 }, (_, i) => dayBar(i));
const series = (news: readonly News[], text = 'sentiment("AAPL")') =>
  evaluateFormulas([text], datasetOf(bars, news))[0]!;

const anyNews = fc
  .uniqueArray(
    fc.record({
      atMs: fc.integer({ min: 0, max: 30 * day }),
      score: fc.double({ min: -1, max: 1, noNaN: true }),
      weight: fc.double({ min: 0.01, max: 3, noNaN: true }),
    }),
    { selector: ({ atMs }) => atMs, maxLength: 40 },
  )
  .map((news) => news.toSorted((a, b) => a.atMs - b.atMs));

describe("sentiment in formulas", () => {
  test("is the decayed mean that its definition says", () => {
    fc.assert(
      fc.property(anyNews, fc.double({ min: 0.5, max: 20, noNaN: true }), (news, halfLife) => {
        const values = series(news, `sentiment("AAPL", halfLife: ${halfLife.toFixed(4)})`);
        for (const [i, bar] of bars.entries()) {
          let [sum, weights] = [0, 0];
          for (const { atMs, score, weight } of news.filter((one) => one.atMs <= bar.closeMs)) {
            const d = 2 ** (-(bar.closeMs - atMs) / (Number(halfLife.toFixed(4)) * day));
            sum += weight * d * score;
            weights += weight * d;
          }
          if (weights === 0) expect(values[i]).toBeNaN();
          else expect(values[i]).toBeCloseTo(sum / (1 + weights), 9);
        }
      }),
    );
  });

  test("knows nothing that was published after a bar's close", () => {
    fc.assert(
      fc.property(anyNews, fc.integer({ min: 0, max: 29 }), (news, at) => {
        const known = news.filter(({ atMs }) => atMs <= bars[at]!.closeMs);
        expect(series(known).slice(0, at + 1)).toEqual(series(news).slice(0, at + 1));
      }),
    );
  });

  test("comes bit for bit the same bar by bar", () => {
    fc.assert(
      fc.property(anyNews, (news) => {
        const run = createFormulaRun(['sentiment("AAPL") * 2'], { timeframeMs: day });
        let next = 0;
        const live = bars.map((bar) => {
          for (; next < news.length && news[next]!.atMs <= bar.closeMs; next++)
            run.pushOther(sentimentSeries("AAPL"), newsBar(news[next]!));
          return run.push(bar)[0]!;
        });
        const whole = series(news, 'sentiment("AAPL") * 2');
        live.forEach((value, i) => expect(Object.is(value, whole[i])).toBe(true));
      }),
    );
  });

  test("needs no more memory for more news", () => {
    const run = createFormulaRun(['sentiment("AAPL")'], { timeframeMs: day });
    const news = Array.from({ length: 6_000 }, (_, k) => ({
      atMs: Math.floor(k / 3) * day + (k % 3) + 1,
      score: Math.sin(k),
      weight: 1,
    }));
    const whole = datasetOf(
      Array.from({ length: 2_000 }, (_, i) => dayBar(i)),
      news,
    );
    const values = evaluateFormulas(['sentiment("AAPL")'], whole)[0]!;
    for (let i = 0; i < 2_000; i++) {
      for (const one of news.slice(3 * i, 3 * i + 3)) run.pushOther(sentimentSeries("AAPL"), newsBar(one));
      expect(run.push(dayBar(i))[0]).toBe(values[i]);
    }
  });

  test("comes back to 0 and follows a higher timeframe", () => {
    const values = series([{ atMs: 0, score: 0.8, weight: 1 }]);
    expect(values[2]).toBeCloseTo(0.8 / 3, 12);
    expect(Math.abs(values[29]!)).toBeLessThan(0.001);
    const weekly = series(
      [{ atMs: 8 * day, score: 0.5, weight: 1 }],
      'ema(sentiment("AAPL"), 1, timeframe: "1w")',
    );
    expect(weekly.findIndex((value) => !Number.isNaN(value))).toBeGreaterThanOrEqual(9);
  });

  test("names what it reads", () => {
    expect(checkFormula('sentiment("AAPL") > 0.2 and close > 1')).toMatchObject({
      type: "condition",
      instruments: [sentimentSeries("AAPL")],
      warmup: 0,
    });
    expect(instrumentOfSentiment(sentimentSeries("AAPL"))).toBe("AAPL");
    expect(instrumentOfSentiment("AAPL")).toBeUndefined();
    expect(() => series([], 'sentiment("MSFT")')).toThrow(MissingInstrumentError);
  });

  test.each([
    ["sentiment()", 1, /instrument is missing/],
    ["sentiment(AAPL)", 11, /name in quotes/],
    ['sentiment("AAPL", halfLife: 0)', 29, /above 0/],
    ['sentiment("AAPL", close)', 19, /constant/],
    ['sentiment("AAPL", 3, 4)', 22, /too many/],
    ['sentiment("AAPL")["MSFT"]', 11, /twice/],
  ])("refuses %s", (text, column, message) => {
    expect(() => checkFormula(text)).toThrow(message);
    expect(() => checkFormula(text)).toThrow(expect.objectContaining({ column }) as Error);
  });
});
