/** Marginal, component and incremental risk of a portfolio. */
import { QuantError, requireSameLength, requireSeries } from "../error.ts";
import { normalQuantile } from "../statistics/distributions.ts";
import { multiply } from "../statistics/linear.ts";
import { tailShare } from "./historical.ts";

export interface ComponentRisk {
  /** Normal VaR z √(w'Σw), less w'μ where means are given. */
  readonly valueAtRisk: number;
  /** dVaR / dw. */
  readonly marginal: Float64Array;
  /** w x marginal; sums to the VaR. */
  readonly component: Float64Array;
  /** component / VaR; sums to 1. */
  readonly share: Float64Array;
  /** VaR less the VaR with that weight set to 0 (the rest unchanged, zero mean). */
  readonly incremental: Float64Array;
}

/**
 * Normal component VaR of weights [k] under a covariance [k, k] per period, zero mean unless `means` [k] is given.
 * Source: Jorion, Value at Risk, chapter 7.
 */
export function componentRisk(
  weights: Float64Array,
  covariance: Float64Array,
  level: number,
  means?: Float64Array,
): ComponentRisk {
  const k = weights.length;
  if (covariance.length !== k * k) {
    throw new QuantError(
      "unequalLengths",
      `covariance must be [${k}, ${k}], not ${covariance.length} values`,
    );
  }
  requireSeries(weights, "weights", 1);
  requireSeries(covariance, "covariance", 1);
  if (means) {
    requireSameLength(weights, means, "weights and means");
    requireSeries(means, "means", 1);
  }
  const z = -normalQuantile(tailShare(level));
  const spread = (w: Float64Array): number => {
    const s = multiply(covariance, k, w);
    return Math.sqrt(w.reduce((a, v, i) => a + v * s[i]!, 0));
  };
  const sd = spread(weights);
  if (!(sd > 0)) throw new QuantError("undefined", "the portfolio has no risk to divide");
  const own = multiply(covariance, k, weights);
  const marginal = own.map((v, i) => (z * v) / sd - (means ? means[i]! : 0));
  const component = marginal.map((v, i) => v * weights[i]!);
  const valueAtRisk = z * sd - (means ? weights.reduce((a, w, i) => a + w * means[i]!, 0) : 0);
  const incremental = weights.map((_, i) => {
    const without = Float64Array.from(weights);
    without[i] = 0;
    return z * sd - z * spread(without);
  });
  return { valueAtRisk, marginal, component, share: component.map((c) => c / valueAtRisk), incremental };
}

/**
 * Component expected shortfall [k]: w_i times the Acerbi-Tasche tail-weighted mean of -r_i on the portfolio's tail
 * days; ties by order of time. Sums to the portfolio's historical expected shortfall.
 * @param returns [n, k] row-major.
 */
export function componentShortfall(
  returns: Float64Array,
  weights: Float64Array,
  level: number,
): Float64Array {
  const k = weights.length;
  const n = returns.length / k;
  if (!Number.isInteger(n) || n < 2) {
    throw new QuantError("unequalLengths", `returns must be [n, ${k}] with n of at least 2`);
  }
  requireSeries(weights, "weights", 1);
  requireSeries(returns, "returns", 2);
  const portfolio = Float64Array.from({ length: n }, (_, t) => {
    let s = 0;
    for (let i = 0; i < k; i++) s += returns[t * k + i]! * weights[i]!;
    return s;
  });
  const order = Array.from(portfolio, (_, t) => t).sort((a, b) => portfolio[a]! - portfolio[b]! || a - b);
  const count = n * tailShare(level);
  const whole = Math.floor(count + 1e-9);
  const out = new Float64Array(k);
  for (let j = 0; j <= whole && j < n; j++) {
    const share = j < whole ? 1 : count - whole;
    const t = order[j]!;
    for (let i = 0; i < k; i++) out[i]! -= (share * returns[t * k + i]! * weights[i]!) / count;
  }
  return out;
}
