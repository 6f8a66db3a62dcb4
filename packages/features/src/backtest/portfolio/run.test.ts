import { newId } from "@tapedeck/core";
import { testBlobs, testDatabase } from "@tapedeck/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Database } from "../../db.ts";
import { createSeriesReader } from "../../series/reader.ts";
import { fixtureContext, putBars } from "../books.fixture.ts";
import type { FixtureBar } from "../books.fixture.ts";
import { portfolioBacktest, PortfolioBacktestPayload } from "./contract.ts";
import { runPortfolioBacktest } from "./run.ts";

const tenantId = newId(0);
const dayMs = 86_400_000;
const now = () => Date.UTC(2026, 0, 2);
const opened: Array<() => Promise<void>> = [];
let context: () => ReturnType<typeof fixtureContext<never>>;
let deps: Parameters<typeof runPortfolioBacktest>[0];

/** A wave of its own period, so that leaders change. */
const wave = (period: number, level: number): FixtureBar[] =>
  Array.from({ length: 300 }, (_, i) => {
    const close = level * (1 + i / 1_000 + 0.1 * Math.sin(i / period));
    return [i * dayMs, close * 0.999, close * 1.01, close * 0.99, close, 10_000] as const;
  });

beforeAll(async () => {
  const database = await testDatabase<Database>();
  const store = await testBlobs();
  opened.push(database.close, store.close);
  const { db } = database;
  deps = { series: createSeriesReader({ db, blobs: store.blobs, now }) };
  context = () => fixtureContext<never>(db, { tenantId, now });
  await putBars(db, { instrumentId: "A.TEST", lotSize: "1" }, "1d", wave(11, 100));
  await putBars(db, { instrumentId: "B.TEST" }, "1d", wave(17, 40));
  await putBars(db, { instrumentId: "C.TEST", currency: "EUR" }, "1d", wave(23, 10));
  await putBars(
    db,
    { instrumentId: "EURUSD.TEST", assetClass: "fx" },
    "1d",
    wave(31, 1.1).map(([at, o, h, l, c, v]) => [at - dayMs, o, h, l, c, v] as const),
  );
});

afterAll(async () => {
  for (const close of opened) await close();
});

async function run(payload: object) {
  const ctx = context();
  const result = await runPortfolioBacktest(deps, PortfolioBacktestPayload.parse(payload), ctx);
  return { result: portfolioBacktest.result.parse(result), ctx };
}

const rotation = {
  instruments: ["A.TEST", "B.TEST", "C.TEST"],
  strategy: { name: "momentumRotation", params: { window: 20, hold: 1, every: 5 } },
  rates: { EUR: "EURUSD.TEST" },
  costs: { takerBps: 5, minFee: 1, spreadBps: 2, conversionBps: 3, debitRate: 0.05 },
};

test("rotates over three instruments in two currencies, and the books agree", async () => {
  const { result, ctx } = await run(rotation);
  expect(result.instruments.map((one) => one.instrumentId)).toEqual(["A.TEST", "B.TEST", "C.TEST"]);
  expect(result.roundTrips).toBeGreaterThan(10);
  expect(result.fillCount).toBeGreaterThanOrEqual(result.roundTrips);
  expect(Number(result.ledgerGap)).toBeLessThanOrEqual(result.ledgerBound);
  expect(result.ledgerBound).toBeLessThan(0.005);
  expect(result.statistics.finalEquity).toBe(result.curve.at(-1)!.equity);
  expect(result.statistics.feesPaid).toBeGreaterThan(result.fillCount * 0.9);
  expect(Number.isInteger(result.instruments[0]!.position)).toBe(true);
  expect(result.benchmark.trades).toBe(3);
  expect(ctx.inputs).toHaveLength(4);
});

test("the order of the instruments changes nothing", async () => {
  const forward = await run(rotation);
  const backward = await run({
    ...rotation,
    instruments: rotation.instruments.toReversed(),
    baseCurrency: "USD",
  });
  expect(backward.result).toEqual(forward.result);
});

test("a cap on volume leaves orders partly filled for later bars", async () => {
  const free = await run({ ...rotation, initialCash: "1000000" });
  const capped = await run({
    ...rotation,
    initialCash: "1000000",
    costs: { ...rotation.costs, volumeShare: 0.05 },
  });
  expect(capped.result.fillCount).toBeGreaterThan(free.result.fillCount);
});

test.each([
  ["a currency without rates", { ...rotation, rates: {} }, "payload.invalid", "rates.EUR"],
  [
    "an unknown strategy",
    { ...rotation, strategy: { name: "magic" } },
    "payload.invalid",
    "there are equalWeight",
  ],
  [
    "an instrument that is not there",
    { ...rotation, instruments: ["A.TEST", "NOPE"] },
    "symbol.unknown",
    "NOPE",
  ],
  [
    "one instrument twice",
    { ...rotation, instruments: ["A.TEST", "A.TEST"] },
    "payload.invalid",
    "given twice",
  ],
  ["no cash", { ...rotation, initialCash: "0" }, "payload.invalid", "initialCash"],
])("refuses %s", async (_name, payload, code, text) => {
  await expect(run(payload)).rejects.toMatchObject({ code, message: expect.stringContaining(text) });
});

test("a window longer than the data: no trade, and a warning that says so", async () => {
  const { result } = await run({
    ...rotation,
    strategy: { name: "momentumRotation", params: { window: 1_000 } },
  });
  expect(result.roundTrips).toBe(0);
  expect(result.warnings[0]).toContain("never placed an order");
});
