import type { Kernel, KernelGroup, Param } from "../kernel.ts";
import { real, window } from "../kernel.ts";

/** State of one exponential smoothing: count, shift, e0, c, phase, seed sum. */
export const SMOOTH_STATE = 6;
/** Below this a decaying value is flushed to 0, long before it would become denormal and slow. */
export const TINY = 1e-200;

/**
 * The recursion e = q e + k x, seeded by (sum of the first `seedCount` values) / `seedDivisor`.
 *
 * Where `shifted`, values are taken relative to the first one: flat prices stay exactly flat, and 1e9 with a spread
 * of 1 keeps its digits (meaningful only where q + k = 1). Four bars make a group, counted from the seed: inside it
 * e(j) = q^j e0 + c(j), where c does not depend on e0. The long dependency is thus one multiplication and addition
 * per four bars, and a partial group gives the same bits as a whole one.
 */
export function runRecursion(
  x: Float64Array,
  out: Float64Array,
  from: number,
  to: number,
  seedCount: number,
  seedDivisor: number,
  q: number,
  k: number,
  shifted: boolean,
  s: Float64Array,
  at: number,
): void {
  let count = s[at]!;
  let shift = s[at + 1]!;
  let e0 = s[at + 2]!;
  let c = s[at + 3]!;
  let phase = s[at + 4]!;
  let seed = s[at + 5]!;
  let i = from;
  if (count < seedCount) {
    if (count === 0 && shifted && i < to) shift = x[i]!;
    for (; i < to && count < seedCount; i++) {
      seed += x[i]! - shift;
      count++;
      if (count === seedCount) {
        e0 = seed / seedDivisor;
        out[i] = e0 + shift;
      } else out[i] = NaN;
    }
  }
  const q2 = q * q;
  const q3 = q2 * q;
  const q4 = q2 * q2;
  while (i < to) {
    if (phase === 0) {
      for (; i + 4 <= to; i += 4) {
        if (e0 < TINY && e0 > -TINY) e0 = 0;
        const c1 = (x[i]! - shift) * k;
        const c2 = c1 * q + (x[i + 1]! - shift) * k;
        const c3 = c2 * q + (x[i + 2]! - shift) * k;
        const c4 = c3 * q + (x[i + 3]! - shift) * k;
        out[i] = e0 * q + c1 + shift;
        out[i + 1] = e0 * q2 + c2 + shift;
        out[i + 2] = e0 * q3 + c3 + shift;
        e0 = e0 * q4 + c4;
        out[i + 3] = e0 + shift;
      }
      if (i >= to) break;
      if (e0 < TINY && e0 > -TINY) e0 = 0;
    }
    const y = (x[i]! - shift) * k;
    c = phase === 0 ? y : c * q + y;
    phase++;
    if (phase === 4) {
      e0 = e0 * q4 + c;
      out[i] = e0 + shift;
      phase = 0;
    } else {
      out[i] = e0 * (phase === 1 ? q : phase === 2 ? q2 : q3) + c + shift;
    }
    i++;
  }
  s[at] = count;
  s[at + 1] = shift;
  s[at + 2] = e0;
  s[at + 3] = c;
  s[at + 4] = phase;
  s[at + 5] = seed;
}

function smoothed(
  name: string,
  title: string,
  meaning: string,
  source: string,
  group: KernelGroup,
  params: readonly Param[],
  factor: (p: readonly number[]) => number,
  shifted = true,
): Kernel {
  return {
    name,
    title,
    meaning,
    source,
    group,
    inputs: ["close"],
    params,
    outputs: ["value"],
    warmup: (p) => p[0]! - 1,
    lookback: () => 0,
    stateSize: () => SMOOTH_STATE,
    run(inputs, outputs, from, to, p, state) {
      const k = factor(p);
      runRecursion(inputs[0]!, outputs[0]!, from, to, p[0]!, p[0]!, 1 - k, k, shifted, state, 0);
    },
  };
}

export const ema = smoothed(
  "ema",
  "Exponential moving average",
  "Average that weighs a value k = 2/(n+1) and the past 1 - k.",
  "TA-Lib EMA: seeded by the mean of the first n values.",
  "overlap",
  [window(30, 1)],
  (p) => 2 / (p[0]! + 1),
);

export const rma = smoothed(
  "rma",
  "Wilder's moving average",
  "Average that weighs a value k = 1/n and the past 1 - k.",
  "Wilder 1978; TA-Lib RMA: seeded by the mean of the first n values.",
  "overlap",
  [window(14, 1)],
  (p) => 1 / p[0]!,
);

/** Smoothing with a free factor: the seed is the mean of the first n values. */
export const smooth = smoothed(
  "smooth",
  "Exponential smoothing with a given factor",
  "Average that weighs a value k and the past 1 - k.",
  "Brown 1956: seeded by the mean of the first n values.",
  "overlap",
  [window(10, 1, "values in the seed"), real("k", 0.1, 1e-6, 1, "weight of the newest value")],
  (p) => p[1]!,
);

/** Wilder's average of a quantity that is never negative: it stays so, and keeps its relative precision near 0. */
export const rmaPositive = smoothed(
  "rmapositive",
  "Wilder's moving average of a positive quantity",
  rma.meaning,
  rma.source,
  "overlap",
  rma.params,
  (p) => 1 / p[0]!,
  false,
);

/** Wilder's decaying sum s = s - s/n + x, seeded by the sum of the first n - 1 values as TA-Lib does. */
export const wilderSum: Kernel = {
  name: "wildersum",
  title: "Wilder's decaying sum",
  meaning: "Sum that forgets 1/n of itself every bar.",
  source: "Wilder 1978, seeded with n - 1 values as TA-Lib (Wilder takes n).",
  group: "math",
  inputs: ["close"],
  params: [window(14, 1)],
  outputs: ["value"],
  warmup: (p) => Math.max(0, p[0]! - 2),
  lookback: () => 0,
  stateSize: () => SMOOTH_STATE,
  run(inputs, outputs, from, to, p, state) {
    const seed = Math.max(1, p[0]! - 1);
    runRecursion(inputs[0]!, outputs[0]!, from, to, seed, 1, 1 - 1 / p[0]!, 1, false, state, 0);
  },
};

/** As smooth, of a quantity that is never negative. */
export const smoothPositive = smoothed(
  "smoothpositive",
  smooth.title,
  smooth.meaning,
  smooth.source,
  "overlap",
  smooth.params,
  (p) => p[1]!,
  false,
);

/**
 * EMA in its step form e += k (x - e), one bar after the other: slower, but on a straight line it stays exactly
 * parallel to it, so that differences of two such averages are exactly constant there. State: count, sum or value.
 */
export const emaSteady: Kernel = {
  ...ema,
  name: "emasteady",
  title: "Exponential moving average, step by step",
  stateSize: () => 2,
  run(inputs, outputs, from, to, p, s) {
    const x = inputs[0]!;
    const out = outputs[0]!;
    const n = p[0]!;
    const k = 2 / (n + 1);
    let count = s[0]!;
    let e = s[1]!;
    let i = from;
    for (; i < to && count < n; i++) {
      e += x[i]!;
      count++;
      if (count === n) e /= n;
      out[i] = count === n ? e : NaN;
    }
    for (; i < to; i++) {
      e += (x[i]! - e) * k;
      if (e < TINY && e > -TINY) e = 0;
      out[i] = e;
    }
    s[0] = count;
    s[1] = e;
  },
};

/** EMA of a quantity that decays to 0: it keeps its relative precision there. */
export const emaDecaying = smoothed(
  "emadecaying",
  ema.title,
  ema.meaning,
  ema.source,
  "overlap",
  ema.params,
  (p) => 2 / (p[0]! + 1),
  false,
);
