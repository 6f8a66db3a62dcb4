/** Many tests at once: p-values adjusted for the share of false discoveries among what is accepted. */
import { QuantError, requireRange } from "../error.ts";

/**
 * Benjamini and Hochberg (1995) hold the share where the tests are independent or positively dependent; Benjamini and
 * Yekutieli (2001) whatever their dependence, at the price of a factor Σ 1/i.
 */
export type DiscoveryControl = "benjaminiHochberg" | "benjaminiYekutieli";

/**
 * Adjusted p-values in the order given: accepting those at or below q keeps the expected share of false discoveries at or
 * below q. adjusted(i) = min over ranks j >= i of p(j) m / j (times Σ 1/i by Benjamini and Yekutieli), at most 1.
 * @throws QuantError outOfRange for a p-value outside [0, 1], tooFew without any.
 */
export function adjustedP(p: Float64Array, control: DiscoveryControl): Float64Array {
  const m = p.length;
  if (m === 0) throw new QuantError("tooFew", "there are no p-values to adjust; give at least one");
  for (const v of p) requireRange(v, "p", 0, 1);
  let factor = m;
  if (control === "benjaminiYekutieli") for (let i = 2; i <= m; i++) factor += m / i;
  const order = Int32Array.from(p.keys()).sort((a, b) => p[a]! - p[b]!);
  const out = new Float64Array(m);
  let least = 1;
  for (let rank = m; rank >= 1; rank--) {
    const i = order[rank - 1]!;
    least = Math.min(least, (p[i]! * factor) / rank);
    out[i] = least;
  }
  return out;
}
