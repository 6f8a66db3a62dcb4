/**
 * Measures of a stretch of bars: plain functions over typed arrays. Ranges are half-open [from, to) by index and must
 * hold at least one bar; ratios are fractions; NaN values are skipped unless said otherwise.
 */

/** The last index whose time is ≤ `timeMs` in an ascending array; −1 when all are later. */
export function indexAtOrBefore(times: Float64Array, timeMs: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! <= timeMs) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The first index whose time is ≥ `timeMs` in an ascending array; its length when all are earlier. */
export function indexAtOrAfter(times: Float64Array, timeMs: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! < timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the largest value, the first of equal ones; −1 when every value is NaN. */
export function indexOfHighest(values: Float64Array, from: number, to: number): number {
  let at = -1;
  for (let i = from; i < to; i++) {
    const value = values[i]!;
    if (value === value && (at < 0 || value > values[at]!)) at = i;
  }
  return at;
}

/** Index of the smallest value, the first of equal ones; −1 when every value is NaN. */
export function indexOfLowest(values: Float64Array, from: number, to: number): number {
  let at = -1;
  for (let i = from; i < to; i++) {
    const value = values[i]!;
    if (value === value && (at < 0 || value < values[at]!)) at = i;
  }
  return at;
}

/** 1 − value / running peak, with the peak over [from, at]: in [0, 1] for positive values. */
export function drawdownAt(
  values: Float64Array,
  from: number,
  at: number,
): { peakIndex: number; drawdown: number } {
  const peakIndex = indexOfHighest(values, from, at + 1);
  if (peakIndex < 0) return { peakIndex: at, drawdown: Number.NaN };
  return { peakIndex, drawdown: 1 - values[at]! / values[peakIndex]! };
}

export interface Drawdown {
  /** In [0, 1]. */
  depth: number;
  peakIndex: number;
  troughIndex: number;
  /** First index at which the peak was reached again; −1 while it has not been. */
  recoveryIndex: number;
}

/** The largest fall from a running peak; depth 0 with all indices at `from` when the values never fall. */
export function maxDrawdown(values: Float64Array, from: number, to: number): Drawdown {
  let peak = from;
  const worst: Drawdown = { depth: 0, peakIndex: from, troughIndex: from, recoveryIndex: from };
  for (let i = from; i < to; i++) {
    const value = values[i]!;
    if (value !== value) continue;
    const top = values[peak]!;
    if (!(value < top)) {
      peak = i;
      continue;
    }
    const depth = 1 - value / top;
    if (depth > worst.depth) {
      worst.depth = depth;
      worst.peakIndex = peak;
      worst.troughIndex = i;
    }
  }
  if (worst.depth === 0) return worst;
  worst.recoveryIndex = -1;
  for (let i = worst.troughIndex + 1; i < to; i++) {
    if (values[i]! >= values[worst.peakIndex]!) {
      worst.recoveryIndex = i;
      break;
    }
  }
  return worst;
}

/**
 * Standard deviation (ddof 1) of ln(v[i] / v[i−1]) for i in [from + 1, to), times sqrt(barsPerYear).
 * NaN with fewer than 2 changes. Two passes: no cancellation.
 */
export function realisedVolatility(
  values: Float64Array,
  from: number,
  to: number,
  barsPerYear: number,
): number {
  const count = to - from - 1;
  if (count < 2) return Number.NaN;
  let sum = 0;
  for (let i = from + 1; i < to; i++) sum += Math.log(values[i]! / values[i - 1]!);
  const mean = sum / count;
  let squares = 0;
  for (let i = from + 1; i < to; i++) {
    const deviation = Math.log(values[i]! / values[i - 1]!) - mean;
    squares += deviation * deviation;
  }
  return Math.sqrt(squares / (count - 1)) * Math.sqrt(barsPerYear);
}

/** Pearson's r of two arrays of one length; NaN with fewer than 3 pairs or when one does not vary. */
export function correlation(x: Float64Array, y: Float64Array): number {
  const n = x.length;
  if (n < 3 || y.length !== n) return Number.NaN;
  let meanX = 0;
  let meanY = 0;
  for (let i = 0; i < n; i++) {
    meanX += x[i]!;
    meanY += y[i]!;
  }
  meanX /= n;
  meanY /= n;
  let xx = 0;
  let yy = 0;
  let xy = 0;
  for (let i = 0; i < n; i++) {
    const dx = x[i]! - meanX;
    const dy = y[i]! - meanY;
    xx += dx * dx;
    yy += dy * dy;
    xy += dx * dy;
  }
  const scale = Math.sqrt(xx) * Math.sqrt(yy);
  return scale > 0 ? Math.max(-1, Math.min(1, xy / scale)) : Number.NaN;
}

/** Compound growth a year over elapsed time (365.25 days a year); NaN when it is shorter than a day. */
export function annualGrowth(first: number, last: number, elapsedMs: number): number {
  const years = elapsedMs / (365.25 * 86_400_000);
  return elapsedMs < 86_400_000 ? Number.NaN : (last / first) ** (1 / years) - 1;
}
