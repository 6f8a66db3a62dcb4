/** Estimates of expected returns per period, from returns [n, assets]. */
import { QuantError, requireRange } from "../error.ts";
import { dot, invertDefinite, multiply } from "../statistics/linear.ts";
import { requireCovariance, requireFinite, requirePerAsset, requireReturns } from "./checks.ts";
import { columnMeans, sampleCovariance } from "./covariance.ts";

/** Arithmetic means. */
export function meanReturns(returns: Float64Array, assets: number): Float64Array {
  requireReturns(returns, assets, 1);
  return columnMeans(returns, assets);
}

/** Means with weights decay^age. */
export function ewmaReturns(returns: Float64Array, assets: number, decay: number): Float64Array {
  requireRange(decay, "decay", 0, 1, true);
  const n = requireReturns(returns, assets, 1);
  const means = new Float64Array(assets);
  let total = 0;
  for (let t = 0; t < n; t++) {
    const w = decay ** (n - 1 - t);
    total += w;
    for (let i = 0; i < assets; i++) means[i]! += w * returns[t * assets + i]!;
  }
  return means.map((v) => v / total);
}

export interface ShrunkReturns {
  readonly means: Float64Array;
  /** Share of the common mean, in [0, 1]. */
  readonly shrinkage: number;
}

/**
 * Means drawn towards the return of the minimum variance portfolio, the more so the noisier they are.
 * Source: Jorion, Bayes-Stein estimation for portfolio analysis (1986).
 * @throws QuantError tooFew below assets + 3 rows, singular.
 */
export function bayesSteinReturns(returns: Float64Array, assets: number): ShrunkReturns {
  const n = requireReturns(returns, assets, assets + 3);
  const means = columnMeans(returns, assets);
  const sample = sampleCovariance(returns, assets);
  requireCovariance(sample);
  const inverse = invertDefinite(
    sample.map((v) => (v * (n - 1)) / (n - assets - 2)),
    assets,
  );
  const sums = multiply(inverse, assets, new Float64Array(assets).fill(1));
  const common = dot(sums, means) / sums.reduce((a, b) => a + b, 0);
  const away = means.map((v) => v - common);
  const distance = dot(away, multiply(inverse, assets, away));
  const shrinkage = (assets + 2) / (assets + 2 + n * distance);
  return { means: means.map((v) => (1 - shrinkage) * v + shrinkage * common), shrinkage };
}

/** riskFree + beta (marketReturn - riskFree) of each asset, with its beta to the market portfolio of these weights. */
export function capmReturns(
  covariance: Float64Array,
  marketWeights: Float64Array,
  marketReturn: number,
  riskFree = 0,
): Float64Array {
  const k = requireCovariance(covariance);
  requirePerAsset(marketWeights, "marketWeights", k);
  requireFinite(marketReturn, "marketReturn");
  requireFinite(riskFree, "riskFree");
  const shared = multiply(covariance, k, marketWeights);
  const variance = dot(marketWeights, shared);
  if (!(variance > 0)) throw new QuantError("undefined", "marketWeights are all 0: the market has no risk");
  return shared.map((v) => riskFree + (v / variance) * (marketReturn - riskFree));
}
