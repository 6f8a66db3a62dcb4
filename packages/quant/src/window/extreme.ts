import type { Kernel } from "../kernel.ts";
import { window } from "../kernel.ts";

/**
 * Windowed extremes by joining: the extreme of up to 4w bars is that of four windows of w that may overlap, so that
 * n bars need about log4(n) passes. No step waits for the one before it, and a maximum b + (d + |d|)/2 with d = a - b
 * needs no branch. It is exact where a - b is, that is where all values of a block lie within a factor of two;
 * elsewhere values are compared. Both give the same bits, so that blocks may be cut anywhere.
 */
const BLOCK = 1024;
/** Fewer bars than this are scanned. */
const FEW = 8;

let scratchA = new Float64Array(2 * BLOCK);
let scratchB = new Float64Array(2 * BLOCK);
let scratchC = new Float64Array(2 * BLOCK);

/** Whether all values lie so near to the first that any two are within a factor of two. */
function areClose(x: Float64Array, from: number, to: number): boolean {
  const first = x[from]!;
  const limit = 0.29 * Math.abs(first);
  for (let i = from + 1; i < to; i++) if (Math.abs(x[i]! - first) > limit) return false;
  return limit > 0;
}

/**
 * out[at ..] = highest of the four bars that end at `from` .. `to` - 1: a window of two is used by two bars. Highest
 * and lowest are written out each: a sign among the numbers would cost a multiplication a step.
 */
function highestOfFour(x: Float64Array, out: Float64Array, from: number, to: number, at: number): void {
  let x1 = x[from - 1]!;
  const x2 = x[from - 2]!;
  const x3 = x[from - 3]!;
  let p1 = x2 + (x1 - x2 + Math.abs(x1 - x2)) * 0.5;
  let p2 = x3 + (x2 - x3 + Math.abs(x2 - x3)) * 0.5;
  for (let i = from, k = at; i < to; i++, k++) {
    const v = x[i]!;
    const d = v - x1;
    const p0 = x1 + (d + Math.abs(d)) * 0.5;
    const e = p0 - p2;
    out[k] = p2 + (e + Math.abs(e)) * 0.5;
    x1 = v;
    p2 = p1;
    p1 = p0;
  }
}

/** As highestOfFour, the lowest. */
function lowestOfFour(x: Float64Array, out: Float64Array, from: number, to: number, at: number): void {
  let x1 = x[from - 1]!;
  const x2 = x[from - 2]!;
  const x3 = x[from - 3]!;
  let p1 = x1 - (x1 - x2 + Math.abs(x1 - x2)) * 0.5;
  let p2 = x2 - (x2 - x3 + Math.abs(x2 - x3)) * 0.5;
  for (let i = from, k = at; i < to; i++, k++) {
    const v = x[i]!;
    const d = v - x1;
    const p0 = v - (d + Math.abs(d)) * 0.5;
    const e = p0 - p2;
    out[k] = p0 - (e + Math.abs(e)) * 0.5;
    x1 = v;
    p2 = p1;
    p1 = p0;
  }
}

/**
 * out[i + shift] = highest of the last n bars of x's windows of w bars, w < n <= 4w, for bars that end at `from` ..
 * `to` - 1: first two windows make one of 2w in `pairs`, then two of those make the whole.
 */
function joinHighest(
  x: Float64Array,
  out: Float64Array,
  from: number,
  to: number,
  shift: number,
  w: number,
  n: number,
  pairs: Float64Array,
): void {
  const second = n < 2 * w ? n - w : w;
  const back = Math.max(0, n - 2 * w);
  const base = from - back;
  for (let i = base; i < from; i++) {
    const b = x[i - second]!;
    const d = x[i]! - b;
    pairs[i - base] = b + (d + Math.abs(d)) * 0.5;
  }
  for (let i = from, k = back; i < to; i++, k++) {
    const b = x[i - second]!;
    const d = x[i]! - b;
    const p = b + (d + Math.abs(d)) * 0.5;
    pairs[k] = p;
    const q = pairs[k - back]!;
    const e = p - q;
    out[i + shift] = q + (e + Math.abs(e)) * 0.5;
  }
}

/** As joinHighest, the lowest. */
function joinLowest(
  x: Float64Array,
  out: Float64Array,
  from: number,
  to: number,
  shift: number,
  w: number,
  n: number,
  pairs: Float64Array,
): void {
  const second = n < 2 * w ? n - w : w;
  const back = Math.max(0, n - 2 * w);
  const base = from - back;
  for (let i = base; i < from; i++) {
    const a = x[i]!;
    const d = a - x[i - second]!;
    pairs[i - base] = a - (d + Math.abs(d)) * 0.5;
  }
  for (let i = from, k = back; i < to; i++, k++) {
    const a = x[i]!;
    const d = a - x[i - second]!;
    const p = a - (d + Math.abs(d)) * 0.5;
    pairs[k] = p;
    const e = p - pairs[k - back]!;
    out[i + shift] = p - (e + Math.abs(e)) * 0.5;
  }
}

/** As joinHighest and joinLowest, by comparing four windows of w bars. */
function joinFar(
  x: Float64Array,
  out: Float64Array,
  from: number,
  to: number,
  shift: number,
  w: number,
  n: number,
  sign: number,
): void {
  const second = n < 2 * w ? n - w : w;
  const third = n < 3 * w ? n - w : 2 * w;
  const fourth = n - w;
  for (let i = from; i < to; i++) {
    let best = x[i]!;
    if (x[i - second]! * sign > best * sign) best = x[i - second]!;
    if (x[i - third]! * sign > best * sign) best = x[i - third]!;
    if (x[i - fourth]! * sign > best * sign) best = x[i - fourth]!;
    out[i + shift] = best;
  }
}

function scan(x: Float64Array, i: number, n: number, sign: number): number {
  let best = x[i]!;
  for (let k = i - n + 1; k < i; k++) {
    const v = x[k]!;
    if (v * sign > best * sign) best = v;
  }
  return best;
}

/** Fills the highest (sign 1) or lowest (-1) of the last n values. State: bars seen. */
export function runExtreme(
  x: Float64Array,
  out: Float64Array,
  from: number,
  to: number,
  n: number,
  sign: 1 | -1,
  s: Float64Array,
  at: number,
): void {
  const seen = s[at]!;
  s[at] = seen + to - from;
  const begin = Math.min(to, from + Math.max(0, n - 1 - seen));
  out.fill(NaN, from, begin);
  if (n === 1) {
    for (let i = begin; i < to; i++) out[i] = x[i]!;
    return;
  }
  if (to - begin < FEW) {
    for (let i = begin; i < to; i++) out[i] = scan(x, i, n, sign);
    return;
  }
  const block = Math.max(BLOCK, n);
  if (scratchA.length < block + n) {
    scratchA = new Float64Array(2 * (block + n));
    scratchB = new Float64Array(2 * (block + n));
    scratchC = new Float64Array(2 * (block + n));
  }
  for (let i = begin; i < to; i += block) extremesOf(x, out, i, Math.min(to, i + block), n, sign);
}

function extremesOf(
  x: Float64Array,
  out: Float64Array,
  from: number,
  to: number,
  n: number,
  sign: 1 | -1,
): void {
  const first = from - n + 1;
  const close = areClose(x, first, to);
  const join = (
    a: Float64Array,
    b: Float64Array,
    start: number,
    end: number,
    move: number,
    u: number,
    m: number,
  ): void => {
    if (!close) joinFar(a, b, start, end, move, u, m, sign);
    else if (sign > 0) joinHighest(a, b, start, end, move, u, m, scratchC);
    else joinLowest(a, b, start, end, move, u, m, scratchC);
  };
  let source = x;
  // source[i - shift] is the extreme of the w bars that end at bar i
  let shift = 0;
  let w = 1;
  let target = scratchA;
  while (w * 4 < n) {
    const start = first + 4 * w - 1;
    if (close && w === 1) {
      if (sign > 0) highestOfFour(x, target, start, to, start - first);
      else lowestOfFour(x, target, start, to, start - first);
    } else join(source, target, start - shift, to - shift, shift - first, w, 4 * w);
    source = target;
    target = target === scratchA ? scratchB : scratchA;
    shift = first;
    w *= 4;
  }
  join(source, out, from - shift, to - shift, shift, w, n);
}

export const highest: Kernel = {
  name: "highest",
  title: "Highest value",
  meaning: "Largest of the last n values.",
  source: "Definition; equal to TA-Lib MAX.",
  group: "math",
  inputs: ["high"],
  params: [window(20, 1)],
  outputs: ["value"],
  warmup: (p) => p[0]! - 1,
  lookback: (p) => p[0]! - 1,
  stateSize: () => 1,
  run: (inputs, outputs, from, to, p, s) => runExtreme(inputs[0]!, outputs[0]!, from, to, p[0]!, 1, s, 0),
};

export const lowest: Kernel = {
  name: "lowest",
  title: "Lowest value",
  meaning: "Smallest of the last n values.",
  source: "Definition; equal to TA-Lib MIN.",
  group: "math",
  inputs: ["low"],
  params: [window(20, 1)],
  outputs: ["value"],
  warmup: (p) => p[0]! - 1,
  lookback: (p) => p[0]! - 1,
  stateSize: () => 1,
  run: (inputs, outputs, from, to, p, s) => runExtreme(inputs[0]!, outputs[0]!, from, to, p[0]!, -1, s, 0),
};

/** Bars since the extreme of the last n + 1 bars, 0 = this bar; of equal extremes the latest counts. */
function since(name: string, title: string, meaning: string, input: string, sign: number): Kernel {
  return {
    name,
    title,
    meaning,
    source: "Definition; of equal extremes the latest counts, as in TA-Lib.",
    group: "math",
    inputs: [input],
    params: [window(14, 1, "bars looked back, the current one not counted")],
    outputs: ["value"],
    warmup: (p) => p[0]!,
    lookback: (p) => p[0]!,
    stateSize: () => 2,
    run(inputs, outputs, from, to, p, s) {
      const x = inputs[0]!;
      const out = outputs[0]!;
      const n = p[0]!;
      let count = s[0]!;
      let age = s[1]!;
      for (let i = from; i < to; i++, count++) {
        age++;
        if (count === 0) age = 0;
        else if (age > n) {
          age = 0;
          for (let k = 1; k <= n; k++) if (sign * x[i - k]! > sign * x[i - age]!) age = k;
        } else if (sign * x[i]! >= sign * x[i - age]!) age = 0;
        out[i] = count < n ? NaN : age;
      }
      s[0] = count;
      s[1] = age;
    },
  };
}

export const barsSinceHighest = since(
  "barssincehighest",
  "Bars since the highest value",
  "Bars since the largest of the last n + 1 values; 0 when it is this bar.",
  "high",
  1,
);

export const barsSinceLowest = since(
  "barssincelowest",
  "Bars since the lowest value",
  "Bars since the smallest of the last n + 1 values; 0 when it is this bar.",
  "low",
  -1,
);
