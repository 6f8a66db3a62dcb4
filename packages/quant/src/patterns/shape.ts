/**
 * What candlestick patterns are judged by: parts of a bar, and sizes relative to the bars just before it. A body with
 * close = open counts as white. A size is the mean over the bars BEFORE the one judged, summed anew each time, so that
 * an answer depends on its own bars alone.
 */
export interface Bars {
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
}

export const open = (b: Bars, i: number): number => b.open[i]!;
export const high = (b: Bars, i: number): number => b.high[i]!;
export const low = (b: Bars, i: number): number => b.low[i]!;
export const close = (b: Bars, i: number): number => b.close[i]!;

export const isWhite = (b: Bars, i: number): boolean => b.close[i]! >= b.open[i]!;
export const isBlack = (b: Bars, i: number): boolean => b.close[i]! < b.open[i]!;
/** 1 of a white body, -1 of a black one. */
export const colour = (b: Bars, i: number): number => (isWhite(b, i) ? 1 : -1);

export const body = (b: Bars, i: number): number => Math.abs(b.close[i]! - b.open[i]!);
/** Upper end of the body. */
export const top = (b: Bars, i: number): number => (isWhite(b, i) ? b.close[i]! : b.open[i]!);
/** Lower end of the body. */
export const bottom = (b: Bars, i: number): number => (isWhite(b, i) ? b.open[i]! : b.close[i]!);
export const upperShadow = (b: Bars, i: number): number => b.high[i]! - top(b, i);
export const lowerShadow = (b: Bars, i: number): number => bottom(b, i) - b.low[i]!;

/** The body of bar i lies wholly above that of bar k. */
export const bodyGapsUp = (b: Bars, i: number, k: number): boolean => bottom(b, i) > top(b, k);
export const bodyGapsDown = (b: Bars, i: number, k: number): boolean => top(b, i) < bottom(b, k);
/** The whole bar i lies above bar k. */
export const barGapsUp = (b: Bars, i: number, k: number): boolean => b.low[i]! > b.high[k]!;
export const barGapsDown = (b: Bars, i: number, k: number): boolean => b.high[i]! < b.low[k]!;

/** Bars that a usual body, range or shadow is the mean of. */
export const USUAL = 10;
/** Bars that nearness is measured by. */
export const RECENT = 5;

/** Mean body of the ten bars before: a body above it is long, one below it short. */
export function usualBody(b: Bars, i: number): number {
  const [x, y] = [b.open, b.close];
  let sum = 0;
  for (let k = i - USUAL; k < i; k++) sum += Math.abs(y[k]! - x[k]!);
  return sum / USUAL;
}

/** A tenth of the mean range of the ten bars before: the most of a doji's body, and of a very short shadow. */
export function tinySize(b: Bars, i: number): number {
  const [h, l] = [b.high, b.low];
  let sum = 0;
  for (let k = i - USUAL; k < i; k++) sum += h[k]! - l[k]!;
  return 0.1 * (sum / USUAL);
}

/** Half the mean of both shadows of the ten bars before: a shadow below it is short. */
export function usualShadow(b: Bars, i: number): number {
  let sum = 0;
  for (let k = i - USUAL; k < i; k++) sum += upperShadow(b, k) + lowerShadow(b, k);
  return sum / USUAL / 2;
}

function recentRange(b: Bars, i: number): number {
  const [h, l] = [b.high, b.low];
  let sum = 0;
  for (let k = i - RECENT; k < i; k++) sum += h[k]! - l[k]!;
  return sum / RECENT;
}

/** A fifth of the mean range of the five bars before. */
export const nearDistance = (b: Bars, i: number): number => 0.2 * recentRange(b, i);
/** Six tenths of the mean range of the five bars before. */
export const farDistance = (b: Bars, i: number): number => 0.6 * recentRange(b, i);
/** A twentieth of the mean range of the five bars before: prices this close count as equal. */
export const equalDistance = (b: Bars, i: number): number => 0.05 * recentRange(b, i);

export const isLong = (b: Bars, i: number): boolean => body(b, i) > usualBody(b, i);
export const isShort = (b: Bars, i: number): boolean => body(b, i) < usualBody(b, i);
/** Short, or exactly usual. */
export const isSmall = (b: Bars, i: number): boolean => body(b, i) <= usualBody(b, i);
export const isDoji = (b: Bars, i: number): boolean => body(b, i) <= tinySize(b, i);
export const hasNoUpperShadow = (b: Bars, i: number): boolean => upperShadow(b, i) < tinySize(b, i);
export const hasNoLowerShadow = (b: Bars, i: number): boolean => lowerShadow(b, i) < tinySize(b, i);
/** A long shadow is longer than the body. */
export const hasLongUpperShadow = (b: Bars, i: number): boolean => upperShadow(b, i) > body(b, i);
export const hasLongLowerShadow = (b: Bars, i: number): boolean => lowerShadow(b, i) > body(b, i);

/** Whether two prices are at most `distance` apart. */
export const within = (x: number, y: number, distance: number): boolean =>
  x <= y + distance && x >= y - distance;
