/** A regression whose coefficients wander: y = β x + α + noise, (β, α) a random walk. */
import { requireRange, requireSameLength, requireSeries, requireVariation } from "../error.ts";

export interface KalmanSettings {
  /** State noise Q = δ / (1 - δ) I; larger follows faster. */
  readonly delta: number;
  readonly observationVariance: number;
  /** Start P = p0 I, from a state of zero. */
  readonly p0: number;
}

export interface KalmanRegression {
  /** [n] after each observation: usable from its close. */
  readonly beta: Float64Array;
  readonly alpha: Float64Array;
  /** [n] y less its prediction from the past alone, and that prediction's variance. */
  readonly innovation: Float64Array;
  readonly innovationVariance: Float64Array;
  /** Last state covariance: [β, βα, αβ, α]. */
  readonly covariance: readonly [number, number, number, number];
  readonly logLikelihood: number;
  /** 1 - Σ innovation² / Σ (y - ȳ)². */
  readonly rSquared: number;
}

/** Kalman filter of the hedge ratio; the state is predicted before every update, the first included. */
export function kalmanRegression(
  y: Float64Array,
  x: Float64Array,
  settings: KalmanSettings,
): KalmanRegression {
  requireSameLength(y, x, "y and x");
  requireSeries(y, "y", 2);
  requireSeries(x, "x", 2);
  requireVariation(y, "y");
  requireRange(settings.delta, "delta", 0, 1, true);
  requireRange(settings.observationVariance, "observationVariance", 0, Number.MAX_VALUE, true);
  requireRange(settings.p0, "p0", 0, 1e15);
  const n = y.length;
  const q = settings.delta / (1 - settings.delta);
  const beta = new Float64Array(n);
  const alpha = new Float64Array(n);
  const innovation = new Float64Array(n);
  const innovationVariance = new Float64Array(n);
  let b = 0;
  let a = 0;
  let pbb = settings.p0;
  let pba = 0;
  let paa = settings.p0;
  let logLikelihood = 0;
  let errors = 0;
  let sum = 0;
  for (let t = 0; t < n; t++) {
    pbb += q;
    paa += q;
    const h = x[t]!;
    const e = y[t]! - h * b - a;
    const vb = h * pbb + pba;
    const va = h * pba + paa;
    const s = h * vb + va + settings.observationVariance;
    const kb = vb / s;
    const ka = va / s;
    b += kb * e;
    a += ka * e;
    pbb -= kb * vb;
    pba -= kb * va;
    paa -= ka * va;
    logLikelihood -= 0.5 * (Math.log(2 * Math.PI * s) + (e * e) / s);
    beta[t] = b;
    alpha[t] = a;
    innovation[t] = e;
    innovationVariance[t] = s;
    errors += e * e;
    sum += y[t]!;
  }
  const m = sum / n;
  const total = y.reduce((acc, v) => acc + (v - m) ** 2, 0);
  return {
    beta,
    alpha,
    innovation,
    innovationVariance,
    covariance: [pbb, pba, pba, paa],
    logLikelihood,
    rSquared: 1 - errors / total,
  };
}
