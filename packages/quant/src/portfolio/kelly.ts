/** Fractions of capital that let it grow fastest in the long run. */
import { QuantError, requireRange, requireSeries } from "../error.ts";
import { solve } from "../statistics/linear.ts";
import { findRoot } from "../statistics/minimise.ts";
import { requireCovariance, requireFinite, requirePerAsset, requireReturns } from "./checks.ts";
import { addGram, mirrorLower } from "./gram.ts";
import type { Row } from "./rows.ts";
import { denseSystem } from "./rows.ts";
import { solveProgramme } from "./programme.ts";

/** max(0, p - (1 - p) / odds): a bet won with probability p that pays `odds` times the stake. Source: Kelly (1956). */
export function kellyBinary(probability: number, odds: number): number {
  requireRange(probability, "probability", 0, 1);
  requireRange(odds, "odds", 0, Infinity, true);
  return Math.max(0, probability - (1 - probability) / odds);
}

/** (mean - riskFree) / variance, all per the same period: exact for continuous trading of a lognormal price. */
export function kellyGaussian(mean: number, variance: number, riskFree = 0): number {
  requireFinite(mean, "mean");
  requireFinite(riskFree, "riskFree");
  requireRange(variance, "variance", 0, Infinity, true);
  return (mean - riskFree) / variance;
}

export interface KellyFraction {
  /** May exceed 1 (leverage). */
  readonly fraction: number;
  /** mean ln(1 + fraction x return) per period. */
  readonly growth: number;
}

/**
 * The fraction f >= 0 that maximises mean ln(1 + f r) over past returns while every 1 + f r is positive.
 * @throws QuantError undefined where no return is below 0: growth has no limit.
 */
export function kellyEmpirical(returns: Float64Array): KellyFraction {
  requireSeries(returns, "returns", 2);
  const worst = returns.reduce((a, b) => Math.min(a, b), Infinity);
  if (worst >= 0) {
    throw new QuantError(
      "undefined",
      "no return is below 0, so that no fraction is the largest; take more data",
    );
  }
  const slope = (f: number): number => returns.reduce((s, r) => s + r / (1 + f * r), 0) / returns.length;
  const fraction = slope(0) <= 0 ? 0 : findRoot(slope, 0, (1 - 1e-9) / -worst);
  return { fraction, growth: returns.reduce((s, r) => s + Math.log1p(fraction * r), 0) / returns.length };
}

/** S^-1 (means - riskFree): unconstrained weights of a Gaussian market, not normalised; half of them is half Kelly. */
export function kellyWeights(means: Float64Array, covariance: Float64Array, riskFree = 0): Float64Array {
  const k = requireCovariance(covariance);
  requirePerAsset(means, "means", k);
  requireFinite(riskFree, "riskFree");
  return solve(
    covariance,
    k,
    means.map((v) => v - riskFree),
  );
}

export interface KellyPortfolio {
  readonly weights: Float64Array;
  /** mean ln(1 + r'w) per period. */
  readonly growth: number;
}

const ITERATIONS = 100;

/**
 * Long-only weights of sum <= leverage that maximise mean ln(1 + r'w) over returns [n, assets]: Newton's method, each
 * step a quadratic programme, shortened while it does not raise the growth.
 * @throws QuantError tooFew, undefined where leverage meets no loss.
 */
export function kellyPortfolio(returns: Float64Array, assets: number, leverage = 1): KellyPortfolio {
  requireRange(leverage, "leverage", 0, Infinity, true);
  const n = requireReturns(returns, assets, assets + 1);
  const growths = new Float64Array(n);
  const weights = new Float64Array(assets);
  const trial = new Float64Array(assets);
  let growth = 0;
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    growthOf(returns, weights, growths);
    const target = newtonTarget(returns, assets, weights, growths, leverage);
    let length = 1;
    let next = -Infinity;
    for (; length > 1e-10; length /= 2) {
      for (let i = 0; i < assets; i++) trial[i] = weights[i]! + length * (target[i]! - weights[i]!);
      next = growthOf(returns, trial, growths);
      if (next >= growth) break;
    }
    const gain = next - growth;
    if (!(gain >= 0)) return { weights, growth };
    weights.set(trial);
    growth = next;
    if (gain <= 1e-16 * (1 + Math.abs(growth)) && iteration > 2) return { weights, growth };
  }
  throw new QuantError("noConvergence", "the growth has no maximum within reach; lower the leverage");
}

/** Fills 1 + r'w of each row and returns their mean logarithm, -Infinity where one is not positive. */
function growthOf(returns: Float64Array, weights: Float64Array, out: Float64Array): number {
  const k = weights.length;
  let sum = 0;
  for (let t = 0; t < out.length; t++) {
    let s = 0;
    for (let i = 0; i < k; i++) s += returns[t * k + i]! * weights[i]!;
    out[t] = 1 + s;
    sum += s > -1 ? Math.log1p(s) : -Infinity;
  }
  return sum / out.length;
}

/** The allowed weights that maximise the quadratic model of the growth at `weights`. */
function newtonTarget(
  returns: Float64Array,
  k: number,
  weights: Float64Array,
  growths: Float64Array,
  leverage: number,
): Float64Array {
  const n = growths.length;
  const curvature = new Float64Array(k * k);
  addGram(
    returns,
    n,
    k,
    growths.map((g) => 1 / (n * g * g)),
    0,
    curvature,
  );
  mirrorLower(curvature, k);
  let scale = 0;
  for (let i = 0; i < k; i++) scale += curvature[i * k + i]! / k;
  const linear = new Float64Array(k);
  for (let t = 0; t < n; t++) {
    for (let i = 0; i < k; i++) linear[i]! -= returns[t * k + i]! / (n * growths[t]!) / scale;
  }
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < k; j++) {
      curvature[i * k + j]! /= scale;
      linear[i]! -= curvature[i * k + j]! * weights[j]!;
    }
  }
  const rows: Row[] = Array.from({ length: k }, (_, i) => ({ name: "", terms: [[i, 1]], least: 0 }));
  rows.push({ name: "", terms: Array.from({ length: k }, (_, i) => [i, -1] as const), least: -leverage });
  const { y } = solveProgramme({
    system: denseSystem(k, rows, curvature),
    linear,
    least: Float64Array.from(rows, (row) => row.least),
    penalties: new Float64Array(rows.length).fill(Infinity),
    equalities: new Float64Array(0),
    totals: new Float64Array(0),
  });
  return y;
}
