import type { Kernel } from "../kernel.ts";
import { window } from "../kernel.ts";
import { TINY } from "../window/smooth.ts";

/**
 * RSI in one pass. Both Wilder averages run in groups of four bars as `runRecursion` does. State: bars seen, average
 * rise and fall at the group's start, what the group added to each, place in the group.
 */
export const rsi: Kernel = {
  name: "rsi",
  title: "Relative strength index",
  meaning: "Share of rises in all movement, 0 to 100; above 70 is called overbought, below 30 oversold.",
  source: "Wilder 1978; equal to TA-Lib RSI. 0 where nothing ever moved.",
  group: "momentum",
  inputs: ["close"],
  params: [window(14)],
  outputs: ["value"],
  warmup: (p) => p[0]!,
  lookback: () => 1,
  stateSize: () => 6,
  run(inputs, outputs, from, to, p, s) {
    const x = inputs[0]!;
    const out = outputs[0]!;
    const n = p[0]!;
    const k = 1 / n / 2;
    const q = 1 - 1 / n;
    const q2 = q * q;
    const q3 = q2 * q;
    const q4 = q2 * q2;
    let seen = s[0]!;
    let up = s[1]!;
    let down = s[2]!;
    let a = s[3]!;
    let b = s[4]!;
    let phase = s[5]!;
    let i = from;
    for (; i < to && seen <= n; i++, seen++) {
      out[i] = NaN;
      if (seen === 0) continue;
      const d = x[i]! - x[i - 1]!;
      up += (Math.abs(d) + d) / 2;
      down += (Math.abs(d) - d) / 2;
      if (seen === n) {
        up /= n;
        down /= n;
        out[i] = share(up, down);
      }
    }
    while (i < to) {
      if (phase === 0) {
        let last = x[i - 1]!;
        for (; i + 4 <= to; i += 4) {
          if (up < TINY) up = 0;
          if (down < TINY) down = 0;
          const x1 = x[i]!;
          const x2 = x[i + 1]!;
          const x3 = x[i + 2]!;
          const x4 = x[i + 3]!;
          const d1 = x1 - last;
          const d2 = x2 - x1;
          const d3 = x3 - x2;
          const d4 = x4 - x3;
          last = x4;
          const m1 = Math.abs(d1);
          const m2 = Math.abs(d2);
          const m3 = Math.abs(d3);
          const m4 = Math.abs(d4);
          const a1 = (m1 + d1) * k;
          const b1 = (m1 - d1) * k;
          const a2 = a1 * q + (m2 + d2) * k;
          const b2 = b1 * q + (m2 - d2) * k;
          const a3 = a2 * q + (m3 + d3) * k;
          const b3 = b2 * q + (m3 - d3) * k;
          const u1 = up * q + a1;
          const u2 = up * q2 + a2;
          const u3 = up * q3 + a3;
          const t1 = u1 + (down * q + b1);
          const t2 = u2 + (down * q2 + b2);
          const t3 = u3 + (down * q3 + b3);
          up = up * q4 + (a3 * q + (m4 + d4) * k);
          down = down * q4 + (b3 * q + (m4 - d4) * k);
          const t4 = up + down;
          out[i] = t1 === 0 ? 0 : 100 * (u1 / t1);
          out[i + 1] = t2 === 0 ? 0 : 100 * (u2 / t2);
          out[i + 2] = t3 === 0 ? 0 : 100 * (u3 / t3);
          out[i + 3] = t4 === 0 ? 0 : 100 * (up / t4);
        }
        if (i >= to) break;
        if (up < TINY) up = 0;
        if (down < TINY) down = 0;
        a = 0;
        b = 0;
      }
      const d = x[i]! - x[i - 1]!;
      const m = Math.abs(d);
      a = a * q + (m + d) * k;
      b = b * q + (m - d) * k;
      phase++;
      const w = phase === 1 ? q : phase === 2 ? q2 : phase === 3 ? q3 : q4;
      const u = up * w + a;
      const v = down * w + b;
      out[i] = share(u, v);
      if (phase === 4) {
        up = u;
        down = v;
        phase = 0;
      }
      i++;
    }
    s[0] = seen;
    s[1] = up;
    s[2] = down;
    s[3] = a;
    s[4] = b;
    s[5] = phase;
  },
};

function share(up: number, down: number): number {
  const total = up + down;
  return total === 0 ? 0 : 100 * (up / total);
}
