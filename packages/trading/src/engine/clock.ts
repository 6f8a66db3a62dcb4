import type { MarketInstrument, PriceSeries } from "./market.ts";
import type { BarNow } from "./match.ts";

const dayMs = 86_400_000;

export interface Clock {
  /** Distinct closes of all instruments: the instants. */
  readonly timeMs: Float64Array;
  /** Instruments that closed a bar at this instant; the first as many as `next` said. */
  readonly group: Int32Array;
  /** Goes to the next instant. */
  next(): number;
}

/** All closes of all instruments, a column each, in time order; `bar[k]` is the last that has come. */
export function createClock(closes: readonly Float64Array[], bar: Int32Array): Clock {
  for (const column of closes) checkOrder(column, false);
  return closes.every((column) => sameTimes(column, closes[0]!))
    ? createSharedClock(closes, bar)
    : createMergedClock(closes, bar);
}

/** All instruments close at the same times. */
function createSharedClock(closes: readonly Float64Array[], bar: Int32Array): Clock {
  const n = closes.length;
  const timeMs = closes[0]!;
  let i = -1;
  return {
    group: Int32Array.from(closes, (_, k) => k),
    timeMs,
    next() {
      i++;
      for (let k = 0; k < n; k++) bar[k] = i;
      return n;
    },
  };
}

function createMergedClock(closes: readonly Float64Array[], bar: Int32Array): Clock {
  const moments = createMoments(closes, bar);
  const timeMs = mergeTimes(closes);
  return { group: moments.group, timeMs, next: () => moments.next(Infinity) };
}

export interface Moments {
  readonly group: Int32Array;
  /** When the bars of this moment closed. */
  nowMs(): number;
  /** Goes to the next moment at or before a time; 0 where there is none. */
  next(untilMs: number): number;
}

/** The same one by one; of trade prints at one millisecond each is a moment, those of several instruments side by side. */
export function createMoments(closes: readonly Float64Array[], bar: Int32Array): Moments {
  for (const column of closes) checkOrder(column, true);
  const n = closes.length;
  const group = new Int32Array(n);
  const nextClose = Float64Array.from(closes, (column) => column[0] ?? Infinity);
  let now = Number.NaN;
  return {
    group,
    nowMs: () => now,
    next(untilMs) {
      let first = Infinity;
      for (let k = 0; k < n; k++) if (nextClose[k]! < first) first = nextClose[k]!;
      if (first > untilMs || first === Infinity) return 0;
      now = first;
      let count = 0;
      for (let k = 0; k < n; k++) {
        if (nextClose[k] !== now) continue;
        group[count++] = k;
        const i = bar[k]! + 1;
        bar[k] = i;
        const column = closes[k]!;
        nextClose[k] = i + 1 < column.length ? column[i + 1]! : Infinity;
      }
      return count;
    },
  };
}

/** Bars looked at in one call: a longer loop is compiled anew in every run. */
const checkedBars = 4_096;

/** Throws RangeError for a bar that closes before the one before it, or with it where that is not said to be so. */
function checkOrder(column: Float64Array, together: boolean): void {
  for (let from = 1; from < column.length; from += checkedBars) {
    if (isOrdered(column, from, Math.min(column.length, from + checkedBars), together)) continue;
    throw new RangeError("the bars of an instrument close in time order");
  }
}

function isOrdered(column: Float64Array, from: number, to: number, together: boolean): boolean {
  for (let i = from; i < to; i++) {
    if (!(column[i]! > column[i - 1]! || (together && column[i] === column[i - 1]))) return false;
  }
  return true;
}

function mergeTimes(closes: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(closes.reduce((sum, column) => sum + column.length, 0));
  let at = 0;
  for (const column of closes) {
    all.set(column, at);
    at += column.length;
  }
  all.sort();
  let count = 0;
  for (let i = 0; i < all.length; i++) if (i === 0 || all[i] !== all[i - 1]) all[count++] = all[i]!;
  return all.slice(0, count);
}

export function sameTimes(a: Float64Array, b: Float64Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

export function emptyBar(): BarNow {
  return {
    index: -1,
    openMs: Number.NaN,
    closeMs: Number.NaN,
    open: Number.NaN,
    high: Number.NaN,
    low: Number.NaN,
    close: Number.NaN,
    volume: Number.NaN,
    opensSession: false,
    closesSession: false,
  };
}

/** Bar `i` of an instrument; a session is a UTC day, and the last bar of the data ends one. */
export function readBar(into: BarNow, { bars }: MarketInstrument, i: number): void {
  const { openMs } = bars;
  const day = Math.floor(openMs[i]! / dayMs);
  into.index = i;
  into.openMs = openMs[i]!;
  into.closeMs = bars.closeMs[i]!;
  into.open = bars.open[i]!;
  into.high = bars.high[i]!;
  into.low = bars.low[i]!;
  into.close = bars.close[i]!;
  into.volume = bars.volume[i]!;
  into.opensSession = i === 0 || Math.floor(openMs[i - 1]! / dayMs) !== day;
  into.closesSession = i + 1 === openMs.length || Math.floor(openMs[i + 1]! / dayMs) !== day;
}

/** Finer bars that lie within a bar, half-open; `at[k]` is where the last search ended. */
export function finerRange(
  finer: PriceSeries,
  at: Int32Array,
  k: number,
  bar: BarNow,
): readonly [from: number, to: number] {
  const { openMs, closeMs } = finer;
  let from = at[k]!;
  while (from < openMs.length && openMs[from]! < bar.openMs) from++;
  let to = from;
  while (to < openMs.length && closeMs[to]! <= bar.closeMs) to++;
  at[k] = to;
  return [from, to];
}

/** Prices of finer bar `j`, in the place of those of the bar that it is a part of. */
export function readFinerBar(into: BarNow, finer: PriceSeries, j: number): void {
  into.open = finer.open[j]!;
  into.high = finer.high[j]!;
  into.low = finer.low[j]!;
  into.close = finer.close[j]!;
}
