import type { Bar } from "@tapedeck/formula";

/** The newest final bars of a series, in the order of their ends. */
export interface Tape {
  /** [n], oldest first. */
  bars(): readonly Bar[];
  /** The first of them that ends after a time. */
  indexAfter(ms: number): number;
  /** End of the newest; -Infinity without one. */
  lastMs(): number;
  /** Bars that end by then are not held. */
  fromMs(): number;
  /** Takes a bar; false: it was known. */
  take(bar: Bar): boolean;
  /** Takes bars that are kept elsewhere, [n] oldest first and none left out between them; what came here is newer. */
  keep(bars: readonly Bar[]): void;
  /** Forgets all but the newest. */
  trim(keepBars: number): void;
}

const columns = ["openMs", "open", "high", "low", "close", "volume"] as const;
const isEqual = (a: Bar, b: Bar) => columns.every((column) => Object.is(a[column], b[column]));

export function createTape(): Tape {
  let bars: Bar[] = [];
  let fromMs = -Infinity;

  function indexAfter(ms: number): number {
    let [low, high] = [0, bars.length];
    // Most often the newest are asked for.
    if (high > 0 && bars[high - 1]!.closeMs <= ms) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (bars[middle]!.closeMs <= ms) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    bars: () => bars,
    indexAfter,
    lastMs: () => bars.at(-1)?.closeMs ?? -Infinity,
    fromMs: () => fromMs,
    take({ openMs, closeMs, open, high, low, close, volume }) {
      const bar = { openMs, closeMs, open, high, low, close, volume };
      if (closeMs <= fromMs) return true;
      const at = indexAfter(closeMs);
      const known = bars[at - 1];
      if (known?.closeMs !== closeMs) bars.splice(at, 0, bar);
      else if (isEqual(known, bar)) return false;
      else bars[at - 1] = bar;
      return true;
    },
    keep(kept) {
      const merged = new Map(kept.map((bar) => [bar.closeMs, bar]));
      for (const bar of bars) merged.set(bar.closeMs, bar);
      bars = [...merged.values()].toSorted((a, b) => a.closeMs - b.closeMs);
      fromMs = Math.min(fromMs, (kept[0]?.closeMs ?? Infinity) - 1);
    },
    trim(keepBars) {
      if (bars.length <= keepBars) return;
      const forgotten = bars.splice(0, bars.length - keepBars);
      fromMs = forgotten.at(-1)!.closeMs;
    },
  };
}
