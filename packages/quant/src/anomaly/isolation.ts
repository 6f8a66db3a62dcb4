/**
 * Isolation forest: rows that few random cuts separate from the rest are unusual.
 * Source: Liu, Ting and Zhou 2008.
 */
import { requireWhole } from "../error.ts";
import { EULER_GAMMA } from "../statistics/special.ts";
import { requireRow, requireRows } from "./matrix.ts";

export interface ForestSettings {
  /** 100 by default. */
  readonly trees?: number;
  /** Rows drawn without replacement for each tree; 256 by default, at most all rows. */
  readonly subsample?: number;
}

/**
 * Trees one after the other, each of `nodesPerTree` nodes; the children of node i are child[i] and child[i] + 1. A leaf is
 * its own child, with a threshold that no value exceeds, so that every row may take the same number of steps.
 */
export interface IsolationForest {
  readonly columns: number;
  readonly trees: number;
  readonly subsample: number;
  readonly height: number;
  readonly nodesPerTree: number;
  readonly feature: Int32Array;
  readonly threshold: Float64Array;
  readonly child: Int32Array;
  /** Rows of the tree's sample that reach each node. */
  readonly size: Int32Array;
  /** Of leaves: depth plus the mean further path of the rows that were not parted. */
  readonly pathLength: Float64Array;
}

/**
 * Mean path length of an unsuccessful search in a binary search tree of n keys: 0 for 1, 1 for 2, else
 * 2 (ln(n-1) + γ) - 2 (n-1)/n.
 */
export function averagePathLength(n: number): number {
  requireWhole(n, "n", 0);
  if (n <= 1) return 0;
  return n === 2 ? 1 : 2 * (Math.log(n - 1) + EULER_GAMMA) - (2 * (n - 1)) / n;
}

/**
 * Grows a forest on data [n, columns]: each tree cuts its sample at a uniform point of the range of a random column that
 * varies there, until a node holds one row or equal ones, or is ceil(log2 subsample) deep.
 * @param random numbers in [0, 1); the same numbers give the same forest.
 * @throws QuantError tooFew below 2 rows, notFinite, unequalLengths, outOfRange.
 */
export function fitIsolationForest(
  data: Float64Array,
  columns: number,
  random: () => number,
  { trees = 100, subsample = 256 }: ForestSettings = {},
): IsolationForest {
  const n = requireRows(data, columns, 2);
  requireWhole(trees, "trees", 1, 10_000);
  requireWhole(subsample, "subsample", 2, 65_536);
  const drawn = Math.min(subsample, n);
  const height = Math.ceil(Math.log2(drawn));
  const nodesPerTree = 2 * drawn - 1;
  const total = trees * nodesPerTree;
  const forest: IsolationForest = {
    columns,
    trees,
    subsample: drawn,
    height,
    nodesPerTree,
    feature: new Int32Array(total),
    threshold: new Float64Array(total).fill(Number.MAX_VALUE),
    child: new Int32Array(total),
    size: new Int32Array(total),
    pathLength: new Float64Array(total),
  };
  const rows = Int32Array.from({ length: n }, (_, i) => i);
  const order = Int32Array.from({ length: columns }, (_, j) => j);
  for (let t = 0; t < trees; t++) {
    for (let i = 0; i < drawn; i++) swap(rows, i, i + Math.floor(random() * (n - i)));
    grow(forest, data, rows.subarray(0, drawn), order, t * nodesPerTree, random);
  }
  return forest;
}

function swap(x: Int32Array, i: number, j: number): void {
  const keep = x[i]!;
  x[i] = x[j]!;
  x[j] = keep;
}

/** Grows one tree from node `root` on, breadth first; rows of a node stay together in `rows`. */
function grow(
  forest: IsolationForest,
  data: Float64Array,
  rows: Int32Array,
  order: Int32Array,
  root: number,
  random: () => number,
): void {
  const { columns, height, feature, threshold, child, size, pathLength } = forest;
  const open = [{ node: root, from: 0, to: rows.length, depth: 0 }];
  let free = root + 1;
  for (let at = 0; at < open.length; at++) {
    const { node, from, to, depth } = open[at]!;
    size[node] = to - from;
    const cut =
      depth < height && to - from > 1 ? chooseCut(data, columns, rows, from, to, order, random) : null;
    if (cut === null) {
      child[node] = node;
      pathLength[node] = depth + averagePathLength(to - from);
      continue;
    }
    let middle = from;
    for (let i = from; i < to; i++) {
      if (data[rows[i]! * columns + cut.feature]! <= cut.threshold) swap(rows, i, middle++);
    }
    feature[node] = cut.feature;
    threshold[node] = cut.threshold;
    child[node] = free;
    open.push({ node: free, from, to: middle, depth: depth + 1 });
    open.push({ node: free + 1, from: middle, to, depth: depth + 1 });
    free += 2;
  }
}

/** A random column that varies among the rows, and a point below its maximum; null where all rows are equal. */
function chooseCut(
  data: Float64Array,
  columns: number,
  rows: Int32Array,
  from: number,
  to: number,
  order: Int32Array,
  random: () => number,
): { feature: number; threshold: number } | null {
  for (let tried = 0; tried < columns; tried++) {
    swap(order, tried, tried + Math.floor(random() * (columns - tried)));
    const feature = order[tried]!;
    let low = Infinity;
    let high = -Infinity;
    for (let i = from; i < to; i++) {
      const v = data[rows[i]! * columns + feature]!;
      if (v < low) low = v;
      if (v > high) high = v;
    }
    if (!(low < high)) continue;
    const threshold = low + random() * (high - low);
    return { feature, threshold: threshold < high ? threshold : low };
  }
  return null;
}

/** Rows scored together: their features and a tree stay in the nearest cache. */
const BLOCK = 512;

/**
 * Anomaly scores [n] of data [n, columns]: 2^(-mean path length / averagePathLength(subsample)), in (0, 1); about 0.5 and
 * below is usual, the nearer to 1 the fewer cuts isolate the row.
 */
export function isolationScores(forest: IsolationForest, data: Float64Array): Float64Array {
  const n = requireRows(data, forest.columns, 1);
  const lengths = new Float64Array(n);
  const roots = new Int32Array(BLOCK);
  for (let from = 0; from < n; from += BLOCK) {
    const block = data.subarray(from * forest.columns, (from + BLOCK) * forest.columns);
    addPathLengths(forest, block, lengths.subarray(from, from + BLOCK), roots);
  }
  const scale = -1 / (forest.trees * averagePathLength(forest.subsample));
  return lengths.map((length) => 2 ** (scale * length));
}

/** Adds to each row's length its path in every tree. Every row takes `height` steps: no branch to guess wrong. */
function addPathLengths(
  forest: IsolationForest,
  data: Float64Array,
  lengths: Float64Array,
  nodes: Int32Array,
): void {
  const { columns, trees, height, nodesPerTree, feature, threshold, child, pathLength } = forest;
  const n = lengths.length;
  for (let t = 0; t < trees; t++) {
    nodes.fill(t * nodesPerTree, 0, n);
    for (let step = 0; step < height; step++) {
      for (let i = 0, row = 0; i < n; i++, row += columns) {
        const node = nodes[i]!;
        nodes[i] = child[node]! + +(data[row + feature[node]!]! > threshold[node]!);
      }
    }
    for (let i = 0; i < n; i++) lengths[i] = lengths[i]! + pathLength[nodes[i]!]!;
  }
}

/**
 * What each feature adds to a row's score: [columns], whose sum is 1 + log2(score). A cut that leaves m of n rows on the
 * row's side shortens the path to come by averagePathLength(n) - 1 - averagePathLength(m); these gains, by the feature
 * that was cut, over trees x averagePathLength(subsample). Negative: the feature made the row look usual.
 */
export function isolationContributions(forest: IsolationForest, row: Float64Array): Float64Array {
  const { columns, trees, nodesPerTree, feature, threshold, child, size, subsample } = forest;
  requireRow(row, columns);
  const out = new Float64Array(columns);
  for (let t = 0; t < trees; t++) {
    let node = t * nodesPerTree;
    while (child[node] !== node) {
      const j = feature[node]!;
      const next = child[node]! + +(row[j]! > threshold[node]!);
      out[j]! += averagePathLength(size[node]!) - 1 - averagePathLength(size[next]!);
      node = next;
    }
  }
  const whole = trees * averagePathLength(subsample);
  return out.map((gain) => gain / whole);
}
