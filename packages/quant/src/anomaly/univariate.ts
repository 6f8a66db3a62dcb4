/**
 * Unusual values of one series. Centre and spread are estimates over the whole series given, so that a past value is
 * judged with later ones in view: for a live rule use the kernels `zscore` and its like.
 */
import { QuantError, requireRange, requireSameLength, requireSeries } from "../error.ts";
import { mean, median, quantileSorted, sorted, standardDeviation } from "../statistics/moments.ts";

/** A value outside its bounds, and why. */
export interface SeriesAnomaly {
  readonly row: number;
  readonly value: number;
  /** What the method expected there. */
  readonly expected: number;
  /** Bounds that the value would have had to keep. */
  readonly low: number;
  readonly high: number;
  /** Signed distance in the method's unit. */
  readonly score: number;
}

export interface SeriesAnomalies {
  /** [n], signed, in the method's unit. */
  readonly scores: Float64Array;
  /** In order of rows. */
  readonly anomalies: readonly SeriesAnomaly[];
}

/** Φ⁻¹(¾): a normal's median absolute deviation in standard deviations. */
const NORMAL_QUARTILE = 0.6744897501960817;

interface Yardstick {
  readonly centre: number;
  readonly scale: number;
}

/** Scores (value - centre) / scale, and the values beyond `threshold` of them. */
function judge(x: Float64Array, threshold: number, of: (row: number) => Yardstick): SeriesAnomalies {
  const anomalies: SeriesAnomaly[] = [];
  const scores = x.map((value, row) => {
    const { centre, scale } = of(row);
    const score = (value - centre) / scale;
    if (Math.abs(score) > threshold) {
      const reach = threshold * scale;
      anomalies.push({ row, value, expected: centre, low: centre - reach, high: centre + reach, score });
    }
    return score;
  });
  return { scores, anomalies };
}

export interface ZAnomalies extends SeriesAnomalies {
  readonly mean: number;
  /** Standard deviation, ddof 1. */
  readonly deviation: number;
}

/** Values more than `threshold` standard deviations (ddof 1) from the mean; scores in standard deviations. */
export function zAnomalies(x: Float64Array, threshold = 3): ZAnomalies {
  requireSeries(x, "series", 3);
  requireRange(threshold, "threshold", 0, Infinity, true);
  const centre = mean(x);
  const scale = standardDeviation(x);
  if (!(scale > 0)) throw new QuantError("undefined", "the series does not vary: nothing in it is unusual");
  return { mean: centre, deviation: scale, ...judge(x, threshold, () => ({ centre, scale })) };
}

export interface RobustZAnomalies extends SeriesAnomalies {
  readonly median: number;
  /** Median absolute deviation from the median, unscaled. */
  readonly medianDeviation: number;
}

/** Median of the distances from a centre. */
function medianDistance(x: Float64Array, centre: number): number {
  return median(x.map((v) => Math.abs(v - centre)));
}

/**
 * Values whose modified z-score Φ⁻¹(¾) (x - median) / MAD is beyond `threshold`: outliers do not widen the yardstick that
 * measures them. Source: Iglewicz and Hoaglin 1993.
 * @throws QuantError undefined where at least half of the values are equal.
 */
export function robustZAnomalies(x: Float64Array, threshold = 3.5): RobustZAnomalies {
  requireSeries(x, "series", 3);
  requireRange(threshold, "threshold", 0, Infinity, true);
  const centre = median(x);
  const medianDeviation = medianDistance(x, centre);
  if (!(medianDeviation > 0)) {
    throw new QuantError(
      "undefined",
      "half of the values are equal: they have no median deviation; use z or IQR",
    );
  }
  const scale = medianDeviation / NORMAL_QUARTILE;
  return { median: centre, medianDeviation, ...judge(x, threshold, () => ({ centre, scale })) };
}

export interface IqrAnomalies extends SeriesAnomalies {
  /** Quartiles, type 7. */
  readonly q1: number;
  readonly q3: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Values outside [q1 - fences IQR, q3 + fences IQR]. The score is the distance beyond the nearer quartile in IQRs, 0
 * between the quartiles. Source: Tukey 1977 (1.5: outside, 3: far out).
 * @throws QuantError undefined where the quartiles are equal.
 */
export function iqrAnomalies(x: Float64Array, fences = 1.5): IqrAnomalies {
  requireSeries(x, "series", 4);
  requireRange(fences, "fences", 0, Infinity, true);
  const ascending = sorted(x);
  const q1 = quantileSorted(ascending, 0.25);
  const q3 = quantileSorted(ascending, 0.75);
  const range = q3 - q1;
  if (!(range > 0))
    throw new QuantError("undefined", "the quartiles are equal: there is no range to measure by");
  const low = q1 - fences * range;
  const high = q3 + fences * range;
  const expected = quantileSorted(ascending, 0.5);
  const anomalies: SeriesAnomaly[] = [];
  const scores = x.map((value, row) => {
    const score = (value - Math.min(Math.max(value, q1), q3)) / range;
    if (value < low || value > high) anomalies.push({ row, value, expected, low, high, score });
    return score;
  });
  return { q1, q3, low, high, scores, anomalies };
}

const LEAST_OF_PHASE = 5;

/**
 * Values that are unusual for their phase (hour of the day, weekday, minute of the session): the modified z-score against
 * median and MAD of the values of the same phase.
 * @param phases [n] phase of each row, whole numbers from 0.
 * @throws QuantError tooFew for a phase of fewer than 5 values, undefined for one with half of its values equal.
 */
export function seasonalAnomalies(x: Float64Array, phases: Int32Array, threshold = 3.5): SeriesAnomalies {
  requireSameLength(x, phases, "series and phases");
  requireSeries(x, "series", LEAST_OF_PHASE);
  requireRange(threshold, "threshold", 0, Infinity, true);
  const yardsticks = new Map<number, Yardstick>();
  for (const phase of new Set(phases)) yardsticks.set(phase, yardstickOf(x, phases, phase));
  return judge(x, threshold, (row) => yardsticks.get(phases[row]!)!);
}

function yardstickOf(x: Float64Array, phases: Int32Array, phase: number): Yardstick {
  const own = x.filter((_, i) => phases[i] === phase);
  if (own.length < LEAST_OF_PHASE) {
    throw new QuantError(
      "tooFew",
      `phase ${phase} has ${own.length} values; at least ${LEAST_OF_PHASE} are needed: use wider phases or more data`,
    );
  }
  const centre = median(own);
  const spread = medianDistance(own, centre);
  if (!(spread > 0)) {
    throw new QuantError("undefined", `half of the values of phase ${phase} are equal: use wider phases`);
  }
  return { centre, scale: spread / NORMAL_QUARTILE };
}
