/** GARCH(1,1) with a constant mean: likelihood, fit, conditional variances and forecasts. */
import { QuantError, requireRange, requireSeries, requireWhole } from "../error.ts";
import { digamma, lgamma } from "./special.ts";
import { minimise } from "./minimise.ts";
import { mean, variance } from "./moments.ts";
import { invertSymmetric } from "./linear.ts";

export type GarchDistribution = "normal" | "student";

export interface GarchParameters {
  readonly mu: number;
  readonly omega: number;
  readonly alpha: number;
  readonly beta: number;
  /** Degrees of freedom of the standardised Student t; undefined for normal innovations. */
  readonly nu?: number;
}

export interface GarchFit extends GarchParameters {
  readonly logLikelihood: number;
  readonly backcast: number;
  /** Standard errors robust to the wrong distribution, in the order mu, omega, alpha, beta (, nu). */
  readonly standardErrors: Float64Array;
  /** [n + 1]: conditional variances of the sample, then that of the next value. */
  readonly variances: Float64Array;
}

/** Refuses parameters that give no variance: ω > 0, α and β >= 0, ν > 2, each at most 1e12. */
function requireGarch(p: GarchParameters): void {
  requireRange(p.mu, "mu", -1e12, 1e12);
  requireRange(p.omega, "omega", Number.MIN_VALUE, 1e12);
  requireRange(p.alpha, "alpha", 0, 1);
  requireRange(p.beta, "beta", 0, 1);
  if (p.nu !== undefined) requireRange(p.nu, "nu", 2, 1e12, true);
}

/**
 * Variance before the sample: Σ 0.94^i d[i]² / Σ 0.94^i over the first min(75, n) values, d = r - mean(r).
 * Source: the default of the arch package.
 */
export function garchBackcast(r: Float64Array): number {
  requireSeries(r, "returns", 1);
  const m = mean(r);
  let weight = 1;
  let total = 0;
  let sum = 0;
  for (let i = 0; i < Math.min(75, r.length); i++) {
    sum += weight * (r[i]! - m) ** 2;
    total += weight;
    weight *= 0.94;
  }
  return sum / total;
}

/**
 * Conditional variances [n + 1]: s²[0] = ω + (α+β) backcast, s²[t+1] = ω + α (r[t]-μ)² + β s²[t]; the last one is the
 * forecast for the value after the sample.
 */
export function garchVariances(r: Float64Array, p: GarchParameters, backcast: number): Float64Array {
  requireSeries(r, "returns", 1);
  requireGarch(p);
  requireRange(backcast, "backcast", 0, Number.MAX_VALUE);
  const out = new Float64Array(r.length + 1);
  let v = p.omega + (p.alpha + p.beta) * backcast;
  for (let t = 0; t < r.length; t++) {
    out[t] = v;
    const e = r[t]! - p.mu;
    v = p.omega + p.alpha * e * e + p.beta * v;
  }
  out[r.length] = v;
  return out;
}

/** Forecast variances of the next `horizon` values, given the variance of the next one. */
export function garchForecast(p: GarchParameters, next: number, horizon: number): Float64Array {
  requireGarch(p);
  requireRange(next, "next", 0, Number.MAX_VALUE);
  requireWhole(horizon, "horizon", 1, 1_000_000);
  const out = new Float64Array(horizon);
  let v = next;
  for (let h = 0; h < horizon; h++) {
    out[h] = v;
    v = p.omega + (p.alpha + p.beta) * v;
  }
  return out;
}

/** Log-likelihood at given parameters, the recursion started from `backcast`. */
export function garchLogLikelihood(r: Float64Array, p: GarchParameters, backcast: number): number {
  requireSeries(r, "returns", 1);
  requireGarch(p);
  requireRange(backcast, "backcast", 0, Number.MAX_VALUE);
  const theta = vectorOf(p);
  return likelihood(r, theta, backcast, new Float64Array(theta.length));
}

function vectorOf(p: GarchParameters): Float64Array {
  const base = [p.mu, p.omega, p.alpha, p.beta];
  return Float64Array.from(p.nu === undefined ? base : [...base, p.nu]);
}

/**
 * Log-likelihood, and its gradient in (μ, ω, α, β (, ν)). With `outer`, also the sum over observations of the outer
 * products of their gradients, which robust standard errors need.
 */
function likelihood(
  r: Float64Array,
  theta: Float64Array,
  backcast: number,
  gradient: Float64Array,
  outer?: Float64Array,
): number {
  const k = theta.length;
  const mu = theta[0]!;
  const omega = theta[1]!;
  const alpha = theta[2]!;
  const beta = theta[3]!;
  const student = k === 5;
  const nu = student ? theta[4]! : 0;
  const constant = student
    ? lgamma((nu + 1) / 2) - lgamma(nu / 2) - 0.5 * Math.log(Math.PI * (nu - 2))
    : -0.5 * Math.log(2 * Math.PI);
  const dConstant = student ? 0.5 * (digamma((nu + 1) / 2) - digamma(nu / 2) - 1 / (nu - 2)) : 0;
  let v = omega + (alpha + beta) * backcast;
  let vMu = 0;
  let vOmega = 1;
  let vAlpha = backcast;
  let vBeta = backcast;
  let g0 = 0;
  let g1 = 0;
  let g2 = 0;
  let g3 = 0;
  let g4 = 0;
  let total = 0;
  let product = 1;
  for (let t = 0; t < r.length; t++) {
    const e = r[t]! - mu;
    const inverse = 1 / v;
    const z = e * e * inverse;
    let byVariance: number;
    let byMean: number;
    let byNu = 0;
    if (student) {
      const u = 1 + z / (nu - 2);
      total -= 0.5 * (nu + 1) * Math.log(u);
      const weight = (nu + 1) / ((nu - 2) * u);
      byVariance = 0.5 * inverse * (weight * z - 1);
      byMean = weight * e * inverse;
      byNu = dConstant - 0.5 * Math.log(u) + (0.5 * (nu + 1) * z) / ((nu - 2) * (nu - 2) * u);
    } else {
      total -= 0.5 * z;
      byVariance = 0.5 * inverse * (z - 1);
      byMean = e * inverse;
    }
    // One logarithm for several variances: products stay far from the ends of the range.
    product *= v;
    if (product > 1e100 || product < 1e-100) {
      total -= 0.5 * Math.log(product);
      product = 1;
    }
    g0 += byMean + byVariance * vMu;
    g1 += byVariance * vOmega;
    g2 += byVariance * vAlpha;
    g3 += byVariance * vBeta;
    g4 += byNu;
    if (outer) {
      const s = [
        byMean + byVariance * vMu,
        byVariance * vOmega,
        byVariance * vAlpha,
        byVariance * vBeta,
        byNu,
      ];
      for (let i = 0; i < k; i++) for (let j = 0; j < k; j++) outer[i * k + j]! += s[i]! * s[j]!;
    }
    vMu = beta * vMu - 2 * alpha * e;
    vOmega = 1 + beta * vOmega;
    vAlpha = e * e + beta * vAlpha;
    vBeta = v + beta * vBeta;
    v = omega + alpha * e * e + beta * v;
  }
  gradient[0] = g0;
  gradient[1] = g1;
  gradient[2] = g2;
  gradient[3] = g3;
  if (student) gradient[4] = g4;
  return total - 0.5 * Math.log(product) + r.length * constant;
}

/** Natural parameters of unbounded ones: ω = e^a, (α, β, rest) a softmax, ν = 2 + e^d. */
function natural(u: Float64Array, scale: number, out: Float64Array): void {
  const a = Math.exp(u[2]!);
  const b = Math.exp(u[3]!);
  out[0] = u[0]! * Math.sqrt(scale);
  out[1] = Math.exp(u[1]!) * scale;
  out[2] = a / (1 + a + b);
  out[3] = b / (1 + a + b);
  if (u.length === 5) out[4] = 2 + Math.exp(u[4]!);
}

/** Gradient of the mean negative log-likelihood in the unbounded parameters. */
function chain(theta: Float64Array, g: Float64Array, n: number, scale: number, out: Float64Array): void {
  const alpha = theta[2]!;
  const beta = theta[3]!;
  const inner = alpha * g[2]! + beta * g[3]!;
  out[0] = (-g[0]! * Math.sqrt(scale)) / n;
  out[1] = (-g[1]! * theta[1]!) / n;
  out[2] = (-alpha * (g[2]! - inner)) / n;
  out[3] = (-beta * (g[3]! - inner)) / n;
  if (theta.length === 5) out[4] = (-g[4]! * (theta[4]! - 2)) / n;
}

/** Best point of a coarse grid of (α, α + β) with the variance targeted. */
function gridStart(r: Float64Array, m: number, v: number, backcast: number, k: number): Float64Array {
  const theta = new Float64Array(k);
  const g = new Float64Array(k);
  theta[0] = m;
  if (k === 5) theta[4] = 8;
  let best = -Infinity;
  let at = [0.1, 0.9];
  for (const persistence of [0.5, 0.8, 0.95, 0.99]) {
    for (const alpha of [0.03, 0.08, 0.2]) {
      theta[1] = v * (1 - persistence);
      theta[2] = alpha;
      theta[3] = persistence - alpha;
      const value = likelihood(r, theta, backcast, g);
      if (value > best) {
        best = value;
        at = [alpha, persistence];
      }
    }
  }
  const rest = 1 - at[1]!;
  const u = [m / Math.sqrt(v), Math.log(rest), Math.log(at[0]! / rest), Math.log((at[1]! - at[0]!) / rest)];
  return Float64Array.from(k === 5 ? [...u, Math.log(6)] : u);
}

/** Standard errors of the sandwich H⁻¹ J H⁻¹, H by central differences of the analytic gradient. */
function robustErrors(r: Float64Array, theta: Float64Array, backcast: number): Float64Array {
  const k = theta.length;
  const hessian = new Float64Array(k * k);
  const up = new Float64Array(k);
  const down = new Float64Array(k);
  for (let i = 0; i < k; i++) {
    const step = 1e-5 * Math.max(Math.abs(theta[i]!), 1e-3);
    const moved = Float64Array.from(theta);
    moved[i] = theta[i]! + step;
    likelihood(r, moved, backcast, up);
    moved[i] = theta[i]! - step;
    likelihood(r, moved, backcast, down);
    for (let j = 0; j < k; j++) hessian[i * k + j] = -(up[j]! - down[j]!) / (2 * step);
  }
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < i; j++) {
      const both = (hessian[i * k + j]! + hessian[j * k + i]!) / 2;
      hessian[i * k + j] = both;
      hessian[j * k + i] = both;
    }
  }
  const outer = new Float64Array(k * k);
  likelihood(r, theta, backcast, up, outer);
  const inverse = invertSymmetric(hessian, k);
  return Float64Array.from({ length: k }, (_, i) => {
    let sum = 0;
    for (let a = 0; a < k; a++) {
      for (let b = 0; b < k; b++) sum += inverse[i * k + a]! * outer[a * k + b]! * inverse[b * k + i]!;
    }
    return Math.sqrt(sum);
  });
}

/**
 * Maximum likelihood fit of r[t] = μ + e[t], e[t] ~ (0, s²[t]), s²[t+1] = ω + α e[t]² + β s²[t], from the backcast of
 * `garchBackcast`. Results are in the units of r: percent returns condition the problem best.
 * @throws QuantError tooFew below 50 values, notFinite, undefined for a constant series.
 */
export function fitGarch(r: Float64Array, distribution: GarchDistribution = "normal"): GarchFit {
  requireSeries(r, "returns", 50);
  const v = variance(r, 0);
  if (!(v > 0)) throw new QuantError("undefined", "returns do not vary: there is no variance to model");
  const backcast = garchBackcast(r);
  const k = distribution === "student" ? 5 : 4;
  const theta = new Float64Array(k);
  const g = new Float64Array(k);
  const objective = (u: Float64Array, gradient: Float64Array): number => {
    natural(u, v, theta);
    if (!(theta[1]! > 0) || theta[1]! > 1e6 * v || theta[4]! > 1e4) return Infinity;
    const value = -likelihood(r, theta, backcast, g) / r.length;
    chain(theta, g, r.length, v, gradient);
    return Number.isFinite(value) ? value : Infinity;
  };
  const found = minimise(objective, gridStart(r, mean(r), v, backcast, k), 1e-14);
  natural(found.x, v, theta);
  const [mu, omega, alpha, beta] = [theta[0]!, theta[1]!, theta[2]!, theta[3]!];
  const parameters = k === 5 ? { mu, omega, alpha, beta, nu: theta[4]! } : { mu, omega, alpha, beta };
  return {
    ...parameters,
    logLikelihood: -found.value * r.length,
    backcast,
    standardErrors: robustErrors(r, theta, backcast),
    variances: garchVariances(r, parameters, backcast),
  };
}
