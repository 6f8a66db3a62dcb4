/** Change points of the mean. */
import { requireRange, requireSeries } from "../error.ts";

export interface ChangePoints {
  /** First indices of new segments, ascending. */
  readonly points: Int32Array;
  /** Σ squared deviations from the segment means + penalty x number of points. */
  readonly cost: number;
}

/**
 * The exact minimum of squared deviations from segment means plus a penalty for each change, by PELT: optimal
 * partitioning whose pruning loses nothing. Source: Killick, Fearnhead and Eckley 2012.
 */
export function changePoints(x: Float64Array, penalty: number): ChangePoints {
  requireSeries(x, "series", 1);
  requireRange(penalty, "penalty", 0, Infinity, true);
  const n = x.length;
  const centre = x.reduce((a, v) => a + v, 0) / n;
  const sum = new Float64Array(n + 1);
  const squares = new Float64Array(n + 1);
  for (let t = 0; t < n; t++) {
    const d = x[t]! - centre;
    sum[t + 1] = sum[t]! + d;
    squares[t + 1] = squares[t]! + d * d;
  }
  const best = new Float64Array(n + 1);
  best[0] = -penalty;
  const last = new Int32Array(n + 1);
  const value = new Float64Array(n + 1);
  let open = [0];
  for (let t = 1; t <= n; t++) {
    let low = Infinity;
    for (const s of open) {
      const d = sum[t]! - sum[s]!;
      const v = best[s]! + (squares[t]! - squares[s]!) - (d * d) / (t - s);
      value[s] = v;
      if (v < low) {
        low = v;
        last[t] = s;
      }
    }
    best[t] = low + penalty;
    open = open.filter((s) => value[s]! <= best[t]! + 1e-9 * Math.abs(best[t]!));
    open.push(t);
  }
  const points: number[] = [];
  for (let t = last[n]!; t > 0; t = last[t]!) points.unshift(t);
  return { points: Int32Array.from(points), cost: costOf(x, points, penalty) };
}

/** Two-pass cost of a partition. */
function costOf(x: Float64Array, points: readonly number[], penalty: number): number {
  let cost = penalty * points.length;
  const ends = [...points, x.length];
  let from = 0;
  for (const to of ends) {
    const segment = x.subarray(from, to);
    const m = segment.reduce((a, v) => a + v, 0) / segment.length;
    for (const v of segment) cost += (v - m) ** 2;
    from = to;
  }
  return cost;
}
