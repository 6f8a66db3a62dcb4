/** Reasons in numbers for rows of several features. */
import { requireSameLength, requireWhole } from "../error.ts";
import { quantileSorted, sorted } from "../statistics/moments.ts";
import { columnOf, requireRow, requireRows } from "./matrix.ts";

export interface FeatureReason {
  /** Column of the data. */
  readonly feature: number;
  /** Part of the score, in the unit of the function that computed it. */
  readonly contribution: number;
  readonly value: number;
  /** Median of the feature in the sample. */
  readonly median: number;
  /** Share of the sample at or below the value. */
  readonly quantile: number;
}

/** Names the features of a row that contribute most, highest first; those that do not add to its score are left out. */
export type Explain = (row: Float64Array, contributions: Float64Array, most?: number) => FeatureReason[];

/** What is usual in a sample [n, columns], against which rows are explained. */
export function featureReasons(sample: Float64Array, columns: number): Explain {
  const n = requireRows(sample, columns, 1);
  const ascending = Array.from({ length: columns }, (_, j) => sorted(columnOf(sample, columns, j)));
  return (row, contributions, most = 3) => {
    requireRow(row, columns);
    requireSameLength(row, contributions, "row and contributions");
    requireWhole(most, "most", 1);
    return Array.from(contributions, (contribution, feature) => ({ contribution, feature }))
      .filter(({ contribution }) => contribution > 0)
      .toSorted((a, b) => b.contribution - a.contribution)
      .slice(0, most)
      .map(({ contribution, feature }) => ({
        feature,
        contribution,
        value: row[feature]!,
        median: quantileSorted(ascending[feature]!, 0.5),
        quantile: countUpTo(ascending[feature]!, row[feature]!) / n,
      }));
  };
}

/** Number of values at or below v in an ascending series. */
function countUpTo(ascending: Float64Array, v: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle]! <= v) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Rows of the `count` highest scores, highest first, earlier rows first among equals. */
export function highestRows(scores: Float64Array, count: number): Int32Array {
  requireWhole(count, "count", 0);
  return Int32Array.from(scores.keys())
    .sort((a, b) => scores[b]! - scores[a]! || a - b)
    .slice(0, count);
}
