import type { Kernel } from "../kernel.ts";
import { window } from "../kernel.ts";

/** Bars after which the sums are taken anew around the newest point; the window's length where that is more. */
const ANEW = 64;
/** Share of the sum of squares around the shift below which the part around the mean is computed by two passes. */
const CANCEL = 1e-2;
/** A point whose square is this many times what is left takes digits with it when it leaves. */
const SPIKE = 1024;

/** Places in the state: bars seen, bars since the sums were taken anew, shifts, sums. */
const SEEN = 0;
const AGE = 1;
const X0 = 2;
const Y0 = 3;
const SX = 4;
const SY = 5;
const SXX = 6;
const SYY = 7;
const SXY = 8;

/** Sums of the window that ends at i, around its newest point. */
function sumAnew(x: Float64Array, y: Float64Array, i: number, n: number, s: Float64Array): void {
  const x0 = x[i]!;
  const y0 = y[i]!;
  let sx = 0;
  let sy = 0;
  let sxx = 0;
  let syy = 0;
  let sxy = 0;
  for (let k = i - n + 1; k <= i; k++) {
    const a = x[k]! - x0;
    const b = y[k]! - y0;
    sx += a;
    sy += b;
    sxx += a * a;
    syy += b * b;
    sxy += a * b;
  }
  s[X0] = x0;
  s[Y0] = y0;
  s[SX] = sx;
  s[SY] = sy;
  s[SXX] = sxx;
  s[SYY] = syy;
  s[SXY] = sxy;
}

/** The line of the window that ends at i, by two passes. NaN where x does not move, and r2 where y does not. */
function fitExactly(
  x: Float64Array,
  y: Float64Array,
  i: number,
  n: number,
  slope: Float64Array,
  intercept: Float64Array,
  r2: Float64Array,
): void {
  const first = i - n + 1;
  let mx = 0;
  let my = 0;
  for (let k = first; k <= i; k++) {
    mx += x[k]! - x[first]!;
    my += y[k]! - y[first]!;
  }
  mx /= n;
  my /= n;
  let xx = 0;
  let yy = 0;
  let xy = 0;
  for (let k = first; k <= i; k++) {
    const a = x[k]! - x[first]! - mx;
    const b = y[k]! - y[first]! - my;
    xx += a * a;
    yy += b * b;
    xy += a * b;
  }
  const k = xx > 0 ? xy / xx : NaN;
  slope[i] = k;
  intercept[i] = y[first]! + my - k * (x[first]! + mx);
  r2[i] = xx > 0 && yy > 0 ? Math.min(1, (k * xy) / yy) : NaN;
}

export const ols: Kernel = {
  name: "ols",
  title: "Rolling least squares of y on x",
  meaning: "Slope, intercept and R² of y = intercept + slope x over the last n bars: a rolling hedge ratio.",
  source:
    "Definition, of the levels given. Running sums around a recent point, taken anew before they drift; two passes where digits would cancel.",
  group: "statistic",
  inputs: ["x", "y"],
  params: [window(60, 3)],
  outputs: ["slope", "intercept", "r2"],
  warmup: (p) => p[0]! - 1,
  lookback: (p) => p[0]!,
  stateSize: () => 9,
  run(inputs, outputs, from, to, p, s) {
    const [x, y] = [inputs[0]!, inputs[1]!];
    const [slope, intercept, r2] = [outputs[0]!, outputs[1]!, outputs[2]!];
    const n = p[0]!;
    const period = Math.max(ANEW, n);
    let i = from;
    for (; i < to && s[SEEN]! < n; i++) {
      s[SEEN]!++;
      if (s[SEEN] === n) {
        sumAnew(x, y, i, n, s);
        fitExactly(x, y, i, n, slope, intercept, r2);
      } else slope[i] = intercept[i] = r2[i] = NaN;
    }
    while (i < to) {
      if (s[AGE] === period) {
        sumAnew(x, y, i - 1, n, s);
        s[AGE] = 0;
      }
      const start = i;
      const end = Math.min(to, i + period - s[AGE]!);
      i = advance(x, y, slope, intercept, r2, i, end, n, s);
      if (i < end) {
        sumAnew(x, y, i, n, s);
        fitExactly(x, y, i, n, slope, intercept, r2);
        i++;
      }
      s[AGE]! += i - start;
    }
  },
};

/** Moves the sums from bar to bar; stops at a bar whose digits would cancel, and returns it. */
function advance(
  x: Float64Array,
  y: Float64Array,
  slope: Float64Array,
  intercept: Float64Array,
  r2: Float64Array,
  from: number,
  to: number,
  n: number,
  s: Float64Array,
): number {
  const r = 1 / n;
  const x0 = s[X0]!;
  const y0 = s[Y0]!;
  let sx = s[SX]!;
  let sy = s[SY]!;
  let sxx = s[SXX]!;
  let syy = s[SYY]!;
  let sxy = s[SXY]!;
  let i = from;
  for (; i < to; i++) {
    const a = x[i]! - x0;
    const b = y[i]! - y0;
    const c = x[i - n]! - x0;
    const d = y[i - n]! - y0;
    const cc = c * c;
    const dd = d * d;
    sx += a - c;
    sy += b - d;
    sxx += a * a - cc;
    syy += b * b - dd;
    sxy += a * b - c * d;
    const mx = sx * r;
    const my = sy * r;
    const xx = sxx - mx * sx;
    const yy = syy - my * sy;
    if (!(xx > sxx * CANCEL && yy > syy * CANCEL) || cc > sxx * SPIKE || dd > syy * SPIKE) break;
    const xy = sxy - mx * sy;
    const k = xy / xx;
    const fit = (k * xy) / yy;
    slope[i] = k;
    intercept[i] = my + y0 - k * (mx + x0);
    r2[i] = fit > 1 ? 1 : fit;
  }
  s[SX] = sx;
  s[SY] = sy;
  s[SXX] = sxx;
  s[SYY] = syy;
  s[SXY] = sxy;
  return i;
}
