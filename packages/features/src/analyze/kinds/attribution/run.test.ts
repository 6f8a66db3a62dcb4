import { afterAll, beforeAll, expect, test } from "vitest";
import { analyzeFixture } from "../../fixture.ts";
import type { AnalyzeFixture } from "../../fixture.ts";

let fixture: AnalyzeFixture;
beforeAll(async () => {
  fixture = await analyzeFixture();
});
afterAll(() => fixture.close());

const one = {
  portfolioWeights: [0.6, 0.4],
  benchmarkWeights: [0.5, 0.5],
  portfolioReturns: [0.1, 0.02],
  benchmarkReturns: [0.08, 0.04],
};
const request = { kind: "attribution" as const, sectors: ["Energy", "Banks"], periods: [one] };

test("divides the active return of a period by hand, each number with evidence", async () => {
  const { result } = await fixture.run<"attribution">(request);
  const value = (name: string) => result.figures[name]!.value;
  expect(value("active")).toBeCloseTo(0.008, 14);
  expect(value("Energy.allocation")).toBeCloseTo(0.1 * (0.08 - 0.06), 14);
  expect(value("Banks.selection")).toBeCloseTo(0.5 * (0.02 - 0.04), 14);
  expect(value("Energy.interaction")).toBeCloseTo(0.1 * (0.1 - 0.08), 14);
  expect(await fixture.evidenceOf(result.figures["Energy.allocation"]!.evidenceId)).toMatchObject({
    kind: "request",
    value: value("Energy.allocation"),
  });
});

test.each(["carino", "menchero"])(
  "effects linked by %s sum to the compounded active return",
  async (link) => {
    const later = { ...one, portfolioReturns: [-0.05, 0.03] };
    const { result } = await fixture.run<"attribution">({ ...request, periods: [one, later], link });
    const active = 1.068 * 0.982 - 1.06 ** 2;
    const effects = Object.entries(result.figures).filter(([name]) => name.includes("."));
    expect(effects).toHaveLength(6);
    expect(result.figures["active"]!.value).toBeCloseTo(active, 12);
    expect(effects.reduce((sum, [, { value }]) => sum + value!, 0)).toBeCloseTo(active, 12);
  },
);

test.each([
  [{ sectors: ["Energy"] }, "one number a sector"],
  [{ sectors: ["Energy", "Energy"] }, "name each once"],
])("refuses %j", async (change, message) => {
  await expect(fixture.run({ ...request, ...change })).rejects.toThrow(message);
});
