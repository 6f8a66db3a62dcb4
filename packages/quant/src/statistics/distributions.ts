/**
 * Distribution functions (cdf), upper tails (sf), densities (pdf) and quantiles, to about 1e-13 relative in both
 * tails. A probability outside (0, 1) or a parameter outside its domain is a QuantError.
 */
import { requireRange } from "../error.ts";
import type { Pair } from "./special.ts";
import { incompleteBeta, incompleteGamma, lgamma, normalCdf, stirlingError } from "./special.ts";

export { normalCdf, normalLogCdf } from "./special.ts";

const INVERSE_SQRT_2PI = 0.3989422804014327;

/** Standard normal density. */
export function normalPdf(x: number): number {
  return INVERSE_SQRT_2PI * Math.exp(-0.5 * x * x);
}

/** Standard normal upper tail 1 - Φ(x). */
export function normalSf(x: number): number {
  return normalCdf(-x);
}

/** Quantile of the standard normal: a rational start (Acklam 2003) and one Halley step on the exact cdf. */
export function normalQuantile(p: number): number {
  requireRange(p, "p", 0, 1, true);
  if (p > 0.5) return -lowerNormalQuantile(1 - p);
  return p === 0.5 ? 0 : lowerNormalQuantile(p);
}

function lowerNormalQuantile(p: number): number {
  let x: number;
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p));
    x =
      (((((-7.784894002430293e-3 * q - 0.3223964580411365) * q - 2.400758277161838) * q - 2.549732539343734) *
        q +
        4.374664141464968) *
        q +
        2.938163982698783) /
      ((((7.784695709041462e-3 * q + 0.3224671290700398) * q + 2.445134137142996) * q + 3.754408661907416) *
        q +
        1);
  } else {
    const q = p - 0.5;
    const r = q * q;
    x =
      ((((((-39.69683028665376 * r + 220.9460984245205) * r - 275.9285104469687) * r + 138.357751867269) * r -
        30.66479806614716) *
        r +
        2.506628277459239) *
        q) /
      (((((-54.47609879822406 * r + 161.5858368580409) * r - 155.6989798598866) * r + 66.80131188771972) * r -
        13.28068155288572) *
        r +
        1);
  }
  const u = (normalCdf(x) - p) / normalPdf(x);
  return x - u / (1 + (x * u) / 2);
}

/** The point of (0, ∞) where a tail has probability p: Newton on ln tail against ln x, kept inside a bracket. */
function solveTail(
  p: number,
  start: number,
  tail: (x: number) => number,
  pdf: (x: number) => number,
  rising: boolean,
): number {
  const goal = Math.log(p);
  let low = -700;
  let high = 700;
  let u = Math.min(Math.max(Math.log(start), low), high);
  for (let i = 0; i < 200; i++) {
    const x = Math.exp(u);
    const t = tail(x);
    const gap = Math.log(t) - goal;
    if (gap === 0) return x;
    if (gap > 0 === rising) high = u;
    else low = u;
    const slope = ((rising ? 1 : -1) * x * pdf(x)) / t;
    const step = gap / slope;
    if (Math.abs(step) < 1e-9) return x * Math.exp(-step);
    const next = u - step;
    u = next > low && next < high ? next : (low + high) / 2;
  }
  return Math.exp(u);
}

/** t² / (v + t²) and v / (v + t²) with what rounding lost. */
function studentParts(t: number, v: number): [Pair, Pair] {
  const z = t * t;
  const s = v + z;
  const lost = z - (s - v) + (v - (s - (s - v)));
  const x = z / s;
  const y = v / s;
  return [
    [x, remainder(z, x, s) / s - (x * lost) / s],
    [y, remainder(v, y, s) / s - (y * lost) / s],
  ];
}

/** z - x s, exact for quotients x = z / s. */
function remainder(z: number, x: number, s: number): number {
  const c = 134217729 * x;
  const xh = c - (c - x);
  const d = 134217729 * s;
  const sh = d - (d - s);
  const xl = x - xh;
  const sl = s - sh;
  const product = x * s;
  return z - product - (xl * sl - (product - xh * sh - xl * sh - xh * sl));
}

/** Student's t: probability above t with v > 0 degrees of freedom. */
export function studentSf(t: number, v: number): number {
  requireRange(v, "degrees of freedom", 0, Infinity, true);
  requireRange(t, "t", -Infinity, Infinity);
  if (Math.abs(t) === Infinity) return t > 0 ? 0 : 1;
  const [x, y] = studentParts(t, v);
  const [, outside] = incompleteBeta(0.5, v / 2, x, y);
  if (t >= 0) return outside > 0.75 ? 0.5 - incompleteBeta(0.5, v / 2, x, y)[0] / 2 : outside / 2;
  return 1 - studentSf(-t, v);
}

/** Student's t: probability below t with v > 0 degrees of freedom. */
export function studentCdf(t: number, v: number): number {
  return studentSf(-t, v);
}

/** Density of Student's t with v degrees of freedom. */
export function studentPdf(t: number, v: number): number {
  requireRange(v, "degrees of freedom", 0, Infinity, true);
  requireRange(t, "t", -Infinity, Infinity);
  return INVERSE_SQRT_2PI * Math.exp(studentLogScale(v) - ((v + 1) / 2) * Math.log1p((t * t) / v));
}

/** ln Γ((v+1)/2) - ln Γ(v/2) - ln √(v/2) without cancellation for large v; 0 in the limit. */
export function studentLogScale(v: number): number {
  if (v < 12) return lgamma((v + 1) / 2) - lgamma(v / 2) - 0.5 * Math.log(v / 2);
  return (v / 2) * Math.log1p(1 / v) - 0.5 + stirlingError((v + 1) / 2) - stirlingError(v / 2);
}

/** Quantile of Student's t. */
export function studentQuantile(p: number, v: number): number {
  requireRange(p, "p", 0, 1, true);
  requireRange(v, "degrees of freedom", 0, Infinity, true);
  if (p === 0.5) return 0;
  if (p > 0.5) return solveStudent(1 - p, v);
  return -solveStudent(p, v);
}

function solveStudent(q: number, v: number): number {
  return solveTail(
    q,
    Math.abs(normalQuantile(q)),
    (x) => studentSf(x, v),
    (x) => studentPdf(x, v),
    false,
  );
}

function chiSquareTails(x: number, v: number): [number, number] {
  requireRange(v, "degrees of freedom", 0, Infinity, true);
  requireRange(x, "x", 0, Infinity);
  return x === Infinity ? [1, 0] : incompleteGamma(v / 2, x / 2);
}

/** Chi-square: probability below x with v > 0 degrees of freedom. */
export function chiSquareCdf(x: number, v: number): number {
  return chiSquareTails(x, v)[0];
}

/** Chi-square: probability above x. */
export function chiSquareSf(x: number, v: number): number {
  return chiSquareTails(x, v)[1];
}

function chiSquarePdf(x: number, v: number): number {
  return Math.exp((v / 2 - 1) * Math.log(x / 2) - x / 2 - lgamma(v / 2)) / 2;
}

/** Quantile of chi-square. */
export function chiSquareQuantile(p: number, v: number): number {
  requireRange(p, "p", 0, 1, true);
  requireRange(v, "degrees of freedom", 0, Infinity, true);
  const pdf = (x: number): number => chiSquarePdf(x, v);
  if (p <= 0.5) return solveTail(p, v, (x) => chiSquareCdf(x, v), pdf, true);
  return solveTail(1 - p, v, (x) => chiSquareSf(x, v), pdf, false);
}

function fisherTails(x: number, a: number, b: number): [number, number] {
  requireRange(x, "x", 0, Infinity);
  if (x === Infinity) return [1, 0];
  const s = a * x + b;
  const u = (a * x) / s;
  const v = b / s;
  const lostU = (a * x - u * s) / s;
  return incompleteBeta(a / 2, b / 2, [u, u > 0.5 ? 0 : lostU], [v, 0]);
}

/** Fisher's F: probability below x with a and b degrees of freedom. */
export function fisherCdf(x: number, a: number, b: number): number {
  return fisherTails(x, a, b)[0];
}

/** Fisher's F: probability above x. */
export function fisherSf(x: number, a: number, b: number): number {
  return fisherTails(x, a, b)[1];
}

function fisherPdf(x: number, a: number, b: number): number {
  const beta = lgamma(a / 2) + lgamma(b / 2) - lgamma((a + b) / 2);
  const body = (a / 2) * Math.log(a / b) - ((a + b) / 2) * Math.log1p((a * x) / b);
  return Math.exp(body - beta + (a / 2 - 1) * Math.log(x));
}

/** Quantile of Fisher's F. */
export function fisherQuantile(p: number, a: number, b: number): number {
  requireRange(p, "p", 0, 1, true);
  const pdf = (x: number): number => fisherPdf(x, a, b);
  if (p <= 0.5) return solveTail(p, 1, (x) => fisherCdf(x, a, b), pdf, true);
  return solveTail(1 - p, 1, (x) => fisherSf(x, a, b), pdf, false);
}
