import type { PriceColumns } from "./simulate.ts";

/** Quantiles that bands and summaries are given at. */
export const bandLevels = [0.05, 0.25, 0.5, 0.75, 0.95] as const;

/** Linear interpolation between order statistics (type 7) of an ascending column. */
export function quantileOf(sorted: Float64Array, level: number): number {
  const at = (sorted.length - 1) * level;
  const low = Math.floor(at);
  const high = Math.min(sorted.length - 1, low + 1);
  return sorted[low]! + (at - low) * (sorted[high]! - sorted[low]!);
}

export interface PathSummary {
  totalReturn: number;
  maxDrawdown: number;
}

/**
 * A path of as many returns as there are, drawn in blocks of geometric length with mean `meanBlock` that wrap around the end (Politis and
 * Romano 1994). `marks`, ascending positions in the path, get the growth up to and with them in `growth`.
 */
export function bootstrapPath(
  returns: Float64Array,
  meanBlock: number,
  random: () => number,
  marks: Int32Array,
  growth: Float64Array,
): PathSummary {
  const n = returns.length;
  let at = 0;
  let value = 1;
  let peak = 1;
  let maxDrawdown = 0;
  let mark = 0;
  for (let i = 0; i < n; i++) {
    at = i === 0 || random() * meanBlock < 1 ? Math.floor(random() * n) : (at + 1) % n;
    value *= 1 + returns[at]!;
    peak = value > peak ? value : peak;
    maxDrawdown = Math.max(maxDrawdown, 1 - value / peak);
    if (marks[mark] === i) growth[mark++] = value;
  }
  return { totalReturn: value - 1, maxDrawdown };
}

/** Largest drawdown of the trades' growth factors in a random order: their product, and so the total return, is always the same. */
export function shuffledDrawdown(factors: Float64Array, random: () => number): number {
  const order = factors.slice();
  let value = 1;
  let peak = 1;
  let maxDrawdown = 0;
  for (let i = 0; i < order.length; i++) {
    const pick = i + Math.floor(random() * (order.length - i));
    value *= order[pick]!;
    order[pick] = order[i]!;
    peak = Math.max(peak, value);
    maxDrawdown = Math.max(maxDrawdown, 1 - value / peak);
  }
  return maxDrawdown;
}

/** Columns that a path is made of. */
export interface PathBars extends PriceColumns {
  volume: Float64Array;
}

/**
 * A price path of as many bars, made of the bars' shapes (open, high, low and close over the close before) drawn in blocks of geometric
 * length with mean `meanBlock` that wrap around the end; the first bar stays, and volumes go with their shapes.
 */
export function resampleBars(bars: PathBars, meanBlock: number, random: () => number): PathBars {
  const n = bars.close.length;
  const path = beginPath(bars);
  let at = 0;
  for (let i = 1; i < n; i++) {
    at = i === 1 || random() * meanBlock < 1 ? Math.floor(random() * (n - 1)) : (at + 1) % (n - 1);
    copyShape(bars, at + 1, path, i);
  }
  return path;
}

/** As long as the bars, with their first. */
function beginPath(bars: PathBars): PathBars {
  const column = (from: Float64Array) => {
    const out = new Float64Array(from.length);
    out[0] = from[0]!;
    return out;
  };
  return {
    open: column(bars.open),
    high: column(bars.high),
    low: column(bars.low),
    close: column(bars.close),
    volume: column(bars.volume),
  };
}

/** Bar `source` over the close before it, as bar `i` of the path. */
function copyShape(bars: PathBars, source: number, path: PathBars, i: number): void {
  const scale = path.close[i - 1]! / bars.close[source - 1]!;
  path.open[i] = bars.open[source]! * scale;
  path.high[i] = bars.high[source]! * scale;
  path.low[i] = bars.low[source]! * scale;
  path.close[i] = bars.close[source]! * scale;
  path.volume[i] = bars.volume[source]!;
}

/** A value moved by up to `share` of itself either way; whole numbers stay whole and above zero ones stay above zero. */
export function jitterNumber(value: number, share: number, random: () => number): number {
  const moved = value * (1 + share * (2 * random() - 1));
  if (!Number.isInteger(value)) return moved;
  return value > 0 ? Math.max(1, Math.round(moved)) : Math.round(moved);
}

/** Fewest closes that instruments share for paths to be made of them together. */
const leastShared = 30;

interface ClosingBars extends PathBars {
  closeMs: Float64Array;
}

/**
 * Draws price paths of several instruments at once, so that what they did together stays together: each distinct close takes the shapes of one
 * close at which every instrument has a bar and one before it, the same for all, drawn in blocks as `resampleBars` does. Every instrument
 * keeps the times of its bars, and its first bar. Null where they share fewer than 30 such closes.
 */
export function createJointResampling(
  all: readonly ClosingBars[],
): ((meanBlock: number, random: () => number) => PathBars[]) | null {
  const times = Float64Array.from(new Set(all.flatMap(({ closeMs }) => [...closeMs]))).sort();
  /** Bar of each instrument at each time; -1: none. */
  const barAt = all.map(({ closeMs }) => {
    let next = 0;
    return Int32Array.from(times, (ms) => (closeMs[next] === ms ? next++ : -1));
  });
  const shared = [...times.keys()].filter((t) => barAt.every((bars) => bars[t]! > 0));
  if (shared.length < leastShared) return null;
  return (meanBlock, random) => {
    const paths = all.map(beginPath);
    let at = 0;
    for (let t = 1; t < times.length; t++) {
      at =
        t === 1 || random() * meanBlock < 1 ? Math.floor(random() * shared.length) : (at + 1) % shared.length;
      for (let k = 0; k < all.length; k++) {
        const i = barAt[k]![t]!;
        if (i > 0) copyShape(all[k]!, barAt[k]![shared[at]!]!, paths[k]!, i);
      }
    }
    return paths;
  };
}
