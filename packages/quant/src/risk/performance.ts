/** Performance statistics of a series of simple returns. Drawdowns are positive fractions; wealth starts at 1. */
import { requireRange, requireSeries } from "../error.ts";
import { mean, quantileSorted, shapeOf, sorted, standardDeviation } from "../statistics/moments.ts";

/** A maximal run of days under water. Indices are those of wealth: 0 is before the first return. */
export interface DrawdownEpisode {
  readonly peak: number;
  readonly trough: number;
  /** First index back at the peak; null while it lasts. */
  readonly recovery: number | null;
  readonly depth: number;
}

export interface Drawdowns {
  /** [n + 1]: 1, then the compounded wealth after each return. */
  readonly wealth: Float64Array;
  /** [n + 1]: 1 - wealth / highest wealth so far. */
  readonly drawdown: Float64Array;
  readonly episodes: readonly DrawdownEpisode[];
}

/** Wealth, drawdown and episodes under water of simple returns (each > -1 unless all is lost). */
export function drawdownsOf(returns: Float64Array): Drawdowns {
  requireSeries(returns, "returns", 1);
  const n = returns.length;
  const wealth = new Float64Array(n + 1);
  const drawdown = new Float64Array(n + 1);
  wealth[0] = 1;
  let peak = 1;
  for (let i = 0; i < n; i++) {
    const w = wealth[i]! * (1 + returns[i]!);
    wealth[i + 1] = w;
    if (w > peak) peak = w;
    drawdown[i + 1] = 1 - w / peak;
  }
  const episodes: DrawdownEpisode[] = [];
  for (let i = 0; i <= n; i++) {
    if (!(drawdown[i]! > 0)) continue;
    const first = i;
    let trough = i;
    while (i <= n && drawdown[i]! > 0) {
      if (drawdown[i]! > drawdown[trough]!) trough = i;
      i++;
    }
    const recovery = i <= n ? i : null;
    episodes.push({ peak: first - 1, trough, recovery, depth: drawdown[trough]! });
  }
  return { wealth, drawdown, episodes };
}

/** Compounded total return of simple returns. */
export function totalReturn(returns: Float64Array): number {
  requireSeries(returns, "returns", 1);
  let wealth = 1;
  for (let i = 0; i < returns.length; i++) wealth *= 1 + returns[i]!;
  return wealth - 1;
}

/** Compound annual growth rate: wealth^(periods per year / n) - 1; -1 once all is lost. */
export function cagr(returns: Float64Array, periodsPerYear: number): number {
  requireRange(periodsPerYear, "periodsPerYear", 0, Number.MAX_VALUE, true);
  return Math.max(1 + totalReturn(returns), 0) ** (periodsPerYear / returns.length) - 1;
}

/** Omega ratio: Σ max(r - L, 0) / Σ max(L - r, 0); null where nothing is below the threshold L. */
export function omega(returns: Float64Array, threshold = 0): number | null {
  requireSeries(returns, "returns", 1);
  let above = 0;
  let below = 0;
  for (let i = 0; i < returns.length; i++) {
    const d = returns[i]! - threshold;
    if (d > 0) above += d;
    else below -= d;
  }
  return ratio(above, below);
}

/** √ of the mean over ALL returns of min(r - target, 0)², per period. */
export function downsideDeviation(returns: Float64Array, target = 0): number {
  requireSeries(returns, "returns", 1);
  let sum = 0;
  for (let i = 0; i < returns.length; i++) {
    const d = Math.min(returns[i]! - target, 0);
    sum += d * d;
  }
  return Math.sqrt(sum / returns.length);
}

/** Sharpe ratio per period: mean of r - riskFree over its standard deviation (ddof 1); null without variation. */
export function sharpePerPeriod(returns: Float64Array, riskFree = 0): number | null {
  requireSeries(returns, "returns", 2);
  return ratio(mean(returns) - riskFree, deviation(returns, 1));
}

/** Standard deviation; 0 where all returns are equal, whatever the rounding of their mean says. */
function deviation(returns: Float64Array, ddof: number): number {
  return returns.every((r) => r === returns[0]) ? 0 : standardDeviation(returns, ddof);
}

function ratio(above: number, below: number): number | null {
  return below > 0 ? above / below : null;
}

export interface Performance {
  readonly n: number;
  readonly totalReturn: number;
  readonly cagr: number;
  readonly mean: number;
  readonly meanAnnual: number;
  /** Standard deviation, ddof 1, per period and times √(periods per year). */
  readonly volatility: number;
  readonly volatilityAnnual: number;
  readonly sharpePerPeriod: number | null;
  readonly sharpe: number | null;
  /** The Sharpe ratio with ddof 0. */
  readonly sharpePopulation: number | null;
  readonly downsideDeviationAnnual: number;
  readonly sortino: number | null;
  readonly calmar: number | null;
  readonly omega: number | null;
  readonly maxDrawdown: number;
  /** The deepest episode; its peak is the first index at which the maximum was reached. Null without drawdown. */
  readonly deepest: DrawdownEpisode | null;
  /** Longest episode in periods from its peak, to the end of the sample where it lasts. */
  readonly longestUnderwater: number;
  readonly averageDrawdown: number;
  readonly averageEpisodeDepth: number | null;
  /** √ of the mean squared drawdown over the n periods. */
  readonly ulcerIndex: number;
  readonly ulcerPerformanceIndex: number | null;
  readonly painIndex: number;
  /** |95 % quantile| / |5 % quantile|, type 7. */
  readonly tailRatio: number | null;
  /** Of `shapeOf`; null without variation. */
  readonly skew: number | null;
  readonly skewUnbiased: number | null;
  readonly excessKurtosis: number | null;
  readonly excessKurtosisUnbiased: number | null;
  readonly best: number;
  readonly worst: number;
  readonly positiveShare: number;
  readonly profitFactor: number | null;
  readonly jarqueBera: number | null;
  readonly episodes: readonly DrawdownEpisode[];
}

/**
 * Performance statistics of simple returns [n], annualised by `periodsPerYear` (252 for daily equities, 365 for daily
 * crypto). Risk-free rate 0. Ratios without a denominator are null, never infinite.
 * @throws QuantError tooFew below 4 returns, notFinite, outOfRange.
 */
export function performanceOf(returns: Float64Array, periodsPerYear = 252): Performance {
  requireSeries(returns, "returns", 4);
  requireRange(periodsPerYear, "periodsPerYear", 0, Number.MAX_VALUE, true);
  const n = returns.length;
  const m = mean(returns);
  const year = Math.sqrt(periodsPerYear);
  const volatility = deviation(returns, 1);
  const down = downsideDeviation(returns);
  const growth = cagr(returns, periodsPerYear);
  const drawn = summary(drawdownsOf(returns));
  const ascending = sorted(returns);
  return {
    n,
    totalReturn: totalReturn(returns),
    cagr: growth,
    mean: m,
    meanAnnual: m * periodsPerYear,
    volatility,
    volatilityAnnual: volatility * year,
    sharpePerPeriod: ratio(m, volatility),
    sharpe: ratio(m * year, volatility),
    sharpePopulation: ratio(m * year, deviation(returns, 0)),
    downsideDeviationAnnual: down * year,
    sortino: ratio(m * year, down),
    calmar: ratio(growth, drawn.maxDrawdown),
    ulcerPerformanceIndex: ratio(growth, drawn.ulcerIndex),
    tailRatio: ratio(Math.abs(quantileSorted(ascending, 0.95)), Math.abs(quantileSorted(ascending, 0.05))),
    ...drawn,
    ...shapes(returns, volatility),
    ...gains(returns),
    best: ascending[n - 1]!,
    worst: ascending[0]!,
  };
}

function shapes(returns: Float64Array, volatility: number) {
  if (volatility === 0) {
    const none = { skew: null, skewUnbiased: null, excessKurtosis: null, excessKurtosisUnbiased: null };
    return { ...none, jarqueBera: null };
  }
  const shape = shapeOf(returns);
  const jarqueBera = (returns.length / 6) * (shape.skew ** 2 + shape.excessKurtosis ** 2 / 4);
  return { ...shape, jarqueBera };
}

function summary({ wealth, drawdown, episodes }: Drawdowns) {
  const n = drawdown.length - 1;
  let sum = 0;
  let squares = 0;
  for (let i = 1; i <= n; i++) {
    sum += drawdown[i]!;
    squares += drawdown[i]! ** 2;
  }
  const worst = episodes.reduce<DrawdownEpisode | null>(
    (a, e) => (a !== null && a.depth >= e.depth ? a : e),
    null,
  );
  const lasted = (e: DrawdownEpisode): number => (e.recovery ?? n) - e.peak;
  return {
    maxDrawdown: worst?.depth ?? 0,
    deepest: worst && { ...worst, peak: wealth.indexOf(wealth[worst.peak]!) },
    longestUnderwater: episodes.reduce((a, e) => Math.max(a, lasted(e)), 0),
    averageDrawdown: sum / n,
    averageEpisodeDepth: ratio(
      episodes.reduce((a, e) => a + e.depth, 0),
      episodes.length,
    ),
    ulcerIndex: Math.sqrt(squares / n),
    painIndex: sum / n,
    episodes,
  };
}

function gains(returns: Float64Array) {
  let won = 0;
  let lost = 0;
  let wins = 0;
  for (let i = 0; i < returns.length; i++) {
    const r = returns[i]!;
    if (r > 0) {
      won += r;
      wins++;
    } else lost -= r;
  }
  return { omega: ratio(won, lost), positiveShare: wins / returns.length, profitFactor: ratio(won, lost) };
}
