/** Portfolios given by what each asset adds to the risk. */
import { QuantError } from "../error.ts";
import { choleskySolve, multiply } from "../statistics/linear.ts";
import { requireCovariance, requirePerAsset, requireSquare } from "./checks.ts";
import { volatilityOf } from "./meanVariance.ts";
import { factorLifted } from "./rows.ts";

const ITERATIONS = 200;
/** Relative change of the weights at which Newton's method is as exact as doubles give it. */
const CHANGE = 1e-14;

/**
 * Long-only weights whose contributions to the volatility are in proportion to `budgets` [k] (each > 0; equal when left
 * out): x minimises 1/2 x'Sx - sum budgets ln x, by Newton steps damped while they are long, and is then scaled to 1.
 * Source: Spinu, An algorithm for computing risk parity weights (2013).
 * @throws QuantError singular, outOfRange for a budget that is not positive.
 */
export function riskParity(covariance: Float64Array, budgets?: Float64Array): Float64Array {
  const k = requireCovariance(covariance);
  const shares = sharesOf(budgets ?? new Float64Array(k).fill(1), k);
  const smallest = shares.reduce((a, b) => Math.min(a, b), 1);
  const x = shares.map((b, i) => Math.sqrt(b / covariance[i * k + i]!));
  // At the minimum x'Sx = 1.
  const size = volatilityOf(x, covariance);
  for (let i = 0; i < k; i++) x[i]! /= size;
  const hessian = new Float64Array(k * k);
  const step = new Float64Array(k);
  const gradient = new Float64Array(k);
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    multiply(covariance, k, x, gradient);
    hessian.set(covariance);
    for (let i = 0; i < k; i++) {
      gradient[i]! -= shares[i]! / x[i]!;
      hessian[i * k + i]! += shares[i]! / x[i]! ** 2;
      step[i] = -gradient[i]!;
    }
    if (!factorLifted(hessian, k)) break;
    choleskySolve(hessian, k, step);
    let slope = 0;
    for (let i = 0; i < k; i++) slope -= gradient[i]! * step[i]!;
    const decrement = Math.sqrt(Math.max(0, slope) / smallest);
    const length = decrement < 0.2 ? 1 : 1 / (1 + decrement);
    let change = 0;
    for (let i = 0; i < k; i++) {
      change = Math.max(change, Math.abs(step[i]! / x[i]!));
      x[i]! += length * step[i]!;
    }
    if (change < CHANGE * k) return sharesOf(x, k);
  }
  throw new QuantError(
    "noConvergence",
    "no equal contributions were found; rescale or shrink the covariance",
  );
}

/** Positive values divided by their sum. */
function sharesOf(values: Float64Array, k: number): Float64Array {
  requirePerAsset(values, "budgets", k);
  let sum = 0;
  for (let i = 0; i < k; i++) {
    if (!(values[i]! > 0)) {
      throw new QuantError(
        "outOfRange",
        `budgets[${i}] is ${values[i]}; each must be above 0: leave the asset out instead`,
      );
    }
    sum += values[i]!;
  }
  return values.map((v) => v / sum);
}

/**
 * What each weight adds to the volatility: w_i (Sw)_i / sqrt(w'Sw); the contributions sum to it.
 * @throws QuantError undefined for weights without risk.
 */
export function riskContributions(weights: Float64Array, covariance: Float64Array): Float64Array {
  requirePerAsset(weights, "weights", requireSquare(covariance));
  const volatility = volatilityOf(weights, covariance);
  if (!(volatility > 0)) throw new QuantError("undefined", "the portfolio has no risk to divide");
  return multiply(covariance, weights.length, weights).map((s, i) => (s * weights[i]!) / volatility);
}

/** Weights in proportion to 1 / standard deviation. */
export function inverseVolatility(covariance: Float64Array): Float64Array {
  return inversePower(covariance, 0.5);
}

/** Weights in proportion to 1 / variance. */
export function inverseVariance(covariance: Float64Array): Float64Array {
  return inversePower(covariance, 1);
}

function inversePower(covariance: Float64Array, power: number): Float64Array {
  const k = requireSquare(covariance);
  return sharesOf(
    Float64Array.from({ length: k }, (_, i) => covariance[i * k + i]! ** -power),
    k,
  );
}
