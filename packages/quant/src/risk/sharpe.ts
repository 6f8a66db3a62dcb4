/** Inference on Sharpe ratios: all ratios are per period, not annualised. */
import { QuantError, requireRange } from "../error.ts";
import { normalCdf, normalQuantile } from "../statistics/distributions.ts";
import { EULER_GAMMA } from "../statistics/special.ts";

/** The shape of the returns behind a Sharpe ratio. */
export interface SharpeSample {
  /** Sharpe ratio per period (standard deviation with ddof 1). */
  readonly sharpe: number;
  readonly n: number;
  /** Population skewness. */
  readonly skew: number;
  /** Population kurtosis, NOT excess: 3 for the normal. */
  readonly kurtosis: number;
}

/** 1 - γ3 SR + (γ4 - 1)/4 SR²: variance of the estimated ratio times n - 1. */
function spread({ sharpe, skew, kurtosis }: SharpeSample): number {
  requireRange(sharpe, "sharpe", -1e100, 1e100);
  requireRange(skew, "skew", -1e100, 1e100);
  requireRange(kurtosis, "kurtosis", 1, 1e100);
  const v = 1 - skew * sharpe + ((kurtosis - 1) / 4) * sharpe * sharpe;
  if (!(v > 0)) throw new QuantError("undefined", "skew and kurtosis leave the ratio no variance");
  return v;
}

/**
 * Probabilistic Sharpe ratio: probability that the true ratio exceeds `benchmark`.
 * Source: Bailey and López de Prado 2012.
 */
export function probabilisticSharpe(sample: SharpeSample, benchmark = 0): number {
  requireRange(sample.n, "n", 2, Number.MAX_VALUE);
  requireRange(benchmark, "benchmark", -1e100, 1e100);
  return normalCdf(((sample.sharpe - benchmark) * Math.sqrt(sample.n - 1)) / Math.sqrt(spread(sample)));
}

/**
 * Expected highest Sharpe ratio among `trials` without skill whose ratios have variance `variance`:
 * √V ((1-γ) Φ⁻¹(1-1/N) + γ Φ⁻¹(1-1/(Ne))). Source: Bailey and López de Prado 2014.
 */
export function expectedMaximumSharpe(variance: number, trials: number): number {
  requireRange(trials, "trials", 2, 1e300);
  requireRange(variance, "variance", 0, Number.MAX_VALUE);
  const far = -normalQuantile(1 / trials);
  const further = -normalQuantile(1 / (trials * Math.E));
  return Math.sqrt(variance) * ((1 - EULER_GAMMA) * far + EULER_GAMMA * further);
}

/** Deflated Sharpe ratio: the probabilistic one against the best that `trials` without skill would show. */
export function deflatedSharpe(sample: SharpeSample, variance: number, trials: number): number {
  return probabilisticSharpe(sample, expectedMaximumSharpe(variance, trials));
}

/** Fewest returns at which the probabilistic Sharpe ratio against `benchmark` reaches `confidence`; may be fractional. */
export function minimumTrackRecord(
  sample: Omit<SharpeSample, "n">,
  benchmark = 0,
  confidence = 0.95,
): number {
  requireRange(confidence, "confidence", 0, 1, true);
  if (!(sample.sharpe > benchmark)) {
    throw new QuantError("undefined", "no track record is long enough: the ratio is not above the benchmark");
  }
  const z = normalQuantile(confidence) / (sample.sharpe - benchmark);
  return 1 + spread({ ...sample, n: 2 }) * z * z;
}
