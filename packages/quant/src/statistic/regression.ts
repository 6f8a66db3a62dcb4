import type { Kernel } from "../kernel.ts";
import { window } from "../kernel.ts";
import { pointwise } from "../pointwise.ts";

/** A value of the least-squares line through the last n values, against bars 0 .. n-1. */
function regression(
  name: string,
  title: string,
  meaning: string,
  source: string,
  value: (mean: number, slope: number, n: number) => number,
): Kernel {
  return pointwise({
    name,
    title,
    meaning,
    source,
    group: "statistic",
    inputs: ["close"],
    params: [window(14)],
    outputs: ["value"],
    back: (p) => p[0]! - 1,
    fill([out], from, to, p, x) {
      const n = p[0]!;
      const middle = (n - 1) / 2;
      const spread = (n * (n * n - 1)) / 12;
      for (let i = from; i < to; i++) {
        const base = i - n + 1;
        const first = x[base]!;
        let total = 0;
        let tilt = 0;
        for (let k = 1; k < n; k++) {
          const d = x[base + k]! - first;
          total += d;
          tilt += d * k;
        }
        out![i] = value(first + total / n, (tilt - middle * total) / spread, n);
      }
    },
  });
}

export const linreg = regression(
  "linreg",
  "Linear regression, end point",
  "End of the least-squares line through the last n values.",
  "Definition; equal to TA-Lib LINEARREG, by sums around the window's first value.",
  (mean, slope, n) => mean + (slope * (n - 1)) / 2,
);

export const slope = regression(
  "slope",
  "Linear regression, slope",
  "Slope per bar of the least-squares line through the last n values.",
  "Definition; TA-Lib LINEARREG_SLOPE loses digits at large prices, this does not.",
  (_mean, slope) => slope,
);

export const intercept = regression(
  "intercept",
  "Linear regression, intercept",
  "Start of the least-squares line through the last n values.",
  "Definition; equal to TA-Lib LINEARREG_INTERCEPT.",
  (mean, slope, n) => mean - (slope * (n - 1)) / 2,
);

export const angle = regression(
  "angle",
  "Linear regression, angle",
  "Angle of the least-squares line in degrees: depends on the price scale.",
  "Definition; equal to TA-Lib LINEARREG_ANGLE.",
  (_mean, slope) => (Math.atan(slope) * 180) / Math.PI,
);

export const tsf = regression(
  "tsf",
  "Time series forecast",
  "The least-squares line through the last n values, one bar on.",
  "Definition; equal to TA-Lib TSF.",
  (mean, slope, n) => mean + (slope * (n + 1)) / 2,
);

export const correl = pointwise({
  name: "correl",
  title: "Rolling correlation",
  meaning: "Pearson correlation of two series over the last n bars, -1 to 1.",
  source:
    "Definition, by two passes; of the levels given, not of their returns. 0 where one series does not move, as TA-Lib CORREL.",
  group: "statistic",
  inputs: ["x", "y"],
  params: [window(30)],
  outputs: ["value"],
  back: (p) => p[0]! - 1,
  fill([out], from, to, p, x, y) {
    const n = p[0]!;
    for (let i = from; i < to; i++) {
      const base = i - n + 1;
      const x0 = x[base]!;
      const y0 = y[base]!;
      let sx = 0;
      let sy = 0;
      for (let k = base; k <= i; k++) {
        sx += x[k]! - x0;
        sy += y[k]! - y0;
      }
      const mx = sx / n;
      const my = sy / n;
      let xx = 0;
      let yy = 0;
      let xy = 0;
      for (let k = base; k <= i; k++) {
        const a = x[k]! - x0 - mx;
        const b = y[k]! - y0 - my;
        xx += a * a;
        yy += b * b;
        xy += a * b;
      }
      const q = xx * yy;
      out![i] = q > 0 ? xy / Math.sqrt(q) : 0;
    }
  },
});
