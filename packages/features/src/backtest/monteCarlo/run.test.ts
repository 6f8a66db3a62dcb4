import { newId, seededRandom } from "@tapedeck/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { backtestFixture } from "../backtest.fixture.ts";
import { fixtureContext, putBars } from "../books.fixture.ts";
import type { FixtureBar } from "../books.fixture.ts";
import { monteCarlo, MonteCarloPayload } from "./contract.ts";
import { jitterFormula } from "./jitter.ts";
import { drawSimulations, summariseDraws } from "./draws.ts";
import { runMonteCarlo } from "./run.ts";

const tenantId = newId(0);
const dayMs = 86_400_000;
const now = () => Date.UTC(2026, 0, 2);
const opened: Array<() => Promise<void>> = [];
let context: () => ReturnType<typeof fixtureContext<never>>;
let deps: Parameters<typeof runMonteCarlo>[0];

const bars: FixtureBar[] = Array.from({ length: 500 }, (_, i) => {
  const close = 100 + i / 20 + 8 * Math.sin(i / 7) + ((i * 7919) % 17) / 10;
  return [i * dayMs, close, close + 0.5, close - 0.5, close, 1_000] as const;
});

beforeAll(async () => {
  const fixture = await backtestFixture({ now });
  opened.push(fixture.close);
  const { db } = fixture;
  ({ deps } = fixture);
  context = () => fixtureContext<never>(db, { tenantId, now });
  await putBars(db, { instrumentId: "WAVE.INDEX", assetClass: "index" }, "1d", bars);
});

afterAll(async () => {
  for (const close of opened) await close();
});

const request = {
  instrumentId: "WAVE.INDEX",
  strategy: {
    kind: "rules",
    entry: "crossover(close, sma(close, 5))",
    exit: "crossunder(close, sma(close, 5))",
  },
  costs: { feeBps: 5, slippageBps: 5 },
  simulations: 400,
  pathSimulations: 40,
  jitter: { simulations: 40 },
};

async function run(payload: object) {
  return monteCarlo.result.parse(await runMonteCarlo(deps, MonteCarloPayload.parse(payload), context()));
}

test("bands around the run, worse with more costs, the same for the same seed", async () => {
  const result = await run(request);
  const { bootstrap, shuffledDrawdown: shuffled } = result;
  expect(bootstrap.totalReturn.p5).toBeLessThan(result.totalReturn);
  expect(bootstrap.totalReturn.p95).toBeGreaterThan(result.totalReturn);
  expect(bootstrap.bands).toHaveLength(50);
  const last = bootstrap.bands.at(-1)!;
  expect(last.bar).toBe(result.bars - 1);
  expect(last.p50 - 1).toBeCloseTo(bootstrap.totalReturn.p50, 12);
  for (const band of bootstrap.bands) {
    expect([band.p5, band.p25, band.p50, band.p75, band.p95]).toEqual(
      [band.p5, band.p25, band.p50, band.p75, band.p95].toSorted((a, b) => a - b),
    );
  }
  expect(shuffled!.p5).toBeLessThan(shuffled!.p95);
  const costs = result.costStress.map((row) => row.totalReturn);
  expect(costs).toEqual(costs.toSorted((a, b) => b - a));
  expect(result.costStress[1]!.totalReturn).toBe(result.totalReturn);
  expect(result.delayStress[0]!.totalReturn).toBe(result.totalReturn);
  expect(await run(request)).toEqual(result);
});

test("a run without a trade has one path only, and nothing to shuffle", async () => {
  const result = await run({ ...request, strategy: { kind: "rules", entry: "close < 0" } });
  expect(result.shuffledDrawdown).toBeNull();
  expect(result.bootstrap.totalReturn).toEqual({ p5: 0, p25: 0, p50: 0, p75: 0, p95: 0 });
});

test("other price paths and other numbers: the strategy runs again on each", async () => {
  const result = await run(request);
  const { pathResampling: paths, jitter } = result;
  expect(paths).toMatchObject({ simulations: 40, failed: 0 });
  expect(paths!.totalReturn.p5).toBeLessThan(paths!.totalReturn.p95);
  expect(jitter).toMatchObject({ simulations: 40, failed: 0 });
  // 5 bars become 4 to 6: three strategies, the one as it was among them.
  expect(jitter!.totalReturn.p5).toBeLessThanOrEqual(result.totalReturn);
  expect(jitter!.totalReturn.p95).toBeGreaterThanOrEqual(result.totalReturn);
  const none = await run({ ...request, pathSimulations: 0, jitter: { simulations: 0 } });
  expect([none.pathResampling, none.jitter]).toEqual([null, null]);
  expect(none.bootstrap).toEqual(result.bootstrap);
});

test("combinations that are no strategy are counted, not drawn", async () => {
  const strategy = { kind: "builtIn", name: "maCrossover", params: { fast: 9, slow: 10 } };
  const result = await run({ ...request, strategy, jitter: { share: 0.3, simulations: 60 } });
  expect(result.jitter!.failed).toBeGreaterThan(5);
  expect(result.jitter!.simulations + result.jitter!.failed).toBe(60);
});

test("a module of the operator: in one thread, with other parameters too", async () => {
  const result = await run({
    ...request,
    strategy: { kind: "module", name: "volatilityBreakout" },
    simulations: 100,
    pathSimulations: 5,
    jitter: { simulations: 5 },
  });
  expect(result.pathResampling!.simulations).toBe(5);
  expect(result.jitter!.simulations + result.jitter!.failed).toBe(5);
  expect(result.delayStress[1]!.totalReturn).not.toBe(result.delayStress[0]!.totalReturn);
});

test("the same in pieces as in one", () => {
  const drawn = {
    returns: Float64Array.from({ length: 200 }, (_, i) => Math.sin(i) / 50),
    factors: Float64Array.from({ length: 20 }, (_, i) => 1 + Math.cos(i) / 20),
  };
  const draw = (from: number, to: number) =>
    drawSimulations(drawn, { from, to }, 10, (stream) => seededRandom(3, stream));
  const whole = draw(0, 60);
  const pieces = [draw(0, 13), draw(13, 40), draw(40, 60)];
  expect(pieces.flatMap(({ growths }) => growths)).toEqual(whole.growths);
  expect(pieces.flatMap(({ shuffled }) => shuffled)).toEqual(whole.shuffled);
  const { bootstrap } = summariseDraws(whole, drawn);
  expect(bootstrap.bands.at(-1)!.p50 - 1).toBeCloseTo(bootstrap.totalReturn.p50, 12);
});

test("numbers in formulas are moved, names and outputs are not", () => {
  const moved = (value: number) => value * 2;
  expect(jitterFormula("bbands(close, 20, 2.5).upper > lag(close, k: 1) * -3", moved)).toBe(
    "bbands(close, 40, 5).upper > lag(close, k: 2) * -6",
  );
});

test("refuses data shorter than the warm-up", async () => {
  const strategy = { kind: "rules", entry: "close > sma(close, 600)" };
  await expect(run({ ...request, strategy })).rejects.toMatchObject({ code: "data.missing" });
});
