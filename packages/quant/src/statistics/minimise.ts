/** Minimisers of smooth functions of a few variables. */
import { QuantError } from "../error.ts";

export interface Minimum {
  readonly x: Float64Array;
  readonly value: number;
  readonly evaluations: number;
}

/** Writes the gradient at x and returns the value; Infinity outside the domain. */
export type Objective = (x: Float64Array, gradient: Float64Array) => number;

/**
 * BFGS with a backtracking line search, from a start with finite value. Ends when no step lowers the value or the
 * predicted gain is below `gain` of its size.
 * @throws QuantError noConvergence after `most` iterations.
 */
export function minimise(objective: Objective, start: Float64Array, gain = 1e-13, most = 500): Minimum {
  const n = start.length;
  let x = Float64Array.from(start);
  let g = new Float64Array(n);
  let value = objective(x, g);
  let evaluations = 1;
  const h = identity(n);
  const d = new Float64Array(n);
  let trial = new Float64Array(n);
  let gTrial = new Float64Array(n);
  let scaled = false;
  for (let round = 0; round < most; round++) {
    let slope = 0;
    for (let i = 0; i < n; i++) {
      let s = 0;
      for (let j = 0; j < n; j++) s -= h[i * n + j]! * g[j]!;
      d[i] = s;
      slope += s * g[i]!;
    }
    if (slope > 0) throw new QuantError("noConvergence", "the search direction does not lead down");
    if (-slope <= gain * (1 + Math.abs(value))) return { x, value, evaluations };
    let step = scaled ? 1 : Math.min(1, 0.5 / norm(d));
    let next = Infinity;
    for (let k = 0; k < 60; k++, step /= 2) {
      for (let i = 0; i < n; i++) trial[i] = x[i]! + step * d[i]!;
      next = objective(trial, gTrial);
      evaluations++;
      if (next <= value + 1e-4 * step * slope) break;
      next = Infinity;
    }
    if (next === Infinity) {
      if (!scaled) return { x, value, evaluations };
      h.set(identity(n));
      scaled = false;
      continue;
    }
    scaled = updateInverse(h, x, trial, g, gTrial, d, !scaled) || scaled;
    [x, trial] = [trial, x];
    [g, gTrial] = [gTrial, g];
    value = next;
  }
  throw new QuantError("noConvergence", `no minimum after ${most} iterations; rescale the data`);
}

function identity(n: number): Float64Array {
  const h = new Float64Array(n * n);
  for (let i = 0; i < n; i++) h[i * n + i] = 1;
  return h;
}

function norm(x: Float64Array): number {
  let s = 0;
  for (let i = 0; i < x.length; i++) s += x[i]! * x[i]!;
  return Math.sqrt(s);
}

/** The BFGS update of the inverse Hessian; refused (false) where the curvature along the step is not positive. */
function updateInverse(
  h: Float64Array,
  x: Float64Array,
  xNext: Float64Array,
  g: Float64Array,
  gNext: Float64Array,
  hy: Float64Array,
  first: boolean,
): boolean {
  const n = x.length;
  let sy = 0;
  let yy = 0;
  for (let i = 0; i < n; i++) {
    const y = gNext[i]! - g[i]!;
    sy += y * (xNext[i]! - x[i]!);
    yy += y * y;
  }
  if (!(sy > 1e-14 * yy)) return false;
  if (first) for (let i = 0; i < n; i++) h[i * n + i] = sy / yy;
  let yhy = 0;
  for (let i = 0; i < n; i++) {
    let s = 0;
    for (let j = 0; j < n; j++) s += h[i * n + j]! * (gNext[j]! - g[j]!);
    hy[i] = s;
    yhy += s * (gNext[i]! - g[i]!);
  }
  const scale = (1 + yhy / sy) / sy;
  for (let i = 0; i < n; i++) {
    const si = xNext[i]! - x[i]!;
    for (let j = 0; j < n; j++) {
      const sj = xNext[j]! - x[j]!;
      h[i * n + j] = h[i * n + j]! + scale * si * sj - (hy[i]! * sj + si * hy[j]!) / sy;
    }
  }
  return true;
}

/** Root of a continuous function between two points where its signs differ: Illinois secants and bisections. */
export function findRoot(f: (x: number) => number, low: number, high: number, tolerance = 1e-15): number {
  let a = low;
  let fa = f(a);
  let b = high;
  let fb = f(b);
  if (fa === 0) return a;
  if (fb === 0) return b;
  if (fa > 0 === fb > 0 || Number.isNaN(fa) || Number.isNaN(fb)) {
    throw new QuantError("noConvergence", `no change of sign between ${low} and ${high}`);
  }
  let side = 0;
  for (let i = 0; i < 300 && Math.abs(b - a) > tolerance * (1 + Math.abs(a)); i++) {
    // Illinois steps, and a bisection every third so that the bracket always shrinks.
    let x = i % 3 === 2 ? (a + b) / 2 : (a * fb - b * fa) / (fb - fa);
    if (!(x > Math.min(a, b) && x < Math.max(a, b))) x = (a + b) / 2;
    if (x === a || x === b) break;
    const fx = f(x);
    if (fx === 0) return x;
    if (fx > 0 === fb > 0) {
      b = x;
      fb = fx;
      if (side === -1) fa /= 2;
      side = -1;
    } else {
      a = x;
      fa = fx;
      if (side === 1) fb /= 2;
      side = 1;
    }
  }
  return Math.abs(fa) < Math.abs(fb) ? a : b;
}
