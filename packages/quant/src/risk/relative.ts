/** Statistics of a series of simple returns against a benchmark. */
import { requireRange, requireSameLength, requireSeries, requireVariation } from "../error.ts";
import { correlation, covariance, mean, standardDeviation, variance } from "../statistics/moments.ts";
import { cagr } from "./performance.ts";

export interface RelativePerformance {
  readonly beta: number;
  /** Intercept of the regression of r on the benchmark, per period. */
  readonly alpha: number;
  /** alpha x periods per year. */
  readonly alphaAnnual: number;
  /** (1 + alpha)^(periods per year) - 1. */
  readonly alphaAnnualCompounded: number;
  readonly alphaTStat: number | null;
  /** Null where the returns do not vary. */
  readonly correlation: number | null;
  readonly rSquared: number | null;
  readonly trackingErrorAnnual: number;
  readonly informationRatioPerPeriod: number | null;
  readonly informationRatio: number | null;
  /** CAGR on the benchmark's days above (below) 0 over the benchmark's own there. */
  readonly upCapture: number | null;
  readonly downCapture: number | null;
  /** The same with mean returns. */
  readonly upCaptureArithmetic: number | null;
  readonly downCaptureArithmetic: number | null;
  readonly upDays: number;
  readonly downDays: number;
  readonly treynor: number | null;
  /** Standard deviation of the regression's residuals (n - 2), annualised. */
  readonly residualVolatilityAnnual: number;
}

/** cov(r, b) / var(b). @throws QuantError unequalLengths, tooFew below 2, notFinite, undefined for a constant benchmark. */
export function beta(returns: Float64Array, benchmark: Float64Array): number {
  requireSameLength(returns, benchmark, "returns and benchmark");
  requireSeries(returns, "returns", 2);
  requireSeries(benchmark, "benchmark", 2);
  requireVariation(benchmark, "benchmark");
  return covariance(returns, benchmark) / variance(benchmark);
}

/**
 * Statistics of returns [n] against a benchmark's [n], risk-free rate 0.
 * @throws QuantError tooFew below 3, notFinite, unequalLengths, undefined for a constant benchmark.
 */
export function relativePerformance(
  returns: Float64Array,
  benchmark: Float64Array,
  periodsPerYear = 252,
): RelativePerformance {
  requireSameLength(returns, benchmark, "returns and benchmark");
  requireSeries(returns, "returns", 3);
  requireSeries(benchmark, "benchmark", 3);
  requireRange(periodsPerYear, "periodsPerYear", 0, Infinity, true);
  requireVariation(benchmark, "benchmark");
  const spread = variance(benchmark);
  const n = returns.length;
  const b = covariance(returns, benchmark) / spread;
  const m = mean(benchmark);
  const alpha = mean(returns) - b * m;
  const active = returns.map((r, i) => r - benchmark[i]!);
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (returns[i]! - alpha - b * benchmark[i]!) ** 2;
  const error = squares / (n - 2);
  const tracking = standardDeviation(active);
  const year = Math.sqrt(periodsPerYear);
  const information = tracking > 0 ? mean(active) / tracking : null;
  const varies = returns.some((r) => r !== returns[0]);
  const corr = varies ? correlation(returns, benchmark) : null;
  return {
    beta: b,
    alpha,
    alphaAnnual: alpha * periodsPerYear,
    alphaAnnualCompounded: (1 + alpha) ** periodsPerYear - 1,
    alphaTStat: error > 0 ? alpha / Math.sqrt(error * (1 / n + (m * m) / (spread * (n - 1)))) : null,
    correlation: corr,
    rSquared: corr === null ? null : corr * corr,
    trackingErrorAnnual: tracking * year,
    informationRatioPerPeriod: information,
    informationRatio: information === null ? null : information * year,
    ...captures(returns, benchmark, periodsPerYear),
    treynor: b === 0 ? null : (mean(returns) * periodsPerYear) / b,
    residualVolatilityAnnual: Math.sqrt(error) * year,
  };
}

function captures(returns: Float64Array, benchmark: Float64Array, periodsPerYear: number) {
  const capture = (side: number) => {
    const own = returns.filter((_, i) => side * benchmark[i]! > 0);
    const base = benchmark.filter((v) => side * v > 0);
    const days = own.length;
    return {
      days,
      compounded: days > 0 ? cagr(own, periodsPerYear) / cagr(base, periodsPerYear) : null,
      arithmetic: days > 0 ? mean(own) / mean(base) : null,
    };
  };
  const up = capture(1);
  const down = capture(-1);
  return {
    upCapture: up.compounded,
    downCapture: down.compounded,
    upCaptureArithmetic: up.arithmetic,
    downCaptureArithmetic: down.arithmetic,
    upDays: up.days,
    downDays: down.days,
  };
}
