import { afterAll, beforeAll, expect, test } from "vitest";
import { analyzeFixture } from "../../fixture.ts";
import type { AnalyzeFixture } from "../../fixture.ts";

let fixture: AnalyzeFixture;
beforeAll(async () => {
  fixture = await analyzeFixture();
});
afterAll(() => fixture.close());

const run = (rule: object) => fixture.run<"sizing">({ kind: "sizing", rule } as never);

// By hand from the rules' definitions.
test.each([
  [{ name: "kelly", probability: 0.6, odds: 1 }, { fraction: 0.2 }],
  [{ name: "kelly", probability: 0.6, odds: 1, share: 0.5 }, { fraction: 0.1 }],
  [
    {
      name: "kellyAssets",
      means: [0.04, 0.02],
      covariance: [
        [0.04, 0],
        [0, 0.01],
      ],
    },
    { fraction1: 1, fraction2: 2 },
  ],
  [{ name: "fixedFractional", equity: 10_000, fraction: 0.01, entry: 50, stop: 48 }, { quantity: 50 }],
  [{ name: "fixedRatio", profit: 3_000, delta: 1_000 }, { quantity: 3 }],
  [{ name: "volatilityTarget", equity: 10_000, price: 100, volatility: 0.4, target: 0.1 }, { quantity: 25 }],
  [{ name: "atrRisk", equity: 10_000, fraction: 0.02, atr: 2, multiple: 2 }, { quantity: 50 }],
  [{ name: "fixedStop", entry: 100, fraction: 0.1 }, { stop: 90 }],
  [{ name: "trailingStop", side: "short", best: 80, fraction: 0.05 }, { stop: 84 }],
  [{ name: "atrStop", entry: 100, atr: 2, multiple: 3 }, { stop: 94 }],
  [{ name: "chandelierStop", best: 120, atr: 2, multiple: 3 }, { stop: 114 }],
  [{ name: "breakEvenStop", entry: 100, best: 103, trigger: 0.02, cost: 0.01 }, { stop: 101 }],
  [{ name: "breakEvenStop", entry: 100, best: 101, trigger: 0.02 }, { stop: null }],
  [{ name: "timeStop", barsHeld: 7, maxBars: 10 }, { barsLeft: 3 }],
  [
    { name: "profitThreshold", volatility: 0.01, bars: 4, multiple: 1.5, costPerSide: 0.001 },
    { threshold: 0.032 },
  ],
])("%j", async (rule, wanted) => {
  const { result } = await run(rule);
  for (const [name, value] of Object.entries(wanted)) {
    if (value === null) expect(result.figures[name]!.value).toBeNull();
    else expect(result.figures[name]!.value).toBeCloseTo(value, 12);
  }
});

test("optimal f of trades, and its evidence names every input", async () => {
  const { result } = await run({ name: "optimalF", profits: [2, -1, 2, -1] });
  // Even odds at two to one: Kelly's quarter.
  expect(result.figures["fraction"]!.value).toBeCloseTo(0.25, 6);
  expect(await fixture.evidenceOf(result.figures["fraction"]!.evidenceId)).toMatchObject({
    kind: "request",
    formula: "optimalF(profits [2,-1,2,-1]).fraction",
  });
});

test.each([
  [{ name: "fixedFractional", equity: 1, fraction: 0.1, entry: 5, stop: 5 }, "Stop must differ from entry"],
  [{ name: "optimalF", profits: [1, 2] }, "No trade lost"],
  [{ name: "kellyAssets", means: [1, 2], covariance: [[1]] }, "2 rows of 2 numbers"],
  [{ name: "breakEvenStop", entry: 1, best: 2, trigger: 0 }, "Trigger must be above the cost"],
])("%j is refused", async (rule, why) => {
  await expect(run(rule)).rejects.toThrow(why);
});
