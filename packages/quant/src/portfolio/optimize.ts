/** From past returns to weights: mean and variance by one tolerance for risk. */
import { requireRange } from "../error.ts";
import { dot } from "../statistics/linear.ts";
import { requireFinite, requirePerAsset } from "./checks.ts";
import type { Constraints } from "./constraints.ts";
import { ledoitWolf } from "./covariance.ts";
import { meanReturns } from "./expected.ts";
import { maxUtility, minVariance, volatilityOf } from "./meanVariance.ts";
import { riskContributions } from "./riskParity.ts";

/** A portfolio in the units of its means and covariance. */
export interface PortfolioFigures {
  readonly expectedReturn: number;
  readonly volatility: number;
  /** (expectedReturn - riskFree) / volatility. */
  readonly sharpe: number;
  /** Sum to the volatility. */
  readonly riskContributions: Float64Array;
  /** (deviations'w) / volatility. */
  readonly diversificationRatio: number;
  /** 1 / sum of squared weights: how many equal ones it is like. */
  readonly effectiveAssets: number;
}

/** What weights [k] earn and risk by means [k] and covariance [k, k]. */
export function describePortfolio(
  weights: Float64Array,
  means: Float64Array,
  covariance: Float64Array,
  riskFree = 0,
): PortfolioFigures {
  const contributions = riskContributions(weights, covariance);
  requirePerAsset(means, "means", weights.length);
  requireFinite(riskFree, "riskFree");
  const k = weights.length;
  const volatility = volatilityOf(weights, covariance);
  const expectedReturn = dot(weights, means);
  const spread = weights.reduce((s, w, i) => s + w * Math.sqrt(covariance[i * k + i]!), 0);
  return {
    expectedReturn,
    volatility,
    sharpe: (expectedReturn - riskFree) / volatility,
    riskContributions: contributions,
    diversificationRatio: spread / volatility,
    effectiveAssets: 1 / dot(weights, weights),
  };
}

export interface OptimizeOptions {
  /**
   * What a unit of variance may be traded for: weights maximise riskTolerance x mean - variance / 2, yearly. 0 is the
   * least variance, 0.2 a usual investor (risk aversion 5), 1 the fastest growth.
   */
  readonly riskTolerance?: number;
  /** Present weights: trading away from them is limited or costs what `constraints.turnover` says; alone it does nothing. */
  readonly weights?: Float64Array;
  /** Most sum of |new weight - present weight|. */
  readonly maxTurnover?: number;
  /** Cost of trading as a fraction of what is traded. */
  readonly costRate?: number;
  readonly periodsPerYear?: number;
  readonly riskFree?: number;
  readonly constraints?: Omit<Constraints, "turnover">;
}

export interface OptimizedPortfolio extends PortfolioFigures {
  readonly weights: Float64Array;
  /** New less present weights; the weights themselves where none were given. */
  readonly trades: Float64Array;
  /** Yearly means [k] and Ledoit-Wolf covariance [k, k] that the weights come from. */
  readonly means: Float64Array;
  readonly covariance: Float64Array;
}

/** Mean-variance weights for returns [n, assets], by arithmetic means and Ledoit-Wolf covariance. */
export function optimize(
  returns: Float64Array,
  assets: number,
  options: OptimizeOptions = {},
): OptimizedPortfolio {
  const { riskTolerance = 0.2, periodsPerYear = 252, riskFree = 0, weights: present } = options;
  requireRange(riskTolerance, "riskTolerance", 0, Infinity);
  const means = meanReturns(returns, assets).map((v) => v * periodsPerYear);
  const covariance = ledoitWolf(returns, assets).covariance.map((v) => v * periodsPerYear);
  const constraints: Constraints = {
    ...options.constraints,
    ...(present && {
      turnover: {
        from: present,
        ...(options.maxTurnover !== undefined && { most: options.maxTurnover }),
        costRate: options.costRate ?? 0,
      },
    }),
  };
  const weights =
    riskTolerance === 0
      ? minVariance(covariance, constraints)
      : maxUtility(means, covariance, 1 / riskTolerance, constraints);
  const trades = present ? weights.map((w, i) => w - present[i]!) : weights;
  return { weights, trades, means, covariance, ...describePortfolio(weights, means, covariance, riskFree) };
}
