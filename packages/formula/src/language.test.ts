import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkFormula, FormulaError, formatFormula, indicatorCatalogue, parseFormula } from "./index.ts";
import type { Expression } from "./index.ts";

/** The tree without places in the text. */
function bare(e: unknown): unknown {
  if (Array.isArray(e)) return e.map(bare);
  if (typeof e !== "object" || e === null) return e;
  return Object.fromEntries(
    Object.entries(e)
      .filter(([key]) => !key.toLowerCase().endsWith("span"))
      .map(([key, value]) => [key, bare(value)]),
  );
}

/** The tree with a minus before a number made part of the number, as the parser does. */
function folded(e: Expression): Expression {
  switch (e.kind) {
    case "unary": {
      const of = folded(e.of);
      if (e.operator === "-" && of.kind === "number") return { ...of, value: -of.value };
      return { ...e, of };
    }
    case "binary":
      return { ...e, left: folded(e.left), right: folded(e.right) };
    case "call":
      return { ...e, args: e.args.map(folded) };
    default:
      return e;
  }
}

describe("canonical text", () => {
  test.each([
    ["sma(close,20)", "sma(close, 20)"],
    ["(close)", "close"],
    ["a+b*c", "a + b * c"],
    ["(a+b)*c", "(a + b) * c"],
    ["a-(b-c)", "a - (b - c)"],
    ["a-b-c", "a - b - c"],
    ["2^3^2", "2 ^ 3 ^ 2"],
    ["(2^3)^2", "(2 ^ 3) ^ 2"],
    ["-x^2", "-x ^ 2"],
    ["(-x)^2", "(-x) ^ 2"],
    ["x>1 && !(y<2) || z==3", "x > 1 and not y < 2 or z == 3"],
    ["x > 1 or y > 2 and z > 3", "x > 1 or y > 2 and z > 3"],
    ["(x > 1 or y > 2) and z > 3", "(x > 1 or y > 2) and z > 3"],
    ["close['IWM']", 'close["IWM"]'],
    ["macd( close ) . signal", "macd(close).signal"],
    ["ema(volume,20,timeframe:'1h')", 'ema(volume, 20, timeframe: "1h")'],
    ["1e3 + .5", "1000 + 0.5"],
    ["3 - -2", "3 - -2"],
  ])("%s is written %s", (text, canonical) => {
    expect(formatFormula(parseFormula(text))).toBe(canonical);
    expect(bare(parseFormula(canonical).root)).toEqual(bare(parseFormula(text).root));
  });

  test("any tree reads back as it was written", () => {
    const span = { start: 0, length: 0 };
    const name = fc.constantFrom("close", "high", "rsi", "x1");
    const tree = fc.letrec<{ e: Expression }>((tie) => ({
      e: fc.oneof(
        { maxDepth: 5 },
        fc
          .double({ min: 0, max: 1e9, noNaN: true })
          .map((value): Expression => ({ kind: "number", value, span })),
        name.map((n): Expression => ({ kind: "name", name: n, span })),
        fc
          .record({ operator: fc.constantFrom("-" as const, "not" as const), of: tie("e") })
          .map((r): Expression => ({ kind: "unary", ...r, span })),
        fc
          .record({
            operator: fc.constantFrom("+", "-", "*", "/", "%", "^", "<", ">=", "==", "and", "or"),
            left: tie("e"),
            right: tie("e"),
          })
          .map((r): Expression => ({ kind: "binary", ...r, span }) as Expression),
        fc.record({ n: name, args: fc.array(tie("e"), { maxLength: 3 }) }).map((r): Expression => ({
          kind: "call",
          name: r.n,
          nameSpan: span,
          args: r.args,
          named: [],
          span,
        })),
        name.map((n): Expression => ({
          kind: "instrument",
          of: { kind: "name", name: n, span },
          symbol: "I W.M",
          symbolSpan: span,
          span,
        })),
      ),
    })).e;
    fc.assert(
      fc.property(tree, (root) => {
        const text = formatFormula({ text: "", root });
        expect(bare(parseFormula(text).root)).toEqual(bare(folded(root)));
      }),
      { numRuns: 500 },
    );
  });
});

describe("faults point at their place", () => {
  test.each([
    ["sma(clse, 10)", /neither a series nor a function/, 5, 4, "close"],
    ["crosover(close, open)", /neither/, 1, 8, "crossover"],
    ["rsi(close, 1)", /n must be from 2/, 12, 1, undefined],
    ["rsi(close, 14.5)", /whole number/, 12, 4, undefined],
    ["rsi(close, high)", /too many series/, 12, 4, undefined],
    ["rsi(close, 14, 3)", /too many parameters/, 16, 1, undefined],
    ["rsi(close, n: close)", /n must be a constant/, 15, 5, undefined],
    ["rsi(close, m: 3)", /no parameter m/, 12, 1, "n"],
    ["rsi(close, 14, n: 3)", /given twice/, 16, 1, undefined],
    ["lag(close, -1)", /the future is not known/, 12, 2, undefined],
    ["lag(close, rsi(14))", /must be a constant/, 12, 7, undefined],
    ["count(close > open, 0)", /whole number from 1/, 21, 1, undefined],
    ["close[1]", /instrument in quotes/, 7, 1, undefined],
    ["chikou(26)", /looks ahead/, 1, 6, undefined],
    ["macd(close).sgnal", /no output sgnal/, 13, 5, "signal"],
    ["close.signal", /only an indicator has outputs/, 7, 6, undefined],
    ["abs(close).value", /no outputs/, 12, 5, undefined],
    ["close + ", /expected a value, not the end/, 9, 1, undefined],
    ["(close", /expected \) to close the bracket/, 7, 1, undefined],
    ["close close", /expected an operator/, 7, 5, undefined],
    ["sma(close 20)", /expected , between/, 11, 2, undefined],
    ["1 < close < 2", /do not chain/, 11, 1, undefined],
    ["close = 2", /==, not =/, 7, 1, undefined],
    ["close @ 2", /no meaning/, 7, 1, undefined],
    ["20x", /cannot be followed/, 3, 1, undefined],
    ['close["IWM]', /not closed/, 7, 5, undefined],
    ["sma(close > 1, 3)", /expected a series, not a condition/, 5, 9, undefined],
    ["close and open > 1", /expected a condition, not a series/, 1, 5, undefined],
    ["if(close, 1, 2)", /expected a condition/, 4, 5, undefined],
    ["(close > 1) + 2", /not a condition/, 1, 11, undefined],
    ["correl(close)", /the series y is missing/, 1, 13, undefined],
    ['sma(close, 20, timeframe: "1x")', /a timeframe is a number/, 27, 4, undefined],
    ['sma(close, 20, timeframe: "1m")', /finer than the data/, 27, 4, undefined],
    ['sma(close, 20, timeframe: "7m")', /whole number of the data/, 27, 4, undefined],
    ['bbands(close, 20, average: "emma").upper', /one of sma/, 28, 6, "ema"],
    ["hurst(close, 20, 2, 20)", /at most n - 2/, 1, 23, undefined],
    ["close(1)", /leave the brackets out/, 1, 5, undefined],
    ["crossover", /is a function/, 1, 9, undefined],
    ["", /expected a value/, 1, 1, undefined],
  ])("%s", (text, message, column, length, suggestion) => {
    let fault: unknown;
    try {
      checkFormula(text, { timeframeMs: 300_000 });
    } catch (error) {
      fault = error;
    }
    expect(fault).toBeInstanceOf(FormulaError);
    const f = fault as FormulaError;
    expect(f.message).toMatch(message);
    expect([f.column, f.length, f.suggestion]).toEqual([column, length, suggestion]);
  });

  test("text and nesting are bounded", () => {
    expect(() => checkFormula("(".repeat(200) + "close" + ")".repeat(200))).toThrow(/nested deeper/);
    expect(() => checkFormula("close + ".repeat(1000) + "close")).toThrow(/at most 4000 characters/);
  });

  test("names of the object prototype mean nothing", () => {
    expect(() => checkFormula("constructor > 1")).toThrow(/neither/);
    expect(() => checkFormula("toString(close)")).toThrow(/neither/);
    expect(() => checkFormula("close constructor 1")).toThrow(/expected an operator/);
  });
});

describe("what is known before a run", () => {
  test.each([
    ["close", "series", 0, [], ["value"]],
    ["atr(14)", "series", 14, [], ["value"]],
    ["atr", "series", 14, [], ["value"]],
    ["rsi(sma(close, 10), 14)", "series", 23, [], ["value"]],
    ["macd(close)", "series", 33, [], ["macd", "signal", "hist"]],
    ["macd(close).signal", "series", 33, [], ["signal"]],
    ["ichimoku().tenkan", "series", 8, [], ["tenkan"]],
    ["ichimoku().senkouB", "series", 77, [], ["senkouB"]],
    ["lag(ema(20), 5) > 3", "condition", 24, [], ["value"]],
    ["crossover(sma(close, 10), sma(close, 30))", "condition", 30, [], ["value"]],
    ['zscore(log(close) - 0.5 * log(close["IWM"]), 60) > 2', "condition", 59, ["IWM"], ["value"]],
    ['rsi(14)["QQQ"] > rsi(14)', "condition", 14, ["QQQ"], ["value"]],
    ["1 + 2 * 3", "scalar", 0, [], ["value"]],
    ["2 > 1", "condition", 0, [], ["value"]],
    ["count(close > open, 10)", "series", 9, [], ["value"]],
    ["sma(close, period: 7)", "series", 6, [], ["value"]],
    ['bbands(20, 2, 2, "ema").upper', "series", 19, [], ["upper"]],
    // 20 hours of 12 bars, and up to 11 bars until the first hour begins
    ['ema(volume, 20, timeframe: "1h")', "series", 250, [], ["value"]],
  ])("%s is a %s of warm-up %i", (text, type, warmup, instruments, outputs) => {
    expect(checkFormula(text, { timeframeMs: 300_000 })).toMatchObject({
      type,
      warmup,
      instruments,
      outputs,
    });
  });

  test("an expected type is checked", () => {
    expect(() => checkFormula("close", { expect: "condition" })).toThrow(/expected a condition/);
    expect(() => checkFormula("close > 1", { expect: "series" })).toThrow(/expected a series/);
    expect(checkFormula("5", { expect: "series" }).type).toBe("scalar");
  });

  test("kernels that look ahead pass where they are allowed, and say so", () => {
    expect(checkFormula("chikou(26)", { allowLookAhead: true }).lookAhead).toBe(true);
    expect(checkFormula("close", { allowLookAhead: true }).lookAhead).toBe(false);
  });
});

test("every indicator's own signature is a formula, with the warm-up that the catalogue tells", () => {
  const catalogue = indicatorCatalogue();
  expect(catalogue.length).toBeGreaterThanOrEqual(150);
  expect(JSON.parse(JSON.stringify(catalogue))).toEqual(catalogue);
  const stand: Readonly<Record<string, string>> = {
    x: "close",
    y: "open",
    upper: "high",
    lower: "low",
    periods: "volume",
    plus: "high",
    minus: "low",
  };
  for (const entry of catalogue) {
    const inputs = entry.inputs.map((name) => stand[name] ?? name);
    const params = entry.params.map((q) => `${q.name}: ${q.default}`);
    const text = `${entry.name}(${[...inputs, ...params].join(", ")})`;
    const warmups = entry.outputs.map((o) => checkFormula(`${text}.${o}`, { allowLookAhead: true }).warmup);
    expect(Math.max(...warmups), text).toBe(entry.warmup);
  }
});
