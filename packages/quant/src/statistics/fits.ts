/** Distributions fitted to a whole sample by maximum likelihood. */
import { QuantError, requireSeries } from "../error.ts";
import { normalCdf, studentCdf, studentLogScale } from "./distributions.ts";
import { minimise } from "./minimise.ts";
import { mean, median, quantile, sorted, standardDeviation } from "./moments.ts";
import { digamma } from "./special.ts";

export interface StudentFit {
  readonly df: number;
  readonly location: number;
  readonly scale: number;
  readonly logLikelihood: number;
}

/** Where a Student t can no longer be told from the normal. */
const MOST_DF = 10_000;

/** Maximum likelihood fit of a Student t with location and scale; df up to 10,000, which means the normal. */
export function fitStudent(returns: Float64Array): StudentFit {
  requireSeries(returns, "returns", 20);
  const n = returns.length;
  const middle = median(returns);
  const spread = (quantile(returns, 0.75) - quantile(returns, 0.25)) / 1.5;
  if (!(spread > 0))
    throw new QuantError("undefined", "half of the returns are equal: no scale can be fitted");
  const found = minimise(
    (u, g) => {
      const v = MOST_DF / (1 + Math.exp(-u[0]!));
      const scale = spread * Math.exp(u[2]!);
      if (!(v > 1e-3 && scale > 0)) return Infinity;
      const location = middle + u[1]! * spread;
      let logs = 0;
      let byV = 0;
      let byLocation = 0;
      let byScale = 0;
      for (let i = 0; i < n; i++) {
        const z = (returns[i]! - location) / scale;
        const q = 1 + (z * z) / v;
        const l = Math.log1p((z * z) / v);
        logs += l;
        byV += (((v + 1) / v) * z * z) / (v * q) - l;
        byLocation += ((v + 1) / v) * (z / q);
        byScale += (((v + 1) / v) * (z * z)) / q - 1;
      }
      const constant = studentLogScale(v) - 0.5 * Math.log(2 * Math.PI) - Math.log(scale);
      g[0] = -v * (1 - v / MOST_DF) * 0.5 * (digamma((v + 1) / 2) - digamma(v / 2) - 1 / v + byV / n);
      g[1] = (-byLocation * spread) / (scale * n);
      g[2] = -byScale / n;
      return (0.5 * (v + 1) * logs) / n - constant;
    },
    Float64Array.of(Math.log(4 / (MOST_DF - 4)), 0, 0),
    1e-15,
  );
  return {
    df: MOST_DF / (1 + Math.exp(-found.x[0]!)),
    location: middle + found.x[1]! * spread,
    scale: spread * Math.exp(found.x[2]!),
    logLikelihood: -found.value * n,
  };
}

export type DistributionName = "normal" | "laplace" | "student";

export interface DistributionFit {
  readonly name: DistributionName;
  readonly location: number;
  /** Standard deviation of the normal, mean distance from the location of Laplace, scale of Student's t. */
  readonly scale: number;
  /** Degrees of freedom of Student's t; null for the others. */
  readonly df: number | null;
  readonly logLikelihood: number;
  /** 2 x number of parameters - 2 x log-likelihood: the lowest describes the sample best. */
  readonly aic: number;
  /** Kolmogorov's: the largest gap between the sample's distribution and the fitted one. */
  readonly distance: number;
}

type Fitted = Pick<DistributionFit, "name" | "location" | "scale" | "df" | "logLikelihood">;

/**
 * Normal, Laplace and Student t fitted to at least 20 values, lowest AIC first. The distance has no p-value: the
 * distributions were fitted to the same sample.
 * @throws QuantError tooFew, notFinite, undefined where half of the values are equal.
 */
export function fitDistributions(x: Float64Array): readonly DistributionFit[] {
  const { df, location, scale, logLikelihood } = fitStudent(x);
  const ascending = sorted(x);
  return [
    judge(fitNormal(x), 2, ascending, normalCdf),
    judge(fitLaplace(x), 2, ascending, laplaceCdf),
    judge({ name: "student", location, scale, df, logLikelihood }, 3, ascending, (z) => studentCdf(z, df)),
  ].toSorted((a, b) => a.aic - b.aic);
}

function fitNormal(x: Float64Array): Fitted {
  const scale = standardDeviation(x, 0);
  const logLikelihood = -x.length * (Math.log(scale) + 0.5 * (Math.log(2 * Math.PI) + 1));
  return { name: "normal", location: mean(x), scale, df: null, logLikelihood };
}

function fitLaplace(x: Float64Array): Fitted {
  const location = median(x);
  const scale = mean(x.map((v) => Math.abs(v - location)));
  const logLikelihood = -x.length * (Math.log(2 * scale) + 1);
  return { name: "laplace", location, scale, df: null, logLikelihood };
}

function laplaceCdf(z: number): number {
  return z < 0 ? 0.5 * Math.exp(z) : 1 - 0.5 * Math.exp(-z);
}

function judge(
  fit: Fitted,
  parameters: number,
  ascending: Float64Array,
  cdf: (z: number) => number,
): DistributionFit {
  const n = ascending.length;
  let distance = 0;
  for (let i = 0; i < n; i++) {
    const p = cdf((ascending[i]! - fit.location) / fit.scale);
    distance = Math.max(distance, p - i / n, (i + 1) / n - p);
  }
  return { ...fit, aic: 2 * parameters - 2 * fit.logLikelihood, distance };
}
