import { compose } from "../compose.ts";
import { int, window } from "../kernel.ts";
import { moments } from "../window/moment.ts";

const ddof = int("ddof", 1, 0, 1, "0 divides by n (population), 1 by n - 1 (sample)");

export const zscore = compose({
  name: "zscore",
  title: "Rolling z-score",
  meaning:
    "Distance of a value from the mean of the last n, in deviations; the current value is inside the window.",
  source:
    "(x - mean)/sd; NaN where the deviation is 0. zscoreprev leaves the current value out of the window.",
  group: "statistic",
  inputs: ["close"],
  params: [window(20), ddof],
  outputs: ["value"],
  build(g, p) {
    const x = g.input("close");
    const [mean, variance] = g.all(moments, [x], [p[0]!]);
    const m = p[1] === 1 ? p[0]! / (p[0]! - 1) : 1;
    return [
      g.map([x, mean!, variance!], (o, f, t, a, b, c) => {
        for (let i = f; i < t; i++) o[i] = c[i] === 0 ? NaN : (a[i]! - b[i]!) / Math.sqrt(c[i]! * m);
      }),
    ];
  },
});

export const zscorePrev = compose({
  name: "zscoreprev",
  title: "Rolling z-score against the bars before",
  meaning: "Distance of a value from the mean of the n values before it, in their deviations.",
  source: "(x - mean)/sd over the n bars before the current one; NaN where the deviation is 0.",
  group: "statistic",
  inputs: ["close"],
  params: [window(20), ddof],
  outputs: ["value"],
  build(g, p) {
    const x = g.input("close");
    const [mean, variance] = g.all(moments, [x], [p[0]!]);
    const m = p[1] === 1 ? p[0]! / (p[0]! - 1) : 1;
    return [
      g.map([x, g.lag(mean!, 1), g.lag(variance!, 1)], (o, f, t, a, b, c) => {
        for (let i = f; i < t; i++) o[i] = c[i] === 0 ? NaN : (a[i]! - b[i]!) / Math.sqrt(c[i]! * m);
      }),
    ];
  },
});
