/** Memory, normality and mean reversion of a single series. */
import { QuantError, requireSeries, requireWhole } from "../error.ts";
import { chiSquareSf } from "./distributions.ts";
import { mean, shapeOf, standardDeviation } from "./moments.ts";
import type { Line } from "./regression.ts";
import { leastSquares, ols, ones } from "./regression.ts";

export interface Test {
  readonly statistic: number;
  readonly p: number;
}

/** Autocorrelations at lags 0 .. `lags` from biased autocovariances (divided by n). */
export function autocorrelations(x: Float64Array, lags: number): Float64Array {
  requireSeries(x, "series", 3);
  requireWhole(lags, "lags", 0, x.length - 1);
  const m = mean(x);
  const d = x.map((v) => v - m);
  const out = new Float64Array(lags + 1);
  for (let k = 0; k <= lags; k++) {
    let s = 0;
    for (let t = k; t < d.length; t++) s += d[t]! * d[t - k]!;
    out[k] = s;
  }
  const base = out[0]!;
  if (!(base > 0)) throw new QuantError("undefined", "the series does not vary: it has no correlations");
  return out.map((v) => v / base);
}

/** Partial autocorrelations at lags 0 .. `lags` by Yule-Walker (Levinson and Durbin, biased autocovariances). */
export function partialAutocorrelations(x: Float64Array, lags: number): Float64Array {
  const r = autocorrelations(x, lags);
  const out = new Float64Array(lags + 1);
  out[0] = 1;
  let phi = new Float64Array(lags + 1);
  let error = 1;
  for (let k = 1; k <= lags; k++) {
    let s = r[k]!;
    for (let j = 1; j < k; j++) s -= phi[j]! * r[k - j]!;
    const a = s / error;
    const next = Float64Array.from(phi);
    next[k] = a;
    for (let j = 1; j < k; j++) next[j] = phi[j]! - a * phi[k - j]!;
    phi = next;
    error *= 1 - a * a;
    out[k] = a;
  }
  return out;
}

/** Partial autocorrelations by least squares: the last coefficient of x on a constant and its own k values. */
export function partialAutocorrelationsOls(x: Float64Array, lags: number): Float64Array {
  requireSeries(x, "series", 3);
  requireWhole(lags, "lags", 0, Math.floor(x.length / 2) - 1);
  return Float64Array.from({ length: lags + 1 }, (_, k) => {
    if (k === 0) return 1;
    const own = Array.from({ length: k }, (__, j) => x.slice(k - j - 1, x.length - j - 1));
    const now = x.slice(k);
    return leastSquares(now, [ones(now.length), ...own]).coefficients[k]!;
  });
}

export interface Portmanteau {
  readonly ljungBox: Test;
  readonly boxPierce: Test;
}

/** Ljung-Box n(n+2) Σ r²/(n-k) and Box-Pierce n Σ r² over `lags` autocorrelations, chi-square with `lags` df. */
export function portmanteauTest(x: Float64Array, lags: number): Portmanteau {
  requireWhole(lags, "lags", 1);
  const r = autocorrelations(x, lags);
  const n = x.length;
  let lb = 0;
  let bp = 0;
  for (let k = 1; k <= lags; k++) {
    lb += (r[k]! * r[k]!) / (n - k);
    bp += r[k]! * r[k]!;
  }
  const test = (statistic: number): Test => ({ statistic, p: chiSquareSf(statistic, lags) });
  return { ljungBox: test(n * (n + 2) * lb), boxPierce: test(n * bp) };
}

/** Jarque-Bera n/6 (S² + K²/4) on population moments, chi-square with 2 df. */
export function jarqueBeraTest(x: Float64Array): Test {
  requireSeries(x, "series", 4);
  const { skew, excessKurtosis } = shapeOf(x);
  if (!Number.isFinite(skew)) throw new QuantError("undefined", "the series does not vary: it has no shape");
  const statistic = (x.length / 6) * (skew * skew + (excessKurtosis * excessKurtosis) / 4);
  return { statistic, p: chiSquareSf(statistic, 2) };
}

export interface ArchTest {
  readonly lm: Test;
  readonly f: Test;
}

/** Engle's ARCH-LM: n R² and F of x² on a constant and its own `lags` values (x is not demeaned). */
export function archTest(x: Float64Array, lags: number): ArchTest {
  requireSeries(x, "series", 3 * lags + 3);
  requireWhole(lags, "lags", 1);
  const squares = x.map((v) => v * v);
  const own = Array.from({ length: lags }, (_, j) => squares.slice(lags - j - 1, x.length - j - 1));
  const fit = ols(squares.slice(lags), own);
  const statistic = (x.length - lags) * fit.rSquared;
  return { lm: { statistic, p: chiSquareSf(statistic, lags) }, f: { statistic: fit.f, p: fit.fP } };
}

/** Slope and intercept of the least-squares line through points. */
function lineThrough(x: Float64Array, y: Float64Array): Line {
  const [intercept, slope] = leastSquares(y, [ones(x.length), x]).coefficients as unknown as [number, number];
  return { slope, intercept };
}

export interface RescaledRange extends Line {
  readonly sizes: readonly number[];
  readonly means: Float64Array;
}

/**
 * Hurst exponent (`slope`) by rescaled range: over whole chunks of 16, 32 .. 512 returns, the mean of the range of
 * cumulated deviations over the population standard deviation; slope of its logarithm on that of the size.
 * Biased upward in small chunks: compare it with what a shuffled series gives. Source: Hurst 1951, Mandelbrot 1972.
 */
export function rescaledRange(returns: Float64Array): RescaledRange {
  requireSeries(returns, "returns", 64);
  const sizes = [16, 32, 64, 128, 256, 512].filter((k) => 2 * k <= returns.length);
  const means = Float64Array.from(sizes, (size) => {
    let sum = 0;
    let count = 0;
    for (let j = 0; (j + 1) * size <= returns.length; j++) {
      const chunk = returns.subarray(j * size, (j + 1) * size);
      const sd = standardDeviation(chunk, 0);
      if (!(sd > 0)) continue;
      sum += rangeOfSums(chunk) / sd;
      count++;
    }
    if (count === 0) throw new QuantError("undefined", `no chunk of ${size} returns varies`);
    return sum / count;
  });
  const line = lineThrough(Float64Array.from(sizes, Math.log), means.map(Math.log));
  return { ...line, sizes, means };
}

function rangeOfSums(x: Float64Array): number {
  const m = mean(x);
  let sum = 0;
  let low = Infinity;
  let high = -Infinity;
  for (const v of x) {
    sum += v - m;
    low = Math.min(low, sum);
    high = Math.max(high, sum);
  }
  return high - low;
}

/**
 * Hurst exponent (`slope`) of a level by the spread of its differences: slope of ln(population sd of x[t+k] - x[t]) on
 * ln k, k = least .. most. Another estimator than the rescaled range.
 */
export function hurstOfLags(x: Float64Array, least = 2, most = 20): Line {
  requireWhole(least, "least", 1);
  requireWhole(most, "most", least + 1);
  requireSeries(x, "series", most + 2);
  const lags = Float64Array.from({ length: most - least + 1 }, (_, i) => least + i);
  const spread = lags.map((k) => {
    const sd = standardDeviation(
      Float64Array.from({ length: x.length - k }, (_, t) => x[t + k]! - x[t]!),
      0,
    );
    if (!(sd > 0)) throw new QuantError("undefined", `differences over ${k} bars do not vary`);
    return Math.log(sd);
  });
  return lineThrough(lags.map(Math.log), spread);
}

export interface HalfLife {
  readonly intercept: number;
  /** λ in Δs = a + λ s(-1). */
  readonly lambda: number;
  readonly standardError: number;
  readonly t: number;
  /** -ln 2 / ln(1 + λ) bars; null where the series does not revert (λ outside (-1, 0)). */
  readonly halfLife: number | null;
}

/** Half-life of mean reversion of a spread, in bars. */
export function halfLifeOf(spread: Float64Array): HalfLife {
  requireSeries(spread, "spread", 4);
  const before = spread.slice(0, -1);
  const fit = ols(
    before.map((v, i) => spread[i + 1]! - v),
    [before],
  );
  const lambda = fit.coefficients[1]!;
  return {
    intercept: fit.coefficients[0]!,
    lambda,
    standardError: fit.standardErrors[1]!,
    t: fit.t[1]!,
    halfLife: lambda > -1 && lambda < 0 ? -Math.LN2 / Math.log1p(lambda) : null,
  };
}
