/** Value at risk and expected shortfall from fitted or assumed distributions: positive numbers for losses. */
import { QuantError, requireRange, requireSeries, requireWhole } from "../error.ts";
import { normalPdf, normalQuantile, studentPdf, studentQuantile } from "../statistics/distributions.ts";
import type { GarchParameters } from "../statistics/garch.ts";
import { garchBackcast, garchVariances } from "../statistics/garch.ts";
import type { StudentFit } from "../statistics/fits.ts";
import { minimise } from "../statistics/minimise.ts";
import { createNormals } from "../statistics/normals.ts";
import {
  mean,
  quantile,
  quantileSorted,
  shapeOf,
  sortLowest,
  standardDeviation,
} from "../statistics/moments.ts";
import type { TailRisk } from "./historical.ts";
import { historicalRisk, shortfallSorted, tailShare } from "./historical.ts";

/** Normal with the sample's mean and standard deviation (ddof 1). */
export function normalRisk(returns: Float64Array, level: number): TailRisk {
  requireSeries(returns, "returns", 2);
  const share = tailShare(level);
  const z = normalQuantile(share);
  const sd = standardDeviation(returns);
  const m = mean(returns);
  return { valueAtRisk: -(m + z * sd), expectedShortfall: -(m - (sd * normalPdf(z)) / share) };
}

export interface CornishFisherRisk extends TailRisk {
  /** The expanded quantile. */
  readonly z: number;
  /** False where the expansion is not monotone, so that its quantiles cannot be trusted. */
  readonly monotone: boolean;
}

/**
 * Cornish-Fisher expansion of the normal quantile by population skewness S and excess kurtosis K:
 * z + (z²-1) S/6 + (z³-3z) K/24 - (2z³-5z) S²/36. ES is the mean of the expansion over the tail, in closed form.
 * Source: Favre and Galeano 2002.
 */
export function cornishFisherRisk(returns: Float64Array, level: number): CornishFisherRisk {
  requireSeries(returns, "returns", 4);
  const share = tailShare(level);
  const { skew: s, excessKurtosis: k } = shapeOf(returns);
  if (!Number.isFinite(s)) throw new QuantError("undefined", "returns do not vary: their shape is undefined");
  const z = normalQuantile(share);
  const f = normalPdf(z) / share;
  const expand = (m1: number, m2: number, m3: number): number =>
    m1 + ((m2 - 1) * s) / 6 + ((m3 - 3 * m1) * k) / 24 - ((2 * m3 - 5 * m1) * s * s) / 36;
  const m = mean(returns);
  const sd = standardDeviation(returns);
  const zc = expand(z, z * z, z ** 3);
  // Slope of the expansion, a parabola in z, must be positive everywhere.
  const a = k / 8 - (s * s) / 6;
  const c = 1 - k / 8 + (5 * s * s) / 36;
  return {
    z: zc,
    monotone: a > 0 ? (s * s) / 9 < 4 * a * c : a === 0 && s === 0,
    valueAtRisk: -(m + zc * sd),
    expectedShortfall: -(m + sd * expand(-f, 1 - z * f, -(z * z + 2) * f)),
  };
}

/** VaR and ES of a fitted Student t. ES is infinite, hence refused, at df <= 1. */
export function studentRisk(fit: StudentFit, level: number): TailRisk {
  requireRange(fit.location, "location", -Number.MAX_VALUE, Number.MAX_VALUE);
  requireRange(fit.scale, "scale", 0, Number.MAX_VALUE);
  if (fit.df <= 1)
    throw new QuantError("undefined", `the tail mean is infinite at ${fit.df} degrees of freedom`);
  const share = tailShare(level);
  const t = studentQuantile(share, fit.df);
  const tail = (((fit.df + t * t) / (fit.df - 1)) * studentPdf(t, fit.df)) / share;
  return {
    valueAtRisk: -(fit.location + fit.scale * t),
    expectedShortfall: -(fit.location - fit.scale * tail),
  };
}

/**
 * EWMA variances [n + 1], zero mean: v[0] = r[0]², v[t+1] = λ v[t] + (1-λ) r[t]²; the last is the forecast.
 * Source: RiskMetrics 1996.
 */
export function ewmaVariances(returns: Float64Array, lambda = 0.94): Float64Array {
  requireSeries(returns, "returns", 1);
  requireRange(lambda, "lambda", 0, 1, true);
  const out = new Float64Array(returns.length + 1);
  out[0] = returns[0]! ** 2;
  for (let t = 0; t < returns.length; t++) {
    out[t + 1] = lambda * out[t]! + (1 - lambda) * returns[t]! ** 2;
  }
  return out;
}

/** Normal with zero mean and the EWMA forecast variance. */
export function ewmaRisk(returns: Float64Array, level: number, lambda = 0.94): TailRisk {
  const sd = Math.sqrt(ewmaVariances(returns, lambda)[returns.length]!);
  const share = tailShare(level);
  const z = normalQuantile(share);
  return { valueAtRisk: -z * sd, expectedShortfall: (sd * normalPdf(z)) / share };
}

/**
 * Filtered historical simulation: the historical VaR and ES of the standardised residuals of a GARCH(1,1), scaled by
 * the forecast volatility. Parameters and result are in the units of `returns`.
 * Source: Barone-Adesi, Giannopoulos and Vosper 1999.
 */
export function filteredHistoricalRisk(
  returns: Float64Array,
  garch: GarchParameters,
  level: number,
  backcast = garchBackcast(returns),
): TailRisk {
  requireSeries(returns, "returns", 20);
  const variances = garchVariances(returns, garch, backcast);
  const z = returns.map((r, t) => (r - garch.mu) / Math.sqrt(variances[t]!));
  const tail = historicalRisk(z, level);
  const sigma = Math.sqrt(variances[returns.length]!);
  return {
    valueAtRisk: -garch.mu + sigma * tail.valueAtRisk,
    expectedShortfall: -garch.mu + sigma * tail.expectedShortfall,
  };
}

export interface ParetoFit {
  readonly threshold: number;
  readonly exceedances: number;
  readonly n: number;
  readonly xi: number;
  readonly beta: number;
  readonly logLikelihood: number;
}

/**
 * Peaks over threshold: the generalised Pareto distribution of losses strictly above their `thresholdLevel` quantile
 * (type 7), by maximum likelihood. Source: McNeil, Frey and Embrechts 2005, section 5.2.
 * @throws QuantError tooFew below 20 exceedances.
 */
export function fitPareto(returns: Float64Array, thresholdLevel = 0.95): ParetoFit {
  requireSeries(returns, "returns", 20);
  requireRange(thresholdLevel, "thresholdLevel", 0, 1, true);
  const losses = returns.map((r) => -r);
  const threshold = quantile(losses, thresholdLevel);
  const y = losses.filter((l) => l > threshold).map((l) => l - threshold);
  if (y.length < 20) {
    throw new QuantError("tooFew", `${y.length} losses exceed the threshold; at least 20 are needed`);
  }
  const scale = mean(y);
  const found = minimise(
    (u, g) => {
      const xi = u[0]!;
      const beta = scale * Math.exp(u[1]!);
      let logs = 0;
      let byXi = 0;
      let byBeta = 0;
      for (let i = 0; i < y.length; i++) {
        const z = y[i]! / beta;
        const q = 1 + xi * z;
        if (!(q > 0)) return Infinity;
        const l = Math.log(q);
        // As ξ tends to 0 the distribution tends to the exponential: use the series of ln(1 + ξz)/ξ there.
        const small = Math.abs(xi * z) < 1e-5;
        logs += small ? z - (xi * z * z) / 2 + l : l / xi + l;
        byXi += (small ? -(z * z) / 2 + (2 * xi * z ** 3) / 3 : z / (xi * q) - l / (xi * xi)) + z / q;
        byBeta += ((1 + xi) * z) / q;
      }
      g[0] = byXi / y.length;
      g[1] = 1 - byBeta / y.length;
      return Math.log(beta) + logs / y.length;
    },
    Float64Array.of(0.1, 0),
    1e-15,
  );
  return {
    threshold,
    exceedances: y.length,
    n: returns.length,
    xi: found.x[0]!,
    beta: scale * Math.exp(found.x[1]!),
    logLikelihood: -found.value * y.length,
  };
}

/** VaR = u + β/ξ ((n/Nu (1-level))^-ξ - 1), ES = VaR/(1-ξ) + (β - ξu)/(1-ξ), beyond the threshold's level, ξ < 1. */
export function paretoRisk(fit: ParetoFit, level: number): TailRisk {
  requireWhole(fit.exceedances, "exceedances", 1);
  requireWhole(fit.n, "n", fit.exceedances);
  requireRange(fit.threshold, "threshold", -Number.MAX_VALUE, Number.MAX_VALUE);
  requireRange(fit.beta, "beta", 0, Number.MAX_VALUE);
  requireRange(fit.xi, "xi", -Number.MAX_VALUE, Number.MAX_VALUE);
  const ratio = (fit.n / fit.exceedances) * tailShare(level);
  if (ratio > 1) {
    throw new QuantError("outOfRange", `level ${level} is inside the threshold; use a historical VaR there`);
  }
  if (fit.xi >= 1) throw new QuantError("undefined", `the tail mean is infinite at xi ${fit.xi}`);
  const grown = Math.abs(fit.xi) < 1e-12 ? -Math.log(ratio) : Math.expm1(-fit.xi * Math.log(ratio)) / fit.xi;
  const valueAtRisk = fit.threshold + fit.beta * grown;
  return {
    valueAtRisk,
    expectedShortfall: (valueAtRisk + fit.beta - fit.xi * fit.threshold) / (1 - fit.xi),
  };
}

export interface DiffusionSettings {
  /** Drift and volatility of the logarithm's diffusion, a year. */
  readonly drift: number;
  readonly volatility: number;
  readonly horizonYears: number;
  readonly steps: number;
  readonly paths: number;
}

/**
 * Simulated VaR and ES of the simple return over a horizon of geometric Brownian motion, every path by `steps` steps of
 * its own normals. `random` gives numbers in [0, 1); the same numbers give the same result.
 */
export function simulatedRisk(settings: DiffusionSettings, level: number, random: () => number): TailRisk {
  const { drift, volatility, horizonYears, steps, paths } = settings;
  requireRange(drift, "drift", -Number.MAX_VALUE, Number.MAX_VALUE);
  requireWhole(steps, "steps", 1, 1_000_000);
  requireWhole(paths, "paths", 2, 50_000_000);
  requireRange(volatility, "volatility", 0, Number.MAX_VALUE);
  requireRange(horizonYears, "horizonYears", 0, Number.MAX_VALUE, true);
  const share = tailShare(level);
  const scale = volatility * Math.sqrt(horizonYears / steps);
  const shift = (drift - 0.5 * volatility * volatility) * horizonYears;
  if (shift + 40 * volatility * Math.sqrt(horizonYears) > 700) {
    throw new QuantError("outOfRange", "drift and volatility grow beyond all numbers; shorten horizonYears");
  }
  const outcomes = new Float64Array(paths);
  const fill = createNormals(random);
  const draws = new Float64Array(steps);
  // Many calls of a short loop run faster than one long loop, which is compiled while it runs.
  for (let from = 0; from < paths; from += 512) walk(outcomes.subarray(from, from + 512), fill, draws);
  for (let i = 0; i < paths; i++) outcomes[i] = Math.expm1(shift + scale * outcomes[i]!);
  sortLowest(outcomes, Math.min(Math.floor(paths * share) + 2, paths));
  return {
    valueAtRisk: -quantileSorted(outcomes, share),
    expectedShortfall: shortfallSorted(outcomes, level),
  };
}

/** Writes the ends of random walks, each the sum of freshly filled draws. */
function walk(ends: Float64Array, fill: (draws: Float64Array) => void, draws: Float64Array): void {
  for (let i = 0; i < ends.length; i++) {
    fill(draws);
    ends[i] = sumOf(draws);
  }
}

/** Sum by four partial sums, which do not wait for each other. */
function sumOf(x: Float64Array): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  const whole = x.length - (x.length % 4);
  for (let i = 0; i < whole; i += 4) {
    a += x[i]!;
    b += x[i + 1]!;
    c += x[i + 2]!;
    d += x[i + 3]!;
  }
  for (let i = whole; i < x.length; i++) a += x[i]!;
  return a + b + (c + d);
}
