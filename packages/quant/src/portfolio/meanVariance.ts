/** Portfolios on the efficient frontier of means and covariance. */
import { QuantError, requireRange, requireWhole } from "../error.ts";
import { dot, multiply } from "../statistics/linear.ts";
import { findRoot } from "../statistics/minimise.ts";
import { requireCovariance, requirePerAsset } from "./checks.ts";
import type { Constraints } from "./constraints.ts";
import { regionOf, weightsOf } from "./constraints.ts";
import type { Region, Row } from "./rows.ts";
import { denseSystem, requireFeasible, solveOrExplain } from "./rows.ts";

/** Standard deviation sqrt(w'Sw) of weights [k] under a covariance [k, k], in its units. */
export function volatilityOf(weights: Float64Array, covariance: Float64Array): number {
  return Math.sqrt(Math.max(0, dot(weights, multiply(covariance, weights.length, weights))));
}

/** Mean of the variances: what objectives are divided by. */
function scaleOf(covariance: Float64Array, k: number): number {
  let sum = 0;
  for (let i = 0; i < k; i++) sum += covariance[i * k + i]!;
  return sum / k;
}

/** Minimises 1/2 w'Qw - gains'w + cost of trading over a region whose first variables are the weights. */
function solveQuadratic(
  region: Region,
  quadratic: Float64Array | undefined,
  gains: Float64Array,
  costRate: number,
): Float64Array {
  const k = gains.length;
  const linear = new Float64Array(region.variables);
  for (let i = 0; i < k; i++) linear[i] = -gains[i]!;
  linear.fill(costRate, k);
  const system = denseSystem(region.variables, region.rows, quadratic);
  const penalties = new Float64Array(region.rows.length).fill(Infinity);
  const least = Float64Array.from(region.rows, (r) => r.least);
  const { equalities, totals } = region;
  return solveOrExplain({ system, linear, least, penalties, equalities, totals }, region);
}

/** Weights that minimise aversion/2 w'Sw - means'w + costs. */
function utilityWeights(
  means: Float64Array,
  covariance: Float64Array,
  aversion: number,
  constraints: Constraints,
  extra: readonly Row[] = [],
): Float64Array {
  const k = means.length;
  let size = aversion * scaleOf(covariance, k);
  for (let i = 0; i < k; i++) size = Math.max(size, Math.abs(means[i]!));
  const quadratic = covariance.map((v) => (v * aversion) / size);
  const cost = (constraints.turnover?.costRate ?? 0) / size;
  const region = regionOf(k, constraints, extra);
  const y = solveQuadratic(
    region,
    quadratic,
    means.map((v) => v / size),
    cost,
  );
  return weightsOf(y, k, constraints);
}

/**
 * Weights of least variance under a covariance [k, k]; trading costs do not enter.
 * Source: Markowitz, Portfolio selection (1952).
 * @throws QuantError singular, infeasible with the constraints that cannot be met together, and the checks of inputs.
 */
export function minVariance(covariance: Float64Array, constraints: Constraints = {}): Float64Array {
  const k = requireCovariance(covariance);
  return utilityWeights(new Float64Array(k), covariance, 1, withoutCost(constraints));
}

function withoutCost(constraints: Constraints): Constraints {
  const { turnover, ...rest } = constraints;
  if (!turnover) return constraints;
  const { from, most } = turnover;
  return most === undefined ? rest : { ...rest, turnover: { from, most } };
}

/** Weights that maximise means'w - riskAversion/2 w'Sw - the cost of trading. */
export function maxUtility(
  means: Float64Array,
  covariance: Float64Array,
  riskAversion: number,
  constraints: Constraints = {},
): Float64Array {
  requirePerAsset(means, "means", requireCovariance(covariance));
  requireRange(riskAversion, "riskAversion", 0, Infinity, true);
  return utilityWeights(means, covariance, riskAversion, constraints);
}

/**
 * Weights of the largest expected return; of several such the one of least variance.
 * @throws QuantError infeasible, also where weights without bounds let the return grow for ever.
 */
export function maxReturn(
  means: Float64Array,
  covariance: Float64Array,
  constraints: Constraints = {},
): Float64Array {
  const k = requireCovariance(covariance);
  requirePerAsset(means, "means", k);
  const size = means.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-300);
  const region = regionOf(k, withoutCost(constraints));
  const gains = means.map((v) => v / size);
  const weights = weightsOf(solveLinear(region, gains), k, constraints);
  if (isUnique(means, weights)) return weights;
  const least = dot(means, weights) - 1e-9 * size;
  return utilityWeights(new Float64Array(k), covariance, 1, withoutCost(constraints), [
    returnRow(means, least),
  ]);
}

function solveLinear(region: Region, gains: Float64Array): Float64Array {
  try {
    return solveQuadratic(region, undefined, gains, 0);
  } catch (error) {
    if (!(error instanceof QuantError) || error.code === "infeasible") throw error;
    throw new QuantError(
      "infeasible",
      "the constraints let the return grow without limit: bound the weights",
    );
  }
}

/** Whether no two assets with the same mean could be exchanged. */
function isUnique(means: Float64Array, weights: Float64Array): boolean {
  return weights.every((w, i) => w === 0 || means.every((m, j) => i === j || m !== means[i]));
}

function returnRow(means: Float64Array, least: number): Row {
  const size = means.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-300);
  return {
    name: `the target return ${least}`,
    terms: Array.from(means, (v, i) => [i, v / size] as const),
    least: least / size,
  };
}

/** Weights of least variance with an expected return of at least `target`, in the units of the means. */
export function targetReturn(
  means: Float64Array,
  covariance: Float64Array,
  target: number,
  constraints: Constraints = {},
): Float64Array {
  const k = requireCovariance(covariance);
  requirePerAsset(means, "means", k);
  requireRange(target, "target", -1e300, 1e300);
  return utilityWeights(new Float64Array(k), covariance, 1, withoutCost(constraints), [
    returnRow(means, target),
  ]);
}

/**
 * Weights of the largest expected return less costs with a standard deviation of at most `target`, in the covariance's
 * units: the point of the frontier is found by its risk aversion.
 * @throws QuantError infeasible where the least volatility is above the target.
 */
export function targetVolatility(
  means: Float64Array,
  covariance: Float64Array,
  target: number,
  constraints: Constraints = {},
): Float64Array {
  const calm = minVariance(covariance, constraints);
  requirePerAsset(means, "means", calm.length);
  const least = volatilityOf(calm, covariance);
  if (!(target >= least)) {
    throw new QuantError(
      "infeasible",
      `the least volatility within the constraints is ${least}, not ${target}`,
    );
  }
  const gap = (logAversion: number): number =>
    volatilityOf(utilityWeights(means, covariance, Math.exp(logAversion), constraints), covariance) - target;
  let low = 0;
  let high = 0;
  while (gap(high) > 0 && high < 60) high += 3;
  while (low > -60 && gap(low) < 0) low -= 3;
  if (gap(low) <= 0) return utilityWeights(means, covariance, Math.exp(low), constraints);
  if (gap(high) > 0) return calm;
  return utilityWeights(means, covariance, Math.exp(findRoot(gap, low, high, 1e-14)), constraints);
}

/**
 * Weights that maximise (gains'w) / sqrt(w'Sw): the region is made a cone by the factor sum(y), the gain is fixed at 1,
 * and the variance minimised.
 * Source: Charnes and Cooper (1962); Cornuejols and Tutuncu, Optimization Methods in Finance, chapter 8.
 */
function maxRatio(
  gains: Float64Array,
  covariance: Float64Array,
  constraints: Constraints,
  refusal: string,
): Float64Array {
  const k = gains.length;
  const size = gains.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-300);
  const variance = scaleOf(covariance, k);
  const flat = regionOf(k, constraints);
  const cone: Region = {
    variables: flat.variables,
    rows: [...flat.rows.map((row) => coneRow(row, k)), { name: "the budget", terms: budget(k, 1), least: 0 }],
    equalities: new Float64Array(flat.variables),
    totals: Float64Array.of(1),
  };
  for (let i = 0; i < k; i++) cone.equalities[i] = gains[i]! / size;
  cone.equalities.fill(-(constraints.turnover?.costRate ?? 0) / size, k);
  const quadratic = covariance.map((v) => v / variance);
  let y: Float64Array;
  try {
    y = solveQuadratic(cone, quadratic, new Float64Array(k), 0);
  } catch (error) {
    if (!(error instanceof QuantError)) throw error;
    requireFeasible(flat);
    throw new QuantError("infeasible", refusal);
  }
  let sum = 0;
  for (let i = 0; i < k; i++) sum += y[i]!;
  if (!(sum > 1e-9)) throw new QuantError("infeasible", refusal);
  return weightsOf(
    y.map((v) => v / sum),
    k,
    constraints,
  );
}

function budget(k: number, factor: number): (readonly [number, number])[] {
  return Array.from({ length: k }, (_, i) => [i, factor] as const);
}

function coneRow(row: Row, k: number): Row {
  if (row.least === 0) return row;
  return { name: row.name, terms: [...row.terms, ...budget(k, -row.least)], least: 0 };
}

/**
 * Weights of the largest Sharpe ratio (means'w - costs - riskFree) / sqrt(w'Sw), all per the same period.
 * @throws QuantError infeasible where no allowed portfolio earns more than the risk-free rate.
 */
export function maxSharpe(
  means: Float64Array,
  covariance: Float64Array,
  riskFree = 0,
  constraints: Constraints = {},
): Float64Array {
  requirePerAsset(means, "means", requireCovariance(covariance));
  requireRange(riskFree, "riskFree", -1, 1e300);
  return maxRatio(
    means.map((v) => v - riskFree),
    covariance,
    constraints,
    `no allowed portfolio earns more than the risk-free rate ${riskFree}: use minVariance`,
  );
}

/**
 * Weights of the largest diversification ratio (deviations'w) / sqrt(w'Sw).
 * Source: Choueifaty and Coignard, Toward maximum diversification (2008).
 */
export function maxDiversification(covariance: Float64Array, constraints: Constraints = {}): Float64Array {
  const k = requireCovariance(covariance);
  const deviations = Float64Array.from({ length: k }, (_, i) => Math.sqrt(covariance[i * k + i]!));
  return maxRatio(
    deviations,
    covariance,
    withoutCost(constraints),
    "no allowed portfolio is long on balance",
  );
}

export interface FrontierPoint {
  readonly expectedReturn: number;
  readonly volatility: number;
  readonly weights: Float64Array;
}

/**
 * Points of the efficient frontier, from least variance to the largest return, at equally spaced expected returns.
 */
export function efficientFrontier(
  means: Float64Array,
  covariance: Float64Array,
  points = 20,
  constraints: Constraints = {},
): FrontierPoint[] {
  requireWhole(points, "points", 2, 1000);
  const top = maxReturn(means, covariance, constraints);
  const calm = minVariance(covariance, constraints);
  const low = dot(means, calm);
  const high = dot(means, top);
  return Array.from({ length: points }, (_, i) => {
    const weights =
      i === 0
        ? calm
        : i === points - 1
          ? top
          : targetReturn(means, covariance, low + ((high - low) * i) / (points - 1), constraints);
    return { expectedReturn: dot(means, weights), volatility: volatilityOf(weights, covariance), weights };
  });
}
