/** Estimators of the covariance of returns [n, assets]; all are per period: multiply by periods a year to annualise. */
import { QuantError, requireRange } from "../error.ts";
import { requireFinite, requireReturns } from "./checks.ts";
import { addGram, mirrorLower } from "./gram.ts";

export interface ShrunkCovariance {
  /** [assets, assets] */
  readonly covariance: Float64Array;
  /** Share of the target, in [0, 1]. */
  readonly shrinkage: number;
}

interface Centred {
  readonly n: number;
  /** [n, assets] less the means. */
  readonly data: Float64Array;
  readonly means: Float64Array;
}

/** Arithmetic mean of each column of returns [n, assets]. */
export function columnMeans(returns: Float64Array, assets: number): Float64Array {
  const means = new Float64Array(assets);
  const n = returns.length / assets;
  for (let t = 0; t < n; t++) for (let i = 0; i < assets; i++) means[i]! += returns[t * assets + i]!;
  for (let i = 0; i < assets; i++) means[i]! /= n;
  return means;
}

function centre(returns: Float64Array, assets: number): Centred {
  const n = requireReturns(returns, assets);
  const means = columnMeans(returns, assets);
  const data = new Float64Array(returns.length);
  for (let t = 0; t < n; t++) {
    for (let i = 0; i < assets; i++) data[t * assets + i] = returns[t * assets + i]! - means[i]!;
  }
  return { n, data, means };
}

/** sum r r' / divisor of rows [n, assets]. */
function secondMoments(data: Float64Array, n: number, assets: number, divisor: number): Float64Array {
  const out = new Float64Array(assets * assets);
  addGram(data, n, assets, new Float64Array(n).fill(1 / divisor), 0, out);
  return mirrorLower(out, assets);
}

/**
 * Sample covariance [assets, assets] of returns [n, assets], divisor n - 1.
 * @throws QuantError unequalLengths, tooFew below 2 rows, notFinite.
 */
export function sampleCovariance(returns: Float64Array, assets: number): Float64Array {
  const { n, data } = centre(returns, assets);
  return secondMoments(data, n, assets, n - 1);
}

/**
 * Exponentially weighted covariance: weights decay^age, normalised; the weighted mean is removed, no bias correction.
 * Source: RiskMetrics Technical Document (1996), with the mean kept.
 */
export function ewmaCovariance(returns: Float64Array, assets: number, decay = 0.94): Float64Array {
  requireRange(decay, "decay", 0, 1, true);
  const n = requireReturns(returns, assets);
  const weights = Float64Array.from({ length: n }, (_, t) => decay ** (n - 1 - t));
  const total = weights.reduce((a, b) => a + b, 0);
  const means = new Float64Array(assets);
  for (let t = 0; t < n; t++) {
    weights[t]! /= total;
    for (let i = 0; i < assets; i++) means[i]! += weights[t]! * returns[t * assets + i]!;
  }
  const data = returns.map((r, at) => r - means[at % assets]!);
  const out = new Float64Array(assets * assets);
  addGram(data, n, assets, weights, 0, out);
  return mirrorLower(out, assets);
}

/** Mean of min(r - threshold, 0) min(r - threshold, 0)' over the rows: what moves together below the threshold. */
export function semiCovariance(returns: Float64Array, assets: number, threshold = 0): Float64Array {
  const n = requireReturns(returns, assets);
  requireFinite(threshold, "threshold");
  const below = returns.map((r) => Math.min(r - threshold, 0));
  return secondMoments(below, n, assets, n);
}

/** (1 - shrinkage) S + shrinkage x mean variance x identity. */
function towardIdentity(s: Float64Array, k: number, shrinkage: number): ShrunkCovariance {
  let mean = 0;
  for (let i = 0; i < k; i++) mean += s[i * k + i]! / k;
  const covariance = s.map((v, at) => (1 - shrinkage) * v + (at % (k + 1) === 0 ? shrinkage * mean : 0));
  return { covariance, shrinkage };
}

/**
 * Ledoit-Wolf shrinkage towards mean variance x identity, divisor n.
 * Source: Ledoit and Wolf, A well-conditioned estimator for large-dimensional covariance matrices (2004).
 */
export function ledoitWolf(returns: Float64Array, assets: number): ShrunkCovariance {
  const { n, data } = centre(returns, assets);
  const s = secondMoments(data, n, assets, n);
  let trace = 0;
  let squares = 0;
  for (let at = 0; at < s.length; at++) squares += s[at]! * s[at]!;
  for (let i = 0; i < assets; i++) trace += s[i * assets + i]!;
  let fourth = 0;
  for (let t = 0; t < n; t++) {
    let length = 0;
    for (let i = 0; i < assets; i++) length += data[t * assets + i]! ** 2;
    fourth += length * length;
  }
  const distance = (squares - (trace * trace) / assets) / assets;
  const noise = (fourth / n - squares) / (n * assets);
  const shrinkage = distance > 0 ? Math.max(0, Math.min(noise, distance)) / distance : 0;
  return towardIdentity(s, assets, shrinkage);
}

/**
 * Oracle approximating shrinkage towards mean variance x identity, divisor n, with the coefficients of scikit-learn.
 * Source: Chen, Wiesel, Eldar and Hero, Shrinkage algorithms for MMSE covariance estimation (2010).
 */
export function oas(returns: Float64Array, assets: number): ShrunkCovariance {
  const { n, data } = centre(returns, assets);
  const s = secondMoments(data, n, assets, n);
  let trace = 0;
  let squares = 0;
  for (let at = 0; at < s.length; at++) squares += s[at]! * s[at]!;
  for (let i = 0; i < assets; i++) trace += s[i * assets + i]!;
  const meanSquare = squares / (assets * assets);
  const meanTrace = (trace / assets) ** 2;
  const above = meanSquare + meanTrace;
  const below = (n + 1) * (meanSquare - meanTrace / assets);
  return towardIdentity(s, assets, below > 0 ? Math.min(above / below, 1) : 1);
}

export interface ConstantCorrelationCovariance extends ShrunkCovariance {
  readonly averageCorrelation: number;
}

/**
 * Ledoit-Wolf shrinkage towards equal correlations, divisor n throughout.
 * Source: Ledoit and Wolf, Honey, I shrunk the sample covariance matrix (2003). Libraries that put the n - 1 matrix into
 * these formulas differ in the fourth digit.
 */
export function ledoitWolfConstantCorrelation(
  returns: Float64Array,
  assets: number,
): ConstantCorrelationCovariance {
  const { n, data } = centre(returns, assets);
  const k = assets;
  const s = secondMoments(data, n, k, n);
  const sd = requireMoving(s, k);
  let averageCorrelation = 0;
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < i; j++) averageCorrelation += (2 * s[i * k + j]!) / (sd[i]! * sd[j]!);
  }
  averageCorrelation = k > 1 ? averageCorrelation / (k * (k - 1)) : 0;
  const squares = secondMoments(
    data.map((x) => x * x),
    n,
    k,
    n,
  );
  const thirds = crossCubes(data, n, k);
  const target = new Float64Array(k * k);
  let asymptotic = 0;
  let covarianceOfTarget = 0;
  let distance = 0;
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < k; j++) {
      const at = i * k + j;
      const variance = squares[at]! - s[at]! ** 2;
      asymptotic += variance;
      target[at] = i === j ? s[at]! : averageCorrelation * sd[i]! * sd[j]!;
      distance += (s[at]! - target[at]!) ** 2;
      covarianceOfTarget +=
        i === j ? variance : averageCorrelation * (sd[j]! / sd[i]!) * (thirds[at]! - s[i * k + i]! * s[at]!);
    }
  }
  const wanted = distance > 0 ? (asymptotic - covarianceOfTarget) / distance / n : 0;
  const shrinkage = Math.max(0, Math.min(1, wanted));
  const covariance = s.map((v, at) => shrinkage * target[at]! + (1 - shrinkage) * v);
  return { covariance, shrinkage, averageCorrelation };
}

/** Standard deviations of a covariance [k, k], none of which may be 0. */
function requireMoving(covariance: Float64Array, k: number): Float64Array {
  return Float64Array.from({ length: k }, (_, i) => {
    const own = covariance[i * k + i]!;
    if (own > 0) return Math.sqrt(own);
    throw new QuantError("undefined", `asset ${i} does not move and has no correlations; leave it out`);
  });
}

/** Mean of x_i^3 x_j over the rows, [k, k]. */
function crossCubes(data: Float64Array, n: number, k: number): Float64Array {
  const out = new Float64Array(k * k);
  for (let t = 0; t < n; t++) {
    for (let i = 0; i < k; i++) {
      const cube = data[t * k + i]! ** 3 / n;
      for (let j = 0; j < k; j++) out[i * k + j]! += cube * data[t * k + j]!;
    }
  }
  return out;
}

/** Correlations [k, k] of a covariance [k, k], held within [-1, 1]. */
export function correlationsOf(covariance: Float64Array, k: number): Float64Array {
  return covariance.map((v, at) => {
    const i = Math.floor(at / k);
    const j = at % k;
    if (i === j) return 1;
    const r = v / Math.sqrt(covariance[i * k + i]! * covariance[j * k + j]!);
    return Math.max(-1, Math.min(1, r));
  });
}
