import { compose } from "../compose.ts";
import type { Graph, Ref } from "../compose.ts";
import type { Columns, Kernel, Params } from "../kernel.ts";
import { int, MAX_WINDOW } from "../kernel.ts";
import { average, averageParam } from "../overlap/averages.ts";
import { highest, lowest, runExtreme } from "../window/extreme.ts";
import { RUNNING_STATE, runRunningMean } from "../window/sum.ts";

const hlc = ["high", "low", "close"] as const;
const bars = (name: string, value: number, meaning: string) => int(name, value, 1, MAX_WINDOW, meaning);

/** Position of the close in the range of the last n bars, 0 to 100; 0 where the range is not above `least`. */
export function rangePosition(g: Graph, h: Ref, l: Ref, c: Ref, n: number, least = 0): Ref {
  return g.map([c, g.use(highest, [h], [n]), g.use(lowest, [l], [n])], (o, f, t, x, hi, lo) => {
    for (let i = f; i < t; i++) {
      // in TA-Lib's order of operations
      const span = hi[i]! - lo[i]!;
      o[i] = span <= least ? 0 : ((x[i]! - lo[i]!) / span) * 100;
    }
  });
}

const general = compose({
  name: "stoch",
  title: "Stochastic oscillator",
  meaning: "Position of the close in the range of the last bars, smoothed (k), and the average of that (d).",
  source: "Lane 1957; equal to TA-Lib STOCH; 0 where the range is 0.",
  group: "momentum",
  inputs: hlc,
  params: [
    bars("n", 14, "bars of the range"),
    bars("smooth", 3, "bars that smooth k"),
    averageParam("smoothAverage", "sma", "average that smooths k"),
    bars("d", 3, "bars of d"),
    averageParam("dAverage", "sma", "average that makes d"),
  ],
  outputs: ["k", "d"],
  build(g, p) {
    const raw = rangePosition(g, g.input("high"), g.input("low"), g.input("close"), p[0]!);
    const k = average(g, p[2]!, raw, p[1]!, true);
    const d = average(g, p[4]!, k, p[3]!, true);
    return [g.blank(k, g.start(d)), d];
  },
});

/**
 * The usual case, both averages simple, in one pass per output: extremes are written where k and d will stand.
 * State: bars seen, by each extreme too, both running means.
 */
function simple(x: Columns, outputs: Columns, from: number, to: number, p: Params, s: Float64Array): void {
  const [k, d] = [outputs[0]!, outputs[1]!];
  const close = x[2]!;
  const [n, smooth, last] = [p[0]!, p[1]!, p[3]!];
  const means = 3;
  runExtreme(x[0]!, k, from, to, n, 1, s, 1);
  runExtreme(x[1]!, d, from, to, n, -1, s, 2);
  for (let i = from; i < to; i++) {
    const low = d[i]!;
    const span = k[i]! - low;
    k[i] = span === 0 ? 0 : ((close[i]! - low) / span) * 100;
  }
  const seen = s[0]!;
  s[0] = seen + to - from;
  const first = Math.min(to, from + Math.max(0, n - 1 - seen));
  runRunningMean(k, k, first, to, smooth, s, means);
  const second = Math.min(to, from + Math.max(0, n + smooth - 2 - seen));
  d.fill(NaN, from, second);
  runRunningMean(k, d, second, to, last, s, means + RUNNING_STATE + smooth);
  const third = Math.min(to, from + Math.max(0, n + smooth + last - 3 - seen));
  k.fill(NaN, from, third);
}

/** Raw values after which both sums are summed anew. */
const ANEW = 4096;

/**
 * As `simple` with three bars to smooth and three of d, the case that charts show: the last values stay in locals.
 * State after the extremes: for each mean its sum without the oldest value, and the two values in it, oldest first.
 */
function three(x: Columns, outputs: Columns, from: number, to: number, p: Params, s: Float64Array): void {
  const k = outputs[0]!;
  const d = outputs[1]!;
  const close = x[2]!;
  const n = p[0]!;
  const third = 1 / 3;
  runExtreme(x[0]!, k, from, to, n, 1, s, 1);
  runExtreme(x[1]!, d, from, to, n, -1, s, 2);
  const first = from + Math.max(0, n - 1 - s[0]!);
  let place = Math.max(0, s[0]! - n + 1);
  s[0]! += to - from;
  let sumK = s[3]!;
  let olderK = s[4]!;
  let newerK = s[5]!;
  let sumD = s[6]!;
  let olderD = s[7]!;
  let newerD = s[8]!;
  k.fill(NaN, from, Math.min(first, to));
  d.fill(NaN, from, Math.min(first, to));
  for (let i = first; i < to;) {
    const within = place % ANEW;
    if (within === 0) {
      sumK = olderK + newerK;
      sumD = olderD + newerD;
    }
    const isWarm = place >= 4;
    const end = isWarm ? Math.min(to, i + ANEW - within) : i + 1;
    const start = i;
    for (; i < end; i++) {
      const low = d[i]!;
      const span = k[i]! - low;
      const raw = span === 0 ? 0 : ((close[i]! - low) / span) * 100;
      sumK += raw;
      const smoothed = sumK * third;
      sumK -= olderK;
      olderK = newerK;
      newerK = raw;
      sumD += smoothed;
      k[i] = smoothed;
      d[i] = sumD * third;
      sumD -= olderD;
      olderD = newerD;
      newerD = smoothed;
    }
    if (place < 2) sumD = olderD = newerD = 0;
    if (!isWarm) k[start] = d[start] = NaN;
    place += i - start;
  }
  s[3] = sumK;
  s[4] = olderK;
  s[5] = newerK;
  s[6] = sumD;
  s[7] = olderD;
  s[8] = newerD;
}

export const stoch: Kernel = {
  ...general,
  stateSize: (p) => Math.max(general.stateSize(p), 9, 3 + 2 * RUNNING_STATE + p[1]! + p[3]!),
  run(inputs, outputs, from, to, p, s) {
    if (p[2] !== 0 || p[4] !== 0) general.run(inputs, outputs, from, to, p, s);
    else if (p[1] === 3 && p[3] === 3) three(inputs, outputs, from, to, p, s);
    else simple(inputs, outputs, from, to, p, s);
  },
};
