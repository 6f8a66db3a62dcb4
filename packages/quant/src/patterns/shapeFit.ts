/** Least squares of a drawn shape: values that are linear in a few free levels. */

export interface ShapeFit {
  readonly levels: Float64Array;
  /** Share that the shape explains of what one straight line leaves unexplained: 1 is a drawing, 0 no better than the line. */
  readonly explained: number;
  /** Sum of the squared deviations. */
  readonly squares: number;
}

/** Writes the weights of the free levels at bar i; `weights` is zero-filled before. */
export type Row = (i: number, weights: Float64Array) => void;

/** Fits y over bars [from, to]; undefined where the bars do not determine the levels. */
export function fitShape(
  y: Float64Array,
  from: number,
  to: number,
  count: number,
  row: Row,
): ShapeFit | undefined {
  const a = new Float64Array(count * count);
  const b = new Float64Array(count);
  const w = new Float64Array(count);
  const shift = y[from]!;
  const middle = (from + to) / 2;
  let sum = 0;
  let total = 0;
  let slant = 0;
  for (let i = from; i <= to; i++) {
    const v = y[i]! - shift;
    w.fill(0);
    row(i, w);
    for (let p = 0; p < count; p++) {
      const wp = w[p]!;
      if (wp === 0) continue;
      b[p]! += wp * v;
      for (let q = 0; q <= p; q++) a[p * count + q]! += wp * w[q]!;
    }
    sum += v;
    total += v * v;
    slant += v * (i - middle);
  }
  const levels = solve(a, b, count);
  if (!levels) return undefined;
  let squares = 0;
  for (let i = from; i <= to; i++) {
    w.fill(0);
    row(i, w);
    let v = y[i]! - shift;
    for (let p = 0; p < count; p++) v -= w[p]! * levels[p]!;
    squares += v * v;
  }
  const n = to - from + 1;
  const straight = total - (sum * sum) / n - (12 * slant * slant) / (n * (n * n - 1));
  if (!(straight > 0)) return undefined;
  return { levels: levels.map((v) => v + shift), explained: 1 - squares / straight, squares };
}

/** Solves a x = b by Cholesky, a symmetric with its lower half filled; both are overwritten. */
function solve(a: Float64Array, b: Float64Array, n: number): Float64Array | undefined {
  for (let j = 0; j < n; j++) {
    let d = a[j * n + j]!;
    const least = 1e-9 * d;
    for (let k = 0; k < j; k++) d -= a[j * n + k]! ** 2;
    if (!(d > least)) return undefined;
    const root = Math.sqrt(d);
    a[j * n + j] = root;
    for (let i = j + 1; i < n; i++) {
      let v = a[i * n + j]!;
      for (let k = 0; k < j; k++) v -= a[i * n + k]! * a[j * n + k]!;
      a[i * n + j] = v / root;
    }
  }
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) b[i]! -= a[i * n + k]! * b[k]!;
    b[i]! /= a[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) b[i]! -= a[k * n + i]! * b[k]!;
    b[i]! /= a[i * n + i]!;
  }
  return b;
}

/** A knot of a drawn line: its bar, and the free levels that make its value. */
export interface Knot {
  readonly index: number;
  readonly parts: readonly (readonly [level: number, weight: number])[];
}

/** A knot with a level of its own (or one shared with others). */
export const at = (index: number, level: number): Knot => ({ index, parts: [[level, 1]] });

/** Straight lines from knot to knot, in rising order of bars. */
export function polyline(knots: readonly Knot[]): Row {
  return (i, weights) => {
    let k = 0;
    while (k + 2 < knots.length && i > knots[k + 1]!.index) k++;
    const [left, right] = [knots[k]!, knots[k + 1]!];
    const share = (i - left.index) / (right.index - left.index);
    for (const [level, weight] of left.parts) weights[level]! += (1 - share) * weight;
    for (const [level, weight] of right.parts) weights[level]! += share * weight;
  };
}
