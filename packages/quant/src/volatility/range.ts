import { compose } from "../compose.ts";
import type { Kernel } from "../kernel.ts";
import { window } from "../kernel.ts";
import { pointwise } from "../pointwise.ts";
import { TINY } from "../window/smooth.ts";

const hlc = ["high", "low", "close"] as const;

/** Sum of the distances of three points. */
function distances(hi: number, lo: number, before: number): number {
  return Math.abs(before - hi) + Math.abs(lo - before) + (hi - lo);
}

/** max(high, close before) - min(low, close before): the range of three points is half the sum of their distances. */
function rangeOf(hi: number, lo: number, before: number): number {
  return distances(hi, lo, before) * 0.5;
}

function fillTrueRange(
  out: Float64Array,
  h: Float64Array,
  l: Float64Array,
  c: Float64Array,
  from: number,
  to: number,
): void {
  for (let i = from; i < to; i++) out[i] = rangeOf(h[i]!, l[i]!, c[i - 1]!);
}

export const trueRange = pointwise({
  name: "truerange",
  title: "True range",
  meaning: "Range of a bar, the gap from the previous close included.",
  source: "Wilder 1978; the first bar, which has no previous close, is NaN.",
  group: "volatility",
  inputs: hlc,
  params: [],
  outputs: ["value"],
  back: () => 1,
  fill: ([out], from, to, _p, h, l, c) => fillTrueRange(out!, h, l, c, from, to),
});

/** Whole pairs of bars within [from, to); returns the average after the last. */
function averagePairs(
  h: Float64Array,
  l: Float64Array,
  c: Float64Array,
  out: Float64Array,
  from: number,
  to: number,
  start: number,
  q: number,
  m: number,
): number {
  const q2 = q * q;
  let e = start;
  let before = c[from - 1]!;
  for (let i = from; i + 2 <= to; i += 2) {
    if (e < TINY) e = 0;
    const between = c[i]!;
    const x = distances(h[i]!, l[i]!, before) * m;
    const y = distances(h[i + 1]!, l[i + 1]!, between) * m;
    before = c[i + 1]!;
    out[i] = e * q + x;
    e = e * q2 + (x * q + y);
    out[i + 1] = e;
  }
  return e;
}

/**
 * True range and its Wilder average in one pass, in pairs of bars: e(2) = q^2 e(0) + (q x(1) + x(2)), so that a
 * multiplication and an addition per two bars wait for each other. State: bars seen, average at the pair's start,
 * the first bar's weighted range, place in the pair.
 */
export const atr: Kernel = {
  name: "atr",
  title: "Average true range",
  meaning: "Wilder average of the true range: the usual size of a bar in price.",
  source: "Wilder 1978; the first value is the mean of true ranges 1 to n, as TA-Lib ATR.",
  group: "volatility",
  inputs: hlc,
  params: [window(14, 1)],
  outputs: ["value"],
  warmup: (p) => p[0]!,
  lookback: () => 1,
  stateSize: () => 4,
  run(inputs, outputs, from, to, p, s) {
    const [h, l, c] = [inputs[0]!, inputs[1]!, inputs[2]!];
    const out = outputs[0]!;
    const n = p[0]!;
    const q = 1 - 1 / n;
    const q2 = q * q;
    // the range is half the sum of distances
    const m = 0.5 / n;
    let seen = s[0]!;
    let e = s[1]!;
    let x = s[2]!;
    let phase = s[3]!;
    let i = from;
    for (; i < to && seen <= n; i++, seen++) {
      out[i] = NaN;
      if (seen === 0) continue;
      e += rangeOf(h[i]!, l[i]!, c[i - 1]!);
      if (seen === n) out[i] = e /= n;
    }
    if (phase === 1 && i < to) {
      e = e * q2 + (x * q + distances(h[i]!, l[i]!, c[i - 1]!) * m);
      out[i++] = e;
      phase = 0;
    }
    if (i + 1 < to) {
      e = averagePairs(h, l, c, out, i, to, e, q, m);
      i += (to - i) & ~1;
    }
    if (i < to) {
      if (e < TINY) e = 0;
      x = distances(h[i]!, l[i]!, c[i - 1]!) * m;
      out[i] = e * q + x;
      phase = 1;
    }
    s[0] = seen;
    s[1] = e;
    s[2] = x;
    s[3] = phase;
  },
};

export const natr = compose({
  name: "natr",
  title: "Normalised average true range",
  meaning: "Average true range in percent of the close.",
  source: "Forman 2006; equal to TA-Lib NATR.",
  group: "volatility",
  inputs: hlc,
  params: [window(14, 1)],
  outputs: ["value"],
  build(g, p) {
    const x = g.use(atr, g.inputs(hlc), [p[0]!]);
    return [
      g.map([x, g.input("close")], (o, f, t, a, c) => {
        for (let i = f; i < t; i++) o[i] = c[i] === 0 ? NaN : (a[i]! / c[i]!) * 100;
      }),
    ];
  },
});
