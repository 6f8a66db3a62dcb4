import { newId } from "@tapedeck/core";
import { testBlobs, testDatabase } from "@tapedeck/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Database } from "../../db.ts";
import { createFormulaLibrary } from "../../indicators/library.ts";
import { createSeriesReader } from "../../series/reader.ts";
import { fixtureContext, putBars } from "../books.fixture.ts";
import type { FixtureBar } from "../books.fixture.ts";
import { monteCarlo, MonteCarloPayload } from "./contract.ts";
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
  const database = await testDatabase<Database>();
  const store = await testBlobs();
  opened.push(database.close, store.close);
  const { db } = database;
  deps = {
    series: createSeriesReader({ db, blobs: store.blobs, now }),
    formulas: createFormulaLibrary({ db }),
  };
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

test("refuses data shorter than the warm-up", async () => {
  const strategy = { kind: "rules", entry: "close > sma(close, 600)" };
  await expect(run({ ...request, strategy })).rejects.toMatchObject({ code: "data.missing" });
});
