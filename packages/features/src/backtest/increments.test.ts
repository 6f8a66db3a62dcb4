import { newId } from "@tapedeck/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSeriesWriter } from "../series/writer.ts";
import { backtestFixture } from "./backtest.fixture.ts";
import { fixtureContext, putBars } from "./books.fixture.ts";
import type { FixtureBar } from "./books.fixture.ts";
import { backtest, BacktestPayload } from "./contract.ts";
import { runBacktest } from "./run.ts";

/** What an instrument asks of orders, on both paths of a run. */
const tenantId = newId(0);
const dayMs = 86_400_000;
const now = () => Date.UTC(2026, 0, 2);
const opened: Array<() => Promise<void>> = [];
let deps: Parameters<typeof runBacktest>[0] & { db: Parameters<typeof putBars>[0] };

/** A wave in steps of 0.05. */
const bars: FixtureBar[] = Array.from({ length: 60 }, (_, i) => {
  const close = Math.round(20 * (100 + 8 * Math.sin(i / 4))) / 20;
  return [i * dayMs, close, close + 0.4, close - 0.4, close, 1_000] as const;
});

beforeAll(async () => {
  const fixture = await backtestFixture({ now });
  opened.push(fixture.close);
  const { db } = fixture;
  ({ deps } = fixture);
  const facts = { assetClass: "crypto", calendar: "24x7", tickSize: "0.05", minNotional: "500" } as const;
  await putBars(db, { instrumentId: "COIN.TEST", ...facts }, "1d", bars);
  await putBars(db, { instrumentId: "SPLIT.TEST", ...facts }, "1d", bars);
  await db.transaction().execute(async (tx) => {
    const target = {
      space: "shared",
      instrumentId: "SPLIT.TEST",
      timeframe: "1d",
      jobId: newId(0),
      recordedMs: 0,
    };
    const split = { amount: null, currency: null, priceRatio: null, splitRatio: null };
    await createSeriesWriter({ db }).writeActions(tx, target, [
      { exMs: 3 * dayMs, kind: "split", ratio: 3, ...split },
    ]);
  });
});

afterAll(async () => {
  for (const close of opened) await close();
});

async function run(payload: object) {
  const asked = BacktestPayload.parse({
    instrumentId: "COIN.TEST",
    strategy: {
      kind: "rules",
      entry: "crossover(close, sma(close, 5))",
      exit: "crossunder(close, sma(close, 5))",
    },
    sizing: { kind: "fixedCash", amount: "5000" },
    costs: { feeBps: 0, slippageBps: 3.3 },
    ...payload,
  });
  return backtest.result.parse(
    await runBacktest(deps, asked, fixtureContext<never>(deps.db, { tenantId, now })),
  );
}

async function pricesOf(runId: string): Promise<number[]> {
  const rows = await deps.db
    .selectFrom("backtestTrades")
    .select(["entryPrice", "exitPrice"])
    .where("runId", "=", runId)
    .execute();
  return rows.flatMap(({ entryPrice, exitPrice }) =>
    exitPrice === null ? [entryPrice] : [entryPrice, exitPrice],
  );
}

test("fills of rules are on the tick, on both paths alike", async () => {
  const fast = await run({});
  expect(fast.engine).toBe("fast");
  const prices = await pricesOf(fast.runId);
  expect(prices.length).toBeGreaterThan(0);
  for (const price of prices) expect(price).toBe(Math.round(price * 20) / 20);
  // A stop that is never met takes the engine with the order book.
  const event = await run({ protection: { trailingAmount: 1_000 } });
  expect(event.engine).toBe("event");
  expect(await pricesOf(event.runId)).toEqual(prices);
  expect(fast.assumptions.join(" ")).toContain("on the tick of 0.05");
});

test("entries below the least notional are refused, counted and named", async () => {
  for (const protection of [{}, { trailingAmount: 1_000 }]) {
    const result = await run({ sizing: { kind: "fixedCash", amount: "400" }, protection });
    expect(result.tradeCount).toBe(0);
    expect(result.neverTraded).toContain("below the least notional");
    expect(result.warnings.join(" ")).toMatch(/[1-9]\d* below the least notional/);
  }
});

test("prices that a split has adjusted are on no tick; as traded they are", async () => {
  const adjusted = await run({ instrumentId: "SPLIT.TEST" });
  expect(adjusted.assumptions.join(" ")).toContain("no tick");
  const raw = await run({ instrumentId: "SPLIT.TEST", adjustment: "raw" });
  expect(raw.assumptions.join(" ")).toContain("on the tick of 0.05");
});
