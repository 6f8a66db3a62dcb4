/** Regressions of whole samples: least squares with classic and robust errors, Huber, orthogonal, Theil-Sen. */
import { QuantError, requireSameLength, requireSeries, requireVariation, requireWhole } from "../error.ts";
import { fisherSf, normalQuantile, studentQuantile, studentSf } from "./distributions.ts";
import { mean, median } from "./moments.ts";

export interface LeastSquares {
  /** [k] in the order of the columns. */
  readonly coefficients: Float64Array;
  readonly residuals: Float64Array;
  readonly sumOfSquares: number;
  /** (X'X)⁻¹ [k, k]. */
  readonly inverseGram: Float64Array;
}

/**
 * Least squares of y [n] on columns [k][n] by Householder reflections.
 * @throws QuantError unequalLengths, notFinite, tooFew unless n > k, singular for dependent columns.
 */
export function leastSquares(y: Float64Array, columns: readonly Float64Array[]): LeastSquares {
  const n = y.length;
  const k = columns.length;
  for (const c of columns) requireSameLength(y, c, "y and a column");
  if (n <= k) throw new QuantError("tooFew", `${n} observations for ${k} coefficients; more are needed`);
  requireSeries(y, "y", 1);
  columns.forEach((c, j) => requireSeries(c, `column ${j}`, 1));
  const a = columns.map((c) => Float64Array.from(c));
  const b = Float64Array.from(y);
  const r = new Float64Array(k * k);
  for (let j = 0; j < k; j++) reflect(a, b, j, r);
  const coefficients = new Float64Array(k);
  for (let i = k - 1; i >= 0; i--) {
    let s = b[i]!;
    for (let c = i + 1; c < k; c++) s -= r[i * k + c]! * coefficients[c]!;
    coefficients[i] = s / r[i * k + i]!;
  }
  const residuals = new Float64Array(n);
  let sumOfSquares = 0;
  for (let t = 0; t < n; t++) {
    let e = y[t]!;
    for (let j = 0; j < k; j++) e -= columns[j]![t]! * coefficients[j]!;
    residuals[t] = e;
    sumOfSquares += e * e;
  }
  return { coefficients, residuals, sumOfSquares, inverseGram: inverseOfTriangle(r, k) };
}

/** Reflects column j of a onto its first j + 1 entries, and with it the later columns and b; fills column j of r. */
function reflect(a: readonly Float64Array[], b: Float64Array, j: number, r: Float64Array): void {
  const k = a.length;
  const v = a[j]!;
  let whole = 0;
  let rest = 0;
  for (let t = 0; t < v.length; t++) {
    const s = v[t]! * v[t]!;
    whole += s;
    if (t >= j) rest += s;
  }
  const norm = Math.sqrt(rest);
  if (!(norm > 1e-12 * Math.sqrt(whole))) {
    throw new QuantError("singular", `column ${j} depends on the columns before it; drop it`);
  }
  const alpha = v[j]! > 0 ? -norm : norm;
  for (let i = 0; i < j; i++) r[i * k + j] = v[i]!;
  r[j * k + j] = alpha;
  v[j] = v[j]! - alpha;
  const scale = 1 / (norm * (norm + Math.abs(v[j]! + alpha)));
  for (let c = j + 1; c <= k; c++) {
    const w = c < k ? a[c]! : b;
    let s = 0;
    for (let t = j; t < v.length; t++) s += v[t]! * w[t]!;
    s *= scale;
    for (let t = j; t < v.length; t++) w[t] = w[t]! - s * v[t]!;
  }
}

/** (R'R)⁻¹ of an upper triangle. */
function inverseOfTriangle(r: Float64Array, k: number): Float64Array {
  const u = new Float64Array(k * k);
  for (let j = 0; j < k; j++) {
    u[j * k + j] = 1 / r[j * k + j]!;
    for (let i = j - 1; i >= 0; i--) {
      let s = 0;
      for (let c = i + 1; c <= j; c++) s -= r[i * k + c]! * u[c * k + j]!;
      u[i * k + j] = s / r[i * k + i]!;
    }
  }
  const out = new Float64Array(k * k);
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < k; j++) {
      let s = 0;
      for (let c = Math.max(i, j); c < k; c++) s += u[i * k + c]! * u[j * k + c]!;
      out[i * k + j] = s;
    }
  }
  return out;
}

/** A column of n ones. */
export function ones(n: number): Float64Array {
  return new Float64Array(n).fill(1);
}

export interface Regression extends LeastSquares {
  /** Standard errors under equal variances, t values, two-sided p values and 95 % bounds, in order of the columns. */
  readonly standardErrors: Float64Array;
  readonly t: Float64Array;
  readonly p: Float64Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
  /** With an intercept 1 - SSR/SST; without one the uncentred share. */
  readonly rSquared: number;
  readonly rSquaredAdjusted: number;
  /** SSR / (n - k). */
  readonly variance: number;
  readonly degreesOfFreedom: number;
  /** F of all columns but the intercept. */
  readonly f: number;
  readonly fP: number;
  readonly logLikelihood: number;
  readonly aic: number;
  readonly bic: number;
  readonly durbinWatson: number;
}

/**
 * Ordinary least squares of y [n] on columns [k][n], after an intercept unless `intercept` is false. Errors, t and p
 * follow the order [intercept, ...columns].
 * @throws QuantError undefined for a y that does not vary or that the columns explain exactly: `leastSquares` has the
 * coefficients.
 */
export function ols(y: Float64Array, columns: readonly Float64Array[], intercept = true): Regression {
  requireSeries(y, "y", 3);
  columns.forEach((c, j) => requireSeries(c, `column ${j}`, 3));
  const n = y.length;
  requireVariation(y, "y");
  if (columns.length === 0) throw new QuantError("tooFew", "there are no columns; give at least one");
  const fit = leastSquares(y, intercept ? [ones(n), ...columns] : columns);
  if (fit.sumOfSquares === 0) {
    throw new QuantError("undefined", "the columns explain y exactly: there is no error to infer from");
  }
  const k = fit.coefficients.length;
  const df = n - k;
  const variance = fit.sumOfSquares / df;
  const centre = intercept ? mean(y) : 0;
  let total = 0;
  for (let t = 0; t < n; t++) total += (y[t]! - centre) ** 2;
  const rSquared = 1 - fit.sumOfSquares / total;
  const standardErrors = fit.coefficients.map((_, i) => Math.sqrt(variance * fit.inverseGram[i * k + i]!));
  const t = fit.coefficients.map((b, i) => b / standardErrors[i]!);
  const bound = studentQuantile(0.975, df);
  const slopes = intercept ? k - 1 : k;
  const f = (total - fit.sumOfSquares) / slopes / variance;
  const logLikelihood = (-n / 2) * (Math.log(2 * Math.PI) + Math.log(fit.sumOfSquares / n) + 1);
  let changes = 0;
  for (let i = 1; i < n; i++) changes += (fit.residuals[i]! - fit.residuals[i - 1]!) ** 2;
  return {
    ...fit,
    standardErrors,
    t,
    p: t.map((v) => 2 * studentSf(Math.abs(v), df)),
    low: fit.coefficients.map((b, i) => b - bound * standardErrors[i]!),
    high: fit.coefficients.map((b, i) => b + bound * standardErrors[i]!),
    rSquared,
    rSquaredAdjusted: 1 - ((1 - rSquared) * (intercept ? n - 1 : n)) / df,
    variance,
    degreesOfFreedom: df,
    f,
    fP: fisherSf(Math.max(f, 0), slopes, df),
    logLikelihood,
    aic: -2 * logLikelihood + 2 * k,
    bic: -2 * logLikelihood + k * Math.log(n),
    durbinWatson: changes / fit.sumOfSquares,
  };
}

export type RobustKind = "HC0" | "HC1" | "HC3" | "HAC";

/**
 * Standard errors that allow for unequal variances (HC0, HC1 = HC0 n/(n-k), HC3 = residuals over 1 - leverage) and for
 * correlation up to `lags` (HAC: Newey-West 1987, Bartlett weights, no small-sample factor).
 */
export function robustErrors(
  fit: LeastSquares,
  columns: readonly Float64Array[],
  kind: RobustKind,
  lags = 0,
): Float64Array {
  const n = fit.residuals.length;
  const k = fit.coefficients.length;
  const x = columns.length === k ? columns : [ones(n), ...columns];
  if (x.length !== k)
    throw new QuantError("unequalLengths", `${columns.length} columns for ${k} coefficients`);
  x.forEach((c, j) => {
    requireSameLength(fit.residuals, c, `residuals and column ${j}`);
    requireSeries(c, `column ${j}`, 1);
  });
  const scores = x.map((c) => c.map((v, t) => v * fit.residuals[t]!));
  if (kind === "HC3") {
    for (let t = 0; t < n; t++) {
      let h = 0;
      for (let i = 0; i < k; i++)
        for (let j = 0; j < k; j++) h += x[i]![t]! * fit.inverseGram[i * k + j]! * x[j]![t]!;
      for (let i = 0; i < k; i++) scores[i]![t]! /= 1 - h;
    }
  }
  const middle = new Float64Array(k * k);
  const most = kind === "HAC" ? lags : 0;
  requireWhole(most, "lags", 0, n - 1);
  for (let lag = 0; lag <= most; lag++) {
    const weight = lag === 0 ? 1 : 1 - lag / (most + 1);
    for (let i = 0; i < k; i++) {
      for (let j = 0; j < k; j++) {
        let s = 0;
        for (let t = lag; t < n; t++) s += scores[i]![t]! * scores[j]![t - lag]!;
        middle[i * k + j]! += weight * s;
        if (lag > 0) middle[j * k + i]! += weight * s;
      }
    }
  }
  const g = fit.inverseGram;
  return Float64Array.from({ length: k }, (_, i) => {
    let s = 0;
    for (let a = 0; a < k; a++)
      for (let b = 0; b < k; b++) s += g[i * k + a]! * middle[a * k + b]! * g[b * k + i]!;
    return Math.sqrt(kind === "HC1" ? (s * n) / (n - k) : s);
  });
}

export interface HuberFit {
  /** [intercept, ...columns]. */
  readonly coefficients: Float64Array;
  readonly standardErrors: Float64Array;
  /** median |residual| / 0.6745 about zero, at the solution. */
  readonly scale: number;
  readonly iterations: number;
}

const NORMAL_QUARTILE = 0.6744897501960817;

/**
 * Huber's M-estimate by reweighted least squares from the OLS start, the scale renewed every step, until no
 * coefficient moves by more than 1e-13 of itself. Errors by Huber's first proposal (Huber 1981, 7.6).
 * @throws QuantError noConvergence, undefined where at least half of the residuals are zero.
 */
export function huberRegression(y: Float64Array, columns: readonly Float64Array[], tuning = 1.345): HuberFit {
  requireSeries(y, "y", 3);
  const n = y.length;
  const x = [ones(n), ...columns];
  const k = x.length;
  const base = leastSquares(y, x);
  let coefficients = base.coefficients;
  let residuals = base.residuals;
  let scale = 0;
  let moved = Infinity;
  let iterations = 0;
  const root = new Float64Array(n);
  while (moved > 1e-13) {
    if (++iterations > 5000)
      throw new QuantError("noConvergence", "the weights did not settle in 5,000 steps");
    scale = median(residuals.map(Math.abs)) / NORMAL_QUARTILE;
    if (!(scale > 0)) throw new QuantError("undefined", "half of the residuals are zero: there is no scale");
    for (let t = 0; t < n; t++) root[t] = Math.sqrt(Math.min(1, (tuning * scale) / Math.abs(residuals[t]!)));
    const step = leastSquares(
      y.map((v, t) => v * root[t]!),
      x.map((c) => c.map((v, t) => v * root[t]!)),
    );
    moved = 0;
    for (let j = 0; j < k; j++) {
      moved = Math.max(moved, Math.abs(step.coefficients[j]! / coefficients[j]! - 1));
    }
    coefficients = step.coefficients;
    residuals = y.map((v, t) => x.reduce((e, c, j) => e - c[t]! * coefficients[j]!, v));
  }
  scale = median(residuals.map(Math.abs)) / NORMAL_QUARTILE;
  let psi = 0;
  let inside = 0;
  for (const e of residuals) {
    const z = Math.min(Math.abs(e) / scale, tuning);
    psi += z * z;
    if (Math.abs(e) / scale <= tuning) inside++;
  }
  const m = inside / n;
  const factor = 1 + ((k / n) * (m - m * m)) / (m * m);
  const spread = (factor * factor * (psi / (n - k)) * scale * scale) / (m * m);
  return {
    coefficients,
    scale,
    iterations,
    standardErrors: coefficients.map((_, i) => Math.sqrt(spread * base.inverseGram[i * k + i]!)),
  };
}

export interface Line {
  readonly slope: number;
  readonly intercept: number;
}

/**
 * Total least squares line of y on x: least squared orthogonal distances, both centred, not standardised.
 * slope = (syy - sxx + √((syy - sxx)² + 4 sxy²)) / (2 sxy). It explodes as the correlation nears 0.
 * @throws QuantError undefined where x and y are uncorrelated.
 */
export function totalLeastSquares(y: Float64Array, x: Float64Array): Line {
  requireSameLength(y, x, "y and x");
  requireSeries(y, "y", 3);
  requireSeries(x, "x", 3);
  const mx = mean(x);
  const my = mean(y);
  let sxx = 0;
  let syy = 0;
  let sxy = 0;
  for (let t = 0; t < x.length; t++) {
    const u = x[t]! - mx;
    const v = y[t]! - my;
    sxx += u * u;
    syy += v * v;
    sxy += u * v;
  }
  if (sxy === 0)
    throw new QuantError("undefined", "x and y are uncorrelated: the orthogonal line is undefined");
  const d = syy - sxx;
  const root = Math.hypot(d, 2 * sxy);
  // Of the two equal forms, the one that does not subtract nearly equal numbers.
  const slope = d >= 0 ? (d + root) / (2 * sxy) : (2 * sxy) / (root - d);
  return { slope, intercept: my - slope * mx };
}

export interface TheilSen extends Line {
  /** Bounds of the slope. */
  readonly low: number;
  readonly high: number;
}

/** Theil-Sen line: the median of the slopes of all pairs, with Sen's (1968) interval. Memory grows with n². */
export function theilSen(y: Float64Array, x: Float64Array, confidence = 0.95): TheilSen {
  requireSameLength(y, x, "y and x");
  requireSeries(y, "y", 3);
  requireSeries(x, "x", 3);
  const n = x.length;
  const slopes = new Float64Array((n * (n - 1)) / 2);
  let count = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const d = x[i]! - x[j]!;
      if (d !== 0) slopes[count++] = (y[i]! - y[j]!) / d;
    }
  }
  if (count === 0) throw new QuantError("undefined", "x does not vary: there is no slope");
  const ascending = slopes.subarray(0, count).sort();
  const h = count >> 1;
  const slope = count % 2 ? ascending[h]! : (ascending[h - 1]! + ascending[h]!) / 2;
  const spread = Math.sqrt((n * (n - 1) * (2 * n + 5) - tieTerm(x) - tieTerm(y)) / 18);
  const z = normalQuantile((1 - confidence) / 2) * spread;
  const up = Math.min(Math.round((count - z) / 2), count - 1);
  const down = Math.max(Math.round((count + z) / 2) - 1, 0);
  return { slope, intercept: median(y) - slope * median(x), low: ascending[down]!, high: ascending[up]! };
}

function tieTerm(x: Float64Array): number {
  const s = Float64Array.from(x).sort();
  let total = 0;
  for (let i = 0; i < s.length;) {
    let j = i;
    while (j < s.length && s[j] === s[i]) j++;
    const c = j - i;
    total += c * (c - 1) * (2 * c + 5);
    i = j;
  }
  return total;
}

export interface GrangerTest {
  readonly f: number;
  readonly fP: number;
  readonly dfDenominator: number;
  readonly dfNumerator: number;
  readonly chiSquare: number;
}

/** Does x help to predict y beyond y's own `lags` values? F and n (SSRr - SSRu) / SSRu of the regressions. */
export function grangerTest(y: Float64Array, x: Float64Array, lags: number): GrangerTest {
  requireSameLength(y, x, "y and x");
  requireWhole(lags, "lags", 1);
  requireSeries(y, "y", 3 * lags + 3);
  requireSeries(x, "x", 3 * lags + 3);
  const lagged = (s: Float64Array): Float64Array[] =>
    Array.from({ length: lags }, (_, j) => s.slice(lags - j - 1, s.length - j - 1));
  const now = y.slice(lags);
  const own = [ones(now.length), ...lagged(y)];
  const bound = leastSquares(now, own).sumOfSquares;
  const free = leastSquares(now, [...own, ...lagged(x)]).sumOfSquares;
  const df = now.length - own.length - lags;
  const f = ((bound - free) / free / lags) * df;
  return {
    f,
    fP: fisherSf(Math.max(f, 0), lags, df),
    dfDenominator: df,
    dfNumerator: lags,
    chiSquare: (now.length * (bound - free)) / free,
  };
}

/**
 * Slope of y on x over the last `n` values [length of y]: NaN before the window is full and where x is constant in it.
 * Every window is summed anew, so nothing drifts.
 */
export function rollingBeta(y: Float64Array, x: Float64Array, n: number): Float64Array {
  requireSameLength(y, x, "y and x");
  requireWhole(n, "n", 2, Math.max(2, y.length));
  requireSeries(y, "y", n);
  requireSeries(x, "x", n);
  const out = new Float64Array(y.length).fill(NaN);
  for (let i = n - 1; i < y.length; i++) {
    let sx = 0;
    let sy = 0;
    let sxx = 0;
    let sxy = 0;
    const x0 = x[i - n + 1]!;
    const y0 = y[i - n + 1]!;
    for (let k = i - n + 1; k <= i; k++) {
      const u = x[k]! - x0;
      const v = y[k]! - y0;
      sx += u;
      sy += v;
      sxx += u * u;
      sxy += u * v;
    }
    const spread = sxx - (sx * sx) / n;
    out[i] = spread > 0 ? (sxy - (sx * sy) / n) / spread : NaN;
  }
  return out;
}
