import { describe, expect, test } from "vitest";
import { checkFormula, checkSavedFormula, expandFormula, formatFormula, FormulaError } from "./index.ts";
import type { FormulaBook, SavedFormula } from "./index.ts";

function saved(name: string, formula: string, params: Readonly<Record<string, string>> = {}): SavedFormula {
  return { name, formula, params: Object.entries(params).map(([q, text]) => ({ name: q, default: text })) };
}

const book: FormulaBook = new Map(
  [
    saved("stretch", "(x - sma(x, n)) / stddev(x, n)", { x: "close", n: "20" }),
    saved("bands", "bbands(close, n)", { n: "20" }),
    saved("calm", "stretch(n: n) < 1 and bands(n).upper > close", { n: "10" }),
  ].map((one) => [one.name, one]),
);

/** What a check refuses. */
function faultOf(check: () => unknown): FormulaError {
  try {
    check();
  } catch (error) {
    if (error instanceof FormulaError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

const expanded = (text: string): string => formatFormula(expandFormula(text, book));

describe("saved formulas", () => {
  test.each([
    ["stretch", "(close - sma(close, 20)) / stddev(close, 20)"],
    ["stretch(hl2, 5) > 2", "(hl2 - sma(hl2, 5)) / stddev(hl2, 5) > 2"],
    ["stretch(n: 2 + 3)", "(close - sma(close, 2 + 3)) / stddev(close, 2 + 3)"],
    ["bands(14).lower", "bbands(close, 14).lower"],
    ["lag(bands, 2)", "lag(bbands(close, 20), 2)"],
    ["calm", "(close - sma(close, 10)) / stddev(close, 10) < 1 and bbands(close, 10).upper > close"],
    ['bands(14, timeframe: "1w").upper', 'bbands(close, 14, timeframe: "1w").upper'],
    ['stretch(timeframe: "1w")', 'lag((close - sma(close, 20)) / stddev(close, 20), 0, timeframe: "1w")'],
    ['stretch["IWM"]', '((close - sma(close, 20)) / stddev(close, 20))["IWM"]'],
    ["stretch(stretch(close, 3), 4)", expanded("stretch(x: stretch(n: 3), n: 4)")],
    ["sma(close, 20)", "sma(close, 20)"],
  ])("%s stands for %s", (text, whole) => {
    expect(expanded(text)).toBe(whole);
  });

  test("a condition on a higher timeframe is taken as one", () => {
    expect(expanded('calm(timeframe: "1w")')).toMatch(/^was\(.*, 0, timeframe: "1w"\)$/);
  });

  test.each([
    ["1 + stretch(close, 20, 3)", 24, /too many arguments: stretch\(x: close, n: 20\)/],
    ["stretch(m: 3)", 9, /m is no argument/],
    ["stretch(close, x: open)", 16, /x is given twice/],
    ["1 + loop", 5, /loop uses itself/],
    ["2 + broken(3)", 5, /neither a series nor a function/],
    ["huge", 1, /grows to more than 10000 parts/],
    [`${"twice(".repeat(40)}close${")".repeat(40)}`, 163, /grows to more than 10000 parts/],
    ["hidden", 1, /grows to more than 10000 parts/],
    ["long", 1, /grows to \d+ characters/],
  ])("%s is refused at column %i", (text, column, message) => {
    const doubled = Array.from({ length: 16 }, (_, i) =>
      saved(`d${i + 1}`, i === 0 ? "close" : `d${i} + d${i}`),
    );
    const more: FormulaBook = new Map(
      [
        ...book.values(),
        ...doubled,
        saved("loop", "sma(pool, 3)"),
        saved("pool", "loop * 2"),
        saved("broken", "nosuch(close, n)", { n: "2" }),
        ...doubled.map((_, i) => saved(`h${i + 1}`, i === 0 ? "close" : `ignored(h${i} + h${i})`)),
        saved("ignored", "close", { x: "close" }),
        saved("hidden", "h16"),
        saved("twice", "x + x", { x: "close" }),
        saved("huge", "d16"),
        saved("long", "d11"),
      ].map((one) => [one.name, one]),
    );
    const fault = faultOf(() => checkFormula(expandFormula(text, more)));
    expect(fault.message).toMatch(message);
    expect(fault.column).toBe(column);
  });
});

describe("a formula to be saved", () => {
  test("is checked at its defaults", () => {
    expect(checkSavedFormula(book.get("stretch")!, book)).toMatchObject({ type: "series", warmup: 19 });
    expect(checkSavedFormula(book.get("calm")!, book)).toMatchObject({ type: "condition", warmup: 9 });
  });

  test.each([
    [saved("sma", "close"), 1, /sma is a name of the language already/],
    [saved("Mine", "close"), 1, /must be 2 to 40 lower-case letters/],
    [saved("mine", "close", { close: "2" }), 1, /the parameter close has a meaning/],
    [saved("mine", "sma(close, n)", { n: "2 +" }), 1, /the default of n: expected a value/],
    [saved("mine", "close + smaa(close, 3)"), 9, /did you mean sma/],
    [saved("mine", "close + mine"), 9, /mine uses itself/],
    [saved("mine", "close + sma(close, n)", { n: "0" }), 1, /n must be/],
  ])("%j is refused at column %i", (one, column, message) => {
    const fault = faultOf(() => checkSavedFormula(one, book));
    expect(fault.message).toMatch(message);
    expect(fault.column).toBe(column);
  });
});
