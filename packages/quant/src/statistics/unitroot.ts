/** Tests for unit roots and stationarity. */
import { QuantError, requireSameLength, requireSeries, requireWhole } from "../error.ts";
import { normalSf } from "./distributions.ts";
import { cholesky, dot } from "./linear.ts";
import type { CriticalValues, Deterministic } from "./mackinnon.ts";
import { mackinnonCritical, mackinnonP } from "./mackinnon.ts";
import { mean } from "./moments.ts";
import { leastSquares, ols, ones } from "./regression.ts";

export type AdfTerms = Exclude<Deterministic, "ctt">;
export type LagChoice = "aic" | "bic" | "t";

export interface AdfSettings {
  /** Deterministic terms; "c" by default. */
  readonly terms?: AdfTerms;
  /** Most lagged differences; by default ceil(12 (n/100)^¼), at most half of the sample. */
  readonly maxLag?: number;
  /** How the number of lags is chosen; null takes maxLag itself. "aic" by default. */
  readonly choose?: LagChoice | null;
}

export interface AdfTest {
  readonly statistic: number;
  readonly p: number;
  readonly lags: number;
  /** Observations of the final regression. */
  readonly observations: number;
  readonly critical: CriticalValues;
  /** The criterion at the choice: AIC, BIC, or |t| of the last lag; null without a choice. */
  readonly criterion: number | null;
}

const termCount: Record<AdfTerms, number> = { n: 0, c: 1, ct: 2 };

/** Sums of products of the level and lagged differences over rows [low, high], deterministic terms projected out. */
interface Products {
  /** [lags + 2]²: difference, level, lag 1 .. lag L. */
  readonly sums: Float64Array;
  readonly size: number;
  readonly rows: number;
}

function products(x: Float64Array, low: number, high: number, lags: number, terms: AdfTerms): Products {
  const size = lags + 2;
  const rows = high - low + 1;
  const d = new Float64Array(x.length - 1);
  for (let i = 0; i < d.length; i++) d[i] = x[i + 1]! - x[i]!;
  const s = new Float64Array(size * size);
  const at = (lag: number): number => (lag === 0 ? 0 : lag + 1);
  const put = (i: number, j: number, v: number): void => {
    s[i * size + j] = v;
    s[j * size + i] = v;
  };
  for (let b = 0; b <= lags; b++) {
    let sum = 0;
    let level = 0;
    for (let i = low; i <= high; i++) {
      sum += d[i]! * d[i - b]!;
      level += x[i]! * d[i - b]!;
    }
    put(0, at(b), sum);
    put(1, at(b), level);
  }
  // Products of two lags differ from those one lag earlier by the rows at both ends only.
  for (let a = 1; a <= lags; a++) {
    for (let b = a; b <= lags; b++) {
      const before = s[at(a - 1) * size + at(b - 1)]!;
      put(at(a), at(b), before + d[low - a]! * d[low - b]! - d[high + 1 - a]! * d[high + 1 - b]!);
    }
  }
  let square = 0;
  for (let i = low; i <= high; i++) square += x[i]! * x[i]!;
  s[size + 1] = square;
  if (terms !== "n") project(s, size, x, d, low, high, terms);
  return { sums: s, size, rows };
}

/** Takes constant (and trend) out of all products. */
function project(
  s: Float64Array,
  size: number,
  x: Float64Array,
  d: Float64Array,
  low: number,
  high: number,
  terms: AdfTerms,
): void {
  const rows = high - low + 1;
  const middle = (low + high) / 2;
  const sum = new Float64Array(size);
  const tilt = new Float64Array(size);
  for (let v = 0; v < size; v++) {
    const lag = v === 0 ? 0 : v - 1;
    for (let i = low; i <= high; i++) {
      const value = v === 1 ? x[i]! : d[i - lag]!;
      sum[v]! += value;
      tilt[v]! += value * (i - middle);
    }
  }
  const spread = (rows * (rows * rows - 1)) / 12;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      s[i * size + j]! -= (sum[i]! * sum[j]!) / rows;
      if (terms === "ct") s[i * size + j]! -= (tilt[i]! * tilt[j]!) / spread;
    }
  }
}

/** Cholesky of the regressors in an order, and the difference's coordinates along them. */
function coordinates({ sums, size }: Products, order: readonly number[]): Float64Array {
  const n = order.length;
  const g = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) g[i * n + j] = sums[order[i]! * size + order[j]!]!;
  const l = cholesky(g, n, 1e-13);
  const z = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let v = sums[order[i]!]!;
    for (let k = 0; k < i; k++) v -= l[i * n + k]! * z[k]!;
    z[i] = v / l[i * n + i]!;
  }
  return z;
}

/** The lags of the best of all nested regressions on the same sample, and its criterion. */
function chooseLags(p: Products, maxLag: number, terms: AdfTerms, choose: LagChoice): [number, number] {
  const order = Array.from({ length: maxLag + 1 }, (_, j) => j + 1);
  const z = coordinates(p, order);
  const n = p.rows;
  let rest = p.sums[0]!;
  const values: number[] = [];
  for (let j = 0; j <= maxLag; j++) {
    rest -= z[j]! * z[j]!;
    const k = termCount[terms] + 1 + j;
    const fit = n * (Math.log(2 * Math.PI) + Math.log(rest / n) + 1);
    if (choose === "t") values.push(Math.abs(z[j]!) / Math.sqrt(rest / (n - k)));
    else values.push(fit + k * (choose === "aic" ? 2 : Math.log(n)));
  }
  if (choose === "t") {
    let lag = maxLag;
    while (lag > 0 && values[lag]! < 1.6448536269514722) lag--;
    return [lag, values[lag]!];
  }
  const best = values.reduce((b, v, j) => (v < values[b]! ? j : b), 0);
  return [best, values[best]!];
}

/**
 * Augmented Dickey-Fuller test of a unit root: t of ρ in Δx = deterministic + ρ x(-1) + Σ γ Δx(-j).
 * All numbers of lags are compared on the sample that the largest leaves; the chosen one is estimated anew on all rows
 * it can use. p-values and critical values by MacKinnon, `variables` = 2 for residuals of a cointegrating regression.
 * @throws QuantError tooFew, notFinite, singular for a series without variation.
 */
export function adfTest(x: Float64Array, settings: AdfSettings = {}): AdfTest {
  const { terms = "c", choose = "aic" } = settings;
  requireSeries(x, "series", 10);
  const n = x.length;
  const most = Math.floor(n / 2) - termCount[terms] - 2;
  const maxLag = settings.maxLag ?? Math.min(Math.ceil(12 * (n / 100) ** 0.25), most);
  requireWhole(maxLag, "maxLag", 0, most);
  const level = detrended(x, terms);
  const [lags, criterion] = choose
    ? chooseLags(products(level, maxLag, n - 2, maxLag, terms), maxLag, terms, choose)
    : [maxLag, null];
  const p = products(level, lags, n - 2, lags, terms);
  // The level last: its t value is then its own coordinate over the residual deviation.
  const z = coordinates(p, [...Array.from({ length: lags }, (_, j) => j + 2), 1]);
  const rest = z.reduce((sum, v) => sum - v * v, p.sums[0]!);
  const statistic = z[lags]! / Math.sqrt(rest / (p.rows - termCount[terms] - 1 - lags));
  return {
    statistic,
    p: mackinnonP(statistic, terms),
    lags,
    observations: p.rows,
    critical: mackinnonCritical(terms, 1, p.rows)!,
    criterion,
  };
}

/** The series less a constant or line that the regression takes out anyway: keeps the products small. */
function detrended(x: Float64Array, terms: AdfTerms): Float64Array {
  if (terms === "n") return x;
  const m = mean(x);
  if (terms === "c") return x.map((v) => v - m);
  const slope = (x.at(-1)! - x[0]!) / (x.length - 1);
  return x.map((v, i) => v - m - slope * (i - (x.length - 1) / 2));
}

/** Long-run variance Σ e² + 2 Σ (1 - i/(lags+1)) Σ e e(-i), over n: Newey-West with Bartlett weights. */
export function longRunVariance(e: Float64Array, lags: number): number {
  requireSeries(e, "residuals", 1);
  requireWhole(lags, "lags", 0, e.length - 1);
  let total = 0;
  for (let i = 0; i <= lags; i++) {
    let s = 0;
    for (let t = i; t < e.length; t++) s += e[t]! * e[t - i]!;
    total += i === 0 ? s : 2 * (1 - i / (lags + 1)) * s;
  }
  return total / e.length;
}

export interface KpssTest {
  readonly statistic: number;
  /** Interpolated in the published table and cut to [0.01, 0.1]. */
  readonly p: number;
  readonly lags: number;
  readonly critical: CriticalValues;
}

const kpssTable = { c: [0.347, 0.463, 0.574, 0.739], ct: [0.119, 0.146, 0.176, 0.216] } as const;
const kpssP = [0.1, 0.05, 0.025, 0.01] as const;

/** Lags of the long-run variance by Hobijn, Franses and Ooms 1998. */
function automaticLags(e: Float64Array): number {
  const n = e.length;
  const most = Math.trunc(n ** (2 / 9));
  let s0 = 0;
  let s1 = 0;
  for (let i = 0; i <= most; i++) {
    let s = 0;
    for (let t = i; t < n; t++) s += e[t]! * e[t - i]!;
    s0 += i === 0 ? s / n : (2 * s) / n;
    s1 += i === 0 ? 0 : (i * 2 * s) / n;
  }
  return Math.min(Math.trunc(1.1447 * ((s1 / s0) ** 2) ** (1 / 3) * n ** (1 / 3)), n - 1);
}

/**
 * KPSS test of stationarity around a constant ("c") or a trend ("ct").
 * @param lags of the long-run variance: a number, "auto" (Hobijn et al. 1998) or "legacy" (ceil(12 (n/100)^¼)).
 */
export function kpssTest(
  x: Float64Array,
  terms: "c" | "ct" = "c",
  lags: number | "auto" | "legacy" = "auto",
): KpssTest {
  requireSeries(x, "series", 10);
  const n = x.length;
  const trend = Float64Array.from({ length: n }, (_, i) => i - (n - 1) / 2);
  const e = leastSquares(x, terms === "c" ? [ones(n)] : [ones(n), trend]).residuals;
  let used: number;
  if (lags === "auto") used = automaticLags(e);
  else used = lags === "legacy" ? Math.min(Math.ceil(12 * (n / 100) ** 0.25), n - 1) : lags;
  requireWhole(used, "lags", 0, n - 1);
  let partial = 0;
  let squares = 0;
  for (let t = 0; t < n; t++) {
    partial += e[t]!;
    squares += partial * partial;
  }
  const variance = longRunVariance(e, used);
  if (!(variance > 0)) throw new QuantError("undefined", "the series does not vary around its trend");
  const statistic = squares / (n * n) / variance;
  const table = kpssTable[terms];
  return {
    statistic,
    p: interpolate(statistic, table),
    lags: used,
    critical: { onePercent: table[3], fivePercent: table[1], tenPercent: table[0] },
  };
}

function interpolate(statistic: number, table: readonly [number, number, number, number]): number {
  if (statistic <= table[0]) return kpssP[0];
  for (let i = 1; i < 4; i++) {
    if (statistic <= table[i]!) {
      const share = (statistic - table[i - 1]!) / (table[i]! - table[i - 1]!);
      return kpssP[i - 1]! + share * (kpssP[i]! - kpssP[i - 1]!);
    }
  }
  return kpssP[3];
}

export interface PhillipsPerron {
  /** The tau statistic. */
  readonly statistic: number;
  readonly p: number;
}

/** Phillips-Perron tau test of a unit root: Dickey-Fuller's t, corrected by the long-run variance with `lags`. */
export function phillipsPerronTest(x: Float64Array, terms: "c" | "ct" = "c", lags = 10): PhillipsPerron {
  requireSeries(x, "series", 10);
  requireWhole(lags, "lags", 0, x.length - 2);
  const now = x.slice(1);
  const before = x.slice(0, -1);
  const n = now.length;
  const trend = Float64Array.from({ length: n }, (_, i) => i - (n - 1) / 2);
  const fit = ols(now, terms === "c" ? [before] : [before, trend]);
  const long = longRunVariance(fit.residuals, lags);
  const short = fit.sumOfSquares / n;
  const error = fit.standardErrors[1]!;
  const t = (fit.coefficients[1]! - 1) / error;
  const statistic =
    Math.sqrt(short / long) * t -
    ((0.5 * (long - short)) / Math.sqrt(long)) * ((n * error) / Math.sqrt(fit.variance));
  return { statistic, p: mackinnonP(statistic, terms) };
}

export interface VarianceRatio {
  readonly ratio: number;
  readonly z: number;
  readonly p: number;
}

/**
 * Lo and MacKinlay's (1988) variance ratio of `horizon`-step to single differences of a level (log price): overlapping,
 * debiased, z robust to changing variance. 1 for a random walk.
 */
export function varianceRatioTest(x: Float64Array, horizon: number): VarianceRatio {
  requireSeries(x, "series", 3);
  requireWhole(horizon, "horizon", 2, x.length - 2);
  const n = x.length - 1;
  const drift = (x[n]! - x[0]!) / n;
  const squares = new Float64Array(n);
  let one = 0;
  for (let t = 0; t < n; t++) {
    squares[t] = (x[t + 1]! - x[t]! - drift) ** 2;
    one += squares[t]!;
  }
  if (!(one > 0)) throw new QuantError("undefined", "the differences do not vary");
  let many = 0;
  for (let t = horizon; t <= n; t++) many += (x[t]! - x[t - horizon]! - horizon * drift) ** 2;
  many /= horizon * (n - horizon + 1) * (1 - horizon / n);
  const ratio = many / (one / (n - 1));
  let theta = 0;
  for (let k = 1; k < horizon; k++) {
    let s = 0;
    for (let t = k; t < n; t++) s += squares[t]! * squares[t - k]!;
    theta += (4 * (1 - k / horizon) ** 2 * n * s) / (one * one);
  }
  const z = (Math.sqrt(n) * (ratio - 1)) / Math.sqrt(theta);
  return { ratio, z, p: 2 * normalSf(Math.abs(z)) };
}

export interface EngleGranger {
  readonly statistic: number;
  readonly p: number;
  readonly lags: number;
  readonly critical: CriticalValues | null;
  /** [intercept (, trend), slope] of the first step, in this order; only the slope without terms. */
  readonly coefficients: Float64Array;
  readonly residuals: Float64Array;
}

/**
 * Engle-Granger test of cointegration: least squares of y on x with the terms, then Dickey-Fuller without constant on
 * the residuals, judged on the surface for two variables with n - 1 observations.
 * @throws QuantError unequalLengths, tooFew, notFinite, singular where x explains y but for rounding.
 */
export function engleGrangerTest(y: Float64Array, x: Float64Array, settings: AdfSettings = {}): EngleGranger {
  const { terms = "c" } = settings;
  requireSameLength(y, x, "y and x");
  requireSeries(y, "y", 10);
  requireSeries(x, "x", 10);
  const n = y.length;
  const columns = [x];
  if (terms === "ct") columns.unshift(Float64Array.from({ length: n }, (_, i) => i + 1));
  if (terms !== "n") columns.unshift(ones(n));
  const fit = leastSquares(y, columns);
  if (!(fit.sumOfSquares > 1e-24 * dot(y, y))) {
    throw new QuantError("singular", "y is a line of x: there is no spread to test; drop one of them");
  }
  const { statistic, lags } = adfTest(fit.residuals, { ...settings, terms: "n" });
  return {
    statistic,
    p: mackinnonP(statistic, terms, 2),
    lags,
    critical: mackinnonCritical(terms, 2, n - 1),
    coefficients: fit.coefficients,
    residuals: fit.residuals,
  };
}
