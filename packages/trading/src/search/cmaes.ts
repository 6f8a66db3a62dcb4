import { symmetricEigen } from "@tapedeck/quant/statistics/linear";
import { createNormal, reflect } from "./normal.ts";
import type { Searcher } from "./searcher.ts";

/** An axis along which nothing varies any more is still looked along. */
const leastVariance = 1e-16;

/**
 * Covariance matrix adaptation, (μ/μ_w, λ), in the unit cube folded at its edges; uses the first objective. Source: Hansen, "The CMA
 * Evolution Strategy: A Tutorial" (2016), default parameters.
 */
export function createCovarianceSearch(n: number, random: () => number): Searcher {
  const normal = createNormal(random);
  const lambda = Math.max(8, 4 + Math.floor(3 * Math.log(n)));
  const mu = Math.floor(lambda / 2);
  const raw = Array.from({ length: mu }, (_, i) => Math.log((lambda + 1) / 2) - Math.log(i + 1));
  const total = raw.reduce((sum, w) => sum + w, 0);
  const weights = raw.map((w) => w / total);
  const muEff = 1 / weights.reduce((sum, w) => sum + w * w, 0);
  const cSigma = (muEff + 2) / (n + muEff + 5);
  const dSigma = 1 + 2 * Math.max(0, Math.sqrt((muEff - 1) / (n + 1)) - 1) + cSigma;
  const cC = (4 + muEff / n) / (n + 4 + (2 * muEff) / n);
  const c1 = 2 / ((n + 1.3) ** 2 + muEff);
  const cMu = Math.min(1 - c1, (2 * (muEff - 2 + 1 / muEff)) / ((n + 2) ** 2 + muEff));
  const chi = Math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n));

  const mean = new Float64Array(n).fill(0.5);
  let sigma = 0.3;
  const covariance = identity(n);
  const pathSigma = new Float64Array(n);
  const pathC = new Float64Array(n);
  let axes = identity(n);
  let lengths = new Float64Array(n).fill(1);
  let generations = 0;
  /** Steps y = (x - mean) / sigma of the generation in flight, before folding. */
  let steps: Float64Array[] = [];

  const sample = (): Float64Array => {
    const z = Float64Array.from({ length: n }, (_, j) => normal() * lengths[j]!);
    return Float64Array.from({ length: n }, (_, i) => {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += axes[i * n + j]! * z[j]!;
      return sum;
    });
  };
  /** C^(-1/2) × v. */
  const whiten = (v: Float64Array): Float64Array => {
    const inner = Float64Array.from({ length: n }, (_, j) => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += axes[i * n + j]! * v[i]!;
      return sum / lengths[j]!;
    });
    return Float64Array.from({ length: n }, (_, i) => {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += axes[i * n + j]! * inner[j]!;
      return sum;
    });
  };

  return {
    next() {
      steps = Array.from({ length: lambda }, sample);
      return steps.map((y) => y.map((step, j) => reflect(mean[j]! + sigma * step)));
    },
    tell(trials) {
      if (trials.length < lambda) return;
      generations++;
      const order = trials.map((_, i) => i).sort((a, b) => trials[b]!.scores[0]! - trials[a]!.scores[0]!);
      const best = order.slice(0, mu).map((i) => steps[i]!);
      const drift = Float64Array.from({ length: n }, (_, j) =>
        best.reduce((sum, y, i) => sum + weights[i]! * y[j]!, 0),
      );
      for (let j = 0; j < n; j++) mean[j] = reflect(mean[j]! + sigma * drift[j]!);
      const white = whiten(drift);
      const scaleSigma = Math.sqrt(cSigma * (2 - cSigma) * muEff);
      for (let j = 0; j < n; j++) pathSigma[j] = (1 - cSigma) * pathSigma[j]! + scaleSigma * white[j]!;
      const length = Math.hypot(...pathSigma);
      const expected = chi * (1.4 + 2 / (n + 1)) * Math.sqrt(1 - (1 - cSigma) ** (2 * generations));
      const h = length < expected ? 1 : 0;
      const scaleC = h * Math.sqrt(cC * (2 - cC) * muEff);
      for (let j = 0; j < n; j++) pathC[j] = (1 - cC) * pathC[j]! + scaleC * drift[j]!;
      const lost = (1 - h) * cC * (2 - cC);
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) {
          const at = i * n + j;
          const rankMu = best.reduce((sum, y, k) => sum + weights[k]! * y[i]! * y[j]!, 0);
          const old = covariance[at]!;
          covariance[at] = (1 - c1 - cMu) * old + c1 * (pathC[i]! * pathC[j]! + lost * old) + cMu * rankMu;
        }
      }
      sigma = Math.min(1, sigma * Math.exp((cSigma / dSigma) * (length / chi - 1)));
      const { values, vectors } = symmetricEigen(covariance, n);
      axes = vectors;
      lengths = values.map((value) => Math.sqrt(Math.max(value, leastVariance)));
    },
  };
}

function identity(n: number): Float64Array {
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) matrix[i * n + i] = 1;
  return matrix;
}
