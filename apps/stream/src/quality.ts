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
  /** A print was refused, as its time is far ahead of now. */
  ahead(instrumentId: string, eventMs: number, nowMs: number): void;
  /** The best bid and ask of a book or a quote, which are two things that may be crossed. */
  crossed(instrumentId: string, crossed: boolean, eventMs: number, of: "book" | "quote"): void;
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
/** Findings of a kind and an instrument that are told in an hour: a broken venue must not fill the table. */
const toldAnHour = 60;
/** What rounding may make of a sum of sizes. */
const volumeTolerance = 1e-9;

/** How many were told since an hour began. */
interface Told {
  hourMs: number;
  count: number;
}

interface State {
  prices: Float64Array;
  count: number;
  lastPrice: number;
  lastMs: number;
  /** Mean wait between prints, smoothed. */
  waitMs: number;
  staleFromMs: number | undefined;
  /** Since when each is crossed, where that was told. */
  crossedFromMs: Record<"book" | "quote", number | undefined>;
  isCrossed: Record<"book" | "quote", boolean>;
  crossings: Told;
  outliers: Told;
}

/** Counts one more; false: so many were told in this hour that it is passed over. */
function mayTell(told: Told, atMs: number): boolean {
  if (atMs - told.hourMs >= 3_600_000) {
    told.hourMs = atMs;
    told.count = 0;
  }
  told.count += 1;
  return told.count <= toldAnHour;
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
 * from it, or one whose time is ahead. A book is crossed while its best bid is not below its best ask. Stale: nothing came for a minute and thirty
 * usual waits. A bar is wrong where the venue's own of the same minute has other prices or another volume.
 */
export function createQualityWatch(tell: (finding: Finding) => void): QualityWatch {
  const states = new Map<string, State>();

  function judge(state: State, { instrumentId, eventMs, price }: Tick): void {
    if (state.count < recentPrints || Math.abs(price / state.lastPrice - 1) < leastDistance) return;
    const { median, distance } = spread(state.prices);
    const off = price / median - 1;
    if (Math.abs(off) <= Math.max(leastDistance, outlierDistances * distance)) return;
    if (!mayTell(state.outliers, eventMs)) return;
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
        crossedFromMs: { book: undefined, quote: undefined },
        isCrossed: { book: false, quote: false },
        crossings: { hourMs: 0, count: 0 },
        outliers: { hourMs: 0, count: 0 },
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
    ahead(instrumentId, eventMs, nowMs) {
      const state = states.get(instrumentId);
      if (state === undefined || !mayTell(state.outliers, nowMs)) return;
      const detail = `a print ${Math.round((eventMs - nowMs) / 1_000)} s ahead of the venue's clock was refused`;
      tell({ instrumentId, kind: "outlier", fromMs: nowMs, toMs: nowMs, detail });
    },
    crossed(instrumentId, isCrossed, eventMs, of) {
      const state = states.get(instrumentId);
      if (state === undefined || isCrossed === state.isCrossed[of]) return;
      state.isCrossed[of] = isCrossed;
      if (isCrossed && mayTell(state.crossings, eventMs)) state.crossedFromMs[of] = eventMs;
      const fromMs = state.crossedFromMs[of];
      if (fromMs === undefined) return;
      if (!isCrossed) state.crossedFromMs[of] = undefined;
      const detail = `the best bid of the ${of} is not below its best ask`;
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
