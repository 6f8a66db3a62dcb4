/** Bars of equal time, from trades. */
import type { Bar, BarBuilder, Ticks } from "./table.ts";
import { checkTicks, createBarTable } from "./table.ts";

export interface TimeBarOptions {
  readonly everyMs: number;
  /** A bucket starts here and at every whole multiple of `everyMs` from it. Default 0: midnight UTC for a day's divisors. */
  readonly originMs?: number;
  /**
   * Trading sessions, half-open and ascending. Buckets are then counted from each session's start and end with it:
   * a holiday, a short day or a change of the clocks is a matter of these times alone. Other trades are left out.
   */
  readonly sessions?: { readonly startMs: Float64Array; readonly endMs: Float64Array };
}

export interface TimeBarBuilder extends BarBuilder {
  /**
   * Closes the open bar if its bucket has ended by this time: a quiet minute has no later trade to close it. Trades
   * of buckets that ended by then are late from now on.
   */
  closeUntil(timeMs: number): void;
  /** Trades left out because their bar was closed already. */
  readonly late: number;
  /** Trades left out because they lie outside every session. */
  readonly outside: number;
}

/** Trades searched for order at a time. */
const BLOCK = 4096;
/** Sizes are summed in this many lanes, by a trade's place in its bar: no split changes the sum. */
const LANES = 4;

/** Places in the state of the bar still open. */
const START = 0;
const END = 1;
const OPEN = 2;
const HIGH = 3;
const LOW = 4;
const CLOSE = 5;
const TICKS = 6;
const SUMS = 7;

/**
 * Time bars over half-open buckets [start, start + everyMs): a trade at the end belongs to the next one. A bucket
 * without a trade makes no bar. Trades within a bucket count in the order of arrival; one that comes after its
 * bucket was closed by a later trade is counted in `late` and left out.
 */
export function createTimeBars(options: TimeBarOptions): TimeBarBuilder {
  const { everyMs, originMs = 0, sessions } = options;
  if (!(everyMs >= 1) || everyMs === Infinity)
    throw new RangeError(`everyMs must be at least 1, not ${everyMs}`);
  if (sessions) checkSessions(sessions.startMs, sessions.endMs);
  const closed = createBarTable();
  const s = new Float64Array(SUMS + LANES);
  s[END] = -Infinity;
  let [late, outside, session] = [0, 0, 0];

  const shut = (): void => {
    if (s[TICKS] === 0) return;
    closed.add(barOf(s));
    s.fill(0, TICKS);
  };

  /** Opens the bucket of a time, which is not before the last bucket's end; false where no session holds it. */
  const openBucket = (timeMs: number): boolean => {
    let origin = originMs;
    let limit = Infinity;
    if (sessions) {
      while (session < sessions.endMs.length && timeMs >= sessions.endMs[session]!) session++;
      if (session === sessions.endMs.length || timeMs < sessions.startMs[session]!) return false;
      origin = sessions.startMs[session]!;
      limit = sessions.endMs[session]!;
    }
    s[START] = origin + Math.floor((timeMs - origin) / everyMs) * everyMs;
    s[END] = Math.min(s[START] + everyMs, limit);
    return true;
  };

  /** Whether a trade belongs to the bar that is then open. */
  const admit = (timeMs: number): boolean => {
    if (timeMs >= s[END]!) {
      shut();
      if (openBucket(timeMs)) return true;
      outside++;
      return false;
    }
    if (timeMs >= s[START]!) return true;
    late++;
    return false;
  };

  /** Trades in order of time: whole buckets at once. */
  const takeSorted = (tick: Ticks, from: number, to: number): void => {
    let i = from;
    while (i < to) {
      if (!admit(tick.timeMs[i]!)) {
        i++;
        continue;
      }
      const end = firstAtOrAfter(tick.timeMs, i + 1, to, s[END]!);
      fold(tick, i, end, s);
      i = end;
    }
  };

  return {
    closed,
    advance(tick, from, to) {
      for (let at = from; at < to; at += BLOCK) {
        const until = Math.min(to, at + BLOCK);
        if (areSorted(tick.timeMs, at, until)) takeSorted(tick, at, until);
        else {
          checkTicks(tick, at, until);
          for (let i = at; i < until; i++) if (admit(tick.timeMs[i]!)) fold(tick, i, i + 1, s);
        }
      }
    },
    closeUntil(timeMs) {
      if (!(timeMs >= s[END]!)) return;
      shut();
      // the bucket of this time is the first that may still have trades
      if (timeMs === Infinity || !openBucket(timeMs)) s[START] = s[END] = timeMs;
    },
    forming: () => (s[TICKS] === 0 ? undefined : barOf(s)),
    get late() {
      return late;
    },
    get outside() {
      return outside;
    },
  };
}

const volumeOf = (s: Float64Array): number => s[SUMS]! + s[SUMS + 1]! + (s[SUMS + 2]! + s[SUMS + 3]!);

function barOf(s: Float64Array): Bar {
  return {
    openMs: s[START]!,
    closeMs: s[END]!,
    open: s[OPEN]!,
    high: s[HIGH]!,
    low: s[LOW]!,
    close: s[CLOSE]!,
    volume: volumeOf(s),
    ticks: s[TICKS]!,
  };
}

/** Adds one trade to the open bar. */
function foldOne(tick: Ticks, i: number, s: Float64Array): void {
  checkTicks(tick, i, i + 1);
  const p = tick.price[i]!;
  const count = s[TICKS]!;
  if (count === 0) s[OPEN] = s[HIGH] = s[LOW] = p;
  if (p > s[HIGH]!) s[HIGH] = p;
  if (p < s[LOW]!) s[LOW] = p;
  s[CLOSE] = p;
  s[SUMS + (count % LANES)]! += tick.size[i]!;
  s[TICKS] = count + 1;
}

/** Adds trades [from, to) to the open bar. The branches are rarely taken, and every bad number takes one. */
function fold(tick: Ticks, from: number, to: number, s: Float64Array): void {
  const { price, size } = tick;
  let i = from;
  do foldOne(tick, i++, s);
  while (i < to && s[TICKS]! % LANES !== 0);
  const first = i;
  let h = s[HIGH]!;
  let l = s[LOW]!;
  let a = s[SUMS]!;
  let b = s[SUMS + 1]!;
  let c = s[SUMS + 2]!;
  let d = s[SUMS + 3]!;
  for (; i + LANES <= to; i += LANES) {
    const p = price[i]!;
    const q = price[i + 1]!;
    const r = price[i + 2]!;
    const t = price[i + 3]!;
    const v = size[i]!;
    const w = size[i + 1]!;
    const x = size[i + 2]!;
    const y = size[i + 3]!;
    if (!(p <= h && q <= h && r <= h && t <= h)) {
      checkTicks(tick, i, i + LANES);
      h = Math.max(h, p, q, r, t);
    }
    if (!(p >= l && q >= l && r >= l && t >= l)) {
      checkTicks(tick, i, i + LANES);
      l = Math.min(l, p, q, r, t);
    }
    if (!(v >= 0 && w >= 0 && x >= 0 && y >= 0)) checkTicks(tick, i, i + LANES);
    a += v;
    b += w;
    c += x;
    d += y;
  }
  if (i > first) {
    s[CLOSE] = price[i - 1]!;
    s[HIGH] = h;
    s[LOW] = l;
    s[SUMS] = a;
    s[SUMS + 1] = b;
    s[SUMS + 2] = c;
    s[SUMS + 3] = d;
    s[TICKS]! += i - first;
    if (!(volumeOf(s) < Infinity)) checkTicks(tick, first, i);
  }
  while (i < to) foldOne(tick, i++, s);
}

/** Whether times [from, to) never fall: x - |x| is 0 for a number of at least 0, below 0 for others, NaN for NaN and infinity. */
function areSorted(t: Float64Array, from: number, to: number): boolean {
  let a = t[from]! - Math.abs(t[from]!);
  let b = 0;
  let t0 = t[from]!;
  let i = from + 1;
  for (; i + 4 <= to; i += 4) {
    const t1 = t[i]!;
    const t2 = t[i + 1]!;
    const t3 = t[i + 2]!;
    const t4 = t[i + 3]!;
    const d1 = t1 - t0;
    const d2 = t2 - t1;
    const d3 = t3 - t2;
    const d4 = t4 - t3;
    a += d1 - Math.abs(d1) + (d2 - Math.abs(d2));
    b += d3 - Math.abs(d3) + (d4 - Math.abs(d4));
    t0 = t4;
  }
  for (; i < to; i++) {
    const d = t[i]! - t0;
    a += d - Math.abs(d);
    t0 = t[i]!;
  }
  return a === 0 && b === 0;
}

/** First index in [from, to) whose time is at least `end`, of ascending times: doubling steps, then halves. */
function firstAtOrAfter(timeMs: Float64Array, from: number, to: number, end: number): number {
  let step = 16;
  let low = from;
  while (low + step < to && timeMs[low + step - 1]! < end) {
    low += step;
    step *= 2;
  }
  let high = Math.min(to, low + step);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (timeMs[middle]! < end) low = middle + 1;
    else high = middle;
  }
  return low;
}

function checkSessions(startMs: Float64Array, endMs: Float64Array): void {
  if (startMs.length !== endMs.length) throw new RangeError("sessions need as many ends as starts");
  startMs.forEach((s, k) => {
    if (!(endMs[k]! > s) || (k > 0 && !(s >= endMs[k - 1]!))) {
      throw new RangeError(
        `session ${k} must end after it starts and not start before the one before it ends`,
      );
    }
  });
}
