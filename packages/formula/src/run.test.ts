import { describe, expect, test } from "vitest";
import {
  checkFormula,
  createFormulaCache,
  createFormulaRun,
  evaluateFormulas,
  MissingInstrumentError,
} from "./index.ts";
import type { Bar, Dataset } from "./index.ts";

const MINUTE = 60_000;

function random(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 4294967296;
  };
}

function datasetOf(
  bars: readonly Bar[],
  timeframeMs: number,
  others: Readonly<Record<string, Dataset>> = {},
): Dataset {
  const column = (name: keyof Bar): Float64Array => Float64Array.from(bars, (b) => b[name]);
  return {
    length: bars.length,
    openMs: column("openMs"),
    closeMs: column("closeMs"),
    open: column("open"),
    high: column("high"),
    low: column("low"),
    close: column("close"),
    volume: column("volume"),
    timeframeMs,
    resolve: (symbol) => (Object.hasOwn(others, symbol) ? others[symbol] : undefined),
  };
}

/** A walk of bars; every tenth bar or so is missing when `gaps`. */
function walk(n: number, seed: number, frame = 5 * MINUTE, gaps = false): Bar[] {
  const next = random(seed);
  const bars: Bar[] = [];
  let last = 100;
  for (let i = 0; bars.length < n; i++) {
    const open = last;
    last *= 1 + (next() - 0.5) / 50;
    const bar = {
      openMs: i * frame,
      closeMs: (i + 1) * frame,
      open,
      close: last,
      high: Math.max(open, last) * (1 + next() / 200),
      low: Math.min(open, last) * (1 - next() / 200),
      volume: Math.floor(next() * 1000),
    };
    if (!gaps || next() > 0.1) bars.push(bar);
  }
  return bars;
}

/** Bars that close at given values, a minute each. */
function closes(values: readonly number[], startMs = 0, frame = MINUTE): Bar[] {
  return values.map((v, i) => ({
    openMs: startMs + i * frame,
    closeMs: startMs + (i + 1) * frame,
    open: v,
    high: v,
    low: v,
    close: v,
    volume: 1,
  }));
}

function evaluate(text: string, data: Dataset): number[] {
  return Array.from(evaluateFormulas([text], data)[0]!);
}

describe("values", () => {
  const data = datasetOf(closes([1, 2, 3, 2, 1, 2, 5]), MINUTE);
  test.each([
    ["close + 1", [2, 3, 4, 3, 2, 3, 6]],
    ["10 - close", [9, 8, 7, 8, 9, 8, 5]],
    ["6 / close", [6, 3, 2, 3, 6, 3, 1.2]],
    ["close / 0", [NaN, NaN, NaN, NaN, NaN, NaN, NaN]],
    ["close ^ 2 % 3", [1, 1, 0, 1, 1, 1, 1]],
    ["-close", [-1, -2, -3, -2, -1, -2, -5]],
    ["min(close, 2, 4 - close)", [1, 2, 1, 2, 1, 2, -1]],
    ["lag(close, 2)", [NaN, NaN, 1, 2, 3, 2, 1]],
    ["close > 2", [0, 0, 1, 0, 0, 0, 1]],
    ["2 >= close", [1, 1, 0, 1, 1, 1, 0]],
    ["close == 2 or close == 5", [0, 1, 0, 1, 0, 1, 1]],
    ["close != 2", [1, 0, 1, 0, 1, 0, 1]],
    ["crossover(close, 1.5)", [0, 1, 0, 0, 0, 1, 0]],
    ["crossunder(close, 2)", [0, 0, 0, 0, 1, 0, 0]],
    ["crossover(close, lag(close, 2))", [0, 0, 0, 0, 0, 0, 1]],
    ["count(close >= 2, 3)", [NaN, NaN, 2, 3, 2, 2, 2]],
    ["any(close > 2, 2)", [0, 0, 1, 1, 0, 0, 1]],
    ["all(close >= 2, 2)", [0, 0, 1, 1, 0, 0, 1]],
    ["barssince(close == 2)", [NaN, 0, 1, 0, 1, 0, 1]],
    ["valuewhen(close > 2, close)", [NaN, NaN, 3, 3, 3, 3, 5]],
    ["was(close > 2)", [0, 0, 0, 1, 0, 0, 0]],
    ["if(close > 2, 10, close)", [1, 2, 10, 2, 1, 2, 10]],
    ["highest(close, 3)", [NaN, NaN, 3, 3, 3, 2, 5]],
    ["sum(close, 2)", [NaN, 3, 5, 5, 3, 3, 7]],
    ["cumsum(close)", [1, 3, 6, 8, 9, 11, 16]],
    ["pctchange(close)", [NaN, 1, 0.5, 2 / 3 - 1, -0.5, 1, 1.5]],
    ["3", [3, 3, 3, 3, 3, 3, 3]],
    ["round(-2.5) + floor(1.7) + sign(-3)", [-3, -3, -3, -3, -3, -3, -3]],
    ["coalesce(lag(close, 1), 0)", [0, 1, 2, 3, 2, 1, 2]],
  ])("%s", (text, expected) => {
    expect(evaluate(text, data)).toEqual(expected);
  });

  test("an undefined condition never triggers, nor does its negation", () => {
    expect(evaluate("lag(close, 2) > 1", data)).toEqual([0, 0, 0, 1, 1, 1, 0]);
    expect(evaluate("not (lag(close, 2) > 1)", data)).toEqual([0, 0, 1, 0, 0, 0, 1]);
    expect(evaluate("lag(close, 2) != 7", data)).toEqual([0, 0, 1, 1, 1, 1, 1]);
    // false and undefined is false; true or undefined is true
    expect(evaluate("not (lag(close, 2) > 1 and close > 2)", data)).toEqual([1, 1, 1, 1, 1, 1, 1]);
    expect(evaluate("lag(close, 2) > 1 or close < 3", data)).toEqual([1, 1, 0, 1, 1, 1, 0]);
    expect(evaluate("if(lag(close, 2) > 1, 1, 2)", data)).toEqual([NaN, NaN, 2, 1, 1, 1, 2]);
    expect(evaluate("isnan(lag(close, 2))", data)).toEqual([1, 1, 0, 0, 0, 0, 0]);
  });
});

describe("higher timeframes", () => {
  const data = datasetOf(closes([1, 2, 3, 4, 5, 6, 7]), MINUTE);

  test("a bar of a higher timeframe is seen from the close of the bar that ends it", () => {
    expect(evaluate('sma(close, 1, timeframe: "3m")', data)).toEqual([NaN, NaN, 3, 3, 3, 6, 6]);
    expect(evaluate('sum(volume, 1, timeframe: "3m")', data)).toEqual([NaN, NaN, 3, 3, 3, 3, 3]);
    expect(evaluate('mom(close, 1, timeframe: "3m") > 0', data)).toEqual([0, 0, 0, 0, 0, 1, 1]);
  });

  test("a bucket whose last bar is missing closes with the next bar; none is invented", () => {
    const bars = closes([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]).filter((_, i) => ![2, 3, 4, 5].includes(i));
    const holed = datasetOf(bars, MINUTE);
    // closes at minutes 1, 2, 7, 8, 9, 10; the bucket of minutes 3 to 6 has no bar
    expect(evaluate('sma(close, 1, timeframe: "3m")', holed)).toEqual([NaN, NaN, 2, 2, 9, 9]);
    expect(evaluate('sma(close, 2, timeframe: "3m")', holed)).toEqual([NaN, NaN, NaN, NaN, 5.5, 5.5]);
  });

  test("weeks begin on Monday, months on the first, in UTC", () => {
    const day = 86_400_000;
    // 2021-01-28, a Thursday
    const start = Date.UTC(2021, 0, 28);
    const daily = datasetOf(closes([1, 2, 3, 4, 5, 6], start, day), day);
    // Sunday the 31st ends both the week and the month
    expect(evaluate('sma(close, 1, timeframe: "1w")', daily)).toEqual([NaN, NaN, NaN, 4, 4, 4]);
    expect(evaluate('sma(close, 1, timeframe: "1M")', daily)).toEqual([NaN, NaN, NaN, 4, 4, 4]);
  });

  test("the data's own timeframe is no other timeframe", () => {
    expect(evaluate('sma(close, 2, timeframe: "1m")', data)).toEqual(evaluate("sma(close, 2)", data));
  });
});

describe("other instruments", () => {
  test("the last bar closed by this bar's close counts, until it is older than one bar", () => {
    const other = datasetOf(
      closes([10, 20, 30, 40, 50, 60]).filter((_, i) => ![2, 3].includes(i)),
      MINUTE,
    );
    const data = datasetOf(closes([1, 2, 3, 4, 5, 6]), MINUTE, { B: other });
    expect(evaluate('close["B"]', data)).toEqual([10, 20, 20, NaN, 50, 60]);
    expect(evaluate('close - close["B"]', data)).toEqual([-9, -18, -17, NaN, -45, -54]);
    expect(evaluate('sma(close, 2)["B"]', data)).toEqual([NaN, 15, 20, NaN, NaN, 55]);
  });

  test("a coarser bar counts from its close, for one of its own bars", () => {
    const other = datasetOf(closes([10, 20], 0, 3 * MINUTE), 3 * MINUTE);
    const data = datasetOf(closes([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), MINUTE, { B: other });
    expect(evaluate('close["B"]', data)).toEqual([NaN, NaN, 10, 10, 10, 20, 20, 20, 20, NaN]);
  });

  test("on a higher timeframe both instruments are resampled", () => {
    const other = datasetOf(closes([10, 20, 30, 40, 50, 60]), MINUTE);
    const data = datasetOf(closes([1, 2, 3, 4, 5, 6]), MINUTE, { B: other });
    expect(evaluate('highest(high["B"], 1, timeframe: "3m")', data)).toEqual([NaN, NaN, 30, 30, 30, 60]);
  });

  test("a missing instrument is named", () => {
    const data = datasetOf(closes([1, 2]), MINUTE);
    expect(() => evaluate('close["XYZ"]', data)).toThrow(MissingInstrumentError);
    expect(() => evaluate('close["XYZ"]', data)).toThrow(/XYZ/);
  });
});

const FORMULAS = [
  "crossover(sma(close, 10), sma(close, 30))",
  'ema(volume, 20, timeframe: "1h")',
  'rsi(close, 5, timeframe: "15m") > 50 and close > vwapsession()',
  'zscore(log(close) - 0.7 * log(close["B"]), 20) > 1',
  'correl(close, close["B"], 12)',
  "macd(close).hist",
  "barssince(crossunder(rsi(7), 40))",
  "count(close > lag(close, 3), 9) / 9",
  "all(low > lowest(low, 20) * 0.99, 4)",
  "any(isnan(sma(close, 40)), 5)",
  "supertrend(10, 3).trend == 1",
  "ichimoku().senkouB",
  "hma(hlc3, 16) - wma(ohlc4, 9)",
  "valuewhen(close > open, stoch().d)",
  'adx(7, timeframe: "15m") > 20 or psar() < close',
];

describe("one implementation", () => {
  const bars = walk(1500, 4, 5 * MINUTE, true);
  const otherBars = walk(1400, 8, 5 * MINUTE, true);
  const data = datasetOf(bars, 5 * MINUTE, { B: datasetOf(otherBars, 5 * MINUTE) });
  const batch = evaluateFormulas(FORMULAS, data);

  test("live bars give the bits of the batch, with bounded memory", () => {
    const run = createFormulaRun(FORMULAS, { timeframeMs: 5 * MINUTE });
    expect(run.instruments).toEqual(["B"]);
    let k = 0;
    bars.forEach((bar, i) => {
      while (k < otherBars.length && otherBars[k]!.closeMs <= bar.closeMs)
        run.pushOther("B", otherBars[k++]!);
      const live = run.push(bar);
      FORMULAS.forEach((text, f) => {
        if (!Object.is(live[f], batch[f]![i])) {
          throw new Error(`${text}, bar ${i}: ${live[f]} instead of ${batch[f]![i]}`);
        }
      });
    });
  });

  test("bars that come later change no value", () => {
    for (const cut of [1, 40, 333, 1000]) {
      const end = bars[cut - 1]!.closeMs;
      const known = datasetOf(
        otherBars.filter((b) => b.closeMs <= end),
        5 * MINUTE,
      );
      const part = evaluateFormulas(FORMULAS, datasetOf(bars.slice(0, cut), 5 * MINUTE, { B: known }));
      FORMULAS.forEach((text, f) => {
        for (let i = 0; i < cut; i++) {
          if (!Object.is(part[f]![i], batch[f]![i])) throw new Error(`${text}, bar ${i} of ${cut}`);
        }
      });
    }
  });

  test("no value comes before the warm-up that the checker states", () => {
    const whole = datasetOf(walk(900, 3), 5 * MINUTE, { B: datasetOf(walk(900, 5), 5 * MINUTE) });
    for (const text of FORMULAS) {
      const { type, warmup } = checkFormula(text, { timeframeMs: 5 * MINUTE });
      if (type !== "series" || text.includes("barssince") || text.includes("valuewhen")) continue;
      const values = evaluate(text, whole);
      const first = values.findIndex((v) => !Number.isNaN(v));
      // a higher timeframe may be in step with the data and come earlier
      if (text.includes("timeframe")) expect(first).toBeLessThanOrEqual(warmup);
      else expect(first).toBe(warmup);
    }
  });

  test("another instrument that runs far ahead is refused, not read as missing", () => {
    const run = createFormulaRun(['close["B"]'], { timeframeMs: MINUTE });
    for (const bar of closes(Array.from({ length: 2000 }, (_, i) => i))) run.pushOther("B", bar);
    expect(() => run.push(closes([1])[0]!)).toThrow(/ran ahead/);
  });

  test("a bar that does not follow is refused", () => {
    const run = createFormulaRun(["close"], { timeframeMs: MINUTE });
    const [a, b] = closes([1, 2]);
    run.push(b!);
    expect(() => run.push(a!)).toThrow(/close after/);
    expect(() => run.push(b!)).toThrow(/close after/);
    expect(() => run.pushOther("B", a!)).toThrow(MissingInstrumentError);
    expect(() => createFormulaRun(["chikou(2)"], { timeframeMs: MINUTE })).toThrow(/looks ahead/);
  });
});

describe("shared work", () => {
  const data = datasetOf(walk(500, 4), 5 * MINUTE);

  test("the same expression is computed once, whatever its spelling", () => {
    const [a, b, c] = evaluateFormulas(["sma(close, 20)", "sma( close,n:20 )", "sma(20)"], data);
    expect(b!.buffer).toBe(a!.buffer);
    expect(c!.buffer).toBe(a!.buffer);
    const [d] = evaluateFormulas(["sma(close, 21)"], data);
    expect(d!.buffer).not.toBe(a!.buffer);
  });

  test("a cache keeps columns between calls and stays within its bound", () => {
    const cache = createFormulaCache(200_000);
    const [a] = evaluateFormulas(["sma(close, 20)"], data, { cache });
    const [b] = evaluateFormulas(["sma(close, 20) + 1", "sma(close, 20)"], data, { cache }).slice(1);
    expect(b!.buffer).toBe(a!.buffer);
    for (let n = 2; n < 200; n++) evaluateFormulas([`ema(close, ${n})`], data, { cache });
    expect(cache.bytes).toBeLessThanOrEqual(200_000);
    const [c] = evaluateFormulas(["sma(close, 20)"], data, { cache });
    expect(Array.from(c!)).toEqual(Array.from(a!));
    cache.clear();
    expect(cache.bytes).toBe(0);
  });

  test("a kernel that looks ahead is whole for its readers", () => {
    const long = datasetOf(walk(9000, 4), 5 * MINUTE);
    const [ahead] = evaluateFormulas(["chikou(26) + 0"], long, { allowLookAhead: true });
    for (let i = 0; i < 9000; i++) expect(ahead![i]).toBe(i + 26 < 9000 ? long.close[i + 26] : NaN);
  });

  test("a gap in the data's own column blanks its bar and restarts the indicator", () => {
    const holed = { ...data, close: data.close.with(100, NaN) };
    const got = evaluate("sma(close, 20)", holed);
    const whole = evaluate("sma(close, 20)", data);
    expect(got.slice(0, 100)).toEqual(whole.slice(0, 100));
    expect(got.slice(100, 120).every(Number.isNaN)).toBe(true);
    for (let i = 120; i < 500; i++) expect(got[i]).toBeCloseTo(whole[i]!, 9);
  });

  test("an empty dataset gives empty columns", () => {
    const none = datasetOf([], MINUTE);
    expect(
      evaluateFormulas(['sma(close, 2, timeframe: "1h")', "close > 1"], none).map((x) => x.length),
    ).toEqual([0, 0]);
  });
});
