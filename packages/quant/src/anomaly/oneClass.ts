/**
 * One-class support vector machine with the kernel exp(-γ |x - x'|²): the smallest region that holds all but a share ν of
 * the sample. Source: Schölkopf et al. 2001; solved to the optimum by sequential minimal optimisation with second-order
 * choice of the pair (Fan, Chen and Lin 2005).
 */
import { QuantError, requireRange } from "../error.ts";
import { median } from "../statistics/moments.ts";
import { columnOf, requireRow, requireRows } from "./matrix.ts";

export interface OneClassSettings {
  /** Bound of the share of the sample left outside, and least share of support vectors; 0.05 by default. */
  readonly nu?: number;
  /** Width of the kernel; 1 / columns by default, which suits standardised columns. */
  readonly gamma?: number;
  /** Largest violation of the optimality conditions at the end; 1e-9 by default. */
  readonly tolerance?: number;
}

export interface OneClassSvm {
  readonly columns: number;
  readonly gamma: number;
  /** [m, columns]. */
  readonly support: Float64Array;
  /** Rows of the sample that the support vectors are. */
  readonly supportRows: Int32Array;
  /** [m] in (0, 1], summing to ν n. */
  readonly alpha: Float64Array;
  readonly rho: number;
  /** Medians of the sample [columns], which contributions compare with. */
  readonly medians: Float64Array;
}

const MOST_ROWS = 20_000;
/** Kernel values kept at once: 64 MB. */
const CACHE = 8_000_000;

/**
 * Fits data [n, columns] of 10 to 20,000 rows. Columns should have like scales: standardise them first.
 * @throws QuantError tooFew, outOfRange, notFinite, unequalLengths, noConvergence.
 */
export function fitOneClassSvm(
  data: Float64Array,
  columns: number,
  { nu = 0.05, gamma = 1 / columns, tolerance = 1e-9 }: OneClassSettings = {},
): OneClassSvm {
  const n = requireRows(data, columns, 10);
  if (n > MOST_ROWS) {
    throw new QuantError(
      "outOfRange",
      `data has ${n} rows; at most ${MOST_ROWS} can be fitted: draw a sample`,
    );
  }
  requireRange(nu, "nu", 0, 1, true);
  requireRange(gamma, "gamma", 0, Number.MAX_VALUE, true);
  requireRange(tolerance, "tolerance", 0, 1, true);
  const { alpha, gradient } = optimise(n, nu, kernelColumns(data, n, columns, gamma), tolerance);
  const supportRows = Int32Array.from(alpha.keys()).filter((i) => alpha[i]! > 0);
  const support = new Float64Array(supportRows.length * columns);
  supportRows.forEach((row, i) =>
    support.set(data.subarray(row * columns, (row + 1) * columns), i * columns),
  );
  return {
    columns,
    gamma,
    support,
    supportRows,
    alpha: Float64Array.from(supportRows, (i) => alpha[i]!),
    rho: offset(alpha, gradient),
    medians: Float64Array.from({ length: columns }, (_, j) => median(columnOf(data, columns, j))),
  };
}

/** Columns of the kernel matrix, the last ones used kept as far as the cache reaches. */
function kernelColumns(
  data: Float64Array,
  n: number,
  columns: number,
  gamma: number,
): (i: number) => Float64Array {
  const most = Math.max(2, Math.floor(CACHE / n));
  const kept = new Map<number, Float64Array>();
  return (i) => {
    const known = kept.get(i);
    if (known) {
      kept.delete(i);
      kept.set(i, known);
      return known;
    }
    const column = kept.size < most ? new Float64Array(n) : takeOldest(kept);
    fillColumn(data, columns, gamma, i, column);
    kept.set(i, column);
    return column;
  };
}

function takeOldest(kept: Map<number, Float64Array>): Float64Array {
  const [row, column] = kept.entries().next().value!;
  kept.delete(row);
  return column;
}

function fillColumn(data: Float64Array, columns: number, gamma: number, i: number, out: Float64Array): void {
  for (let t = 0; t < out.length; t++) {
    let distance = 0;
    for (let j = 0; j < columns; j++) {
      const d = data[t * columns + j]! - data[i * columns + j]!;
      distance += d * d;
    }
    out[t] = Math.exp(-gamma * distance);
  }
}

interface Optimum {
  readonly alpha: Float64Array;
  /** [n] derivative of ½ α'Kα. */
  readonly gradient: Float64Array;
}

/** Least ½ α'Kα with 0 <= α <= 1 and Σ α = ν n, moving one pair at a time. */
function optimise(n: number, nu: number, columnOf: (i: number) => Float64Array, tolerance: number): Optimum {
  const alpha = new Float64Array(n);
  const gradient = new Float64Array(n);
  let rest = nu * n;
  for (let i = 0; i < n && rest > 0; i++, rest -= 1) {
    alpha[i] = Math.min(1, rest);
    const k = columnOf(i);
    for (let t = 0; t < n; t++) gradient[t]! += alpha[i]! * k[t]!;
  }
  const most = 1_000_000 + 100 * n;
  for (let round = 0; round < most; round++) {
    const up = lowestBelowBound(alpha, gradient);
    const base = gradient[up]!;
    const kUp = columnOf(up);
    const down = bestPartner(alpha, gradient, base, kUp);
    if (down < 0 || highestAboveZero(alpha, gradient) - base < tolerance) return { alpha, gradient };
    const kDown = columnOf(down);
    const wanted = (gradient[down]! - base) / curvature(kUp[down]!);
    const step = Math.min(wanted, 1 - alpha[up]!, alpha[down]!);
    // At a bound the value is the bound itself, so that rounding leaves no pair half free.
    alpha[up] = step === 1 - alpha[up]! ? 1 : alpha[up]! + step;
    alpha[down] = step === alpha[down]! ? 0 : alpha[down]! - step;
    for (let t = 0; t < n; t++) gradient[t]! += step * (kUp[t]! - kDown[t]!);
  }
  throw new QuantError(
    "noConvergence",
    `no optimum after ${most} steps; standardise the columns or raise nu`,
  );
}

/** Second derivative along a pair: K(i,i) + K(j,j) - 2 K(i,j), the diagonal being 1. */
function curvature(k: number): number {
  return Math.max(2 - 2 * k, 1e-12);
}

/** Of the values that may grow, the one with the least gradient. */
function lowestBelowBound(alpha: Float64Array, gradient: Float64Array): number {
  let best = -1;
  for (let i = 0; i < alpha.length; i++) {
    if (alpha[i]! < 1 && (best < 0 || gradient[i]! < gradient[best]!)) best = i;
  }
  return best;
}

/** Of the values that may shrink, the highest gradient. */
function highestAboveZero(alpha: Float64Array, gradient: Float64Array): number {
  let high = -Infinity;
  for (let i = 0; i < alpha.length; i++) if (alpha[i]! > 0 && gradient[i]! > high) high = gradient[i]!;
  return high;
}

/** Of the values that may shrink, the one that lowers the objective most together with the partner of gradient `base`. */
function bestPartner(
  alpha: Float64Array,
  gradient: Float64Array,
  base: number,
  kernel: Float64Array,
): number {
  let best = -1;
  let most = 0;
  for (let i = 0; i < alpha.length; i++) {
    const gap = gradient[i]! - base;
    if (!(alpha[i]! > 0 && gap > 0)) continue;
    const gain = (gap * gap) / curvature(kernel[i]!);
    if (gain > most) {
      most = gain;
      best = i;
    }
  }
  return best;
}

/** ρ: the mean gradient of the values strictly inside their bounds, or the middle of what the bounds allow. */
function offset(alpha: Float64Array, gradient: Float64Array): number {
  let sum = 0;
  let free = 0;
  let low = -Infinity;
  let high = Infinity;
  for (let i = 0; i < alpha.length; i++) {
    const g = gradient[i]!;
    if (alpha[i]! >= 1) low = Math.max(low, g);
    else if (alpha[i]! <= 0) high = Math.min(high, g);
    else {
      sum += g;
      free++;
    }
  }
  return free > 0 ? sum / free : (low + high) / 2;
}

/** Decisions [n] of data [n, columns]: Σ α exp(-γ |x - support|²) - ρ; negative outside the region. */
export function oneClassDecisions(svm: OneClassSvm, data: Float64Array): Float64Array {
  const { columns, gamma, support, alpha, rho } = svm;
  const n = requireRows(data, columns, 1);
  const out = new Float64Array(n);
  for (let t = 0; t < n; t++) {
    let sum = 0;
    for (let i = 0; i < alpha.length; i++) {
      let distance = 0;
      for (let j = 0; j < columns; j++) {
        const d = data[t * columns + j]! - support[i * columns + j]!;
        distance += d * d;
      }
      sum += alpha[i]! * Math.exp(-gamma * distance);
    }
    out[t] = sum - rho;
  }
  return out;
}

/**
 * Why a row is where it is: [columns], by how much its decision would rise if that feature alone stood at the median of the
 * sample. The largest names the feature that puts the row outside.
 */
export function oneClassContributions(svm: OneClassSvm, row: Float64Array): Float64Array {
  requireRow(row, svm.columns);
  const variants = new Float64Array((svm.columns + 1) * svm.columns);
  for (let j = 0; j <= svm.columns; j++) {
    variants.set(row, j * svm.columns);
    if (j < svm.columns) variants[j * svm.columns + j] = svm.medians[j]!;
  }
  const decisions = oneClassDecisions(svm, variants);
  return decisions.subarray(0, svm.columns).map((d) => d - decisions[svm.columns]!);
}
