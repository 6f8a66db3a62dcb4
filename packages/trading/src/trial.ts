import { leastReturns } from "./performance.ts";
import type { Simulation } from "./simulate.ts";

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

/** One pass over the curve of a finished run. Equity that is not above zero ends the returns there. */
export function measureTrial(
  simulation: Simulation,
  barsPerYear: number,
  riskFreeRate: number,
): TrialMeasure {
  const { equity, settings, fills } = simulation;
  const n = equity.length;
  const rows = rowsPerBlock(n);
  const blocks = new Float64Array(2 * trialBlocks);
  const riskFree = riskFreeRate / barsPerYear;
  let peak = settings.initialCash;
  let drawdown = 0;
  let sum = 0;
  let squares = 0;
  let cubes = 0;
  let fourths = 0;
  let before = equity[0]!;
  let count = 0;
  // Block by block, so that the loop asks nothing about blocks; what is left over at the end is the last round.
  for (let block = 0; block <= trialBlocks; block++) {
    const end = block < trialBlocks ? 1 + (block + 1) * rows : n;
    let blockSum = 0;
    let blockSquares = 0;
    let i = 1 + block * rows;
    for (; i < end && before > 0; i++) {
      const value = equity[i]!;
      const r = value / before - 1;
      const square = r * r;
      before = value;
      blockSum += r;
      blockSquares += square;
      cubes += square * r;
      fourths += square * square;
      peak = value > peak ? value : peak;
      const fall = 1 - value / peak;
      drawdown = fall > drawdown ? fall : drawdown;
    }
    count += Math.max(0, i - (1 + block * rows));
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
  const totalReturn = equity[n - 1]! / settings.initialCash - 1;
  const maxDrawdown = Math.min(1, drawdown);
  return {
    totalReturn,
    sharpe: sharpePerBar === null ? null : sharpePerBar * Math.sqrt(barsPerYear),
    maxDrawdown,
    returnOverDrawdown: maxDrawdown > 0 ? totalReturn / maxDrawdown : null,
    fills: fills.count,
    returns: count,
    sharpePerBar,
    skewness: known ? third / second ** 1.5 : null,
    kurtosis: known ? fourth / (second * second) : null,
    blocks,
  };
}
