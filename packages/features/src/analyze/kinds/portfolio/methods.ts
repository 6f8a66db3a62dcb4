import {
  hierarchicalEqualRisk,
  hierarchicalRiskParity,
  inverseVolatility,
  kellyPortfolio,
  maxDiversification,
  maxSharpe,
  maxUtility,
  minDrawdown,
  minShortfall,
  minVariance,
  nestedClusters,
  riskParity,
  targetReturn,
  targetVolatility,
} from "@tapedeck/quant/portfolio/index";
import type { Constraints } from "@tapedeck/quant/portfolio/index";
import { PortfolioMethod } from "./contract.ts";
import type { PortfolioPayload } from "./contract.ts";
import type { Estimates } from "./estimates.ts";

export interface MethodInput extends Estimates {
  payload: PortfolioPayload;
  /** [n, k] of a bar each. */
  returns: Float64Array;
  constraints: Constraints;
}

/** Weights [k] of each method. */
const solvers: Record<PortfolioMethod, (input: MethodInput) => Float64Array> = {
  maxUtility: ({ payload: { riskTolerance }, means, covariance, constraints }) =>
    riskTolerance === 0
      ? minVariance(covariance, constraints)
      : maxUtility(means, covariance, 1 / riskTolerance, constraints),
  minVariance: ({ covariance, constraints }) => minVariance(covariance, constraints),
  maxSharpe: ({ payload, means, covariance, constraints }) =>
    maxSharpe(means, covariance, payload.riskFree, constraints),
  targetReturn: ({ payload, means, covariance, constraints }) =>
    targetReturn(means, covariance, payload.target!, constraints),
  targetVolatility: ({ payload, means, covariance, constraints }) =>
    targetVolatility(means, covariance, payload.target!, constraints),
  minShortfall: ({ payload, returns, constraints }) =>
    minShortfall(returns, payload.assets.length, { level: payload.level, constraints }).weights,
  minDrawdown: ({ payload, returns, constraints }) =>
    minDrawdown(returns, payload.assets.length, { level: payload.level, constraints }).weights,
  riskParity: ({ payload: { budgets }, covariance }) =>
    riskParity(covariance, ...(budgets === undefined ? [] : [Float64Array.from(budgets)])),
  maxDiversification: ({ covariance, constraints }) => maxDiversification(covariance, constraints),
  hierarchicalRiskParity: ({ covariance }) => hierarchicalRiskParity(covariance).weights,
  hierarchicalEqualRisk: ({ covariance }) => hierarchicalEqualRisk(covariance).weights,
  nestedClusters: ({ covariance }) => nestedClusters(covariance).weights,
  kelly: ({ payload, returns }) => kellyPortfolio(returns, payload.assets.length).weights,
  inverseVolatility: ({ covariance }) => inverseVolatility(covariance),
  equalWeight: ({ payload: { assets } }) => new Float64Array(assets.length).fill(1 / assets.length),
};

/** Methods whose weights follow from the covariance or the returns alone. */
const unconstrained: ReadonlySet<PortfolioMethod> = new Set([
  "riskParity",
  "hierarchicalRiskParity",
  "hierarchicalEqualRisk",
  "nestedClusters",
  "kelly",
  "inverseVolatility",
  "equalWeight",
]);

export function takesConstraints(method: PortfolioMethod): boolean {
  return !unconstrained.has(method);
}

/** Methods to compare: those with a target only where one is given. */
export function comparable({ target }: PortfolioPayload): PortfolioMethod[] {
  return PortfolioMethod.options.filter((method) => target !== undefined || !method.startsWith("target"));
}

/** @throws QuantError infeasible, singular, tooFew. */
export function solvePortfolio(method: PortfolioMethod, input: MethodInput): Float64Array {
  return solvers[method](input);
}
