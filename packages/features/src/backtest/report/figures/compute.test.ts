import { seededRandom } from "@tapedeck/core";
import { expect, test } from "vitest";
import type { BacktestTrade, Statistics } from "../../contract.ts";
import { computeReport } from "./compute.ts";
import type { ReportInput } from "./compute.ts";

const dayMs = 86_400_000;
const barsPerYear = 252;

/** Geometric walks of strategy and benchmark over weekdays from 2019 on. */
function walks(bars: number, seed = 1) {
  const random = seededRandom(seed, "walks");
  const closeMs = new Float64Array(bars);
  const equity = new Float64Array(bars);
  const benchmark = new Float64Array(bars);
  let [day, own, base] = [Date.UTC(2019, 0, 1), 100_000, 100_000];
  for (let i = 0; i < bars; i++) {
    const market = 0.0004 + 0.02 * (random() - 0.5);
    base *= 1 + market;
    own *= 1 + 0.6 * market + 0.01 * (random() - 0.48);
    // Closes at midnight: the last of a month's is the first moment of the next.
    day += dayMs;
    closeMs[i] = day;
    equity[i] = own;
    benchmark[i] = base;
  }
  return { closeMs, equity, benchmark };
}

const statistics = {
  sharpe: 1.2,
  returns: 499,
  skewness: -0.3,
  kurtosis: 4.5,
  barsPerYear,
} as Statistics;

function inputOf(bars: number, more: Partial<ReportInput> = {}): ReportInput {
  return {
    ...walks(bars),
    initialCash: 100_000,
    barsPerYear,
    riskFreeRate: 0.02,
    statistics,
    trades: [],
    volumeShares: new Float64Array(0),
    ...more,
  };
}

const returnsOf = (curve: Float64Array) =>
  [...curve].map((value, i) => value / (i === 0 ? 100_000 : curve[i - 1]!) - 1);
const meanOf = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const covarianceOf = (a: number[], b: number[]) =>
  a.reduce((sum, value, i) => sum + (value - meanOf(a)) * (b[i]! - meanOf(b)), 0) / (a.length - 1);

test("months compound to their year, and years to the total return", () => {
  const input = inputOf(1_000);
  const { years } = computeReport(input);
  expect(years.map((row) => row.year)).toEqual([2019, 2020, 2021]);
  for (const row of years) {
    const compounded = row.months.reduce<number>((wealth, month) => wealth * (1 + (month ?? 0)), 1) - 1;
    expect(compounded).toBeCloseTo(row.total, 12);
  }
  const total = years.reduce((wealth, row) => wealth * (1 + row.total), 1) - 1;
  expect(total).toBeCloseTo(input.equity.at(-1)! / 100_000 - 1, 12);
  expect(years.at(-1)!.months.slice(9)).toEqual([null, null, null]);
});

test("a close at midnight of 1 February belongs to January", () => {
  const { years } = computeReport(
    inputOf(3, {
      closeMs: Float64Array.of(Date.UTC(2024, 0, 31), Date.UTC(2024, 1, 1), Date.UTC(2024, 1, 2)),
      equity: Float64Array.of(110_000, 121_000, 60_500),
      benchmark: Float64Array.of(1, 1, 1),
    }),
  );
  expect(years).toHaveLength(1);
  expect(years[0]!.months.slice(0, 3)).toEqual([expect.closeTo(0.21, 12), expect.closeTo(-0.5, 12), null]);
});

test("figures against the benchmark are those of the regression of excess returns", () => {
  const input = inputOf(800);
  const { relative } = computeReport(input);
  const riskFree = 0.02 / barsPerYear;
  const own = returnsOf(input.equity).map((r) => r - riskFree);
  const base = returnsOf(input.benchmark).map((r) => r - riskFree);
  const active = own.map((r, i) => r - base[i]!);
  const beta = covarianceOf(own, base) / covarianceOf(base, base);
  expect(relative.beta).toBeCloseTo(beta, 10);
  expect(relative.alpha).toBeCloseTo((meanOf(own) - beta * meanOf(base)) * barsPerYear, 10);
  expect(relative.trackingError).toBeCloseTo(Math.sqrt(covarianceOf(active, active) * barsPerYear), 10);
  expect(relative.informationRatio).toBeCloseTo(
    (meanOf(active) / Math.sqrt(covarianceOf(active, active))) * Math.sqrt(barsPerYear),
    10,
  );
  const rose = own.filter((_, i) => base[i]! > 0);
  expect(relative.upCapture).toBeCloseTo(meanOf(rose) / meanOf(base.filter((r) => r > 0)), 10);
});

test("the rolling ratio ends with that of the last window", () => {
  const input = inputOf(1_200);
  const { rolling } = computeReport(input);
  expect(rolling!.windowBars).toBe(252);
  expect(rolling!.atMs[0]).toBe(input.closeMs[251]);
  expect(rolling!.atMs.at(-1)).toBe(input.closeMs[1_199]);
  const last = returnsOf(input.equity).slice(-252);
  const sharpe =
    ((meanOf(last) - 0.02 / barsPerYear) / Math.sqrt(covarianceOf(last, last))) * Math.sqrt(barsPerYear);
  expect(rolling!.strategy.at(-1)).toBeCloseTo(sharpe, 10);
  expect(rolling!.strategy).toHaveLength(rolling!.atMs.length);
});

test("regimes part the bars after the first hundred, whatever the market does later", () => {
  const input = inputOf(900);
  const { regimes } = computeReport(input);
  expect(regimes.reduce((sum, row) => sum + row.bars, 0)).toBe(800);
  expect(regimes.reduce((sum, row) => sum + row.share, 0)).toBeCloseTo(1, 12);
  const wealth = regimes.reduce((product, row) => product * (1 + row.totalReturn), 1);
  expect(wealth).toBeCloseTo(input.equity[899]! / input.equity[99]!, 10);
  // A market that rises by a wobble each bar is never below its mean.
  let level = 100_000;
  const rising = Float64Array.from({ length: 900 }, (_, i) => (level *= 1.001 + 0.0001 * (i % 3)));
  const steady = computeReport(inputOf(900, { benchmark: rising })).regimes;
  expect(steady.filter((row) => row.name.startsWith("falling")).map((row) => row.bars)).toEqual([0, 0]);
});

test("drawdowns are the deepest, with their ends", () => {
  const { drawdowns } = computeReport(
    inputOf(6, { equity: Float64Array.of(95_000, 101_000, 90_900, 102_000, 51_000, 60_000) }),
  );
  expect(drawdowns.map(({ depth }) => depth)).toEqual([
    expect.closeTo(0.5, 12),
    expect.closeTo(0.1, 12),
    expect.closeTo(0.05, 12),
  ]);
  const { closeMs } = walks(6);
  expect(drawdowns[0]).toMatchObject({ peakMs: closeMs[3], troughMs: closeMs[4], recoveryMs: null, bars: 2 });
  expect(drawdowns[1]).toMatchObject({ peakMs: closeMs[1], troughMs: closeMs[2], recoveryMs: closeMs[3] });
  expect(drawdowns[2]).toMatchObject({ peakMs: null, troughMs: closeMs[0], recoveryMs: closeMs[1] });
});

test("capacity is the cash at which a heavy fill takes a twentieth of its bar", () => {
  const volumeShares = Float64Array.from({ length: 101 }, (_, i) => i / 10_000);
  volumeShares[50] = Number.NaN;
  const { capacity } = computeReport(inputOf(50, { volumeShares }));
  expect(capacity.fills).toBe(100);
  expect(capacity.largestShare).toBe(0.01);
  // At the 95th percentile of the shares without 0.005, a fill takes 0.9505 % of its bar.
  expect(capacity.highShare).toBeCloseTo(0.009505, 12);
  expect(capacity.cash).toBeCloseTo((100_000 * 0.05) / 0.009505, 4);
  expect(computeReport(inputOf(50)).capacity).toMatchObject({ cash: null, fills: 0 });
});

test("inference is that of the formulas of Bailey and López de Prado", () => {
  const { inference } = computeReport(inputOf(500));
  const sharpe = 1.2 / Math.sqrt(barsPerYear);
  const spread = 1 + 0.3 * sharpe + (3.5 / 4) * sharpe ** 2;
  expect(inference.sharpePerBar).toBeCloseTo(sharpe, 12);
  // Φ⁻¹(0.95) squared.
  expect(inference.minimumTrackRecordBars).toBeCloseTo(
    1 + (spread * 1.6448536269514722 ** 2) / sharpe ** 2,
    6,
  );
  // z = 1.660…, whose normal probability is between those of 1.66 and 1.67.
  const z = (sharpe * Math.sqrt(498)) / Math.sqrt(spread);
  expect(z).toBeGreaterThan(1.66);
  expect(z).toBeLessThan(1.67);
  expect(inference.probabilisticSharpe).toBeGreaterThan(0.9515);
  expect(inference.probabilisticSharpe).toBeLessThan(0.9526);
});

test("best and worst trades are those that earned and lost most, and no loss is among the best", () => {
  const trades = [5, -3, 2, -8, 0, 1].map((profit, k) => ({ number: k + 1, profit }) as BacktestTrade);
  const { best, worst } = computeReport(inputOf(50, { trades }));
  expect(best.map((trade) => trade.profit)).toEqual([5, 2, 1]);
  expect(worst.map((trade) => trade.profit)).toEqual([-8, -3]);
});

test("a run that lost everything has no ratios, and one too short no tables", () => {
  const equity = walks(400).equity;
  equity[399] = 0;
  expect(computeReport(inputOf(400, { equity }))).toMatchObject({
    relative: { alpha: null, beta: null },
    years: [],
    rolling: null,
    regimes: [],
    drawdowns: [],
  });
  expect(computeReport(inputOf(100))).toMatchObject({ rolling: null, regimes: [] });
});
