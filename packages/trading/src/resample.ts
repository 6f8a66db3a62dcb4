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
