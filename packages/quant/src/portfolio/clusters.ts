/** Agglomerative clustering of a few hundred items by their distances. */
import { QuantError, requireWhole } from "../error.ts";

export type Linkage = "single" | "average" | "complete" | "ward";

/** One join: items are 0 .. k - 1, the result of join j is k + j; the smaller number is on the left. */
export interface Join {
  readonly left: number;
  readonly right: number;
  readonly distance: number;
  /** Items below it. */
  readonly size: number;
}

/**
 * sqrt((1 - correlation) / 2) of each pair of a correlation matrix [k, k].
 * Source: Lopez de Prado, Building diversified portfolios that outperform out of sample (2016).
 */
export function correlationDistances(correlations: Float64Array): Float64Array {
  return correlations.map((r) => Math.sqrt(Math.max(0, (1 - r) / 2)));
}

/** Euclidean distances between the rows of a matrix [k, k]: Lopez de Prado's distance of distances. */
export function rowDistances(matrix: Float64Array, k: number): Float64Array {
  const out = new Float64Array(k * k);
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < i; j++) {
      let s = 0;
      for (let c = 0; c < k; c++) s += (matrix[i * k + c]! - matrix[j * k + c]!) ** 2;
      out[i * k + j] = Math.sqrt(s);
      out[j * k + i] = Math.sqrt(s);
    }
  }
  return out;
}

/** Distance of a third cluster to the join of a and b, by Lance and Williams. */
function joined(
  linkage: Linkage,
  da: number,
  db: number,
  dab: number,
  na: number,
  nb: number,
  nc: number,
): number {
  if (linkage === "single") return Math.min(da, db);
  if (linkage === "complete") return Math.max(da, db);
  if (linkage === "average") return (na * da + nb * db) / (na + nb);
  const total = na + nb + nc;
  return Math.sqrt(((na + nc) * da * da + (nb + nc) * db * db - nc * dab * dab) / total);
}

/**
 * Joins of k items by distances [k, k], nearest first, in the order and numbering of scipy's linkage matrix; by chains of
 * nearest neighbours, in time of k squared.
 * Source: Mullner, Modern hierarchical, agglomerative clustering algorithms (2011).
 */
export function linkageOf(distances: Float64Array, linkage: Linkage): Join[] {
  const k = Math.sqrt(distances.length);
  const d = Float64Array.from(distances);
  const sizes = new Int32Array(k).fill(1);
  const chain: number[] = [];
  const found: { a: number; b: number; distance: number }[] = [];
  while (found.length < k - 1) {
    if (chain.length === 0) chain.push(sizes.findIndex((size) => size > 0));
    const last = chain.at(-1)!;
    let nearest = chain.at(-2) ?? -1;
    let least = nearest < 0 ? Infinity : d[last * k + nearest]!;
    for (let i = 0; i < k; i++) {
      if (sizes[i]! > 0 && i !== last && d[last * k + i]! < least) {
        least = d[last * k + i]!;
        nearest = i;
      }
    }
    if (nearest !== chain.at(-2)) {
      chain.push(nearest);
      continue;
    }
    chain.length -= 2;
    const [a, b] = [Math.min(last, nearest), Math.max(last, nearest)];
    found.push({ a, b, distance: least });
    mergeInto(d, k, sizes, a, b, linkage);
  }
  return numbered(found, k);
}

/** Replaces clusters a and b by their join in the place of b. */
function mergeInto(
  d: Float64Array,
  k: number,
  sizes: Int32Array,
  a: number,
  b: number,
  linkage: Linkage,
): void {
  const [na, nb] = [sizes[a]!, sizes[b]!];
  for (let i = 0; i < k; i++) {
    if (sizes[i] === 0 || i === a || i === b) continue;
    const to = joined(linkage, d[i * k + a]!, d[i * k + b]!, d[a * k + b]!, na, nb, sizes[i]!);
    d[i * k + b] = to;
    d[b * k + i] = to;
  }
  sizes[a] = 0;
  sizes[b] = na + nb;
}

/** The joins by distance, with the numbers of the clusters they join. */
function numbered(found: { a: number; b: number; distance: number }[], k: number): Join[] {
  const label = Array.from({ length: k }, (_, i) => i);
  const sizes = new Int32Array(2 * k - 1).fill(1);
  const order = found.toSorted((x, y) => x.distance - y.distance);
  // Places of clusters are those of one of their items, so that each place leads to its newest cluster.
  const parent = Array.from({ length: k }, (_, i) => i);
  const rootOf = (i: number): number => {
    let at = i;
    while (parent[at] !== at) at = parent[at]!;
    return at;
  };
  return order.map(({ a, b, distance }, j) => {
    const [ra, rb] = [rootOf(a), rootOf(b)];
    const [left, right] = [Math.min(label[ra]!, label[rb]!), Math.max(label[ra]!, label[rb]!)];
    parent[ra] = rb;
    label[rb] = k + j;
    const size = sizes[left]! + sizes[right]!;
    sizes[k + j] = size;
    return { left, right, distance, size };
  });
}

/** Items of a cluster from left to right. */
export function leavesOf(joins: readonly Join[], cluster = 2 * joins.length): number[] {
  const k = joins.length + 1;
  const out: number[] = [];
  const open = [cluster];
  while (open.length > 0) {
    const at = open.pop()!;
    if (at < k) out.push(at);
    else open.push(joins[at - k]!.right, joins[at - k]!.left);
  }
  return out;
}

/**
 * The clusters that are left when the last `count - 1` joins are undone, each as ascending items, by first item.
 * @throws QuantError outOfRange.
 */
export function cutInto(joins: readonly Join[], count: number): number[][] {
  const k = joins.length + 1;
  requireWhole(count, "clusters", 1, k);
  const kept = joins.slice(0, k - count);
  const inside = new Set(kept.flatMap(({ left, right }) => [left, right]));
  const roots = Array.from({ length: k + kept.length }, (_, i) => i).filter((i) => !inside.has(i));
  return roots
    .map((root) => leavesOf(joins, root).toSorted((a, b) => a - b))
    .toSorted((a, b) => a[0]! - b[0]!);
}

/**
 * Number of clusters where adding one more stops to tighten them: the largest second difference of the mean distances
 * within, over 1 to `most` clusters.
 * Source: Yue, Wang and Wei, A quantitative approach of the gap statistic (2008).
 */
export function clusterCount(distances: Float64Array, joins: readonly Join[], most = 10): number {
  const k = joins.length + 1;
  if (k < 3) throw new QuantError("tooFew", `${k} assets make no clusters; name their number`);
  const top = Math.min(most, k - 1);
  const spread = Array.from({ length: top + 1 }, (_, i) => spreadWithin(distances, k, cutInto(joins, i + 1)));
  let best = 1;
  let largest = -Infinity;
  for (let count = 2; count <= top; count++) {
    const gap = spread[count]! + spread[count - 2]! - 2 * spread[count - 1]!;
    if (gap > largest) {
      largest = gap;
      best = count;
    }
  }
  return best;
}

/** Sum over clusters of the distances between their items, over twice their number. */
function spreadWithin(distances: Float64Array, k: number, clusters: readonly number[][]): number {
  let sum = 0;
  for (const items of clusters) {
    let own = 0;
    for (const i of items) for (const j of items) own += distances[i * k + j]!;
    sum += own / (2 * items.length);
  }
  return sum;
}
