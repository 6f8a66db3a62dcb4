import { describe, expect, test } from "vitest";
import { builtInRules, builtInStrategies, builtInTemplate, checkBuiltIn } from "./strategies.ts";

describe.each(builtInStrategies)("$name", ({ name, params }) => {
  test("its template with numbers in the holes is its rules", () => {
    const open = params.filter((param) => typeof param.default === "number").map((param) => param.name);
    const values = checkBuiltIn(name, {});
    const filled = (text: string) =>
      text.replaceAll(/\{(\w+)\}/g, (_whole, param: string) => String(values[param]));
    const template = builtInTemplate(name, {}, open);
    const rules = builtInRules(name, {});
    for (const param of open) expect(Object.values(template.formulas).join(" ")).toContain(`{${param}}`);
    expect(
      Object.fromEntries(Object.entries(template.formulas).map(([key, text]) => [key, filled(text)])),
    ).toEqual(rules.formulas);
    expect(template.side).toBe(rules.side);
  });
});

test.each([
  ["nobody", {}, "There is no strategy nobody"],
  ["maCrosover", {}, "Did you mean maCrossover?"],
  ["maCrossover", { fats: 3 }, "no parameter fats"],
  ["maCrossover", { fast: 2.5 }, "a whole number from 2"],
  ["maCrossover", { average: "hull" }, "one of sma, ema, wma"],
  ["maCrossover", { fast: 60, slow: 50 }, "fast must be below slow"],
] as const)("refuses %s with %o", (name, given, text) => {
  expect(() => builtInRules(name, given)).toThrow(text);
});
