import { timeframeMs } from "@tapedeck/core";
import { liveTimeframes } from "@tapedeck/features/ticks/contract";
import type { LiveBar, LiveTimeframe } from "@tapedeck/features/ticks/contract";

/** What a bar is made of. */
export interface BarTick {
  instrumentId: string;
  eventMs: number;
  ordinal: number;
  price: number;
  size: number;
}

interface OpenBar extends LiveBar {
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
  /** Adds a tick; gives the bars that it changed after they were final, with their new revision. */
  add(tick: BarTick): LiveBar[];
  /** Bars that changed since the last call and are not final yet. */
  changed(): LiveBar[];
  /** Makes bars final whose time is over; gives them, oldest first. Forgets those that no tick may change any more. */
  finish(nowMs: number): LiveBar[];
  /** The bars in memory, oldest first, at most `limit`. */
  recent(instrumentId: string, timeframe: LiveTimeframe, limit: number): LiveBar[];
}

/** Number of bars kept for snapshots, whatever their age. */
const keepBars = 300;

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
 * Bars of 1s, 1m and 5m from ticks: half-open UTC buckets [openMs, closeMs); a bucket without ticks has no bar. Ticks
 * may come in any order: a bar is a function of the set of its ticks. A bar becomes final `graceMs` after its end, by the
 * clock; a tick that comes later corrects it.
 */
export function createBarMaker(options: {
  venue: string;
  /** Time that late ticks are waited for before a bar is announced as final. */
  graceMs: number;
  /** The oldest tick that may come. */
  lateLimitMs: number;
}): BarMaker {
  const series = new Map<string, Map<number, OpenBar>>();
  const dirty = new Set<OpenBar>();
  const open = new Set<OpenBar>();

  function addTo(timeframe: LiveTimeframe, tick: BarTick): LiveBar | undefined {
    const key = `${tick.instrumentId} ${timeframe}`;
    let bars = series.get(key);
    if (bars === undefined) series.set(key, (bars = new Map()));
    const lengthMs = timeframeMs(timeframe);
    const openMs = Math.floor(tick.eventMs / lengthMs) * lengthMs;
    const bar = bars.get(openMs);
    if (bar === undefined) {
      const made: OpenBar = {
        venue: options.venue,
        instrumentId: tick.instrumentId,
        timeframe,
        openMs,
        closeMs: openMs + lengthMs,
        open: tick.price,
        high: tick.price,
        low: tick.price,
        close: tick.price,
        volume: tick.size,
        trades: 1,
        final: false,
        revision: 0,
        firstMs: tick.eventMs,
        firstOrdinal: tick.ordinal,
        lastMs: tick.eventMs,
        lastOrdinal: tick.ordinal,
        sum: tick.size,
        lost: 0,
      };
      bars.set(openMs, made);
      open.add(made);
      dirty.add(made);
      return undefined;
    }
    if (tick.eventMs < bar.firstMs || (tick.eventMs === bar.firstMs && tick.ordinal < bar.firstOrdinal)) {
      bar.open = tick.price;
      bar.firstMs = tick.eventMs;
      bar.firstOrdinal = tick.ordinal;
    }
    if (tick.eventMs > bar.lastMs || (tick.eventMs === bar.lastMs && tick.ordinal > bar.lastOrdinal)) {
      bar.close = tick.price;
      bar.lastMs = tick.eventMs;
      bar.lastOrdinal = tick.ordinal;
    }
    bar.high = Math.max(bar.high, tick.price);
    bar.low = Math.min(bar.low, tick.price);
    const sum = bar.sum + tick.size;
    bar.lost += bar.sum >= tick.size ? bar.sum - sum + tick.size : tick.size - sum + bar.sum;
    bar.sum = sum;
    bar.volume = sum + bar.lost;
    bar.trades += 1;
    if (!bar.final) {
      dirty.add(bar);
      return undefined;
    }
    bar.revision += 1;
    return view(bar);
  }

  function forget(nowMs: number): void {
    for (const bars of series.values()) {
      if (bars.size <= keepBars) continue;
      const oldest = [...bars.keys()].toSorted((a, b) => a - b).slice(0, bars.size - keepBars);
      for (const openMs of oldest) {
        const bar = bars.get(openMs)!;
        if (!bar.final || nowMs - bar.closeMs <= options.lateLimitMs) break;
        bars.delete(openMs);
      }
    }
  }

  return {
    add(tick) {
      const corrected: LiveBar[] = [];
      for (const timeframe of liveTimeframes) {
        const bar = addTo(timeframe, tick);
        if (bar !== undefined) corrected.push(bar);
      }
      return corrected;
    },
    changed() {
      const bars = [...dirty].map(view);
      dirty.clear();
      return bars;
    },
    finish(nowMs) {
      const ended: OpenBar[] = [];
      for (const bar of open) if (bar.closeMs + options.graceMs <= nowMs) ended.push(bar);
      if (ended.length === 0) return [];
      for (const bar of ended) {
        bar.final = true;
        bar.revision = 1;
        open.delete(bar);
        dirty.delete(bar);
      }
      forget(nowMs);
      return ended.toSorted((a, b) => a.closeMs - b.closeMs).map(view);
    },
    recent(instrumentId, timeframe, limit) {
      const bars = [...(series.get(`${instrumentId} ${timeframe}`)?.values() ?? [])];
      return bars
        .toSorted((a, b) => a.openMs - b.openMs)
        .slice(-limit)
        .map(view);
    },
  };
}
