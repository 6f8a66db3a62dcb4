import { compose } from "../compose.ts";
import type { Kernel } from "../kernel.ts";
import { int, real, window } from "../kernel.ts";

/**
 * Windowed variance by running sums of (x - shift) and its square. They are summed anew around the window's newest
 * value every 64 bars (n, where that is more), when a value leaves that had taken digits of the others, and when the
 * shift lies so far from the mean that digits cancel: relative error about 1e-13, at prices of 1e9 too; a spike is
 * forgotten with its bar, and a flat window has variance 0.
 *
 * State: bars seen, sum of d, sum of d*d, shift, bars since summed anew.
 */
export const VARIANCE_STATE = 5;

const ANEW = 64;
/** Share of the mean square below which a variance is computed anew. */
const CANCEL = 1e-2;
const SPIKE = 1024;

/** Population variance of x[i-n+1 .. i] by two passes around its first value. */
function twoPassVariance(x: Float64Array, i: number, n: number): number {
  const first = x[i - n + 1]!;
  let sum = 0;
  for (let k = i - n + 2; k <= i; k++) sum += x[k]! - first;
  const mean = sum / n;
  let square = 0;
  let rest = 0;
  for (let k = i - n + 1; k <= i; k++) {
    const d = x[k]! - first - mean;
    square += d * d;
    rest += d;
  }
  return Math.max(0, (square - (rest * rest) / n) / n);
}

/** Sums of the window that ends at i, around its newest value. */
function sumAnew(x: Float64Array, i: number, n: number, s: Float64Array): void {
  const shift = x[i]!;
  let s1 = 0;
  let s2 = 0;
  for (let k = i - n + 1; k <= i; k++) {
    const d = x[k]! - shift;
    s1 += d;
    s2 += d * d;
  }
  s[1] = s1;
  s[2] = s2;
  s[3] = shift;
}

/** Fills the population variance and the mean of the window. */
export function runVariance(
  x: Float64Array,
  variance: Float64Array,
  mean: Float64Array,
  from: number,
  to: number,
  n: number,
  s: Float64Array,
): void {
  const period = Math.max(ANEW, n);
  const r = 1 / n;
  let seen = s[0]!;
  let age = s[4]!;
  let i = from;
  for (; i < to && seen < n; i++) {
    seen++;
    if (seen === n) {
      sumAnew(x, i, n, s);
      mean[i] = s[1]! * r + s[3]!;
      variance[i] = twoPassVariance(x, i, n);
    } else {
      mean[i] = NaN;
      variance[i] = NaN;
    }
  }
  let s1 = s[1]!;
  let s2 = s[2]!;
  let shift = s[3]!;
  while (i < to) {
    if (age === period) {
      sumAnew(x, i - 1, n, s);
      s1 = s[1]!;
      s2 = s[2]!;
      shift = s[3]!;
      age = 0;
    }
    const start = i;
    const end = Math.min(to, i + period - age);
    for (; i < end; i++) {
      const a = x[i]! - shift;
      const b = x[i - n]! - shift;
      const bb = b * b;
      s1 += a - b;
      s2 += a * a - bb;
      const m = s1 * r;
      const square = s2 * r;
      const v = square - m * m;
      // left by a break: a call inside the loop would cost more than the loop
      if (!(v >= square * CANCEL) || bb > s2 * SPIKE) break;
      variance[i] = v;
      mean[i] = m + shift;
    }
    if (i < end) {
      sumAnew(x, i, n, s);
      s1 = s[1]!;
      s2 = s[2]!;
      shift = s[3]!;
      mean[i] = s1 * r + shift;
      variance[i] = twoPassVariance(x, i, n);
      i++;
    }
    age += i - start;
  }
  s[0] = seen;
  s[1] = s1;
  s[2] = s2;
  s[3] = shift;
  s[4] = age;
}

const ddof = int("ddof", 0, 0, 1, "0 divides by n (population), 1 by n - 1 (sample)");

/** Mean and population variance in one pass: a part of other kernels. */
export const moments: Kernel = {
  name: "moments",
  title: "Mean and variance",
  meaning: "Mean and population variance of the last n values.",
  source: "Definition, ddof 0.",
  group: "statistic",
  inputs: ["close"],
  params: [window(20)],
  outputs: ["mean", "variance"],
  warmup: (p) => p[0]! - 1,
  lookback: (p) => p[0]!,
  stateSize: () => VARIANCE_STATE,
  run: (inputs, outputs, from, to, p, s) =>
    runVariance(inputs[0]!, outputs[1]!, outputs[0]!, from, to, p[0]!, s),
};

export const variance = compose({
  name: "var",
  title: "Variance",
  meaning: "Variance of the last n values.",
  source: "Definition; ddof 0 equals TA-Lib VAR, ddof 1 pandas.",
  group: "statistic",
  inputs: ["close"],
  params: [window(5), ddof],
  outputs: ["value"],
  build(g, p) {
    const v = g.use(moments, [g.input("close")], [p[0]!], "variance");
    return [p[1] === 1 ? g.scale(v, p[0]! / (p[0]! - 1)) : v];
  },
});

export const stddev = compose({
  ...variance,
  name: "stddev",
  title: "Standard deviation",
  meaning: "Standard deviation of the last n values, times a factor.",
  source: "Definition; ddof 0 equals TA-Lib STDDEV.",
  params: [window(5), real("factor", 1, -1e6, 1e6, "multiplies the deviation"), ddof],
  build(g, p) {
    const m = p[2] === 1 ? p[0]! / (p[0]! - 1) : 1;
    return [
      g.map([g.use(moments, [g.input("close")], [p[0]!], "variance")], (o, f, t, v) => {
        for (let i = f; i < t; i++) o[i] = Math.sqrt(v[i]! * m) * p[1]!;
      }),
    ];
  },
});
