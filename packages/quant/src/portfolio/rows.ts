/** Linear rows over a few variables, and the systems of programmes made of them. */
import { QuantError } from "../error.ts";
import { choleskySolve } from "../statistics/linear.ts";
import { addGram } from "./gram.ts";
import type { Programme, System } from "./programme.ts";
import { solveProgramme } from "./programme.ts";

/** A condition sum of factor x variable >= least, under the name that refusals say. */
export interface Row {
  readonly name: string;
  readonly terms: readonly (readonly [variable: number, factor: number])[];
  readonly least: number;
  /** A bound of one weight, which is never what is relaxed to explain why nothing is allowed. */
  readonly bound?: true;
}

/** Rows [count, variables] with a penalty each, kept as one dense matrix. */
export interface DenseRows {
  readonly matrix: Float64Array;
  readonly count: number;
}

/** A system whose Newton matrix can be formed before it is factored. */
export interface DenseSystem extends System {
  /** Writes P + R' diag(weights) R to the lower triangle of `out`. */
  form(weights: Float64Array, out: Float64Array): void;
}

const NO_ROWS: DenseRows = { matrix: new Float64Array(0), count: 0 };
/** Added to each diagonal element, as a share of it, so that rounding leaves a pivot. */
const RIDGE = 1e-15;

/**
 * Cholesky factor, in place, of a symmetric Newton matrix [n, n] given by its lower triangle, after its diagonal has been
 * lifted; false where a pivot is not positive.
 */
export function factorLifted(matrix: Float64Array, n: number): boolean {
  for (let j = 0; j < n; j++) {
    let d = matrix[j * n + j]! * (1 + RIDGE);
    for (let k = 0; k < j; k++) d -= matrix[j * n + k]! * matrix[j * n + k]!;
    if (!(d > 0 && d < Infinity)) return false;
    const root = Math.sqrt(d);
    matrix[j * n + j] = root;
    for (let i = j + 1; i < n; i++) {
      let s = matrix[i * n + j]!;
      for (let k = 0; k < j; k++) s -= matrix[i * n + k]! * matrix[j * n + k]!;
      matrix[i * n + j] = s / root;
    }
  }
  return true;
}

/**
 * System of `rows`, then of `dense` ones; `quadratic` [k, k] with k <= variables is P in its first variables.
 * Rows of one term are kept apart: they only touch the diagonal.
 */
export function denseSystem(
  variables: number,
  rows: readonly Row[],
  quadratic?: Float64Array,
  dense = NO_ROWS,
): DenseSystem {
  const n = variables;
  const k = quadratic ? Math.sqrt(quadratic.length) : 0;
  const units = rows.length;
  const single = Int32Array.from(rows, (r) => (r.terms.length === 1 ? r.terms[0]![0] : -1));
  const factors = Float64Array.from(rows, (r) => r.terms[0]![1]);
  const general = new Float64Array(units * n);
  rows.forEach((row, t) => {
    for (const [variable, factor] of row.terms) general[t * n + variable]! += factor;
  });
  const matrix = new Float64Array(n * n);

  const form = (weights: Float64Array, out: Float64Array): void => {
    out.fill(0);
    for (let i = 0; i < k; i++) for (let j = 0; j <= i; j++) out[i * n + j] = quadratic![i * k + j]!;
    for (let t = 0; t < units; t++) {
      const w = weights[t]!;
      const own = single[t]!;
      if (own >= 0) {
        out[own * n + own]! += w * factors[t]! * factors[t]!;
        continue;
      }
      for (let i = 0; i < n; i++) {
        const f = w * general[t * n + i]!;
        if (f === 0) continue;
        for (let j = 0; j <= i; j++) out[i * n + j]! += f * general[t * n + j]!;
      }
    }
    addGram(dense.matrix, dense.count, n, weights, units, out);
  };

  return {
    variables,
    rows: units + dense.count,
    curved: k > 0,
    form,
    curve: (y, out) => {
      out.fill(0);
      for (let i = 0; i < k; i++) {
        let s = 0;
        for (let j = 0; j < k; j++) s += quadratic![i * k + j]! * y[j]!;
        out[i] = s;
      }
    },
    times: (y, out) => {
      for (let t = 0; t < units; t++) {
        const own = single[t]!;
        out[t] = own >= 0 ? factors[t]! * y[own]! : product(general, t * n, y, n);
      }
      for (let t = 0; t < dense.count; t++) out[units + t] = product(dense.matrix, t * n, y, n);
    },
    addTransposed: (z, out) => {
      for (let t = 0; t < units; t++) {
        const own = single[t]!;
        if (own >= 0) out[own]! += factors[t]! * z[t]!;
        else addScaled(general, t * n, z[t]!, out, n);
      }
      for (let t = 0; t < dense.count; t++) addScaled(dense.matrix, t * n, z[units + t]!, out, n);
    },
    factor: (weights) => {
      form(weights, matrix);
      return factorLifted(matrix, n);
    },
    solve: (y) => {
      choleskySolve(matrix, n, y);
    },
  };
}

function product(matrix: Float64Array, from: number, y: Float64Array, n: number): number {
  let s = 0;
  for (let i = 0; i < n; i++) s += matrix[from + i]! * y[i]!;
  return s;
}

function addScaled(matrix: Float64Array, from: number, factor: number, out: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) out[i]! += factor * matrix[from + i]!;
}

/** The part of a programme that says which points are allowed. */
export interface Region {
  readonly variables: number;
  readonly rows: readonly Row[];
  /** [totals.length, variables] */
  readonly equalities: Float64Array;
  readonly totals: Float64Array;
}

/** Violation that counts as one. */
const VIOLATED = 1e-7;

/**
 * Solves, and where that fails finds out whether any point is allowed: all rows but the bounds are given a penalty
 * instead, and those that the cheapest point still breaks are named.
 * @throws QuantError infeasible with the names of the rows, noConvergence.
 */
export function solveOrExplain(programme: Programme, region: Region): Float64Array {
  try {
    return solveProgramme(programme).y;
  } catch (error) {
    if (!(error instanceof QuantError)) throw error;
    requireFeasible(region);
    throw error;
  }
}

/** @throws QuantError infeasible, naming the rows that cannot be met together. */
export function requireFeasible(region: Region): void {
  const { variables, rows, equalities, totals } = region;
  const broken = breach(variables, rows, equalities, totals);
  if (broken.length === 0) return;
  throw new QuantError(
    "infeasible",
    `no weights meet all constraints; relax ${broken.map((t) => rows[t]!.name).join(" or ")}`,
  );
}

/** Rows broken by the point of least total violation. */
function breach(
  variables: number,
  rows: readonly Row[],
  equalities: Float64Array,
  totals: Float64Array,
): number[] {
  const system = denseSystem(variables, rows);
  const least = Float64Array.from(rows, (r) => r.least);
  const linear = new Float64Array(variables);
  const penalties = Float64Array.from(rows, (row) => (row.bound ? Infinity : 1));
  const { y } = solveProgramme({ system, linear, least, penalties, equalities, totals });
  const values = new Float64Array(rows.length);
  system.times(y, values);
  return rows.map((_, t) => t).filter((t) => values[t]! < least[t]! - VIOLATED);
}
