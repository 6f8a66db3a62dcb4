import { registry } from "@tapedeck/quant";
import type { Kernel } from "@tapedeck/quant";
import { describe, expect, test } from "vitest";
import { examineFormula, examineKernel, sampleBars } from "./index.ts";
import type { Check, Finding } from "./index.ts";

const data = sampleBars();
const failed = (findings: readonly Finding[]): Check[] =>
  findings.filter((one) => !one.passed).map((one) => one.check);
const messageOf = (findings: readonly Finding[], check: Check): string =>
  findings.find((one) => one.check === check)!.message;

test.each([
  "sma(close, 20)",
  "crossover(sma(close, 10), sma(close, 30))",
  "macd(close).signal",
  'rsi(close, 14, timeframe: "1w") > 50',
  "barssince(close > highest(close, 20))",
  "vwapsession",
])("the formula %s passes every check", (formula) => {
  expect(failed(examineFormula(formula, data))).toEqual([]);
});

test("a formula that looks ahead is told so", () => {
  const findings = examineFormula("zigzagpivot(close, 5)", data);
  expect(failed(findings)).toContain("look-ahead");
  expect(failed(findings)).toContain("resumability");
});

/** Kernels that fail one check each, made of one that passes. */
const mean: Kernel = registry.get("sma")!;
const broken: readonly (readonly [what: string, kernel: Kernel, check: Check, message: RegExp])[] = [
  [
    "reads the next bar",
    { ...mean, run: (x, o, f, t) => o[0]!.set(x[0]!.subarray(f + 1, t + 1), f) },
    "look-ahead",
    /^value at bar \d+ is .* with the \d+ bars up to then, .* with later ones$/,
  ],
  [
    "forgets its past at every call",
    { ...mean, run: (x, o, f, t, p) => mean.run(x, o, f, t, p, new Float64Array(mean.stateSize(p))) },
    "resumability",
    /^value at bar \d+ is NaN with bars given bar by bar/,
  ],
  [
    "states too short a warm-up",
    { ...mean, warmup: () => 3 },
    "warm-up",
    /first value at bar 29, after its stated warm-up of 3/,
  ],
  [
    "states too long a warm-up",
    { ...mean, warmup: () => 50 },
    "warm-up",
    /has a value at bar 29, before its stated warm-up of 50/,
  ],
  [
    "writes into its input",
    {
      ...mean,
      run(x, o, f, t, p, s) {
        mean.run(x, o, f, t, p, s);
        if (t > f) x[0]![f] = 0;
      },
    },
    "inputs",
    /close was changed at bar 0/,
  ],
  [
    "divides by the volume",
    { ...mean, inputs: ["volume"], warmup: () => 0, run: (x, o, f, t) => reciprocal(x[0]!, o[0]!, f, t) },
    "finite",
    /value is Infinity at bar 750/,
  ],
];

function reciprocal(x: Float64Array, out: Float64Array, from: number, to: number): void {
  for (let i = from; i < to; i++) out[i] = 1 / x[i]!;
}

describe("a kernel that", () => {
  test.each(broken)("%s fails the check of it", (_what, kernel, check, message) => {
    const findings = examineKernel(kernel, data);
    expect(failed(findings)).toContain(check);
    expect(messageOf(findings, check)).toMatch(message);
  });

  test("keeps its promises passes, at other parameters too", () => {
    for (const name of ["sma", "macd", "atr", "stoch"]) {
      const kernel = registry.get(name)!;
      expect(failed(examineKernel(kernel, data))).toEqual([]);
    }
    expect(failed(examineKernel(mean, data, [7]))).toEqual([]);
    expect(() => examineKernel(mean, data, [0])).toThrow(RangeError);
  });
});
