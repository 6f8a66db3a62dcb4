import type { Kernel } from "../kernel.ts";
import { int, MAX_WINDOW } from "../kernel.ts";
import { TINY } from "../window/smooth.ts";

/** Every so many bars, counted from the first, decayed averages are set to 0 before they could become denormal. */
const FLUSH = 64;

function flush(v: number): number {
  return v < TINY && v > -TINY ? 0 : v;
}

/**
 * MACD in one pass. The three averages step as e += k (x - e), so that on a straight line all stay exactly parallel
 * and the histogram exactly 0. State: bars seen, fast, slow, signal, values in the signal's seed.
 */
export const macd: Kernel = {
  name: "macd",
  title: "Moving average convergence divergence",
  meaning: "EMA(fast) - EMA(slow), its own EMA as signal, and the difference of both.",
  source:
    "Appel 1979; both EMAs start at the same bar, as in TA-Lib MACD. macdunaligned seeds each at its own bar.",
  group: "momentum",
  inputs: ["close"],
  params: [
    int("fast", 12, 2, MAX_WINDOW, "bars of the fast average"),
    int("slow", 26, 2, MAX_WINDOW, "bars of the slow average"),
    int("signal", 9, 1, MAX_WINDOW, "bars of the signal"),
  ],
  outputs: ["macd", "signal", "hist"],
  warmup: (p) => Math.max(p[0]!, p[1]!) + p[2]! - 2,
  lookback: () => 0,
  stateSize: () => 5,
  run(inputs, outputs, from, to, p, s) {
    const x = inputs[0]!;
    const [line, signal, hist] = [outputs[0]!, outputs[1]!, outputs[2]!];
    const fast = Math.min(p[0]!, p[1]!);
    const slow = Math.max(p[0]!, p[1]!);
    const [kf, ks, kg] = [2 / (fast + 1), 2 / (slow + 1), 2 / (p[2]! + 1)];
    let seen = s[0]!;
    let f = s[1]!;
    let l = s[2]!;
    let g = s[3]!;
    let seeds = s[4]!;
    let i = from;
    for (; i < to && seeds < p[2]!; i++, seen++) {
      const v = x[i]!;
      line[i] = NaN;
      signal[i] = NaN;
      hist[i] = NaN;
      if (seen < slow) {
        l += v;
        if (seen >= slow - fast) f += v;
        if (seen < slow - 1) continue;
        f /= fast;
        l /= slow;
      } else {
        f += (v - f) * kf;
        l += (v - l) * ks;
      }
      const m = f - l;
      g += m;
      seeds++;
      if (seeds === p[2]!) {
        g /= p[2]!;
        line[i] = m;
        signal[i] = g;
        hist[i] = m - g;
      }
    }
    while (i < to) {
      if (seen % FLUSH === 0) {
        f = flush(f);
        l = flush(l);
        g = flush(g);
      }
      const end = Math.min(to, i + FLUSH - (seen % FLUSH));
      seen += end - i;
      for (; i < end; i++) {
        const v = x[i]!;
        f += (v - f) * kf;
        l += (v - l) * ks;
        const m = f - l;
        g += (m - g) * kg;
        line[i] = m;
        signal[i] = g;
        hist[i] = m - g;
      }
    }
    s[0] = seen;
    s[1] = f;
    s[2] = l;
    s[3] = g;
    s[4] = seeds;
  },
};
