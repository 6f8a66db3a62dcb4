/** Expected returns that blend the market's with views. */
import { QuantError, requireRange, requireWhole } from "../error.ts";
import { dot, multiply, solve } from "../statistics/linear.ts";
import { requireCovariance, requireFinite, requirePerAsset } from "./checks.ts";

/** An opinion: the portfolio with these weights earns this much. */
export interface View {
  /** [k]; 1 for one asset (absolute), 1 and -1 for one above another (relative). */
  readonly weights: Float64Array;
  /** In the units of the prior. */
  readonly expectedReturn: number;
  /** In [0, 1]: 1 is certain, 0 leaves the view out; sets the view's variance by Idzorek's method. */
  readonly confidence?: number;
  /** Variance of the view itself, in place of a confidence. */
  readonly variance?: number;
}

/** Asset `asset` of `assets` earns `expectedReturn`. */
export function absoluteView(
  assets: number,
  asset: number,
  expectedReturn: number,
  confidence?: number,
): View {
  requireWhole(assets, "assets", 1, 100_000);
  requireFinite(expectedReturn, "expectedReturn of a view");
  if (confidence !== undefined) requireRange(confidence, "confidence of a view", 0, 1);
  const weights = new Float64Array(assets);
  setWeight(weights, asset, 1);
  return confidence === undefined ? { weights, expectedReturn } : { weights, expectedReturn, confidence };
}

/** Asset `better` earns `difference` more than asset `worse`. */
export function relativeView(
  assets: number,
  better: number,
  worse: number,
  difference: number,
  confidence?: number,
): View {
  const view = absoluteView(assets, better, difference, confidence);
  setWeight(view.weights, worse, -1);
  return view;
}

function setWeight(weights: Float64Array, asset: number, weight: number): void {
  if (!Number.isInteger(asset) || asset < 0 || asset >= weights.length) {
    throw new QuantError("outOfRange", `the view names asset ${asset} of ${weights.length}`);
  }
  weights[asset]! += weight;
}

/** Expected returns at which the market weights [k] are optimal: riskAversion x S w. */
export function impliedReturns(
  covariance: Float64Array,
  marketWeights: Float64Array,
  riskAversion = 2.5,
): Float64Array {
  const k = requireCovariance(covariance);
  requirePerAsset(marketWeights, "marketWeights", k);
  requireFinite(riskAversion, "riskAversion");
  return multiply(covariance, k, marketWeights).map((v) => v * riskAversion);
}

export interface BlackLitterman {
  /** Expected returns [k] after the views. */
  readonly means: Float64Array;
  /** Covariance [k, k] of returns to come: S and the uncertainty of the means. */
  readonly covariance: Float64Array;
  /** Covariance [k, k] of the means. */
  readonly uncertainty: Float64Array;
  /** Variance of each view that was used. */
  readonly viewVariances: Float64Array;
}

/**
 * Posterior of expected returns with prior N(prior, tau S) and views with independent errors. A view's variance is its
 * own, or (1 - c) / c x p tau S p' by its confidence c, or p tau S p' where it states neither.
 * Sources: Black and Litterman (1992); He and Litterman (1999); Idzorek (2005) in Walters' closed form. The covariance is
 * the predictive one, as in PyPortfolioOpt.
 * @throws QuantError singular where certain views depend on each other.
 */
export function blackLitterman(
  covariance: Float64Array,
  prior: Float64Array,
  views: readonly View[],
  tau = 0.05,
): BlackLitterman {
  const k = requireCovariance(covariance);
  requirePerAsset(prior, "prior", k);
  requireRange(tau, "tau", 0, Infinity, true);
  const scaled = covariance.map((v) => v * tau);
  const used = views.filter((view) => view.confidence !== 0);
  // Row v of `spread` is tau S p of view v.
  const spread = used.map((view) => spreadOf(view, scaled, k));
  const viewVariances = Float64Array.from(used, (view, v) => varianceOf(view, dot(view.weights, spread[v]!)));
  const n = used.length;
  const middle = new Float64Array(n * n);
  const side = new Float64Array(n * (k + 1));
  for (let v = 0; v < n; v++) {
    const { weights, expectedReturn } = used[v]!;
    for (let u = 0; u < n; u++) middle[v * n + u] = dot(weights, spread[u]!);
    middle[v * n + v]! += viewVariances[v]!;
    side.set(spread[v]!, v * (k + 1));
    side[v * (k + 1) + k] = expectedReturn - dot(weights, prior);
  }
  requireIndependent(middle, n);
  const gain = n > 0 ? solve(middle, n, side, k + 1) : side;
  const means = Float64Array.from(prior);
  const uncertainty = scaled;
  for (let v = 0; v < n; v++) {
    for (let i = 0; i < k; i++) {
      const s = spread[v]![i]!;
      means[i]! += s * gain[v * (k + 1) + k]!;
      for (let j = 0; j < k; j++) uncertainty[i * k + j]! -= s * gain[v * (k + 1) + j]!;
    }
  }
  return { means, uncertainty, covariance: covariance.map((v, at) => v + uncertainty[at]!), viewVariances };
}

function spreadOf(view: View, scaled: Float64Array, k: number): Float64Array {
  requirePerAsset(view.weights, "weights of a view", k);
  requireFinite(view.expectedReturn, "expectedReturn of a view");
  if (view.weights.every((w) => w === 0)) {
    throw new QuantError("outOfRange", "a view has no weights: it says nothing");
  }
  return multiply(scaled, k, view.weights);
}

function varianceOf(view: View, own: number): number {
  if (view.variance !== undefined) {
    requireRange(view.variance, "variance of a view", 0, Infinity);
    return view.variance;
  }
  if (view.confidence === undefined) return own;
  requireRange(view.confidence, "confidence of a view", 0, 1);
  return (own * (1 - view.confidence)) / view.confidence;
}

/** Refuses certain views one of which follows from the others. */
function requireIndependent(middle: Float64Array, n: number): void {
  const left = Float64Array.from(middle);
  for (let c = 0; c < n; c++) {
    if (!(left[c * n + c]! > 1e-12 * middle[c * n + c]!)) {
      throw new QuantError(
        "singular",
        `view ${c} depends on the views before it: drop it or lower a confidence`,
      );
    }
    for (let i = c + 1; i < n; i++) {
      const f = left[i * n + c]! / left[c * n + c]!;
      for (let j = c; j < n; j++) left[i * n + j]! -= f * left[c * n + j]!;
    }
  }
}
