import type { Columns, Kernel, KernelGroup, Params } from "../kernel.ts";
import { window } from "../kernel.ts";

/** Bars after which a running sum is summed anew, counted from the first bar. */
const ANEW = 128;
/** A value this many times larger than what is left of the sum takes digits with it: the window is summed anew. */
const SPIKE = 1024;

/** State of a running sum: bars seen, sum, bars since it was summed anew. */
export const SUM_STATE = 3;

function sumOf(x: Float64Array, from: number, to: number): number {
  let total = 0;
  for (let i = from; i < to; i++) total += x[i]!;
  return total;
}

/**
 * Fills out[i] with (sum of the last n values) / divisor; NaN while fewer than n have been seen.
 *
 * A running sum that cannot drift: it is summed anew every 128 bars (n, where that is more), and whenever the value
 * that leaves is so large that it had taken digits of the others: a spike is forgotten with its bar, and a window of
 * zeros sums to exactly 0.
 */
export function runSum(
  x: Float64Array,
  out: Float64Array,
  from: number,
  to: number,
  n: number,
  divisor: number,
  s: Float64Array,
  at = 0,
): void {
  const period = Math.max(ANEW, n);
  let seen = s[at]!;
  let total = s[at + 1]!;
  let age = s[at + 2]!;
  let i = from;
  for (; i < to && seen < n; i++) {
    total += x[i]!;
    seen++;
    out[i] = seen === n ? total / divisor : NaN;
  }
  while (i < to) {
    if (age === period) {
      total = sumOf(x, i - n, i);
      age = 0;
    }
    const start = i;
    const end = Math.min(to, i + period - age);
    for (; i < end; i++) {
      const leaving = x[i - n]!;
      total += x[i]! - leaving;
      // left by a break: a call inside the loop would cost three times the loop
      if (Math.abs(leaving) > Math.abs(total) * SPIKE) break;
      out[i] = total / divisor;
    }
    if (i < end) {
      total = sumOf(x, i - n + 1, i + 1);
      out[i] = total / divisor;
      i++;
    }
    age += i - start;
  }
  s[at] = seen;
  s[at + 1] = total;
  s[at + 2] = age;
}

function summed(
  name: string,
  title: string,
  meaning: string,
  source: string,
  group: KernelGroup,
  value: number,
  mean: boolean,
): Kernel {
  return {
    name,
    title,
    meaning,
    source,
    group,
    inputs: ["close"],
    params: [window(value, 1)],
    outputs: ["value"],
    warmup: (p) => p[0]! - 1,
    lookback: (p) => p[0]!,
    stateSize: () => SUM_STATE,
    run(inputs: Columns, outputs: Columns, from: number, to: number, p: Params, state: Float64Array) {
      runSum(inputs[0]!, outputs[0]!, from, to, p[0]!, mean ? p[0]! : 1, state);
    },
  };
}

export const sma = summed(
  "sma",
  "Simple moving average",
  "Mean of the last n values.",
  "Definition; equal to TA-Lib SMA.",
  "overlap",
  30,
  true,
);

export const sum = summed(
  "sum",
  "Rolling sum",
  "Sum of the last n values.",
  "Definition.",
  "math",
  30,
  false,
);

/** Values after which a running mean in TA-Lib's order is summed anew. */
const RARELY = 4096;

/** State of a running mean in TA-Lib's order: values seen, sum, next place in the ring; the ring of n values follows. */
export const RUNNING_STATE = 3;

/**
 * Mean of the last n values by a running sum, in TA-Lib's order of additions: for bounded quantities whose tiny
 * remainders TA-Lib shows. Summed anew every 4,096 values. The window is kept in the state, so that out may be x.
 */
export function runRunningMean(
  x: Float64Array,
  out: Float64Array,
  from: number,
  to: number,
  n: number,
  s: Float64Array,
  at: number,
): void {
  const ring = at + RUNNING_STATE;
  const end = ring + n;
  let seen = s[at]!;
  let total = s[at + 1]!;
  let place = ring + s[at + 2]!;
  let i = from;
  for (; i < to && seen < n - 1; i++) {
    total += x[i]!;
    s[place++] = x[i]!;
    seen++;
    out[i] = NaN;
  }
  while (i < to) {
    const left = RARELY - (seen % RARELY);
    if (left === RARELY) {
      total = 0;
      for (let k = 1, oldest = place; k < n; k++) {
        oldest = oldest + 1 === end ? ring : oldest + 1;
        total += s[oldest]!;
      }
    }
    const stop = Math.min(to, i + left);
    seen += stop - i;
    for (; i < stop; i++) {
      const v = x[i]!;
      total += v;
      s[place] = v;
      place = place + 1 === end ? ring : place + 1;
      out[i] = total / n;
      total -= s[place]!;
    }
  }
  s[at] = seen;
  s[at + 1] = total;
  s[at + 2] = place - ring;
}

export const smaRunning: Kernel = {
  ...sma,
  name: "smarunning",
  lookback: () => 0,
  stateSize: (p) => RUNNING_STATE + p[0]!,
  run: (inputs, outputs, from, to, p, s) => runRunningMean(inputs[0]!, outputs[0]!, from, to, p[0]!, s, 0),
};
