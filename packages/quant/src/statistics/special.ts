/**
 * Special functions to about 1e-14 relative, upper tails included. Arguments outside a domain are a QuantError.
 * Sources: Cody 1969 (error function), DLMF 5, 7 and 8, Loader 2000 (stable prefixes).
 */
import { requireRange } from "../error.ts";

const SQRT_PI_INVERSE = 0.5641895835477563;
const LN_SQRT_2PI = 0.9189385332046728;
export const EULER_GAMMA = 0.5772156649015329;

const A = [
  3.1611237438705655, 113.86415415105016, 377.485237685302, 3209.3775891384694, 0.18577770618460315,
] as const;
const B = [23.601290952344122, 244.02463793444417, 1282.6165260773723, 2844.236833439171] as const;
const C = [
  0.5641884969886701, 8.883149794388377, 66.11919063714163, 298.6351381974001, 881.952221241769,
  1712.0476126340707, 2051.0783778260716, 1230.3393547979972, 2.1531153547440383e-8,
] as const;
const D = [
  15.744926110709835, 117.6939508913125, 537.1811018620099, 1621.3895745666903, 3290.7992357334597,
  4362.619090143247, 3439.3676741437216, 1230.3393548037495,
] as const;
const P = [
  0.30532663496123236, 0.36034489994980445, 0.12578172611122926, 0.016083785148742275, 0.0006587491615298378,
  0.016315387137302097,
] as const;
const Q = [
  2.568520192289822, 1.8729528499234673, 0.5279051029514285, 0.06051834131244132, 0.0023352049762686918,
] as const;

/** erf(x) for |x| <= 0.46875. */
function smallErf(x: number): number {
  const y = x * x;
  let num = A[4] * y;
  let den = y;
  for (let i = 0; i < 3; i++) {
    num = (num + A[i]!) * y;
    den = (den + B[i]!) * y;
  }
  return (x * (num + A[3])) / (den + B[3]);
}

/** exp(y^2) erfc(y) for y > 0.46875. */
function scaledErfc(y: number): number {
  if (y <= 4) {
    let num = C[8] * y;
    let den = y;
    for (let i = 0; i < 7; i++) {
      num = (num + C[i]!) * y;
      den = (den + D[i]!) * y;
    }
    return (num + C[7]) / (den + D[7]);
  }
  const z = 1 / (y * y);
  let num = P[5] * z;
  let den = z;
  for (let i = 0; i < 4; i++) {
    num = (num + P[i]!) * z;
    den = (den + Q[i]!) * z;
  }
  return (SQRT_PI_INVERSE - (z * (num + P[4])) / (den + Q[4])) / y;
}

/** exp(-c y^2) without the rounding of y^2 in the exponent; c a power of two. */
function gauss(y: number, c: number): number {
  const head = Math.trunc(y * 16) / 16;
  return Math.exp(-c * head * head) * Math.exp(-c * (y - head) * (y + head));
}

/** Error function. */
export function erf(x: number): number {
  if (Math.abs(x) <= 0.46875) return smallErf(x);
  const tail = gauss(Math.abs(x), 1) * scaledErfc(Math.abs(x));
  return x > 0 ? 1 - tail : tail - 1;
}

/** Complementary error function 1 - erf(x), exact to the end of the range of doubles. */
export function erfc(x: number): number {
  if (Math.abs(x) <= 0.46875) return 1 - smallErf(x);
  const tail = gauss(Math.abs(x), 1) * scaledErfc(Math.abs(x));
  return x > 0 ? tail : 2 - tail;
}

/** Mills' ratio (1 - Φ(x)) / φ(x) for x >= 1: what is left of a far tail once its density is divided out. */
export function millsRatio(x: number): number {
  requireRange(x, "x", 1, Infinity);
  return Math.sqrt(Math.PI / 2) * scaledErfc(x * Math.SQRT1_2);
}

/** Standard normal distribution function Φ(x). */
export function normalCdf(x: number): number {
  const y = Math.abs(x) * Math.SQRT1_2;
  if (y <= 0.46875) return 0.5 + 0.5 * smallErf(x * Math.SQRT1_2);
  if (y > 40) return x > 0 ? 1 : 0;
  const tail = 0.5 * scaledErfc(y) * gauss(Math.abs(x), 0.5);
  return x > 0 ? 1 - tail : tail;
}

/** ln Φ(x), finite far beyond the point where Φ(x) is 0 in doubles. */
export function normalLogCdf(x: number): number {
  if (x > -1) return x > 0 ? Math.log1p(-normalCdf(-x)) : Math.log(normalCdf(x));
  return Math.log(0.5 * scaledErfc(-x * Math.SQRT1_2)) - 0.5 * x * x;
}

/** ζ(k) - 1 for k = 2 .. 40, by the sum to 20 and the Euler-Maclaurin remainder. */
const zetaLessOne = Float64Array.from({ length: 41 }, (_, k) => {
  if (k < 2) return 0;
  const n = 20;
  let rest = n ** (1 - k) / (k - 1) - n ** -k / 2 + (k * n ** (-k - 1)) / 12;
  rest -= (k * (k + 1) * (k + 2) * n ** (-k - 3)) / 720;
  rest += (k * (k + 1) * (k + 2) * (k + 3) * (k + 4) * n ** (-k - 5)) / 30240;
  let rising = k * (k + 1) * (k + 2) * (k + 3) * (k + 4) * (k + 5) * (k + 6);
  rest -= (rising * n ** (-k - 7)) / 1209600;
  rising *= (k + 7) * (k + 8);
  rest += (rising * n ** (-k - 9)) / 47900160;
  for (let j = n; j >= 2; j--) rest += j ** -k;
  return rest;
});

/** ln Γ(2 + x) for |x| <= 0.5. */
function lgammaNearTwo(x: number): number {
  let sum = 0;
  for (let k = 40; k >= 2; k--) sum = ((k % 2 ? -1 : 1) * zetaLessOne[k]!) / k + x * sum;
  return x * (1 - EULER_GAMMA + x * sum);
}

/** ln Γ(x) - [(x - 1/2) ln x - x + ln √2π]: what Stirling's formula leaves. */
export function stirlingError(x: number): number {
  if (x < 12) return lgamma(x) - ((x - 0.5) * Math.log(x) - x + LN_SQRT_2PI);
  const z = 1 / (x * x);
  const tail = 1 / 1188 - z * (691 / 360360 - z * (1 / 156 - z * (3617 / 122400)));
  return (1 / 12 - z * (1 / 360 - z * (1 / 1260 - z * (1 / 1680 - z * tail)))) / x;
}

/** ln Γ(x) for x > 0. */
export function lgamma(x: number): number {
  requireRange(x, "x", 0, Infinity, true);
  if (x >= 12) return (x - 0.5) * Math.log(x) - x + LN_SQRT_2PI + stirlingError(x);
  if (x < 0.5) return lgammaNearTwo(x) - Math.log1p(x) - Math.log(x);
  if (x < 1.5) return lgammaNearTwo(x - 1) - Math.log(x);
  let y = x;
  let product = 1;
  while (y > 2.5) {
    y -= 1;
    product *= y;
  }
  return lgammaNearTwo(y - 2) + Math.log(product);
}

/** Digamma ψ(x) = d ln Γ(x) / dx for x > 0. */
export function digamma(x: number): number {
  requireRange(x, "x", 0, Infinity, true);
  let y = x;
  let shift = 0;
  while (y < 12) {
    shift += 1 / y;
    y += 1;
  }
  const z = 1 / (y * y);
  const tail = 1 / 240 - z * (1 / 132 - z * (691 / 32760 - z / 12));
  const series = z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - z * tail)));
  return Math.log(y) - 0.5 / y - series - shift;
}

/** Error of the product a b, exact where it does not overflow. */
function productError(a: number, b: number, product: number): number {
  const ah = high(a);
  const bh = high(b);
  const al = a - ah;
  const bl = b - bh;
  return al * bl - (product - ah * bh - al * bh - ah * bl);
}

function high(a: number): number {
  const c = 134217729 * a;
  return c - (c - a);
}

/** ((x + xLow) n / a)^(a/2), the rounding of the quotient taken back. */
function halfPower(x: number, xLow: number, n: number, a: number): number {
  const product = x * n;
  if (product === 0) return 0;
  const q = product / a;
  const back = q * a;
  const left = product - back - productError(q, a, back) + productError(x, n, product) + xLow * n;
  return q ** (a / 2) * Math.exp(left / q / 2);
}

/** x^a e^-x / Γ(a + 1). */
function gammaPrefix(a: number, x: number): number {
  if (a < 1) return Math.exp(a * Math.log(x) - x - lgamma(a + 1));
  // Beyond these bounds a factor below would leave the range of doubles, though their product does not.
  if (Math.abs(a - x) > 1400 || a * Math.abs(Math.log(x / a)) > 1400) {
    const d = (x - a) / a;
    return Math.exp(a * (Math.log1p(d) - d) - stirlingError(a)) / Math.sqrt(2 * Math.PI * a);
  }
  const half = halfPower(x, 0, 1, a) * Math.exp((a - x) / 2);
  return (half * half) / Math.sqrt(2 * Math.PI * a) / Math.exp(stirlingError(a));
}

/** Regularised lower and upper incomplete gamma functions [P(a, x), Q(a, x)], a > 0, x >= 0. */
export function incompleteGamma(a: number, x: number): [number, number] {
  requireRange(a, "a", 0, Infinity, true);
  requireRange(x, "x", 0, Infinity);
  if (x === 0) return [0, 1];
  const prefix = gammaPrefix(a, x);
  if (x < a + 1) {
    let term = 1;
    let sum = 1;
    for (let k = 1; k < 100_000 && term > sum * 1e-17; k++) {
      term *= x / (a + k);
      sum += term;
    }
    const p = prefix * sum;
    return [p, 1 - p];
  }
  let b = x + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let h = d;
  for (let i = 1; i < 100_000; i++) {
    const step = -i * (i - a);
    b += 2;
    d = 1 / (step * d + b);
    c = b + step / c;
    const factor = c * d;
    h *= factor;
    if (Math.abs(factor - 1) < 1e-16) break;
  }
  const q = prefix * a * h;
  return [1 - q, q];
}

/** A number with what its rounding lost. */
export type Pair = readonly [number, number];

/** 1 - x for 0 <= x <= 1, with what the rounding lost. */
export function complement(x: number): Pair {
  const y = 1 - x;
  return [y, 1 - y - x];
}

/** x^a y^b / B(a, b) for x + y = 1. */
function betaPrefix(a: number, b: number, x: Pair, y: Pair): number {
  const n = a + b;
  const left = halfPower(x[0], x[1], n, a);
  const right = halfPower(y[0], y[1], n, b);
  const spread = stirlingError(n) - stirlingError(a) - stirlingError(b);
  return left * right * (left * right) * Math.sqrt((a / n) * (b / (2 * Math.PI))) * Math.exp(spread);
}

/**
 * The even part of the continued fraction of the incomplete beta function, over a (Didonato and Morris 1992, eq. 9).
 * Its terms are formed from λ = a - (a + b) x = (a + b) y - b, so that nothing cancels where x is close to 1.
 */
function betaFraction(a: number, b: number, x: number, y: number): number {
  const c = 1 + (y < x ? (a + b) * y - b : a - (a + b) * x);
  const c1 = 1 + 1 / a;
  let before = 0;
  let belowBefore = 1;
  let now = 1;
  let below = c / c1;
  let ratio = c1 / c;
  for (let n = 1; n < 100_000; n++) {
    const s = a + 2 * n - 1;
    const t = n / a;
    const w = n * (b - n) * x;
    const p = 1 + (n - 1) / a;
    const e = a / s;
    const alpha = p * (p + b / a) * e * e * (w * x);
    const beta = n + w / s + ((t + 1) / (c1 + 2 * t)) * (c + n * (y + 1));
    const next = alpha * before + beta * now;
    const belowNext = alpha * belowBefore + beta * below;
    const last = ratio;
    ratio = next / belowNext;
    if (Math.abs(ratio - last) <= 1e-16 * ratio) break;
    before = now / belowNext;
    belowBefore = below / belowNext;
    now = ratio;
    below = 1;
  }
  return ratio;
}

/**
 * Regularised incomplete beta function and its complement [I_x(a, b), 1 - I_x(a, b)], a, b > 0.
 * x and y = 1 - x come as pairs, so that neither tail loses digits.
 */
export function incompleteBeta(a: number, b: number, x: Pair, y: Pair): [number, number] {
  requireRange(a, "a", 0, Infinity, true);
  requireRange(b, "b", 0, Infinity, true);
  if (x[0] <= 0) return [0, 1];
  if (y[0] <= 0) return [1, 0];
  const prefix = betaPrefix(a, b, x, y);
  if (x[0] < (a + 1) / (a + b + 2)) {
    const p = prefix * betaFraction(a, b, x[0], y[0]);
    return [p, 1 - p];
  }
  const q = prefix * betaFraction(b, a, y[0], x[0]);
  return [1 - q, q];
}
