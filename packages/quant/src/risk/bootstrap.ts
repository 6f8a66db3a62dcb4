/** Bootstrap confidence intervals of a statistic of a series. */
import { QuantError, requireRange, requireSeries, requireWhole } from "../error.ts";
import { normalCdf, normalQuantile } from "../statistics/distributions.ts";
import { quantileSorted, sorted, standardDeviation } from "../statistics/moments.ts";

export type Interval = readonly [number, number];

export interface Bootstrap {
  readonly estimate: number;
  readonly standardError: number;
  readonly replications: Float64Array;
  readonly percentile: Interval;
  readonly basic: Interval;
  /** Bias-corrected and accelerated; null where all replications fall on one side of the estimate. */
  readonly bca: Interval | null;
  readonly z0: number | null;
  readonly acceleration: number;
}

/** Indices kept at once: 400 MB. */
const MOST_INDICES = 100_000_000;

function requireSize(n: number, replications: number): void {
  requireWhole(n, "n", 1);
  requireWhole(replications, "replications", 1);
  if (n * replications > MOST_INDICES) {
    throw new QuantError(
      "outOfRange",
      `${replications} resamples of ${n} are more than ${MOST_INDICES} indices; take fewer resamples`,
    );
  }
}

/** Index lists of independent draws with replacement: [replications][n]. `random` gives numbers in [0, 1). */
export function iidIndices(n: number, replications: number, random: () => number): Int32Array[] {
  requireSize(n, replications);
  return Array.from({ length: replications }, () =>
    Int32Array.from({ length: n }, () => Math.floor(random() * n)),
  );
}

/**
 * Index lists of the stationary bootstrap: blocks of geometric length with mean `meanBlock`, wrapping around the end.
 * Source: Politis and Romano 1994.
 */
export function stationaryIndices(
  n: number,
  replications: number,
  meanBlock: number,
  random: () => number,
): Int32Array[] {
  requireSize(n, replications);
  requireRange(meanBlock, "meanBlock", 1, Number.MAX_VALUE);
  return Array.from({ length: replications }, () => {
    const row = new Int32Array(n);
    for (let i = 0; i < n; i++) {
      const fresh = i === 0 || random() < 1 / meanBlock;
      row[i] = fresh ? Math.floor(random() * n) : (row[i - 1]! + 1) % n;
    }
    return row;
  });
}

/**
 * Standard error and intervals (type-7 quantiles of the replications) of `statistic` over the resamples that `indices`
 * name. The acceleration comes from the jackknife, z0 from the share of replications strictly below the estimate.
 * Source: Efron and Tibshirani 1993, chapter 14.
 */
export function bootstrap(
  series: Float64Array,
  indices: readonly ArrayLike<number>[],
  statistic: (x: Float64Array) => number,
  confidence = 0.95,
): Bootstrap {
  requireSeries(series, "series", 3);
  requireRange(confidence, "confidence", 0, 1, true);
  if (indices.length < 2) throw new QuantError("tooFew", "at least 2 resamples are needed");
  const estimate = statistic(series);
  const replications = Float64Array.from(indices, (list) =>
    statistic(Float64Array.from(list, (i) => valueAt(series, i))),
  );
  const ascending = sorted(replications);
  const tail = (1 - confidence) / 2;
  const low = quantileSorted(ascending, tail);
  const high = quantileSorted(ascending, 1 - tail);
  const below = replications.filter((v) => v < estimate).length / replications.length;
  const z0 = below > 0 && below < 1 ? normalQuantile(below) : null;
  const acceleration = jackknifeAcceleration(series, statistic);
  const corrected = (z: number): number => {
    const shifted = z0! + z;
    return quantileSorted(ascending, normalCdf(z0! + shifted / (1 - acceleration * shifted)));
  };
  const z = normalQuantile(tail);
  return {
    estimate,
    standardError: standardDeviation(replications),
    replications,
    percentile: [low, high],
    basic: [2 * estimate - high, 2 * estimate - low],
    bca: z0 === null ? null : [corrected(z), corrected(-z)],
    z0,
    acceleration,
  };
}

function valueAt(series: Float64Array, i: number): number {
  const value = series[i];
  if (value !== undefined) return value;
  throw new QuantError("outOfRange", `a resample names index ${i} of a series of ${series.length} values`);
}

function jackknifeAcceleration(series: Float64Array, statistic: (x: Float64Array) => number): number {
  const n = series.length;
  const without = new Float64Array(n - 1);
  const values = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    without.set(series.subarray(0, i));
    without.set(series.subarray(i + 1), i);
    values[i] = statistic(without);
  }
  const m = values.reduce((a, b) => a + b, 0) / n;
  let squares = 0;
  let cubes = 0;
  for (const v of values) {
    squares += (m - v) ** 2;
    cubes += (m - v) ** 3;
  }
  return squares > 0 ? cubes / (6 * squares ** 1.5) : 0;
}
