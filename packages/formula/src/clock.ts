import type { Bar, BucketRule, Dataset } from "./dataset.ts";
import { COLUMNS } from "./dataset.ts";
import type { Timeframe } from "./timeframe.ts";
import { utcBucket } from "./timeframe.ts";

export type Column = Float64Array | Uint8Array;

/**
 * Bars of one instrument at one timeframe, and the nodes that are computed on them. Index 0 of the columns is the
 * oldest bar still held: in a live run the columns are moved back once they are full.
 */
export interface Clock {
  readonly timeframeMs: number;
  readonly bucketOf: BucketRule;
  readonly bars: Readonly<Record<(typeof COLUMNS)[number], Float64Array>>;
  /** Bars held. */
  length: number;
  /** Bars that were dropped in front. */
  dropped: number;
  readonly nodes: Node[];
  /** Nodes of this clock by operator, arguments and constants. */
  readonly byKey: Map<string, Node>;
  /** Higher timeframes made of this clock's bars. */
  readonly coarser: Map<string, Resampler>;
  /** A whole dataset: no bar is added. */
  readonly whole: boolean;
  /** Room for bars; full columns are moved back in a live run. */
  readonly capacity: number;
}

/** What a node remembers beside its column. */
export interface Memory {
  save(): Float64Array;
  /** The node is done up to its clock's last bar. */
  restore(saved: Float64Array): void;
}

/** A column and how to go on with it. */
export interface Node {
  readonly id: number;
  readonly key: string;
  readonly clock: Clock;
  readonly column: Column;
  /** First bar not yet computed. */
  done: number;
  /** Bars of its own column that others read back. */
  need: number;
  /** When it was last asked for, in calls of the graph. */
  used: number;
  step(from: number, to: number): void;
  /** Told that the columns were moved back by a number of bars. */
  moved?(by: number): void;
  readonly memory?: Memory;
}

export interface Resampler {
  readonly frame: Timeframe;
  readonly clock: Clock;
  /** Base bars taken in so far. */
  taken: number;
  /** Number of closed buckets (dropped ones included) after each base bar. */
  readonly visible: Float64Array;
  /** Bucket that the last bar fell in: [start, end). */
  start: number;
  end: number;
  open: boolean;
  bar: { open: number; high: number; low: number; close: number; volume: number };
  closed: number;
}

function emptyBars(capacity: number): Clock["bars"] {
  const bars: Partial<Record<(typeof COLUMNS)[number], Float64Array>> = {};
  for (const name of COLUMNS) bars[name] = new Float64Array(capacity);
  return bars as Clock["bars"];
}

/** A clock over a whole dataset: the columns are shared, not copied. */
export function clockOf(data: Dataset): Clock {
  return {
    timeframeMs: data.timeframeMs,
    bucketOf: data.bucketOf ?? utcBucket,
    bars: data,
    length: data.length,
    dropped: 0,
    nodes: [],
    byKey: new Map(),
    coarser: new Map(),
    whole: true,
    capacity: data.length,
  };
}

/** An empty clock that bars are pushed to. */
export function emptyClock(timeframeMs: number, capacity: number, bucketOf: BucketRule = utcBucket): Clock {
  return {
    timeframeMs,
    bucketOf,
    bars: emptyBars(capacity),
    length: 0,
    dropped: 0,
    nodes: [],
    byKey: new Map(),
    coarser: new Map(),
    whole: false,
    capacity,
  };
}

/** The higher timeframe of a clock; made on first use. */
export function resamplerOf(clock: Clock, frame: Timeframe): Resampler {
  const known = clock.coarser.get(frame.text);
  if (known) return known;
  const made: Resampler = {
    frame,
    clock: emptyClock(frame.ms, clock.whole ? bucketsOf(clock, frame) : clock.capacity + 1, clock.bucketOf),
    taken: 0,
    visible: new Float64Array(clock.capacity),
    start: 0,
    end: 0,
    open: false,
    bar: { open: 0, high: 0, low: 0, close: 0, volume: 0 },
    closed: 0,
  };
  clock.coarser.set(frame.text, made);
  return made;
}

/** Room for the buckets that a whole dataset can fill: a day's last may be cut short by its session, so twice as many. */
function bucketsOf(clock: Clock, frame: Timeframe): number {
  if (clock.length === 0) return 1;
  const span = clock.bars.openMs[clock.length - 1]! - clock.bars.openMs[0]!;
  const shortest = frame.months > 0 ? frame.months * 28 * 86_400_000 : frame.ms;
  return Math.min(clock.length + 1, 2 * Math.ceil(span / shortest) + 2);
}

function closeBucket(r: Resampler): void {
  const { clock, bar } = r;
  makeRoom(clock);
  const at = clock.length;
  const bars = clock.bars;
  bars.openMs[at] = r.start;
  bars.closeMs[at] = r.end;
  bars.open[at] = bar.open;
  bars.high[at] = bar.high;
  bars.low[at] = bar.low;
  bars.close[at] = bar.close;
  bars.volume[at] = bar.volume;
  clock.length++;
  r.closed++;
  r.open = false;
}

/** Takes the clock's new bars into its higher timeframe. A bucket is seen only once it has closed. */
export function resample(r: Resampler, base: Clock): void {
  const { openMs, closeMs, open, high, low, close, volume } = base.bars;
  for (let i = r.taken; i < base.length; i++) {
    const at = openMs[i]!;
    const until = closeMs[i]!;
    if (!(r.open && at >= r.start && until <= r.end)) {
      const bucket = base.bucketOf(r.frame.text, at, until);
      if (r.open && (bucket === undefined ? until >= r.end : bucket.startMs !== r.start)) closeBucket(r);
      if (bucket === undefined) {
        r.visible[i] = r.closed;
        continue;
      }
      r.start = bucket.startMs;
      r.end = bucket.endMs;
    }
    if (r.open) {
      const bar = r.bar;
      bar.high = Math.max(bar.high, high[i]!);
      bar.low = Math.min(bar.low, low[i]!);
      bar.close = close[i]!;
      bar.volume += volume[i]!;
    } else {
      r.open = true;
      r.bar = { open: open[i]!, high: high[i]!, low: low[i]!, close: close[i]!, volume: volume[i]! };
    }
    if (until >= r.end) closeBucket(r);
    r.visible[i] = r.closed;
  }
  r.taken = base.length;
}

/** Closes the bucket that has ended by a time: no bar of it comes any more, though none of the next has come. */
export function closeEnded(r: Resampler, atMs: number): void {
  if (r.open && r.end <= atMs) closeBucket(r);
}

/** Adds a live bar. Bars come in the order of their close. */
export function pushBar(clock: Clock, bar: Bar): void {
  const last = clock.length > 0 ? clock.bars.closeMs[clock.length - 1]! : -Infinity;
  if (!(bar.closeMs > last)) throw new RangeError("a bar must close after the bar before it");
  makeRoom(clock);
  for (const name of COLUMNS) clock.bars[name][clock.length] = bar[name];
  clock.length++;
}

/** Bars that the nodes of a clock read back. */
const needOf = (clock: Clock): number => Math.max(1, ...clock.nodes.map((n) => n.need));

/** Does a node have a column of its own, beside the bars'? */
const isOwn = (n: Node): boolean => COLUMNS.every((name) => n.clock.bars[name] !== n.column);

/** Moves full columns back, keeping as many bars as any node reads back. */
function makeRoom(clock: Clock): void {
  if (clock.length < clock.capacity) return;
  const by = clock.length - needOf(clock);
  if (by <= 0) throw new RangeError("the formula reads back further than the run holds");
  for (const name of COLUMNS) clock.bars[name].copyWithin(0, by, clock.length);
  for (const n of clock.nodes) {
    if (isOwn(n)) n.column.copyWithin(0, by, clock.length);
    n.done -= by;
    n.moved?.(by);
  }
  for (const r of clock.coarser.values()) {
    r.visible.copyWithin(0, by, clock.length);
    r.taken -= by;
  }
  clock.length -= by;
  clock.dropped += by;
}

/** A live clock as it was, all of its nodes done: as many of its newest bars as they read back. */
export interface SavedClock {
  length: number;
  dropped: number;
  /** Bars that were held then and are not kept. */
  by: number;
  /** The columns after each other, in one array: many small ones cost more than what they hold. */
  columns: Float64Array;
  /** In the order of the nodes that have one. */
  memories: readonly Float64Array[];
  coarser: readonly SavedResampler[];
}

interface SavedResampler {
  visible: Float64Array;
  state: Pick<Resampler, "start" | "end" | "open" | "bar" | "closed">;
  clock: SavedClock;
}

/** Columns that a clock writes to, its own and its nodes'. */
function columnsOf(clock: Clock): Column[] {
  return [...COLUMNS.map((name) => clock.bars[name]), ...clock.nodes.filter(isOwn).map((n) => n.column)];
}

export function saveClock(clock: Clock): SavedClock {
  const { length, dropped } = clock;
  const by = Math.max(0, length - needOf(clock));
  const own = columnsOf(clock);
  const columns = new Float64Array(own.length * (length - by));
  let at = 0;
  for (const column of own) for (let i = by; i < length; i++) columns[at++] = column[i]!;
  return {
    length,
    dropped,
    by,
    columns,
    memories: clock.nodes.flatMap(({ memory }) => memory?.save() ?? []),
    coarser: [...clock.coarser.values()].map((r) => ({
      visible: r.visible.slice(by, length),
      state: { start: r.start, end: r.end, open: r.open, bar: { ...r.bar }, closed: r.closed },
      clock: saveClock(r.clock),
    })),
  };
}

/** Puts a clock back; it must have the nodes that it had when it was saved. */
export function restoreClock(clock: Clock, saved: SavedClock): void {
  const { by } = saved;
  clock.length = saved.length - by;
  let at = 0;
  for (const column of columnsOf(clock))
    for (let i = 0; i < clock.length; i++) column[i] = saved.columns[at++]!;
  clock.dropped = saved.dropped + by;
  const memories = saved.memories[Symbol.iterator]();
  for (const n of clock.nodes) {
    n.done = clock.length;
    n.memory?.restore(memories.next().value!);
  }
  for (const [i, r] of [...clock.coarser.values()].entries()) {
    const { visible, state, clock: theirs } = saved.coarser[i]!;
    r.visible.set(visible);
    Object.assign(r, state, { bar: { ...state.bar }, taken: clock.length });
    restoreClock(r.clock, theirs);
  }
}

/** Bytes of the columns of a saved clock, of its higher timeframes too. */
export function savedBytes({ columns, memories, coarser }: SavedClock): number {
  const own = [columns, ...memories].reduce((bytes, column) => bytes + column.byteLength, 0);
  return coarser.reduce((bytes, r) => bytes + r.visible.byteLength + savedBytes(r.clock), own);
}
