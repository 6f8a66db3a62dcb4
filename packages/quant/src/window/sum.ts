import type { Columns, Kernel, KernelGroup, Params } from "../kernel.ts";
import { window } from "../kernel.ts";

/** Bars after which a running sum is summed anew, counted from the last time; a multiple of a group's four. */
const ANEW = 512;
/** A value this many times larger than what is left of the sum takes digits with it: the window is summed anew. */
const SPIKE = 1024;

/** State of a running sum: bars seen, sum at the group's start, bars since it was summed anew, change within the group. */
export const SUM_STATE = 4;

function sumOf(x: Float64Array, from: number, to: number): number {
  let total = 0;
  for (let i = from; i < to; i++) total += x[i]!;
  return total;
}

/** Whether a value that leaves had taken digits of the sum that remains. */
function tookDigits(leaving: number, total: number): boolean {
  return Math.abs(leaving) > Math.abs(total) * SPIKE;
}

/**
 * Fills out[i] with (sum of the last n values) / divisor; NaN while fewer than n have been seen.
 *
 * A running sum that cannot drift: it is summed anew every 512 bars (n, where that is more), and whenever the value
 * that leaves is so large that it had taken digits of the others: a spike is forgotten with its bar, and a window of
 * zeros sums to exactly 0. Four bars make a group, counted from the last fresh sum: the sums within it are the one at
 * its start plus a change, so that one addition per four bars waits for the group before, and a partial group gives
 * the same bits as a whole one.
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
  const period = Math.max(ANEW, 4 * Math.ceil(n / 4));
  let seen = s[at]!;
  let total = s[at + 1]!;
  let age = s[at + 2]!;
  let change = s[at + 3]!;
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
    if (age % 4 === 0) {
      const start = i;
      const end = Math.min(to, i + period - age);
      for (; i + 4 <= end; i += 4) {
        const a = x[i - n]!;
        const b = x[i - n + 1]!;
        const c = x[i - n + 2]!;
        const d = x[i - n + 3]!;
        const change1 = x[i]! - a;
        const change2 = change1 + (x[i + 1]! - b);
        const change3 = change2 + (x[i + 2]! - c);
        const total1 = total + change1;
        const total2 = total + change2;
        const total3 = total + change3;
        const total4 = total + (change3 + (x[i + 3]! - d));
        // left by a break: a call inside the loop would cost three times the loop
        if (tookDigits(a, total1) || tookDigits(b, total2) || tookDigits(c, total3) || tookDigits(d, total4))
          break;
        total = total4;
        out[i] = total1 / divisor;
        out[i + 1] = total2 / divisor;
        out[i + 2] = total3 / divisor;
        out[i + 3] = total4 / divisor;
      }
      age += i - start;
      if (i === end) continue;
    }
    const leaving = x[i - n]!;
    change += x[i]! - leaving;
    age++;
    if (tookDigits(leaving, total + change)) {
      total = sumOf(x, i - n + 1, i + 1);
      change = age = 0;
    } else if (age % 4 === 0) {
      total += change;
      change = 0;
    }
    out[i] = (total + change) / divisor;
    i++;
  }
  s[at] = seen;
  s[at + 1] = total;
  s[at + 2] = age;
  s[at + 3] = change;
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
