/** The product that covariances and Newton systems are made of. */

/**
 * Adds sum_t weights[from + t] x r_t r_t' over rows [m, n] to the lower triangle of `out` [n, n], four rows at a time,
 * so that each element of `out` is loaded and stored once for four products.
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
  for (let t = 0; t < whole; t += 4) {
    const a = t * n;
    const b = a + n;
    const c = b + n;
    const d = c + n;
    const wa = weights[from + t]!;
    const wb = weights[from + t + 1]!;
    const wc = weights[from + t + 2]!;
    const wd = weights[from + t + 3]!;
    for (let i = 0; i < n; i++) {
      const ra = wa * rows[a + i]!;
      const rb = wb * rows[b + i]!;
      const rc = wc * rows[c + i]!;
      const rd = wd * rows[d + i]!;
      const at = i * n;
      for (let j = 0; j <= i; j++) {
        out[at + j]! += ra * rows[a + j]! + rb * rows[b + j]! + (rc * rows[c + j]! + rd * rows[d + j]!);
      }
    }
  }
  for (let t = whole; t < m; t++) {
    const a = t * n;
    const w = weights[from + t]!;
    for (let i = 0; i < n; i++) {
      const r = w * rows[a + i]!;
      for (let j = 0; j <= i; j++) out[i * n + j]! += r * rows[a + j]!;
    }
  }
}

/** Copies the lower triangle of `a` [n, n] to the upper one. */
export function mirrorLower(a: Float64Array, n: number): Float64Array {
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) a[j * n + i] = a[i * n + j]!;
  return a;
}
