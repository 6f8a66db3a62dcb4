import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  createConditionSearch,
  evaluateFormulas,
  FormulaError,
  formatFormula,
  parseFormula,
} from "./index.ts";
import type { Dataset } from "./index.ts";

/** Whole prices near each other, so that averages tie, with gaps. */
function datasetOf(closes: readonly number[]): Dataset {
  const close = Float64Array.from(closes);
  const openMs = close.map((_, i) => i * 60_000);
  return {
    length: close.length,
    timeframeMs: 60_000,
    openMs,
    closeMs: openMs.map((ms) => ms + 60_000),
    open: close,
    high: close,
    low: close,
    close,
    volume: close,
  };
}

const wave = datasetOf(
  Array.from({ length: 5_000 }, (_, i) => 100 + 8 * Math.sin(i / 9) + ((i * 7919) % 13)),
);
const filled = (text: string, values: Record<string, number>) =>
  text.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => `(${values[name]})`);

test("a template gives what the formulas with its values in them give, in any order of calls and little memory", () => {
  const texts = [
    "crossover(sma(close, {fast}), sma(close, {slow}))",
    "crossunder(sma(close, {fast}), sma(close, {slow})) or rsi(close, {fast}) > {level}",
    "any(close > {level}, {fast})",
  ];
  const combination = fc.record({
    fast: fc.integer({ min: 2, max: 8 }),
    slow: fc.integer({ min: 9, max: 14 }),
    level: fc.constantFrom(-5, 50, 70.5, 101),
  });
  fc.assert(
    fc.property(fc.array(combination, { minLength: 5, maxLength: 12 }), (combinations) => {
      // Room for three columns: nodes are forgotten and made again all the time.
      const template = createConditionSearch(wave, 3 * 8 * wave.length).prepare(texts);
      for (const values of combinations) {
        const expected = evaluateFormulas(
          texts.map((text) => filled(text, values)),
          wave,
        );
        template(values).forEach((column, k) => {
          expect(column.subarray(0, wave.length).map((bit) => bit & 1)).toEqual(expected[k]);
        });
      }
    }),
    { numRuns: 10 },
  );
});

test("a value below zero is one number: its power is not the power's minus", () => {
  const [column] = createConditionSearch(wave, 1e6).prepare(["close * 0 + {x} ^ 2 > 8"])({ x: -3 });
  expect(column![0]).toBe(1);
});

test("crossings are what their definition says, ties and gaps included, wherever the columns begin", () => {
  const price = fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 1, max: 3 }) }, fc.constant(Number.NaN));
  fc.assert(
    fc.property(fc.array(fc.tuple(price, price), { maxLength: 40 }), (pairs) => {
      const data = { ...datasetOf(pairs.map(([a]) => a)), open: Float64Array.from(pairs, ([, b]) => b) };
      const [over, under] = evaluateFormulas(
        ["crossover(close, open)", "crossunder(close, open)"].map((text) => `if(${text}, 1, 0)`),
        data,
      );
      pairs.forEach(([a, b], i) => {
        const [p, q] = pairs[i - 1] ?? [Number.NaN, Number.NaN];
        const known = ![a, b, p, q].some(Number.isNaN);
        expect(over![i]).toBe(known ? +(a > b && p <= q) : Number.NaN);
        expect(under![i]).toBe(known ? +(a < b && p >= q) : Number.NaN);
      });
    }),
  );
});

test("a hole is written as it was read, and stands for nothing without a value", () => {
  expect(formatFormula(parseFormula("close>{x}"))).toBe("close > {x}");
  const template = createConditionSearch(wave, 1e6).prepare(["close > {x}"]);
  expect(() => template({})).toThrow(FormulaError);
  expect(() => evaluateFormulas(["close > {x}"], wave)).toThrow(/\{x\} stands for no number/);
  expect(() => createConditionSearch(wave, 1e6).prepare(["sma(close, {x})"])({ x: 3 })).toThrow(/condition/);
});
