import {
  huberRegression,
  kalmanRegression,
  ols,
  standardDeviation,
  totalLeastSquares,
} from "@tapedeck/quant/statistics/index";
import type { HedgeMethod } from "./contract.ts";

/** Bars in which the Kalman filter finds its way from a state of zero; they have no spread. */
export const kalmanStart = 30;

export interface Hedge {
  /** Of the filter: at the last bar. */
  ratio: number;
  intercept: number;
  rSquared: number;
  /** [n]; NaN where the filter has just begun. */
  spread: Float64Array;
}

export interface Hedges {
  by: Record<HedgeMethod, Hedge>;
  /** [n] ratio of the filter after each bar. */
  kalmanPath: Float64Array;
}

function rSquaredOf(y: Float64Array, spread: Float64Array): number {
  const variation = standardDeviation(y, 0) ** 2 * y.length;
  return 1 - spread.reduce((sum, value) => sum + value * value, 0) / variation;
}

/** y on x [n] by every method. The spread of a line is its residual; that of the filter its prediction error, made from the past alone. */
export function hedgesOf(y: Float64Array, x: Float64Array, delta: number): Hedges {
  const line = (ratio: number, intercept: number): Hedge => {
    const spread = y.map((value, i) => value - ratio * x[i]! - intercept);
    return { ratio, intercept, rSquared: rSquaredOf(y, spread), spread };
  };
  const fitted = ({ coefficients }: { coefficients: Float64Array }) =>
    line(coefficients[1]!, coefficients[0]!);
  const total = totalLeastSquares(y, x);
  const filter = kalmanRegression(y, x, { delta, observationVariance: 1e-3, p0: 1 });
  return {
    by: {
      ols: fitted(ols(y, [x])),
      huber: fitted(huberRegression(y, [x])),
      totalLeastSquares: line(total.slope, total.intercept),
      kalman: {
        ratio: filter.beta.at(-1)!,
        intercept: filter.alpha.at(-1)!,
        rSquared: rSquaredOf(y.subarray(kalmanStart), filter.innovation.subarray(kalmanStart)),
        spread: filter.innovation.map((value, i) => (i < kalmanStart ? Number.NaN : value)),
      },
    },
    kalmanPath: filter.beta,
  };
}
