/** Portfolios that follow the clusters of the assets' correlations. */
import { QuantError } from "../error.ts";
import { requireSquare } from "./checks.ts";
import type { Join, Linkage } from "./clusters.ts";
import {
  clusterCount,
  correlationDistances,
  cutInto,
  leavesOf,
  linkageOf,
  rowDistances,
} from "./clusters.ts";
import { correlationsOf } from "./covariance.ts";
import { minVariance } from "./meanVariance.ts";

export interface HierarchicalOptions {
  readonly linkage?: Linkage;
  /** Distances between the assets: of their correlations, or between the rows of those (as in the first listing). */
  readonly distance?: "correlation" | "rows";
}

export interface HierarchicalPortfolio {
  readonly weights: Float64Array;
  /** Assets from left to right in the tree. */
  readonly order: readonly number[];
  readonly joins: readonly Join[];
}

function treeOf(
  covariance: Float64Array,
  { linkage = "single", distance = "correlation" }: HierarchicalOptions,
): { k: number; distances: Float64Array; joins: Join[] } {
  const k = requireSquare(covariance);
  if (k < 2) throw new QuantError("tooFew", "one asset has no neighbours; at least 2 are needed");
  const own = correlationDistances(correlationsOf(covariance, k));
  const distances = distance === "rows" ? rowDistances(own, k) : own;
  return { k, distances, joins: linkageOf(distances, linkage) };
}

/** Variance of the inverse-variance portfolio of items [from, to) of an order. */
function varianceOf(
  covariance: Float64Array,
  k: number,
  items: readonly number[],
  from: number,
  to: number,
): number {
  let total = 0;
  for (let a = from; a < to; a++) total += 1 / covariance[items[a]! * k + items[a]!]!;
  let sum = 0;
  for (let a = from; a < to; a++) {
    const i = items[a]! * k;
    const wa = 1 / covariance[i + items[a]!]!;
    for (let b = from; b < to; b++) {
      const j = items[b]!;
      sum += (wa / covariance[j * k + j]!) * covariance[i + j]!;
    }
  }
  return sum / (total * total);
}

/**
 * Hierarchical risk parity: the assets in the order of their tree, halved again and again, each half weighted by the
 * variance of the other's inverse-variance portfolio. Needs no inverse, so that a singular covariance is allowed.
 * Source: Lopez de Prado (2016). Libraries differ in the order of the leaves: here as in scipy, left child first.
 */
export function hierarchicalRiskParity(
  covariance: Float64Array,
  options: HierarchicalOptions = {},
): HierarchicalPortfolio {
  const { k, joins } = treeOf(covariance, options);
  const order = leavesOf(joins);
  const weights = new Float64Array(k).fill(1);
  const halve = (from: number, to: number): void => {
    if (to - from < 2) return;
    const middle = from + ((to - from) >> 1);
    const left = varianceOf(covariance, k, order, from, middle);
    const right = varianceOf(covariance, k, order, middle, to);
    const share = 1 - left / (left + right);
    for (let a = from; a < to; a++) weights[order[a]!]! *= a < middle ? share : 1 - share;
    halve(from, middle);
    halve(middle, to);
  };
  halve(0, k);
  return { weights, order, joins };
}

export interface ClusterOptions extends HierarchicalOptions {
  /** Number of clusters; found from the tree when left out. */
  readonly clusters?: number;
}

export interface ClusteredPortfolio {
  readonly weights: Float64Array;
  readonly clusters: readonly (readonly number[])[];
}

function clustersOf(
  covariance: Float64Array,
  options: ClusterOptions,
): { k: number; joins: Join[]; clusters: number[][] } {
  const { k, distances, joins } = treeOf(covariance, { linkage: "ward", ...options });
  const count = options.clusters ?? clusterCount(distances, joins);
  return { k, joins, clusters: cutInto(joins, count) };
}

/**
 * Hierarchical equal risk contribution by variance: at each join above the cut the two sides share in inverse proportion
 * to the summed variances of their clusters; inside a cluster inverse variance.
 * Source: Raffinot, The hierarchical equal risk contribution portfolio (2018).
 */
export function hierarchicalEqualRisk(
  covariance: Float64Array,
  options: ClusterOptions = {},
): ClusteredPortfolio {
  const { k, joins, clusters } = clustersOf(covariance, options);
  const risks = clusters.map((items) => varianceOf(covariance, k, items, 0, items.length));
  const shares = clusters.map(() => 1);
  for (let j = joins.length - 1; j > joins.length - clusters.length; j--) {
    const [left, right] = [joins[j]!.left, joins[j]!.right].map((side) => {
      const below = new Set(leavesOf(joins, side));
      return clusters.map((_, c) => c).filter((c) => below.has(clusters[c]![0]!));
    }) as [number[], number[]];
    const sum = (side: readonly number[]) => side.reduce((s, c) => s + risks[c]!, 0);
    const share = sum(right) / (sum(left) + sum(right));
    for (const c of left) shares[c]! *= share;
    for (const c of right) shares[c]! *= 1 - share;
  }
  const weights = new Float64Array(k);
  clusters.forEach((items, c) => {
    const inverse = items.map((i) => 1 / covariance[i * k + i]!);
    const total = inverse.reduce((a, b) => a + b, 0);
    items.forEach((i, a) => (weights[i] = (shares[c]! * inverse[a]!) / total));
  });
  return { weights, clusters };
}

/**
 * Nested clustered optimisation: long-only minimum variance inside each cluster, then between the clusters.
 * Source: Lopez de Prado, A robust estimator of the efficient frontier (2019).
 */
export function nestedClusters(covariance: Float64Array, options: ClusterOptions = {}): ClusteredPortfolio {
  const { k, clusters } = clustersOf(covariance, options);
  const inside = clusters.map((items) => {
    const own = new Float64Array(items.length ** 2);
    items.forEach((i, a) => items.forEach((j, b) => (own[a * items.length + b] = covariance[i * k + j]!)));
    return minVariance(own);
  });
  const count = clusters.length;
  const between = new Float64Array(count * count);
  clusters.forEach((a, c) => {
    clusters.forEach((b, d) => {
      let sum = 0;
      a.forEach((i, x) =>
        b.forEach((j, y) => (sum += inside[c]![x]! * inside[d]![y]! * covariance[i * k + j]!)),
      );
      between[c * count + d] = sum;
    });
  });
  const outer = minVariance(between);
  const weights = new Float64Array(k);
  clusters.forEach((items, c) => items.forEach((i, a) => (weights[i] = outer[c]! * inside[c]![a]!)));
  return { weights, clusters };
}
