/** Sample moments, quantiles and ranks of whole series. Series are checked by whoever calls: plain loops here. */

/** Arithmetic mean: a first sum, corrected by the mean of what it left. */
export function mean(x: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]!;
  const first = sum / x.length;
  let rest = 0;
  for (let i = 0; i < x.length; i++) rest += x[i]! - first;
  return first + rest / x.length;
}

/** Variance by two passes, divided by n - ddof. */
export function variance(x: Float64Array, ddof = 1): number {
  return covariance(x, x, ddof);
}

/** Standard deviation, the variance divided by n - ddof. */
export function standardDeviation(x: Float64Array, ddof = 1): number {
  return Math.sqrt(variance(x, ddof));
}

/** Covariance of two series of one length, divided by n - ddof. */
export function covariance(x: Float64Array, y: Float64Array, ddof = 1): number {
  const mx = mean(x);
  const my = mean(y);
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i]! - mx) * (y[i]! - my);
  return sum / (x.length - ddof);
}

/** Pearson correlation; NaN where a series is constant. */
export function correlation(x: Float64Array, y: Float64Array): number {
  return covariance(x, y, 0) / Math.sqrt(variance(x, 0) * variance(y, 0));
}

export interface Shape {
  /** Population (biased) skewness m3 / m2^1.5. */
  readonly skew: number;
  /** Population (biased) excess kurtosis m4 / m2² - 3. */
  readonly excessKurtosis: number;
  /** Bias-corrected skewness G1. */
  readonly skewUnbiased: number;
  /** Bias-corrected excess kurtosis G2. */
  readonly excessKurtosisUnbiased: number;
}

/** Skewness and kurtosis; NaN for a constant series. */
export function shapeOf(x: Float64Array): Shape {
  const n = x.length;
  const m = mean(x);
  let m2 = 0;
  let m3 = 0;
  let m4 = 0;
  for (let i = 0; i < n; i++) {
    const d = x[i]! - m;
    const s = d * d;
    m2 += s;
    m3 += s * d;
    m4 += s * s;
  }
  m2 /= n;
  const skew = m3 / n / (m2 * Math.sqrt(m2));
  const excessKurtosis = m4 / n / (m2 * m2) - 3;
  return {
    skew,
    excessKurtosis,
    skewUnbiased: (skew * Math.sqrt(n * (n - 1))) / (n - 2),
    excessKurtosisUnbiased: ((n - 1) / ((n - 2) * (n - 3))) * ((n + 1) * excessKurtosis + 6),
  };
}

/** A sorted copy, ascending. */
export function sorted(x: Float64Array): Float64Array {
  return Float64Array.from(x).sort();
}

/** Moves the `count` lowest values of x to its front, ascending; the others follow in any order. */
export function sortLowest(x: Float64Array, count: number): void {
  let from = 0;
  let to = x.length - 1;
  while (from < to && count <= to) {
    const pivot = middleOf(x[from]!, x[(from + to) >> 1]!, x[to]!);
    let i = from;
    let j = to;
    while (i <= j) {
      while (x[i]! < pivot) i++;
      while (x[j]! > pivot) j--;
      if (i > j) break;
      const keep = x[i]!;
      x[i++] = x[j]!;
      x[j--] = keep;
    }
    if (count <= j) to = j;
    else if (count >= i) from = i;
    else break;
  }
  x.subarray(0, count).sort();
}

function middleOf(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}

/** Quantile by linear interpolation (type 7) of an ascending series, 0 <= p <= 1. */
export function quantileSorted(ascending: Float64Array, p: number): number {
  const at = (ascending.length - 1) * p;
  const below = Math.floor(at);
  const low = ascending[below]!;
  const high = ascending[Math.min(below + 1, ascending.length - 1)]!;
  const t = at - below;
  return t >= 0.5 ? high - (high - low) * (1 - t) : low + (high - low) * t;
}

/** Quantile by linear interpolation (type 7). */
export function quantile(x: Float64Array, p: number): number {
  return quantileSorted(sorted(x), p);
}

/** Median. */
export function median(x: Float64Array): number {
  const s = sorted(x);
  const h = s.length >> 1;
  return s.length % 2 ? s[h]! : (s[h - 1]! + s[h]!) / 2;
}

/** Ranks from 1, ties sharing their mean rank. */
export function ranks(x: Float64Array): Float64Array {
  const order = Int32Array.from(x, (_, i) => i).sort((a, b) => x[a]! - x[b]!);
  const out = new Float64Array(x.length);
  for (let i = 0; i < order.length;) {
    let j = i;
    while (j + 1 < order.length && x[order[j + 1]!] === x[order[i]!]) j++;
    for (let k = i; k <= j; k++) out[order[k]!] = (i + j) / 2 + 1;
    i = j + 1;
  }
  return out;
}
