/** The product that covariances and Newton systems are made of. */

/**
 * Adds sum_t weights[from + t] x r_t r_t' over rows [m, n] to the lower triangle of `out` [n, n]: four rows and two lines of
 * `out` at a time, so that each element is loaded and stored once for four products, and each value of a row once for two.
 */
export function addGram(
  rows: Float64Array,
  m: number,
  n: number,
  weights: Float64Array,
  from: number,
  out: Float64Array,
): void {
  const whole = m - (m % 4);
  for (let t = 0; t < whole; t += 4) addFour(rows, t * n, n, weights, from + t, out);
  for (let t = whole; t < m; t++) {
    const a = t * n;
    const w = weights[from + t]!;
    for (let i = 0; i < n; i++) {
      const r = w * rows[a + i]!;
      for (let j = 0; j <= i; j++) out[i * n + j]! += r * rows[a + j]!;
    }
  }
}

/** The rows that begin at `a`, with the weights that begin at `at`. */
function addFour(
  rows: Float64Array,
  a: number,
  n: number,
  weights: Float64Array,
  at: number,
  out: Float64Array,
): void {
  const [b, c, d] = [a + n, a + 2 * n, a + 3 * n];
  const wa = weights[at]!;
  const wb = weights[at + 1]!;
  const wc = weights[at + 2]!;
  const wd = weights[at + 3]!;
  for (let i = n & 1; i < n; i += 2) {
    const upper = i * n;
    const lower = upper + n;
    const [ua, la] = [wa * rows[a + i]!, wa * rows[a + i + 1]!];
    const [ub, lb] = [wb * rows[b + i]!, wb * rows[b + i + 1]!];
    const [uc, lc] = [wc * rows[c + i]!, wc * rows[c + i + 1]!];
    const [ud, ld] = [wd * rows[d + i]!, wd * rows[d + i + 1]!];
    for (let j = 0; j <= i; j++) {
      const ra = rows[a + j]!;
      const rb = rows[b + j]!;
      const rc = rows[c + j]!;
      const rd = rows[d + j]!;
      out[upper + j]! += ua * ra + ub * rb + (uc * rc + ud * rd);
      out[lower + j]! += la * ra + lb * rb + (lc * rc + ld * rd);
    }
    const e = i + 1;
    out[lower + e]! += la * rows[a + e]! + lb * rows[b + e]! + (lc * rows[c + e]! + ld * rows[d + e]!);
  }
  if (n & 1) {
    out[0]! += wa * rows[a]! ** 2 + wb * rows[b]! ** 2 + (wc * rows[c]! ** 2 + wd * rows[d]! ** 2);
  }
}

/** Copies the lower triangle of `a` [n, n] to the upper one. */
export function mirrorLower(a: Float64Array, n: number): Float64Array {
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) a[j * n + i] = a[i * n + j]!;
  return a;
}
