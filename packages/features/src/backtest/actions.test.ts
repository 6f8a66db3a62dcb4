import { newId } from "@tapedeck/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSeriesWriter } from "../series/writer.ts";
import { BiasAuditPayload, biasAudit } from "./audit/contract.ts";
import { runBiasAudit } from "./audit/run.ts";
import { backtestFixture } from "./backtest.fixture.ts";
import { fixtureContext, putBars } from "./books.fixture.ts";
import type { FixtureBar } from "./books.fixture.ts";
import { backtest, BacktestPayload } from "./contract.ts";
import { PortfolioBacktestPayload } from "./portfolio/contract.ts";
import { runPortfolioBacktest } from "./portfolio/run.ts";
import { backtestRouteHandlers } from "./read.ts";
import { runBacktest } from "./run.ts";

/** Prices as traded: splits and dividends on their days. */
const tenantId = newId(0);
const dayMs = 86_400_000;
const now = () => Date.UTC(2026, 0, 2);
const opened: Array<() => Promise<void>> = [];
let deps: Parameters<typeof runBacktest>[0] & { db: Parameters<typeof putBars>[0] };

const [splitDay, dividendDay] = [30, 45];
/** `price` a share before the split of three for one, a third of it after. */
const splitBars = (price: (i: number) => number): FixtureBar[] =>
  Array.from({ length: 60 }, (_, i) => {
    const close = i < splitDay ? price(i) : price(i) / 3;
    return [i * dayMs, close, close * 1.01, close * 0.99, close, 9_000] as const;
  });

beforeAll(async () => {
  const fixture = await backtestFixture({ now });
  opened.push(fixture.close);
  const { db } = fixture;
  ({ deps } = fixture);
  const facts = { assetClass: "fund", calendar: "24x7" } as const;
  const none = { currency: null, priceRatio: null, splitRatio: null };
  for (const [instrumentId, price] of [
    ["FLAT.TEST", () => 90],
    ["WAVE.TEST", (i: number) => 90 + 12 * Math.sin(i / 2)],
  ] as const) {
    await putBars(db, { instrumentId, ...facts }, "1d", splitBars(price));
    await db.transaction().execute((tx) =>
      createSeriesWriter({ db }).writeActions(
        tx,
        { space: "shared", instrumentId, timeframe: "1d", jobId: newId(0), recordedMs: 0 },
        [
          { exMs: splitDay * dayMs, kind: "split", ratio: 3, amount: null, ...none },
          { exMs: dividendDay * dayMs, kind: "dividend", ratio: null, amount: 0.5, ...none },
        ],
      ),
    );
  }
});

afterAll(async () => {
  for (const close of opened) await close();
});

const context = () => fixtureContext<never>(deps.db, { tenantId, now });
const free = { feeBps: 0, slippageBps: 0 };

async function run(payload: object) {
  const asked = BacktestPayload.parse({ adjustment: "raw", costs: free, ...payload });
  return backtest.result.parse(await runBacktest(deps, asked, context()));
}

test("a split moves the units, a dividend the cash, and neither is a gain or a loss", async () => {
  const result = await run({
    instrumentId: "FLAT.TEST",
    // Formulas see the price adjusted for the split.
    strategy: { kind: "rules", entry: "close == 30", exit: "close != 30" },
    sizing: { kind: "fixedQuantity", quantity: "10" },
  });
  expect(result.engine).toBe("event");
  expect(result.tradeCount).toBe(1);
  expect(result.statistics.finalEquity).toBe(100_000 + 30 * 0.5);
  expect(result.statistics.maxDrawdown).toBe(0);
  // All the cash at 90, three for one, half a unit of money each.
  expect(result.benchmark.finalEquity).toBeCloseTo(100_000 + (100_000 / 90) * 3 * 0.5, 6);
  expect(result.ledgerGap).toBe("0");
  expect(result.warnings.join(" ")).not.toContain("split");
  expect(result.assumptions.join(" ")).toContain("splits and dividends move positions and cash");
  const { points } = await backtestRouteHandlers.getBacktestEquity(
    deps,
    {
      params: { id: result.runId },
      query: { points: 100 },
      body: undefined,
      request: new Request("http://localhost/"),
    },
    { principalId: "u", kind: "user", tenantId, role: "viewer", requestId: "r" },
  );
  expect(points.map(({ position }) => position)).toEqual(
    Array.from({ length: 60 }, (_, i) => (i < 1 ? 0 : i < splitDay ? 10 : 30)),
  );
});

const crossings = {
  kind: "rules",
  entry: "crossover(close, sma(close, 5))",
  exit: "crossunder(close, sma(close, 5))",
} as const;

test.each([
  ["all the cash", {}],
  ["with protection", { protection: { stopLoss: 0.04, takeProfit: 0.05 } }],
  ["by risk", { sizing: { kind: "fixedFractional", fraction: 0.02 }, protection: { stopLoss: 0.05 } }],
])("the run of one instrument is that of a portfolio of one: %s", async (_, terms) => {
  const single = await run({ instrumentId: "WAVE.TEST", strategy: crossings, ...terms });
  expect(single.tradeCount).toBeGreaterThan(2);
  const asked = PortfolioBacktestPayload.parse({
    instruments: ["WAVE.TEST"],
    adjustment: "raw",
    strategy: crossings,
    sizing: { kind: "fractionOfEquity", fraction: 1 },
    costs: { takerBps: 0, makerBps: 0, slippage: { kind: "fixed", bps: 0 } },
    ...terms,
  });
  const portfolio = await runPortfolioBacktest(deps, asked, context());
  expect(portfolio.fillCount).toBe(single.fillCount);
  expect(single.statistics.finalEquity).toBeCloseTo(portfolio.statistics.finalEquity, 6);
});

describe("without dividends held, the run is that on adjusted prices", () => {
  test("signals and returns", async () => {
    const toMs = dividendDay * dayMs;
    const raw = await run({ instrumentId: "WAVE.TEST", strategy: crossings, toMs });
    const split = await run({ instrumentId: "WAVE.TEST", strategy: crossings, toMs, adjustment: "split" });
    expect(raw.conditions).toEqual(split.conditions);
    expect(raw.fillCount).toBe(split.fillCount);
    expect(raw.statistics.finalEquity).toBeCloseTo(split.statistics.finalEquity, 6);
  });
});

test("the audit of a run in prices as traded passes", async () => {
  const payload = { instrumentId: "WAVE.TEST", adjustment: "raw", strategy: crossings, cuts: 10 };
  const result = biasAudit.result.parse(await runBiasAudit(deps, BiasAuditPayload.parse(payload), context()));
  expect(result.passed).toBe(true);
  expect(result.checks.find(({ name }) => name === "splits")).toMatchObject({ outcome: "pass" });
});
