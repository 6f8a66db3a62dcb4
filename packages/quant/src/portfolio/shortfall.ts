/** Portfolios of least tail loss or least drawdown over scenarios of returns [n, assets]. */
import { requireRange } from "../error.ts";
import { requireFinite, requireReturns } from "./checks.ts";
import type { Constraints } from "./constraints.ts";
import { regionOf, weightsOf } from "./constraints.ts";
import { columnMeans } from "./covariance.ts";
import { drawdownSystem } from "./drawdownRows.ts";
import type { Region, Row } from "./rows.ts";
import { denseSystem, solveOrExplain } from "./rows.ts";

export interface TailOptions {
  /** Confidence level in (0, 1): the mean is taken of the worst 1 - level. */
  readonly level?: number;
  /** Least mean return per period over the scenarios. */
  readonly targetReturn?: number;
  readonly constraints?: Constraints;
}

export interface TailPortfolio {
  readonly weights: Float64Array;
  /** Mean of the worst 1 - level of the losses or drawdowns, the scenario at the edge counted in part. */
  readonly value: number;
}

/**
 * Weights of least expected shortfall (CVaR) of the losses -Xw per period; trading costs are added to the objective.
 * @param returns scenarios [n, assets], equally likely.
 * Source: Rockafellar and Uryasev, Optimization of conditional value-at-risk (2000); the linear programme is solved with
 * its scenario variables eliminated.
 * @throws QuantError tooFew where the tail holds less than one scenario, infeasible.
 */
export function minShortfall(
  returns: Float64Array,
  assets: number,
  options: TailOptions = {},
): TailPortfolio {
  const { n, level, region, scale, constraints } = prepare(returns, assets, options);
  // Variables: those of the region, then the threshold of the tail.
  const variables = region.variables + 1;
  const matrix = new Float64Array(n * variables);
  for (let t = 0; t < n; t++) {
    for (let i = 0; i < assets; i++) matrix[t * variables + i] = returns[t * assets + i]! / scale;
    matrix[t * variables + variables - 1] = 1;
  }
  const system = denseSystem(variables, region.rows, undefined, { matrix, count: n });
  const y = solveTail(system, region, n * (1 - level), n, assets, scale, constraints);
  const weights = weightsOf(y, assets, constraints);
  return { weights, value: meanOfWorst(lossesOf(returns, weights), level) };
}

/**
 * Weights of least conditional drawdown at risk (CDaR): the mean of the deepest 1 - level of the drawdowns of the running
 * sum of returns from 0.
 * Source: Chekhlov, Uryasev and Zabarankin, Drawdown measure in portfolio optimization (2005).
 */
export function minDrawdown(returns: Float64Array, assets: number, options: TailOptions = {}): TailPortfolio {
  const { n, level, region, scale, constraints } = prepare(returns, assets, options);
  const scaled = returns.map((r) => r / scale);
  const system = drawdownSystem(region, scaled, assets);
  const y = solveTail(system, region, n * (1 - level), n, assets, scale, constraints);
  const weights = weightsOf(y, assets, constraints);
  return { weights, value: meanOfWorst(drawdownsOf(returns, weights), level) };
}

interface Prepared {
  readonly n: number;
  readonly level: number;
  readonly region: Region;
  /** Root mean square of the returns: what they are divided by. */
  readonly scale: number;
  readonly constraints: Constraints;
}

function prepare(returns: Float64Array, assets: number, options: TailOptions): Prepared {
  const { level = 0.95, constraints = {} } = options;
  requireRange(level, "level", 0, 1, true);
  const n = requireReturns(returns, assets, Math.ceil(1 / (1 - level) - 1e-9));
  let squares = 0;
  for (const r of returns) squares += r * r;
  const scale = Math.sqrt(squares / returns.length) || 1;
  const extra: Row[] = [];
  if (options.targetReturn !== undefined) {
    requireFinite(options.targetReturn, "targetReturn");
    const means = columnMeans(returns, assets);
    const size = means.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-300);
    extra.push({
      name: `the target return ${options.targetReturn}`,
      terms: Array.from(means, (v, i) => [i, v / size] as const),
      least: options.targetReturn / size,
    });
  }
  return { n, level, region: regionOf(assets, constraints, extra), scale, constraints };
}

/** Minimises threshold + sum of the excesses over it / tail + costs; the last `n` rows are the excesses. */
function solveTail(
  system: ReturnType<typeof denseSystem> | ReturnType<typeof drawdownSystem>,
  region: Region,
  tail: number,
  n: number,
  assets: number,
  scale: number,
  constraints: Constraints,
): Float64Array {
  const { rows, variables } = region;
  const linear = new Float64Array(system.variables);
  linear.fill((constraints.turnover?.costRate ?? 0) / scale, assets, variables);
  linear[variables] = 1;
  const least = new Float64Array(system.rows);
  rows.forEach((row, t) => (least[t] = row.least));
  const penalties = new Float64Array(system.rows).fill(Infinity, 0, system.rows - n);
  penalties.fill(1 / tail, system.rows - n);
  const equalities = new Float64Array(system.variables);
  equalities.set(region.equalities);
  return solveOrExplain({ system, linear, least, penalties, equalities, totals: region.totals }, region);
}

/** -Xw of each row of returns [n, assets]. */
function lossesOf(returns: Float64Array, weights: Float64Array): Float64Array {
  const k = weights.length;
  return Float64Array.from({ length: returns.length / k }, (_, t) => {
    let s = 0;
    for (let i = 0; i < k; i++) s -= returns[t * k + i]! * weights[i]!;
    return s;
  });
}

/** Falls of the running sum of returns from its highest point so far, which starts at 0. */
function drawdownsOf(returns: Float64Array, weights: Float64Array): Float64Array {
  let depth = 0;
  return lossesOf(returns, weights).map((loss) => (depth = Math.max(0, depth + loss)));
}

/** Mean of the worst 1 - level of values, the one at the edge in part. */
function meanOfWorst(values: Float64Array, level: number): number {
  const sorted = values.toSorted();
  const n = sorted.length;
  const tail = n * (1 - level);
  const whole = Math.floor(tail + 1e-9);
  let sum = 0;
  for (let i = 1; i <= whole; i++) sum += sorted[n - i]!;
  const part = Math.max(0, tail - whole);
  return (sum + (part > 0 ? part * sorted[n - 1 - whole]! : 0)) / tail;
}
