/** What every function of this folder asks of its arguments. */
import { QuantError, requireSeries, requireWhole } from "../error.ts";
import { cholesky } from "../statistics/linear.ts";

/**
 * Number of rows of `returns` [n, assets] row-major.
 * @throws QuantError outOfRange, unequalLengths, tooFew below `least` rows, notFinite with row and asset.
 */
export function requireReturns(returns: Float64Array, assets: number, least = 2): number {
  requireWhole(assets, "assets", 1);
  const n = returns.length / assets;
  if (!Number.isInteger(n)) {
    throw new QuantError(
      "unequalLengths",
      `returns has ${returns.length} values, which are no whole rows of ${assets} assets; align the series first`,
    );
  }
  if (n < least) {
    throw new QuantError(
      "tooFew",
      `returns has ${n} rows; at least ${least} are needed: take a longer range`,
    );
  }
  for (let i = 0; i < returns.length; i++) {
    if (Number.isFinite(returns[i]!)) continue;
    const at = `row ${Math.floor(i / assets)}, asset ${i % assets}`;
    throw new QuantError("notFinite", `returns of ${at} is ${returns[i]}; drop the row or fill it first`);
  }
  return n;
}

/**
 * Number of assets of a covariance [k, k].
 * @throws QuantError unequalLengths when it is not square, notFinite, outOfRange when it is not symmetric, singular when
 * it is not positive definite: weights would not be unique.
 */
export function requireCovariance(covariance: Float64Array): number {
  const k = requireSquare(covariance);
  try {
    cholesky(covariance, k);
  } catch (error) {
    if (!(error instanceof QuantError)) throw error;
    throw new QuantError(
      "singular",
      `covariance is singular: ${error.message} the covariance (ledoitWolf), or take more observations than assets`,
    );
  }
  return k;
}

/** The same without the demand that it can be inverted. */
export function requireSquare(covariance: Float64Array): number {
  const k = Math.sqrt(covariance.length);
  if (!Number.isInteger(k) || k < 1) {
    throw new QuantError("unequalLengths", `covariance has ${covariance.length} values and is not square`);
  }
  requireSeries(covariance, "covariance", 1);
  for (let i = 0; i < k; i++) {
    const own = covariance[i * k + i]!;
    if (!(own > 0)) {
      throw new QuantError("singular", `asset ${i} has variance ${own}: it does not move; leave it out`);
    }
    for (let j = 0; j < i; j++) {
      const gap = Math.abs(covariance[i * k + j]! - covariance[j * k + i]!);
      if (gap > 1e-9 * Math.sqrt(own * covariance[j * k + j]!)) {
        throw new QuantError("outOfRange", `covariance is not symmetric at [${i}, ${j}]`);
      }
    }
  }
  return k;
}

/** Refuses a number that is not finite. */
export function requireFinite(value: number, name: string): void {
  if (!Number.isFinite(value)) throw new QuantError("notFinite", `${name} is ${value}; state a number`);
}

/** Refuses a vector that has not one finite value for each of `assets`. */
export function requirePerAsset(x: Float64Array, name: string, assets: number): void {
  if (x.length !== assets) {
    throw new QuantError("unequalLengths", `${name} has ${x.length} values for ${assets} assets`);
  }
  requireSeries(x, name, 1);
}
