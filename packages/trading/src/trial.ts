import { leastReturns } from "./performance.ts";
import type { FillColumns, Simulation } from "./simulate.ts";

/** Consecutive parts of a run whose sums are kept, for the probability of overfitting. */
export const trialBlocks = 10;

/** What a search keeps of a run instead of its curve. */
export interface TrialMeasure {
  totalReturn: number;
  /** Annualised, of bar returns less the risk-free rate, ddof 1; null below 30 returns or without variance. */
  sharpe: number | null;
  /** In [0, 1]; the peak starts at the initial cash. */
  maxDrawdown: number;
  /** Total return / largest drawdown; null without one. */
  returnOverDrawdown: number | null;
  fills: number;
  /** Bar returns: their number, ratio per bar, and population moments; for inference on the ratio. */
  returns: number;
  sharpePerBar: number | null;
  skewness: number | null;
  kurtosis: number | null;
  /** Sums, then sums of squares, of the bar returns by block, `[2 × trialBlocks]`; an odd rest at the end is dropped. */
  blocks: Float64Array;
}

/** Bar returns in a block. */
export function rowsPerBlock(bars: number): number {
  return Math.floor((bars - 1) / trialBlocks);
}

/** A finished run as a search measures it. */
export interface TrialCurve {
  /** At each bar's close, `[n]`. */
  equity: Float64Array;
  initialCash: number;
  /** Pairs from, to: the bars [from, to) whose returns may differ from zero, ascending. */
  active: Int32Array;
  fills: number;
}

/** The same of a run on one instrument, which earns nothing between an exit and the next entry. */
export function measureTrial(
  simulation: Simulation,
  barsPerYear: number,
  riskFreeRate: number,
): TrialMeasure {
  const { equity, settings, fills } = simulation;
  const curve = {
    equity,
    initialCash: settings.initialCash,
    active: heldBars(fills, equity.length),
    fills: fills.count,
  };
  return measureCurve(curve, barsPerYear, riskFreeRate);
}

function heldBars(fills: FillColumns, bars: number): Int32Array {
  const ranges = new Int32Array(fills.count + (fills.count & 1));
  let end = 1;
  for (let k = 0; k < ranges.length; k += 2) {
    ranges[k] = Math.max(end, fills.bar[k]!);
    end = k + 1 < fills.count ? fills.bar[k + 1]! + 1 : bars;
    ranges[k + 1] = end;
  }
  return ranges;
}

/** Equity that is not above zero ends the returns there. */
export function measureCurve(curve: TrialCurve, barsPerYear: number, riskFreeRate: number): TrialMeasure {
  const { equity, initialCash, active } = curve;
  const n = equity.length;
  const rows = rowsPerBlock(n);
  const blocks = new Float64Array(2 * trialBlocks);
  const riskFree = riskFreeRate / barsPerYear;
  let sum = 0;
  let squares = 0;
  let cubes = 0;
  let fourths = 0;
  let count = n - 1;
  let range = 0;
  // Block by block, so that the loop asks nothing about blocks; what is left over at the end is the last round.
  for (let block = 0; block <= trialBlocks; block++) {
    const end = block < trialBlocks ? 1 + (block + 1) * rows : n;
    let blockSum = 0;
    let blockSquares = 0;
    for (; range < active.length && active[range]! < end; range += 2) {
      const to = Math.min(end, active[range + 1]!);
      let i = Math.max(1 + block * rows, active[range]!);
      let before = equity[i - 1]!;
      for (; i < to && before > 0; i++) {
        const value = equity[i]!;
        const r = value / before - 1;
        const square = r * r;
        before = value;
        blockSum += r;
        blockSquares += square;
        cubes += square * r;
        fourths += square * square;
      }
      if (before <= 0) count = Math.min(count, i - 1);
      if (active[range + 1]! > end) break;
    }
    sum += blockSum;
    squares += blockSquares;
    if (block === trialBlocks) break;
    blocks[block] = blockSum;
    blocks[trialBlocks + block] = blockSquares;
  }
  const mean = sum / count;
  const second = squares / count - mean * mean;
  // Moments from raw sums: returns are small and near zero, so nothing cancels that matters.
  const third = cubes / count - 3 * mean * (squares / count) + 2 * mean ** 3;
  const fourth =
    fourths / count - 4 * mean * (cubes / count) + 6 * mean * mean * (squares / count) - 3 * mean ** 4;
  const known = count >= leastReturns && second > 1e-18;
  const deviation = Math.sqrt((second * count) / (count - 1));
  const sharpePerBar = known ? (mean - riskFree) / deviation : null;
  const totalReturn = equity[n - 1]! / initialCash - 1;
  const maxDrawdown = largestDrawdown(curve);
  return {
    totalReturn,
    sharpe: sharpePerBar === null ? null : sharpePerBar * Math.sqrt(barsPerYear),
    maxDrawdown,
    returnOverDrawdown: maxDrawdown > 0 ? totalReturn / maxDrawdown : null,
    fills: curve.fills,
    returns: count,
    sharpePerBar,
    skewness: known ? third / second ** 1.5 : null,
    kurtosis: known ? fourth / (second * second) : null,
    blocks,
  };
}

/**
 * In a loop of its own, which is faster than in one with the returns. Only a value that may be deeper below its peak than any before is
 * divided: `floor` is a little above where it would have to lie, so that rounding hides none.
 */
function largestDrawdown({ equity, initialCash, active }: TrialCurve): number {
  let peak = initialCash;
  let drawdown = 0;
  let floor = peak * roundedUp;
  for (let range = 0; range < active.length; range += 2) {
    const to = active[range + 1]!;
    for (let i = active[range]!; i < to; i++) {
      const value = equity[i]!;
      if (value > peak) {
        peak = value;
        floor = peak * (1 - drawdown) * roundedUp;
      } else if (value < floor) {
        drawdown = Math.max(drawdown, 1 - value / peak);
        floor = peak * (1 - drawdown) * roundedUp;
      }
    }
  }
  return Math.min(1, drawdown);
}

/** More than what three roundings take off. */
const roundedUp = 1 + 1e-15;
