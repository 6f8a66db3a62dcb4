import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { barsPerYear, computePerformance, leastReturns } from "./performance.ts";
import { createSimulation, positionColumn, runSimulation, signalBits, tradesOf } from "./simulate.ts";

const root = resolve(import.meta.dirname, "../../..");
const golden = resolve(root, process.env["GOLDEN_DIR"] ?? "../shared/golden", "risk");
const day = 86_400_000;

const noFills = () => createSimulation(empty, new Uint8Array(0), noTrade).fills;
const empty = {
  open: new Float64Array(0),
  high: new Float64Array(0),
  low: new Float64Array(0),
  close: new Float64Array(0),
};
const noTrade = {
  initialCash: 1,
  sizing: { kind: "fractionOfEquity" as const, value: 1 },
  lotSize: 0,
  feeRate: 0,
  feePerUnit: 0,
  minFee: 0,
  slippageRate: 0,
  slippagePerUnit: 0,
  tickSize: 0,
  minNotional: 0,
  stopLoss: 0,
  takeProfit: 0,
  trailingStop: 0,
  maxBars: 0,
};

function measure(equity: number[], options: { closeMs?: Float64Array; riskFreeRate?: number } = {}) {
  return computePerformance({
    equity: Float64Array.from(equity),
    position: new Float64Array(equity.length),
    closeMs: options.closeMs ?? Float64Array.from(equity, (_, i) => i * day),
    initialCash: equity[0]!,
    trades: [],
    fills: noFills(),
    barsPerYear: 252,
    riskFreeRate: options.riskFreeRate ?? 0,
  });
}

describe.skipIf(!existsSync(golden) && process.env["CI"] !== "true")(
  "against reference statistics (left out where the reference values are absent)",
  () => {
    const read = <T>(file: string) => JSON.parse(readFileSync(resolve(golden, file), "utf8")) as T;

    test.each(["SPY", "AAPL"])("%s, 4,088 daily returns", (name) => {
      const input = read<{ dates: string[]; returns: Record<string, number[]> }>("returns.json");
      const want = read<Record<string, Record<string, number | string>>>("performance.json")[name]!;
      const equity = [1];
      for (const r of input.returns[name]!) equity.push(equity.at(-1)! * (1 + r));
      // The reference counts its years from the first return's date.
      const closeMs = Float64Array.from([input.dates[0]!, ...input.dates], (date) => Date.parse(date));
      const got = measure(equity, { closeMs });
      const near = (value: number | null, key: string, shift = 0) =>
        expect(Math.abs(value! - shift - (want[key] as number)), key).toBeLessThan(
          1e-9 * Math.abs(want[key] as number),
        );
      near(got.totalReturn, "totalReturn");
      near(got.cagr, "cagrCalendar");
      near(got.volatility, "volAnnual");
      near(got.sharpe, "sharpe");
      near(got.sortino, "sortino");
      near(got.maxDrawdown, "maxDrawdown");
      near(got.skewness, "skew");
      near(got.kurtosis, "excessKurtosis", 3);
      near(got.bestBarReturn, "best");
      near(got.worstBarReturn, "worst");
      expect(got.longestDrawdownBars).toBe(want["longestUnderwaterPeriods"]);
      const date = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString().slice(0, 10));
      expect(date(got.maxDrawdownPeakMs)).toBe(want["maxDrawdownPeakDate"]);
      expect(date(got.maxDrawdownTroughMs)).toBe(want["maxDrawdownTroughDate"]);
      expect(date(got.maxDrawdownRecoveryMs)).toBe(want["maxDrawdownRecoveryDate"]);
    });
  },
);

describe("edges", () => {
  test("too few returns say nothing", () => {
    const few = measure(Array.from({ length: leastReturns }, (_, i) => 100 + (i % 3)));
    expect(few).toMatchObject({
      returns: leastReturns - 1,
      sharpe: null,
      sortino: null,
      volatility: null,
      cagr: null,
    });
    const enough = measure(Array.from({ length: leastReturns + 1 }, (_, i) => 100 + (i % 3)));
    expect(enough.sharpe).not.toBeNull();
  });

  test("no variance is no infinite Sharpe", () => {
    expect(measure(Array.from({ length: 50 }, () => 100))).toMatchObject({
      sharpe: null,
      sortino: null,
      calmar: null,
      volatility: 0,
      maxDrawdown: 0,
      maxDrawdownPeakMs: null,
    });
  });

  test("the risk-free rate lowers the Sharpe by rate / volatility", () => {
    const equity = Array.from({ length: 200 }, (_, i) => 100 * 1.001 ** i * (1 + 0.01 * (i % 2)));
    const zero = measure(equity);
    const five = measure(equity, { riskFreeRate: 0.05 });
    expect(zero.sharpe! - five.sharpe!).toBeCloseTo(0.05 / zero.volatility!, 10);
  });

  test("equity below zero leaves ratios undefined and the drawdown at one", () => {
    const lost = measure(Array.from({ length: 60 }, (_, i) => 100 - 2 * i));
    expect(lost).toMatchObject({ sharpe: null, cagr: null, bestBarReturn: null, maxDrawdown: 1 });
  });

  test("a loss on the first bar is already a drawdown", () => {
    const first = computePerformance({
      equity: Float64Array.from([90, 95]),
      position: new Float64Array(2),
      closeMs: Float64Array.from([0, day]),
      initialCash: 100,
      trades: [],
      fills: noFills(),
      barsPerYear: 252,
      riskFreeRate: 0,
    });
    expect(first.maxDrawdown).toBeCloseTo(0.1, 15);
  });

  test("trades, turnover, exposure and costs by hand", () => {
    const prices = Float64Array.from([10, 10, 12, 12, 9, 9]);
    const columns = { open: prices, high: prices, low: prices, close: prices };
    const { entryLong, exitLong } = signalBits;
    const settings = {
      ...noTrade,
      initialCash: 1_000,
      sizing: { kind: "fixedQuantity" as const, value: 10 },
      feeRate: 0.01,
    };
    const simulation = createSimulation(
      columns,
      Uint8Array.from([entryLong, exitLong, entryLong, exitLong, 0, 0]),
      settings,
    );
    runSimulation(simulation, 0, 6);
    const got = computePerformance({
      equity: simulation.equity,
      position: positionColumn(simulation.fills, simulation.equity.length),
      closeMs: Float64Array.from([0, 1, 2, 3, 4, 5], (i) => i * 73.05 * day),
      initialCash: 1_000,
      trades: tradesOf(simulation.fills, 9),
      fills: simulation.fills,
      barsPerYear: 252,
      riskFreeRate: 0,
    });
    // Bought 10 at 10, sold at 12, bought at 12, sold at 9: 20 - 30, fees 1 + 1.2 + 1.2 + 0.9.
    expect(got.finalEquity).toBeCloseTo(985.7, 10);
    expect(got).toMatchObject({
      trades: 2,
      openTrades: 0,
      winRate: 0.5,
      averageBarsHeld: 1,
      exposure: 2 / 6,
    });
    expect(got.feesPaid).toBeCloseTo(4.3, 12);
    expect(got.profitFactor).toBeCloseTo(17.8 / 32.1, 12);
    expect(got.expectancy).toBeCloseTo(-7.15, 12);
    expect(got.costShare).toBeCloseTo(4.3 / 10, 10);
    const mean = simulation.equity.reduce((sum, value) => sum + value, 0) / 6;
    expect(got.turnover).toBeCloseTo(430 / 1 / mean, 10);
  });
});

test.each([
  ["XNYS", "1d", 252],
  ["XNYS", "1w", 52],
  ["XNYS", "1mo", 12],
  ["XNYS", "1h", 252 * 6.5],
  ["XNYS", "30m", 252 * 13],
  ["24x5", "1d", 261],
  ["24x7", "1d", 365],
  ["24x7", "1h", 8_760],
  ["24x7", "5d", 73],
] as const)("bars a year: %s %s", (calendar, timeframe, bars) => {
  expect(barsPerYear(calendar, timeframe)).toBeCloseTo(bars, 9);
});
