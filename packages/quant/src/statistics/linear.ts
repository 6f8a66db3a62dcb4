/** Dense linear algebra on row-major Float64Arrays, for matrices of up to a few hundred rows. */
import { QuantError } from "../error.ts";

/**
 * Lower Cholesky factor of a symmetric positive definite [n, n] matrix.
 * @throws QuantError singular where a pivot falls below `least` of its diagonal.
 */
export function cholesky(a: Float64Array, n: number, least = 1e-14): Float64Array {
  const l = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    let d = a[j * n + j]!;
    for (let k = 0; k < j; k++) d -= l[j * n + k]! * l[j * n + k]!;
    if (!(d > least * Math.abs(a[j * n + j]!))) {
      throw new QuantError("singular", `column ${j} depends on the columns before it; drop it or shrink`);
    }
    const root = Math.sqrt(d);
    l[j * n + j] = root;
    for (let i = j + 1; i < n; i++) {
      let s = a[i * n + j]!;
      for (let k = 0; k < j; k++) s -= l[i * n + k]! * l[j * n + k]!;
      l[i * n + j] = s / root;
    }
  }
  return l;
}

/** Solves L L' x = b in place for a lower Cholesky factor. */
export function choleskySolve(l: Float64Array, n: number, b: Float64Array): Float64Array {
  for (let i = 0; i < n; i++) {
    let s = b[i]!;
    for (let k = 0; k < i; k++) s -= l[i * n + k]! * b[k]!;
    b[i] = s / l[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    let s = b[i]!;
    for (let k = i + 1; k < n; k++) s -= l[k * n + i]! * b[k]!;
    b[i] = s / l[i * n + i]!;
  }
  return b;
}

/** Inverse of a symmetric positive definite matrix. */
export function invertDefinite(a: Float64Array, n: number): Float64Array {
  const l = cholesky(a, n);
  const out = new Float64Array(n * n);
  const column = new Float64Array(n);
  for (let j = 0; j < n; j++) {
    column.fill(0);
    column[j] = 1;
    choleskySolve(l, n, column);
    for (let i = 0; i < n; i++) out[i * n + j] = column[i]!;
  }
  return out;
}

/**
 * Solves a x = b for each of `m` right sides ([n, m] row-major) by elimination with row pivots; a and b are kept.
 * @throws QuantError singular.
 */
export function solve(a: Float64Array, n: number, b: Float64Array, m = 1): Float64Array {
  const u = Float64Array.from(a);
  const x = Float64Array.from(b);
  let largest = 0;
  for (let i = 0; i < n * n; i++) largest = Math.max(largest, Math.abs(u[i]!));
  for (let c = 0; c < n; c++) {
    let pivot = c;
    for (let i = c + 1; i < n; i++) if (Math.abs(u[i * n + c]!) > Math.abs(u[pivot * n + c]!)) pivot = i;
    if (!(Math.abs(u[pivot * n + c]!) > 1e-300 + 1e-17 * largest)) {
      throw new QuantError("singular", "the system has no unique solution");
    }
    if (pivot !== c) {
      swapRows(u, n, c, pivot);
      swapRows(x, m, c, pivot);
    }
    const inverse = 1 / u[c * n + c]!;
    for (let i = c + 1; i < n; i++) {
      const f = u[i * n + c]! * inverse;
      if (f === 0) continue;
      for (let k = c + 1; k < n; k++) u[i * n + k]! -= f * u[c * n + k]!;
      for (let k = 0; k < m; k++) x[i * m + k]! -= f * x[c * m + k]!;
    }
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = 0; k < m; k++) {
      let s = x[i * m + k]!;
      for (let c = i + 1; c < n; c++) s -= u[i * n + c]! * x[c * m + k]!;
      x[i * m + k] = s / u[i * n + i]!;
    }
  }
  return x;
}

function swapRows(a: Float64Array, width: number, i: number, j: number): void {
  for (let k = 0; k < width; k++) {
    const keep = a[i * width + k]!;
    a[i * width + k] = a[j * width + k]!;
    a[j * width + k] = keep;
  }
}

/** Inverse of a symmetric matrix that may be indefinite. */
export function invertSymmetric(a: Float64Array, n: number): Float64Array {
  const unit = new Float64Array(n * n);
  for (let i = 0; i < n; i++) unit[i * n + i] = 1;
  return solve(a, n, unit, n);
}

export interface Eigen {
  /** Ascending. */
  readonly values: Float64Array;
  /** [n, n], column j belongs to values[j], of length 1. */
  readonly vectors: Float64Array;
}

/** Eigenvalues and vectors of a symmetric matrix by Jacobi rotations. */
export function symmetricEigen(matrix: Float64Array, n: number): Eigen {
  const a = Float64Array.from(matrix);
  const v = new Float64Array(n * n);
  for (let i = 0; i < n; i++) v[i * n + i] = 1;
  for (let sweep = 0; sweep < 100; sweep++) {
    let off = 0;
    let all = 0;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        const s = a[i * n + j]! ** 2;
        all += s;
        if (i !== j) off += s;
      }
    }
    if (off <= 1e-32 * all) break;
    for (let p = 0; p < n - 1; p++) for (let q = p + 1; q < n; q++) rotate(a, v, n, p, q);
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => a[i * n + i]! - a[j * n + j]!);
  const vectors = new Float64Array(n * n);
  for (let j = 0; j < n; j++) for (let i = 0; i < n; i++) vectors[i * n + j] = v[i * n + order[j]!]!;
  return { values: Float64Array.from(order, (i) => a[i * n + i]!), vectors };
}

function rotate(a: Float64Array, v: Float64Array, n: number, p: number, q: number): void {
  const apq = a[p * n + q]!;
  if (apq === 0) return;
  const theta = (a[q * n + q]! - a[p * n + p]!) / (2 * apq);
  const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < n; k++) {
    const x = a[k * n + p]!;
    const y = a[k * n + q]!;
    a[k * n + p] = c * x - s * y;
    a[k * n + q] = s * x + c * y;
  }
  for (let k = 0; k < n; k++) {
    const x = a[p * n + k]!;
    const y = a[q * n + k]!;
    a[p * n + k] = c * x - s * y;
    a[q * n + k] = s * x + c * y;
    const f = v[k * n + p]!;
    const g = v[k * n + q]!;
    v[k * n + p] = c * f - s * g;
    v[k * n + q] = s * f + c * g;
  }
  a[p * n + q] = 0;
  a[q * n + p] = 0;
}

/** Value of a matrix [n, n] times a vector. */
export function multiply(
  a: Float64Array,
  n: number,
  x: Float64Array,
  out = new Float64Array(n),
): Float64Array {
  for (let i = 0; i < n; i++) {
    let s = 0;
    for (let j = 0; j < n; j++) s += a[i * n + j]! * x[j]!;
    out[i] = s;
  }
  return out;
}

export function dot(x: Float64Array, y: Float64Array): number {
  let s = 0;
  for (let i = 0; i < x.length; i++) s += x[i]! * y[i]!;
  return s;
}
