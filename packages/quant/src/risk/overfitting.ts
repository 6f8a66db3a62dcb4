/** Probability of backtest overfitting by combinatorially symmetric cross-validation. */
import { QuantError, requireWhole } from "../error.ts";

export interface Overfitting {
  /** Share of splits where the best column in sample is at or below the median out of sample. */
  readonly probability: number;
  readonly combinations: number;
  readonly countNonPositive: number;
  /** ln(ω / (1 - ω)) of every split, ω = rank / (columns + 1). */
  readonly logits: Float64Array;
  /** Column that was best in sample, lowest index among equals. */
  readonly picks: Int32Array;
  /** Share of splits whose pick lost out of sample. */
  readonly probabilityOfLoss: number;
  /** Line of the pick's out-of-sample metric on its in-sample metric; null where that one never varies. */
  readonly degradation: { readonly slope: number; readonly intercept: number } | null;
}

/** Combinations of `size` of 0 .. n-1 in lexicographic order. */
export function* combinations(n: number, size: number): Generator<readonly number[]> {
  const c = Array.from({ length: size }, (_, i) => i);
  for (;;) {
    yield c;
    let i = size - 1;
    while (i >= 0 && c[i] === n - size + i) i--;
    if (i < 0) return;
    c[i]!++;
    for (let k = i + 1; k < size; k++) c[k] = c[k - 1]! + 1;
  }
}

/**
 * CSCV on returns [rows, columns] row-major, one column a variant: the rows are cut into `blocks` equal consecutive
 * blocks (an odd rest at the end is dropped), each half of them is in sample once; metric mean / sd (ddof 1).
 * Source: Bailey, Borwein, López de Prado and Zhu 2017.
 * @throws QuantError outOfRange for an odd number of blocks or more than 20, tooFew below 2 rows a block or 2 columns.
 */
export function backtestOverfitting(returns: Float64Array, columns: number, blocks: number): Overfitting {
  requireWhole(columns, "columns", 2);
  requireWhole(blocks, "blocks", 2, 20);
  if (blocks % 2) throw new QuantError("outOfRange", `blocks must be even, not ${blocks}`);
  const rows = Math.floor(returns.length / columns / blocks);
  if (rows < 2) throw new QuantError("tooFew", `${rows} rows a block; at least 2 are needed`);
  return blockwiseOverfitting(blockSums(returns, columns, blocks, rows), columns, blocks, rows);
}

/**
 * The same from each block's sums, for variants whose returns are not kept. All blocks have `rows` returns.
 * @throws QuantError undefined for a column that does not vary.
 */
export function blockwiseOverfitting(
  sums: BlockSums,
  columns: number,
  blocks: number,
  rows: number,
): Overfitting {
  const half = (rows * blocks) / 2;
  const logits: number[] = [];
  const picks: number[] = [];
  const inside: number[] = [];
  const outside: number[] = [];
  const chosen = new Uint8Array(blocks);
  const first = new Float64Array(columns);
  const second = new Float64Array(columns);
  for (const split of combinations(blocks, blocks / 2)) {
    chosen.fill(0);
    for (const b of split) chosen[b] = 1;
    metrics(sums, columns, chosen, 1, half, first);
    metrics(sums, columns, chosen, 0, half, second);
    const pick = first.reduce((best, v, j) => (v > first[best]! ? j : best), 0);
    let below = 0;
    let equal = 0;
    for (const v of second) {
      if (v < second[pick]!) below++;
      else if (v === second[pick]!) equal++;
    }
    const rank = below + 1 + 0.5 * (equal - 1);
    logits.push(Math.log(rank / (columns + 1 - rank)));
    picks.push(pick);
    inside.push(first[pick]!);
    outside.push(second[pick]!);
  }
  const countNonPositive = logits.filter((l) => l <= 0).length;
  return {
    probability: countNonPositive / logits.length,
    combinations: logits.length,
    countNonPositive,
    logits: Float64Array.from(logits),
    picks: Int32Array.from(picks),
    probabilityOfLoss: outside.filter((v) => v < 0).length / outside.length,
    degradation: line(inside, outside),
  };
}

/** Sum and sum of squares of the returns, [blocks, columns] row-major. */
export interface BlockSums {
  readonly sum: Float64Array;
  readonly squares: Float64Array;
}

function blockSums(returns: Float64Array, columns: number, blocks: number, rows: number): BlockSums {
  const sum = new Float64Array(blocks * columns);
  const squares = new Float64Array(blocks * columns);
  for (let b = 0; b < blocks; b++) {
    for (let t = b * rows; t < (b + 1) * rows; t++) {
      for (let j = 0; j < columns; j++) {
        const r = returns[t * columns + j]!;
        if (!Number.isFinite(r)) {
          throw new QuantError("notFinite", `returns[${t}, ${j}] is ${r}; remove or fill it first`);
        }
        sum[b * columns + j]! += r;
        squares[b * columns + j]! += r * r;
      }
    }
  }
  return { sum, squares };
}

function metrics(
  { sum, squares }: BlockSums,
  columns: number,
  chosen: Uint8Array,
  side: number,
  n: number,
  out: Float64Array,
): void {
  for (let j = 0; j < columns; j++) {
    let s = 0;
    let q = 0;
    for (let b = 0; b < chosen.length; b++) {
      if (chosen[b] !== side) continue;
      s += sum[b * columns + j]!;
      q += squares[b * columns + j]!;
    }
    const m = s / n;
    const v = (q - n * m * m) / (n - 1);
    if (!(v > 0)) throw new QuantError("undefined", `column ${j} does not vary: its metric is undefined`);
    out[j] = m / Math.sqrt(v);
  }
}

function line(x: readonly number[], y: readonly number[]): { slope: number; intercept: number } | null {
  const n = x.length;
  const mx = x.reduce((a, b) => a + b, 0) / n;
  const my = y.reduce((a, b) => a + b, 0) / n;
  let xx = 0;
  let xy = 0;
  for (let i = 0; i < n; i++) {
    xx += (x[i]! - mx) ** 2;
    xy += (x[i]! - mx) * (y[i]! - my);
  }
  return xx > 0 ? { slope: xy / xx, intercept: my - (mx * xy) / xx } : null;
}
