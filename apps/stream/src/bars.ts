import { liveTimeframes } from "@tapedeck/features/ticks/contract";
import type { LiveBar, LiveTimeframe } from "@tapedeck/features/ticks/contract";
import { isSessionTimeframe, sessionBucket } from "@tapedeck/trading/calendar/index";
import type { TradingCalendar } from "@tapedeck/trading/calendar/index";

/** What a bar is made of. */
export interface BarTick {
  instrumentId: string;
  eventMs: number;
  ordinal: number;
  price: number;
  size: number;
}

/** A bar as it is made: also what a later tick needs to know of it. */
export interface OpenBar extends LiveBar {
  /** Keys of the ticks that gave open and close: the earliest and the latest by the venue's time. */
  firstMs: number;
  firstOrdinal: number;
  lastMs: number;
  lastOrdinal: number;
  /** What rounding has kept out of the volume's sum so far (Neumaier), so that the order of ticks does not show in it. */
  sum: number;
  lost: number;
}

export interface BarMaker {
  /** Makes bars of an instrument, by its calendar, on from long bars that were kept. */
  open(instrumentId: string, calendar: TradingCalendar, kept: readonly OpenBar[]): void;
  /** Forgets an instrument. */
  drop(instrumentId: string): void;
  /** Adds a tick; gives the bars that it changed after they were final, with their new revision. */
  add(tick: BarTick): readonly LiveBar[];
  /** Adds a tick that is stored already, to the short bars alone: it is in the long bars that were kept. */
  restore(tick: BarTick): void;
  /** Bars that changed since the last call and are not final yet. */
  changed(): LiveBar[];
  /** Makes bars final whose time is over; gives them, oldest first. Forgets those that no tick may change any more. */
  finish(nowMs: number): LiveBar[];
  /** Final bars of one instrument as they are now that what is stored of it has been read. */
  finishOf(instrumentId: string, nowMs: number): LiveBar[];
  /** The bars in memory, oldest first, at most `limit`. */
  recent(instrumentId: string, timeframe: LiveTimeframe, limit: number): LiveBar[];
  /** The long bars of an instrument that a tick may still change: the ticks of a day are not read again to go on. */
  long(instrumentId: string): readonly OpenBar[];
}

/** Number of bars kept for snapshots, whatever their age. */
const keepBars = 300;

/** Those of which the ticks of a whole bar are not read again after a restart. */
const longTimeframes: readonly LiveTimeframe[] = ["1h", "1d"];

/** The longest bar that is made again from stored ticks. */
export const longestShortMs = 300_000;

interface Series {
  instrumentId: string;
  calendar: TradingCalendar;
  frames: Frame[];
}

interface Frame {
  timeframe: LiveTimeframe;
  bars: Map<number, OpenBar>;
  /** The bar of the last tick: the next one is most often its too. */
  latest: OpenBar | undefined;
}

function view(bar: OpenBar): LiveBar {
  const { venue, instrumentId, timeframe, openMs, closeMs, open, high, low, close } = bar;
  const { volume, trades, final, revision } = bar;
  return {
    venue,
    instrumentId,
    timeframe,
    openMs,
    closeMs,
    open,
    high,
    low,
    close,
    volume,
    trades,
    final,
    revision,
  };
}

/**
 * Bounds of the bar that a tick of this time is in; undefined: in none. Around the clock they are UTC's; where there are
 * sessions, days are sessions, shorter bars are counted from a session's open, and outside sessions there are none.
 */
function boundsOf(
  calendar: TradingCalendar,
  timeframe: LiveTimeframe,
  eventMs: number,
): { startMs: number; endMs: number } | undefined {
  const session = calendar.session(calendar.dateOf(eventMs));
  if (session === undefined || eventMs < session.openMs || eventMs >= session.closeMs) return undefined;
  if (isSessionTimeframe(timeframe)) return { startMs: session.openMs, endMs: session.closeMs };
  return sessionBucket(calendar, timeframe, eventMs, eventMs + 1);
}

/** Takes a tick into a bar: whatever the order of ticks, the bar is the same. */
function merge(bar: OpenBar, tick: BarTick): void {
  const { eventMs, ordinal, price, size } = tick;
  if (eventMs < bar.firstMs || (eventMs === bar.firstMs && ordinal < bar.firstOrdinal)) {
    bar.open = price;
    bar.firstMs = eventMs;
    bar.firstOrdinal = ordinal;
  }
  if (eventMs > bar.lastMs || (eventMs === bar.lastMs && ordinal > bar.lastOrdinal)) {
    bar.close = price;
    bar.lastMs = eventMs;
    bar.lastOrdinal = ordinal;
  }
  if (price > bar.high) bar.high = price;
  if (price < bar.low) bar.low = price;
  const sum = bar.sum + size;
  bar.lost += bar.sum >= size ? bar.sum - sum + size : size - sum + bar.sum;
  bar.sum = sum;
  bar.volume = sum + bar.lost;
  bar.trades += 1;
}

/**
 * Bars of ticks in half-open buckets [openMs, closeMs); a bucket without ticks has no bar. Ticks may come in any order: a
 * bar is a function of the set of its ticks. A bar becomes final `graceMs` after its end, by the clock; a tick that comes
 * later corrects it.
 */
export function createBarMaker(options: {
  venue: string;
  /** Time that late ticks are waited for before a bar is announced as final. */
  graceMs: number;
  /** The oldest tick of an instrument that may come. */
  fromMs(instrumentId: string): number;
}): BarMaker {
  const series = new Map<string, Series>();
  const dirty = new Set<OpenBar>();
  const open = new Set<OpenBar>();
  const none: readonly LiveBar[] = [];
  /** No bar in the making ends before this. */
  let nextEndMs = Infinity;

  function begin({ instrumentId, calendar }: Series, frame: Frame, tick: BarTick): OpenBar | undefined {
    const { timeframe } = frame;
    const bounds = boundsOf(calendar, timeframe, tick.eventMs);
    if (bounds === undefined) return undefined;
    const known = frame.bars.get(bounds.startMs);
    if (known !== undefined) return known;
    const made: OpenBar = {
      venue: options.venue,
      instrumentId,
      timeframe,
      openMs: bounds.startMs,
      closeMs: bounds.endMs,
      open: tick.price,
      high: tick.price,
      low: tick.price,
      close: tick.price,
      volume: 0,
      trades: 0,
      final: false,
      revision: 0,
      firstMs: tick.eventMs,
      firstOrdinal: tick.ordinal,
      lastMs: tick.eventMs,
      lastOrdinal: tick.ordinal,
      sum: 0,
      lost: 0,
    };
    frame.bars.set(made.openMs, made);
    open.add(made);
    nextEndMs = Math.min(nextEndMs, made.closeMs);
    return made;
  }

  /** The bar that the tick changed; undefined: it is in none. */
  function addTo(one: Series, frame: Frame, tick: BarTick): OpenBar | undefined {
    const { latest } = frame;
    const { eventMs } = tick;
    const bar =
      latest !== undefined && eventMs >= latest.openMs && eventMs < latest.closeMs
        ? latest
        : begin(one, frame, tick);
    if (bar === undefined) return undefined;
    frame.latest = bar;
    merge(bar, tick);
    if (bar.final) bar.revision += 1;
    else dirty.add(bar);
    return bar;
  }

  function forget(nowMs: number): void {
    for (const { instrumentId, frames } of series.values()) {
      const fromMs = Math.min(nowMs, options.fromMs(instrumentId));
      for (const { bars } of frames) {
        if (bars.size <= keepBars) continue;
        const oldest = [...bars.keys()].toSorted((a, b) => a - b).slice(0, bars.size - keepBars);
        for (const openMs of oldest) {
          const bar = bars.get(openMs)!;
          if (!bar.final || bar.closeMs > fromMs) break;
          bars.delete(openMs);
        }
      }
    }
  }

  const frameOf = (instrumentId: string, timeframe: LiveTimeframe) =>
    series.get(instrumentId)?.frames.find((frame) => frame.timeframe === timeframe);

  function end(bar: OpenBar): void {
    bar.final = true;
    bar.revision = 1;
    open.delete(bar);
    dirty.delete(bar);
  }

  return {
    open(instrumentId, calendar, kept) {
      const frames = liveTimeframes.map((timeframe): Frame => {
        const bars = kept.filter((bar) => bar.timeframe === timeframe).map((bar) => ({ ...bar }));
        for (const bar of bars) {
          if (bar.final) continue;
          open.add(bar);
          nextEndMs = Math.min(nextEndMs, bar.closeMs);
        }
        return { timeframe, bars: new Map(bars.map((bar) => [bar.openMs, bar])), latest: undefined };
      });
      series.set(instrumentId, { instrumentId, calendar, frames });
    },
    drop(instrumentId) {
      series.delete(instrumentId);
      for (const bars of [open, dirty])
        for (const bar of bars) if (bar.instrumentId === instrumentId) bars.delete(bar);
    },
    add(tick) {
      const one = series.get(tick.instrumentId)!;
      let corrected: LiveBar[] | undefined;
      for (const frame of one.frames) {
        const bar = addTo(one, frame, tick);
        if (bar?.final === true) (corrected ??= []).push(view(bar));
      }
      return corrected ?? none;
    },
    restore(tick) {
      const one = series.get(tick.instrumentId)!;
      for (const frame of one.frames) if (!longTimeframes.includes(frame.timeframe)) addTo(one, frame, tick);
    },
    changed() {
      const bars = [...dirty].map(view);
      dirty.clear();
      return bars;
    },
    finish(nowMs) {
      if (nextEndMs + options.graceMs > nowMs) return [];
      const ended: OpenBar[] = [];
      nextEndMs = Infinity;
      for (const bar of open) {
        if (bar.closeMs + options.graceMs <= nowMs) ended.push(bar);
        else nextEndMs = Math.min(nextEndMs, bar.closeMs);
      }
      for (const bar of ended) end(bar);
      forget(nowMs);
      return ended.toSorted((a, b) => a.closeMs - b.closeMs).map(view);
    },
    finishOf(instrumentId, nowMs) {
      const { frames } = series.get(instrumentId)!;
      const made = frames.flatMap(({ bars }) => [...bars.values()]);
      for (const bar of made) if (!bar.final && bar.closeMs + options.graceMs <= nowMs) end(bar);
      return made.filter((bar) => bar.final).map(view);
    },
    recent(instrumentId, timeframe, limit) {
      const bars = [...(frameOf(instrumentId, timeframe)?.bars.values() ?? [])];
      return bars
        .toSorted((a, b) => a.openMs - b.openMs)
        .slice(-limit)
        .map(view);
    },
    long(instrumentId) {
      const fromMs = options.fromMs(instrumentId);
      return longTimeframes.flatMap((timeframe) =>
        [...(frameOf(instrumentId, timeframe)?.bars.values() ?? [])]
          .filter((bar) => !bar.final || bar.closeMs > fromMs)
          .map((bar) => ({ ...bar })),
      );
    },
  };
}
