/** Rank correlations. */
import { requireSameLength, requireSeries, requireVariation } from "../error.ts";
import { correlation, ranks } from "./moments.ts";

function requireTwo(x: Float64Array, y: Float64Array): void {
  requireSameLength(x, y, "x and y");
  requireSeries(x, "x", 3);
  requireSeries(y, "y", 3);
  requireVariation(x, "x");
  requireVariation(y, "y");
}

/** Spearman's rho: the Pearson correlation of ranks, ties sharing their mean rank. Constant series are refused. */
export function spearman(x: Float64Array, y: Float64Array): number {
  requireTwo(x, y);
  return correlation(ranks(x), ranks(y));
}

/** Kendall's tau-b, by Knight's (1966) merge sort in n log n. Constant series are refused. */
export function kendall(x: Float64Array, y: Float64Array): number {
  requireTwo(x, y);
  const n = x.length;
  const order = Int32Array.from(x, (_, i) => i).sort((a, b) => x[a]! - x[b]! || y[a]! - y[b]!);
  const ys = Float64Array.from(order, (i) => y[i]!);
  let tiesX = 0;
  let tiesBoth = 0;
  for (let i = 0, runX = 1, runBoth = 1; i < n; i++) {
    const sameX = i + 1 < n && x[order[i]!] === x[order[i + 1]!];
    const same = sameX && ys[i] === ys[i + 1];
    if (!sameX) tiesX += (runX * (runX - 1)) / 2;
    if (!same) tiesBoth += (runBoth * (runBoth - 1)) / 2;
    runX = sameX ? runX + 1 : 1;
    runBoth = same ? runBoth + 1 : 1;
  }
  const swaps = sortCountingSwaps(ys);
  let tiesY = 0;
  for (let i = 0, run = 1; i < n; i++) {
    const same = i + 1 < n && ys[i] === ys[i + 1];
    if (!same) tiesY += (run * (run - 1)) / 2;
    run = same ? run + 1 : 1;
  }
  const pairs = (n * (n - 1)) / 2;
  const concordance = pairs - tiesX - tiesY + tiesBoth - 2 * swaps;
  return concordance / Math.sqrt((pairs - tiesX) * (pairs - tiesY));
}

/** Sorts in place by merging and counts the pairs out of order. */
function sortCountingSwaps(x: Float64Array): number {
  const n = x.length;
  let from: Float64Array = x;
  let to: Float64Array = new Float64Array(n);
  let swaps = 0;
  for (let width = 1; width < n; width *= 2) {
    for (let low = 0; low < n; low += 2 * width) {
      const middle = Math.min(low + width, n);
      const high = Math.min(low + 2 * width, n);
      let i = low;
      let j = middle;
      for (let k = low; k < high; k++) {
        if (i < middle && (j >= high || from[i]! <= from[j]!)) to[k] = from[i++]!;
        else {
          to[k] = from[j++]!;
          swaps += middle - i;
        }
      }
    }
    [from, to] = [to, from];
  }
  if (from !== x) x.set(from);
  return swaps;
}
