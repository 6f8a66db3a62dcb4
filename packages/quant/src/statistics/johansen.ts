/** Johansen's test of how many cointegrating relations several series have. */
import { QuantError, requireSameLength, requireSeries, requireWhole } from "../error.ts";
import { cholesky, invertDefinite, symmetricEigen } from "./linear.ts";
import { leastSquares, ones } from "./regression.ts";

export type Triple = readonly [number, number, number];

export interface Johansen {
  /** Descending. */
  readonly eigenvalues: Float64Array;
  /** Column j of [k, k] is the relation of eigenvalues[j]. */
  readonly vectors: Float64Array;
  /** Trace statistics for at most r = 0, 1, ... relations, with critical values at 90, 95 and 99 %. */
  readonly trace: Float64Array;
  readonly traceCritical: readonly Triple[];
  /** Maximum-eigenvalue statistics for r against r + 1. */
  readonly maxEigenvalue: Float64Array;
  readonly maxEigenvalueCritical: readonly Triple[];
}

/** Critical values by k - r = 1 .. 5, for no terms, a constant, a linear trend. MacKinnon, Haug and Michelis 1996. */
const traceTable: readonly (readonly Triple[])[] = [
  [
    [2.9762, 4.1296, 6.9406],
    [10.4741, 12.3212, 16.364],
    [21.7781, 24.2761, 29.5147],
    [37.0339, 40.1749, 46.5716],
    [56.2839, 60.0627, 67.6367],
  ],
  [
    [2.7055, 3.8415, 6.6349],
    [13.4294, 15.4943, 19.9349],
    [27.0669, 29.7961, 35.4628],
    [44.4929, 47.8545, 54.6815],
    [65.8202, 69.8189, 77.8202],
  ],
  [
    [2.7055, 3.8415, 6.6349],
    [16.1619, 18.3985, 23.1485],
    [32.0645, 35.0116, 41.0815],
    [51.6492, 55.2459, 62.5202],
    [75.1027, 79.3422, 87.7748],
  ],
];
const maxTable: readonly (readonly Triple[])[] = [
  [
    [2.9762, 4.1296, 6.9406],
    [9.4748, 11.2246, 15.0923],
    [15.7175, 17.7961, 22.2519],
    [21.837, 24.1592, 29.0609],
    [27.916, 30.4428, 35.7359],
  ],
  [
    [2.7055, 3.8415, 6.6349],
    [12.2971, 14.2639, 18.52],
    [18.8928, 21.1314, 25.865],
    [25.1236, 27.5858, 32.7172],
    [31.2379, 33.8777, 39.3693],
  ],
  [
    [2.7055, 3.8415, 6.6349],
    [15.0006, 17.1481, 21.7465],
    [21.8731, 24.2522, 29.2631],
    [28.2398, 30.8151, 36.193],
    [34.4202, 37.1646, 42.8612],
  ],
];

/** Residuals of each column on a polynomial of the order; the columns themselves for -1. */
function detrend(columns: readonly Float64Array[], order: number): Float64Array[] {
  if (order < 0) return [...columns];
  const n = columns[0]!.length;
  const trend = Float64Array.from({ length: n }, (_, i) => (2 * i) / (n - 1) - 1);
  const terms = order === 0 ? [ones(n)] : [ones(n), trend];
  return columns.map((c) => leastSquares(c, terms).residuals);
}

function crossProducts(a: readonly Float64Array[], b: readonly Float64Array[]): Float64Array {
  const n = a[0]!.length;
  return Float64Array.from({ length: a.length * b.length }, (_, i) => {
    const x = a[Math.floor(i / b.length)]!;
    const y = b[i % b.length]!;
    let s = 0;
    for (let t = 0; t < n; t++) s += x[t]! * y[t]!;
    return s / n;
  });
}

/**
 * Johansen's trace and maximum-eigenvalue tests on 2 to 5 series of levels [k][n].
 * @param order deterministic terms: -1 none, 0 constant, 1 linear trend.
 * @param lags lagged differences, at least 1.
 * @throws QuantError unequalLengths, tooFew, notFinite, singular for dependent series.
 */
export function johansenTest(series: readonly Float64Array[], order: -1 | 0 | 1, lags: number): Johansen {
  const k = series.length;
  if (k < 2 || k > 5) throw new QuantError("outOfRange", `Johansen's test takes 2 to 5 series, not ${k}`);
  requireWhole(order, "order", -1, 1);
  requireWhole(lags, "lags", 1);
  series.forEach((s, i) => {
    requireSameLength(series[0]!, s, `series 0 and ${i}`);
    requireSeries(s, `series ${i}`, (k + 1) * (lags + 2) + 5);
  });
  const inner = order > -1 ? 0 : -1;
  const levels = detrend(series, order);
  const n = levels[0]!.length;
  const differences = levels.map((s) => Float64Array.from({ length: n - 1 }, (_, i) => s[i + 1]! - s[i]!));
  const lagged: Float64Array[] = [];
  for (let j = 1; j <= lags; j++) for (const d of differences) lagged.push(d.slice(lags - j, n - 1 - j));
  const past = detrend(lagged, inner);
  const now = detrend(
    differences.map((d) => d.slice(lags)),
    inner,
  );
  const base = detrend(
    levels.map((s) => s.slice(1, n - lags)),
    inner,
  );
  const r0 = now.map((c) => leastSquares(c, past).residuals);
  const rk = base.map((c) => leastSquares(c, past).residuals);
  return conclude(r0, rk, k, order);
}

function conclude(
  r0: readonly Float64Array[],
  rk: readonly Float64Array[],
  k: number,
  order: number,
): Johansen {
  const s00 = invertDefinite(crossProducts(r0, r0), k);
  const sk0 = crossProducts(rk, r0);
  const l = cholesky(crossProducts(rk, rk), k);
  // B = L⁻¹ Sk0, so that the eigenvalues of Skk⁻¹ Sk0 S00⁻¹ S0k are those of the symmetric B S00⁻¹ B'.
  const b = new Float64Array(k * k);
  for (let j = 0; j < k; j++) {
    for (let i = 0; i < k; i++) {
      let v = sk0[i * k + j]!;
      for (let c = 0; c < i; c++) v -= l[i * k + c]! * b[c * k + j]!;
      b[i * k + j] = v / l[i * k + i]!;
    }
  }
  const m = new Float64Array(k * k);
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < k; j++) {
      let v = 0;
      for (let p = 0; p < k; p++)
        for (let q = 0; q < k; q++) v += b[i * k + p]! * s00[p * k + q]! * b[j * k + q]!;
      m[i * k + j] = v;
    }
  }
  const eigen = symmetricEigen(m, k);
  const eigenvalues = eigen.values.toReversed();
  const vectors = new Float64Array(k * k);
  for (let j = 0; j < k; j++) {
    for (let i = k - 1; i >= 0; i--) {
      let v = eigen.vectors[i * k + (k - 1 - j)]!;
      for (let c = i + 1; c < k; c++) v -= l[c * k + i]! * vectors[c * k + j]!;
      vectors[i * k + j] = v / l[i * k + i]!;
    }
  }
  const rows = rk[0]!.length;
  const maxEigenvalue = eigenvalues.map((v) => -rows * Math.log1p(-v));
  const trace = maxEigenvalue.map((_, r) => maxEigenvalue.subarray(r).reduce((a, v) => a + v, 0));
  const critical = (table: typeof traceTable): Triple[] =>
    Array.from({ length: k }, (_, r) => table[order + 1]![k - r - 1]!);
  return {
    eigenvalues,
    vectors,
    trace,
    traceCritical: critical(traceTable),
    maxEigenvalue,
    maxEigenvalueCritical: critical(maxTable),
  };
}
