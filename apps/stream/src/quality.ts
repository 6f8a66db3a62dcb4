import type { QualityKind } from "@tapedeck/features/ticks/contract";
import type { LiveBar, Tick } from "@tapedeck/features/ticks/contract";
import type { SourceBar } from "./source.ts";

/** Something wrong with what a venue sends of an instrument. */
export interface Finding {
  instrumentId: string;
  kind: QualityKind;
  fromMs: number;
  /** Null while it lasts. */
  toMs: number | null;
  detail: string;
}

/** Looks at what comes; changes none of it. */
export interface QualityWatch {
  add(instrumentId: string, nowMs: number): void;
  drop(instrumentId: string): void;
  tick(tick: Tick): void;
  /** The best bid and ask of a book or a quote. */
  crossed(instrumentId: string, crossed: boolean, eventMs: number): void;
  /** The venue's own bar beside ours of the same time; undefined: we have none. */
  ownBar(own: SourceBar, ours: LiveBar | undefined): void;
  /** Finds instruments that nothing comes of. */
  look(nowMs: number): void;
}

/** Prints that an outlier is told from. */
const recentPrints = 21;
/** Nearer than this to the print before, or to the median, no print is an outlier. */
const leastDistance = 0.005;
/** Times the mean distance of recent prints from their median. */
const outlierDistances = 10;
/** An instrument is stale when nothing came for this long, and for so many of its usual waits. */
const leastStaleMs = 60_000;
const staleWaits = 30;
/** Outliers of an instrument that are told in an hour: a broken venue must not fill the table. */
const outliersAnHour = 60;
/** What rounding may make of a sum of sizes. */
const volumeTolerance = 1e-9;

interface State {
  prices: Float64Array;
  count: number;
  lastPrice: number;
  lastMs: number;
  /** Mean wait between prints, smoothed. */
  waitMs: number;
  staleFromMs: number | undefined;
  crossedFromMs: number | undefined;
  hourMs: number;
  outliers: number;
}

/** Median of a window and the mean distance from it, as a fraction of it. */
function spread(window: Float64Array): { median: number; distance: number } {
  const sorted = Float64Array.from(window).sort();
  const median = sorted[sorted.length >> 1]!;
  const sum = sorted.reduce((total, price) => total + Math.abs(price - median), 0);
  return { median, distance: sum / sorted.length / median };
}

/**
 * An outlier is a print further from the median of the 21 before it than 0.5 % and than ten times their own mean distance
 * from it. A book is crossed while its best bid is not below its best ask. Stale: nothing came for a minute and thirty
 * usual waits. A bar is wrong where the venue's own of the same minute has other prices or another volume.
 */
export function createQualityWatch(tell: (finding: Finding) => void): QualityWatch {
  const states = new Map<string, State>();

  function judge(state: State, { instrumentId, eventMs, price }: Tick): void {
    if (state.count < recentPrints || Math.abs(price / state.lastPrice - 1) < leastDistance) return;
    const { median, distance } = spread(state.prices);
    const off = price / median - 1;
    if (Math.abs(off) <= Math.max(leastDistance, outlierDistances * distance)) return;
    if (eventMs - state.hourMs >= 3_600_000) {
      state.hourMs = eventMs;
      state.outliers = 0;
    }
    state.outliers += 1;
    if (state.outliers > outliersAnHour) return;
    const percent = (off * 100).toFixed(2);
    const detail = `a print at ${price}, ${percent} % from the median ${median} of the ${recentPrints} before`;
    tell({ instrumentId, kind: "outlier", fromMs: eventMs, toMs: eventMs, detail });
  }

  return {
    add(instrumentId, nowMs) {
      states.set(instrumentId, {
        prices: new Float64Array(recentPrints),
        count: 0,
        lastPrice: Number.NaN,
        lastMs: nowMs,
        waitMs: 0,
        staleFromMs: undefined,
        crossedFromMs: undefined,
        hourMs: 0,
        outliers: 0,
      });
    },
    drop: (instrumentId) => void states.delete(instrumentId),
    tick(tick) {
      const state = states.get(tick.instrumentId)!;
      judge(state, tick);
      state.prices[state.count % recentPrints] = tick.price;
      state.count += 1;
      state.lastPrice = tick.price;
      state.waitMs += (tick.receivedMs - state.lastMs - state.waitMs) / 64;
      state.lastMs = tick.receivedMs;
      if (state.staleFromMs === undefined) return;
      const { instrumentId, receivedMs } = tick;
      const fromMs = state.staleFromMs;
      state.staleFromMs = undefined;
      tell({ instrumentId, kind: "stale", fromMs, toMs: receivedMs, detail: "prints come again" });
    },
    crossed(instrumentId, isCrossed, eventMs) {
      const state = states.get(instrumentId);
      if (state === undefined || isCrossed === (state.crossedFromMs !== undefined)) return;
      const fromMs = state.crossedFromMs ?? eventMs;
      state.crossedFromMs = isCrossed ? fromMs : undefined;
      const detail = "the best bid is not below the best ask";
      tell({ instrumentId, kind: "crossed", fromMs, toMs: isCrossed ? null : eventMs, detail });
    },
    ownBar(own, ours) {
      if (ours === undefined) return;
      const isVolume = Math.abs(ours.volume - own.volume) <= volumeTolerance * Math.max(1, own.volume);
      const names = (["open", "high", "low", "close"] as const).filter((name) => ours[name] !== own[name]);
      const wrong = [...names, ...(isVolume ? [] : (["volume"] as const))];
      if (wrong.length === 0) return;
      const { instrumentId, openMs, closeMs, timeframe } = own;
      const detail = `${timeframe}: ${wrong.map((name) => `${name} ${ours[name]}, by the venue ${own[name]}`).join("; ")}`;
      tell({ instrumentId, kind: "bar", fromMs: openMs, toMs: closeMs, detail });
    },
    look(nowMs) {
      for (const [instrumentId, state] of states) {
        const silentMs = nowMs - state.lastMs;
        if (state.staleFromMs !== undefined || silentMs < Math.max(leastStaleMs, staleWaits * state.waitMs))
          continue;
        state.staleFromMs = state.lastMs;
        const detail = `no print for ${Math.round(silentMs / 1_000)} s`;
        tell({ instrumentId, kind: "stale", fromMs: state.lastMs, toMs: null, detail });
      }
    },
  };
}
