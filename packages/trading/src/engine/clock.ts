import type { MarketInstrument, PriceSeries } from "./market.ts";
import type { BarNow } from "./match.ts";
import type { EngineState } from "./state.ts";

const dayMs = 86_400_000;

export interface Clock {
  /** Distinct closes of all instruments: the instants. */
  readonly timeMs: Float64Array;
  /** Instruments that closed a bar at this instant; the first as many as `next` said. */
  readonly group: Int32Array;
  /** Goes to the next instant. */
  next(): number;
}

/** All closes of all instruments in time order; a bar that closes moves `state.bar`. */
export function createClock(state: EngineState): Clock {
  const closes = state.instruments.map((one) => one.bars.closeMs);
  for (const column of closes) checkAscending(column);
  return closes.every((column) => sameTimes(column, closes[0]!))
    ? createSharedClock(state, closes)
    : createMergedClock(state, closes);
}

/** All instruments close at the same times. */
function createSharedClock({ bar }: EngineState, closes: readonly Float64Array[]): Clock {
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

function createMergedClock({ bar }: EngineState, closes: readonly Float64Array[]): Clock {
  const n = closes.length;
  const group = new Int32Array(n);
  const nextClose = Float64Array.from(closes, (column) => column[0] ?? Infinity);
  const timeMs = mergeTimes(closes);
  let instant = -1;
  return {
    group,
    timeMs,
    next() {
      const now = timeMs[++instant]!;
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

/** Throws RangeError: an instrument closes one bar an instant. */
function checkAscending(column: Float64Array): void {
  for (let i = 1; i < column.length; i++) {
    if (!(column[i]! > column[i - 1]!)) throw new RangeError("the bars of an instrument close in time order");
  }
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

function sameTimes(a: Float64Array, b: Float64Array): boolean {
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
