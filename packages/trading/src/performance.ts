import type { FillColumns, SimulatedTrade } from "./simulate.ts";
import { timeframeMs } from "@tapedeck/core";
import { calendarOf } from "./calendar/index.ts";
import type { CalendarName } from "./calendar/index.ts";

/** Fewer returns than this say nothing: ratios are null. */
export const leastReturns = 30;

const yearMs = 365.25 * 86_400_000;

/** Annualisation: the calendar's sessions a year, and the bars that fit into them; 52 weeks and 12 months for all. */
export function barsPerYear(calendar: CalendarName, timeframe: string): number {
  const count = Number.parseInt(timeframe, 10);
  if (timeframe.endsWith("mo")) return 12 / count;
  if (timeframe.endsWith("w")) return 52 / count;
  const { sessionsPerYear, sessionMs } = calendarOf(calendar);
  if (timeframe.endsWith("d")) return sessionsPerYear / count;
  return (sessionsPerYear * sessionMs) / timeframeMs(timeframe);
}

export interface PerformanceInput {
  /** At each bar's close, `[n]`; starts at `initialCash` before the first bar. */
  equity: Float64Array;
  position: Float64Array;
  closeMs: Float64Array;
  initialCash: number;
  trades: readonly SimulatedTrade[];
  fills: FillColumns;
  barsPerYear: number;
  /** Annual fraction. */
  riskFreeRate: number;
}

export interface Performance {
  finalEquity: number;
  totalReturn: number;
  cagr: number | null;
  volatility: number | null;
  sharpe: number | null;
  sortino: number | null;
  calmar: number | null;
  maxDrawdown: number;
  maxDrawdownPeakMs: number | null;
  maxDrawdownTroughMs: number | null;
  maxDrawdownRecoveryMs: number | null;
  longestDrawdownBars: number;
  bestBarReturn: number | null;
  worstBarReturn: number | null;
  skewness: number | null;
  kurtosis: number | null;
  exposure: number;
  trades: number;
  openTrades: number;
  winRate: number | null;
  profitFactor: number | null;
  expectancy: number | null;
  averageWin: number | null;
  averageLoss: number | null;
  averageBarsHeld: number | null;
  turnover: number | null;
  feesPaid: number;
  slippagePaid: number;
  costShare: number | null;
  returns: number;
  barsPerYear: number;
}

/**
 * The standard statistics of one equity curve. Returns are simple, one a bar, from the first bar's close on;
 * standard deviations have ddof 1; ratios are null below `leastReturns` returns, without variance, or once
 * equity has not been positive. Drawdown is in [0, 1], its peak starts at the initial cash.
 */
export function computePerformance(input: PerformanceInput): Performance {
  const { equity, closeMs, initialCash } = input;
  const n = equity.length;
  if (n === 0) throw new RangeError("there is no bar");
  const finalEquity = equity[n - 1]!;
  const moments = computeMoments(equity, input.riskFreeRate / input.barsPerYear);
  const enough = moments.count >= leastReturns && moments.positive;
  const varies = enough && moments.deviation > 1e-15;
  const root = Math.sqrt(input.barsPerYear);
  const years = (closeMs[n - 1]! - closeMs[0]!) / yearMs;
  const cagr = enough && years > 0 ? (finalEquity / initialCash) ** (1 / years) - 1 : null;
  const drawdown = computeDrawdown(equity, closeMs, initialCash);
  return {
    finalEquity,
    totalReturn: finalEquity / initialCash - 1,
    cagr,
    volatility: enough ? moments.deviation * root : null,
    sharpe: varies ? (moments.excess / moments.deviation) * root : null,
    sortino: enough && moments.downside > 1e-15 ? (moments.excess / moments.downside) * root : null,
    calmar: cagr !== null && drawdown.maxDrawdown > 0 ? cagr / drawdown.maxDrawdown : null,
    ...drawdown,
    bestBarReturn: moments.positive && moments.count > 0 ? moments.best : null,
    worstBarReturn: moments.positive && moments.count > 0 ? moments.worst : null,
    skewness: varies ? moments.skewness : null,
    kurtosis: varies ? moments.kurtosis : null,
    ...tradeStatistics(input.trades, n),
    ...costStatistics(input, years),
    exposure: exposureOf(input.position),
    returns: moments.count,
    barsPerYear: input.barsPerYear,
  };
}

function computeMoments(equity: Float64Array, riskFree: number) {
  const count = equity.length - 1;
  let positive = equity[0]! > 0;
  let sum = 0;
  let best = -Infinity;
  let worst = Infinity;
  for (let i = 1; i <= count; i++) {
    if (!(equity[i]! > 0)) positive = false;
    const r = equity[i]! / equity[i - 1]! - 1;
    sum += r;
    if (r > best) best = r;
    if (r < worst) worst = r;
  }
  const mean = sum / count;
  let second = 0;
  let third = 0;
  let fourth = 0;
  let down = 0;
  for (let i = 1; i <= count; i++) {
    const r = equity[i]! / equity[i - 1]! - 1;
    const d = r - mean;
    const below = Math.min(r - riskFree, 0);
    second += d * d;
    third += d * d * d;
    fourth += d * d * d * d;
    down += below * below;
  }
  const variance = second / count;
  return {
    count,
    positive,
    best,
    worst,
    excess: mean - riskFree,
    deviation: Math.sqrt(second / (count - 1)),
    downside: Math.sqrt(down / count),
    skewness: third / count / variance ** 1.5,
    kurtosis: fourth / count / (variance * variance),
  };
}

function computeDrawdown(equity: Float64Array, closeMs: Float64Array, initialCash: number) {
  let peak = initialCash;
  let peakBar = 0;
  let maxDrawdown = 0;
  let worstPeakBar = -1;
  let troughBar = -1;
  let worstPeak = 0;
  let longest = 0;
  for (let i = 0; i < equity.length; i++) {
    const value = equity[i]!;
    if (value >= peak) {
      // Two highs in a row have nothing between them; else the bar of recovery counts too.
      if (i - peakBar > 1 && i - peakBar > longest) longest = i - peakBar;
      peak = value;
      peakBar = i;
      continue;
    }
    if (i - peakBar > longest) longest = i - peakBar;
    const drawdown = Math.min(1, 1 - value / peak);
    if (drawdown > maxDrawdown) {
      maxDrawdown = drawdown;
      worstPeakBar = peakBar;
      worstPeak = peak;
      troughBar = i;
    }
  }
  let recoveryMs: number | null = null;
  for (let i = troughBar + 1; troughBar >= 0 && i < equity.length; i++) {
    if (equity[i]! >= worstPeak) {
      recoveryMs = closeMs[i]!;
      break;
    }
  }
  return {
    maxDrawdown,
    maxDrawdownPeakMs: troughBar < 0 ? null : closeMs[worstPeakBar]!,
    maxDrawdownTroughMs: troughBar < 0 ? null : closeMs[troughBar]!,
    maxDrawdownRecoveryMs: recoveryMs,
    longestDrawdownBars: longest,
  };
}

function tradeStatistics(trades: readonly SimulatedTrade[], bars: number) {
  let wins = 0;
  let losses = 0;
  let gained = 0;
  let lost = 0;
  let held = 0;
  let open = 0;
  for (const trade of trades) {
    held += (trade.exitBar < 0 ? bars - 1 : trade.exitBar) - trade.entryBar;
    if (trade.exitBar < 0) open++;
    else if (trade.profit > 0) {
      wins++;
      gained += trade.profit;
    } else {
      if (trade.profit < 0) losses++;
      lost -= trade.profit;
    }
  }
  const closed = trades.length - open;
  return {
    trades: trades.length,
    openTrades: open,
    winRate: closed > 0 ? wins / closed : null,
    profitFactor: lost > 0 ? gained / lost : null,
    expectancy: closed > 0 ? (gained - lost) / closed : null,
    averageWin: wins > 0 ? gained / wins : null,
    averageLoss: losses > 0 ? -lost / losses : null,
    averageBarsHeld: trades.length > 0 ? held / trades.length : null,
  };
}

function costStatistics(input: PerformanceInput, years: number) {
  const { fills, equity } = input;
  let fees = 0;
  let slippage = 0;
  let traded = 0;
  for (let k = 0; k < fills.count; k++) {
    fees += fills.fee[k]!;
    slippage += fills.slippage[k]!;
    traded += Math.abs(fills.quantity[k]!) * fills.price[k]!;
  }
  let sum = 0;
  for (let i = 0; i < equity.length; i++) sum += equity[i]!;
  const meanEquity = sum / equity.length;
  const gross = equity[equity.length - 1]! - input.initialCash + fees + slippage;
  return {
    feesPaid: fees,
    slippagePaid: slippage,
    turnover: years > 0 && meanEquity > 0 ? traded / years / meanEquity : null,
    costShare: Math.abs(gross) > 1e-9 * input.initialCash ? (fees + slippage) / Math.abs(gross) : null,
  };
}

function exposureOf(position: Float64Array): number {
  let bars = 0;
  for (let i = 0; i < position.length; i++) bars += +(position[i] !== 0);
  return bars / position.length;
}
