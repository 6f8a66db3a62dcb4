import type { MarketInstrument } from "./market.ts";
import type { BarNow } from "./match.ts";
import type { EngineState } from "./state.ts";

const dayMs = 86_400_000;

export interface Clock {
  /** Distinct closes of all instruments. */
  readonly instants: number;
  /** Instruments that closed a bar at this instant; the first as many as `next` said. */
  readonly group: Int32Array;
  /** Goes to the next instant. */
  next(): number;
}

/** All closes of all instruments in time order; a bar that closes moves `state.bar` and `state.nowMs`. */
export function createClock(state: EngineState): Clock {
  const { instruments, bar, usedVolume } = state;
  const n = instruments.length;
  const group = new Int32Array(n);
  const closes = instruments.map((one) => one.bars.closeMs);
  const nextClose = Float64Array.from(closes, (column) => column[0] ?? Infinity);
  return {
    group,
    instants: countInstants(closes),
    next() {
      let now = nextClose[0]!;
      for (let k = 1; k < n; k++) if (nextClose[k]! < now) now = nextClose[k]!;
      let count = 0;
      for (let k = 0; k < n; k++) {
        if (nextClose[k] !== now) continue;
        group[count++] = k;
        const i = bar[k]! + 1;
        bar[k] = i;
        usedVolume[k] = 0;
        const column = closes[k]!;
        nextClose[k] = i + 1 < column.length ? column[i + 1]! : Infinity;
      }
      state.nowMs = now;
      return count;
    },
  };
}

/** Throws RangeError when closes do not ascend: an instrument closes one bar an instant. */
function countInstants(closes: readonly Float64Array[]): number {
  for (const column of closes) {
    for (let i = 1; i < column.length; i++) {
      if (!(column[i]! > column[i - 1]!))
        throw new RangeError("the bars of an instrument close in time order");
    }
  }
  if (closes.every((column) => sameTimes(column, closes[0]!))) return closes[0]!.length;
  const all = new Float64Array(closes.reduce((sum, column) => sum + column.length, 0));
  let at = 0;
  for (const column of closes) {
    all.set(column, at);
    at += column.length;
  }
  all.sort();
  let count = all.length > 0 ? 1 : 0;
  for (let i = 1; i < all.length; i++) count += +(all[i] !== all[i - 1]);
  return count;
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
