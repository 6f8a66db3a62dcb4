import { compose } from "../compose.ts";
import type { Kernel } from "../kernel.ts";
import { int, MAX_WINDOW, real, window } from "../kernel.ts";
import { pointwise } from "../pointwise.ts";

const about = { group: "statistic", inputs: ["close"], outputs: ["value"] } as const;

export const avgDev = pointwise({
  ...about,
  name: "avgdev",
  title: "Mean absolute deviation",
  meaning: "Mean distance of the last n values from their mean.",
  source: "Definition; equal to TA-Lib AVGDEV, with digits kept at large prices.",
  params: [window(14)],
  back: (p) => p[0]! - 1,
  fill([out], from, to, p, x) {
    const n = p[0]!;
    for (let i = from; i < to; i++) {
      const first = x[i - n + 1]!;
      let total = 0;
      for (let k = i - n + 2; k <= i; k++) total += x[k]! - first;
      const mean = total / n;
      let away = 0;
      for (let k = i - n + 1; k <= i; k++) away += Math.abs(x[k]! - first - mean);
      out![i] = away / n;
    }
  },
});

export const beta = pointwise({
  ...about,
  name: "beta",
  title: "Rolling beta",
  meaning:
    "Slope of the one-bar returns of y on those of x over the last n bars: x is the index, y the stock.",
  source:
    "Least squares, by two passes. TA-Lib BETA takes the same order, though its documentation says the reverse.",
  inputs: ["x", "y"],
  params: [window(5, 1)],
  back: (p) => p[0]!,
  fill([out], from, to, p, x, y) {
    const n = p[0]!;
    for (let i = from; i < to; i++) {
      let sx = 0;
      let sy = 0;
      for (let k = i - n + 1; k <= i; k++) {
        sx += (x[k]! - x[k - 1]!) / x[k - 1]!;
        sy += (y[k]! - y[k - 1]!) / y[k - 1]!;
      }
      const mx = sx / n;
      const my = sy / n;
      let xx = 0;
      let xy = 0;
      for (let k = i - n + 1; k <= i; k++) {
        const a = (x[k]! - x[k - 1]!) / x[k - 1]! - mx;
        xx += a * a;
        xy += a * ((y[k]! - y[k - 1]!) / y[k - 1]! - my);
      }
      out![i] = xx === 0 ? 0 : xy / xx;
    }
  },
});

/** A statistic of the sorted window. The scratch belongs to one parameter set. */
function sorted(
  name: string,
  title: string,
  meaning: string,
  source: string,
  params: Kernel["params"],
  value: (w: Float64Array, p: readonly number[]) => number,
) {
  return compose({
    ...about,
    name,
    title,
    meaning,
    source,
    params,
    build(g, p) {
      const n = p[0]!;
      const w = new Float64Array(n);
      return [
        g.mapBack([g.input("close")], n - 1, (o, f, t, x) => {
          for (let i = f; i < t; i++) {
            w.set(x.subarray(i - n + 1, i + 1));
            w.sort();
            o[i] = value(w, p);
          }
        }),
      ];
    },
  });
}

export const percentile = sorted(
  "percentile",
  "Percentile by nearest rank",
  "Smallest of the last n values with at least the given percent of them at or below it.",
  "Inverse empirical distribution, as TA-Lib PERCENTILE; quantile interpolates.",
  [window(30, 1), real("percent", 50, 0, 100, "percent at or below")],
  (w, p) => w[Math.max(0, Math.ceil((p[1]! / 100) * w.length - 1e-9) - 1)]!,
);

export const quantile = sorted(
  "quantile",
  "Rolling quantile",
  "Quantile of the last n values, interpolated.",
  "Hyndman-Fan type 7, the default of numpy and pandas.",
  [window(20, 1), real("q", 0.5, 0, 1, "share below")],
  (w, p) => {
    const at = p[1]! * (w.length - 1);
    const k = Math.floor(at);
    const low = w[k]!;
    return k + 1 < w.length ? low + (at - k) * (w[k + 1]! - low) : low;
  },
);

export const median = sorted(
  "median",
  "Rolling median",
  "Middle of the last n values.",
  "Definition; mean of the two middle values where n is even.",
  [window(20, 1)],
  (w) => {
    const k = w.length >> 1;
    return w.length % 2 ? w[k]! : (w[k - 1]! + w[k]!) / 2;
  },
);

export const mad = compose({
  ...about,
  name: "mad",
  title: "Median absolute deviation",
  meaning: "Median distance of the last n values from their median.",
  source: "Hampel 1974; not scaled (times 1.4826 it estimates a normal deviation).",
  params: [window(20, 1)],
  build(g, p) {
    const n = p[0]!;
    const w = new Float64Array(n);
    const middle = (): number => (n % 2 ? w[n >> 1]! : (w[(n >> 1) - 1]! + w[n >> 1]!) / 2);
    return [
      g.mapBack([g.input("close")], n - 1, (o, f, t, x) => {
        for (let i = f; i < t; i++) {
          w.set(x.subarray(i - n + 1, i + 1));
          w.sort();
          const m = middle();
          for (let k = 0; k < n; k++) w[k] = Math.abs(x[i - k]! - m);
          w.sort();
          o[i] = middle();
        }
      }),
    ];
  },
});

export const percentRank = pointwise({
  ...about,
  name: "percentrank",
  title: "Percent rank against the bars before",
  meaning: "Percent of the n values before that lie below this one.",
  source: "As TA-Lib PERCENTRANK: strictly below, the current value left out.",
  params: [window(100, 1)],
  back: (p) => p[0]!,
  fill([out], from, to, p, x) {
    const n = p[0]!;
    for (let i = from; i < to; i++) {
      let below = 0;
      for (let k = i - n; k < i; k++) below += +(x[k]! < x[i]!);
      out![i] = (100 * below) / n;
    }
  },
});

export const rank = pointwise({
  ...about,
  name: "rank",
  title: "Rolling rank",
  meaning: "Rank of this value among the last n, 1 to n; ties take their mean rank.",
  source: "Definition; as pandas and scipy with method average.",
  params: [window(20, 1)],
  back: (p) => p[0]! - 1,
  fill([out], from, to, p, x) {
    const n = p[0]!;
    for (let i = from; i < to; i++) {
      let below = 0;
      let equal = 0;
      for (let k = i - n + 1; k <= i; k++) {
        below += +(x[k]! < x[i]!);
        equal += +(x[k] === x[i]);
      }
      out![i] = below + (equal + 1) / 2;
    }
  },
});

export const percentileRank = pointwise({
  ...about,
  name: "percentilerank",
  title: "Percentile rank",
  meaning: "Share of the last n values at or below this one, itself included, 0 to 1.",
  source: "Definition.",
  params: [window(20, 1)],
  back: (p) => p[0]! - 1,
  fill([out], from, to, p, x) {
    const n = p[0]!;
    for (let i = from; i < to; i++) {
      let count = 0;
      for (let k = i - n + 1; k <= i; k++) count += +(x[k]! <= x[i]!);
      out![i] = count / n;
    }
  },
});

/** x * x * x, rounded once: products are split into halves whose products are exact. */
function cube(x: number): number {
  const c = 134217729 * x;
  const high = c - (c - x);
  const low = x - high;
  const square = x * x;
  const squareLow = high * high - square + 2 * high * low + low * low;
  const d = 134217729 * square;
  const sHigh = d - (d - square);
  const sLow = square - sHigh;
  const product = square * x;
  const productLow = sHigh * high - product + sHigh * low + sLow * high + sLow * low;
  return product + (productLow + squareLow * x);
}

/** Sum of cubed distances from the mean, summed with compensation. */
function carefulThird(x: Float64Array, i: number, n: number): number {
  let total = 0;
  let lost = 0;
  const add = (v: number): void => {
    const next = total + v;
    lost += Math.abs(total) >= Math.abs(v) ? total - next + v : v - next + total;
    total = next;
  };
  for (let k = i - n + 1; k <= i; k++) add(x[k]!);
  const mean = (total + lost) / n;
  total = 0;
  lost = 0;
  for (let k = i - n + 1; k <= i; k++) add(cube(x[k]! - mean));
  return total + lost;
}

function shape(
  name: string,
  title: string,
  meaning: string,
  source: string,
  least: number,
  value: (m2: number, m3: number, m4: number, n: number) => number,
) {
  return pointwise({
    ...about,
    name,
    title,
    meaning,
    source,
    params: [window(20, least)],
    back: (p) => p[0]! - 1,
    fill([out], from, to, p, x) {
      const n = p[0]!;
      for (let i = from; i < to; i++) {
        const first = x[i - n + 1]!;
        let total = 0;
        for (let k = i - n + 2; k <= i; k++) total += x[k]! - first;
        const mean = total / n;
        let m2 = 0;
        let m3 = 0;
        let m4 = 0;
        for (let k = i - n + 1; k <= i; k++) {
          const d = x[k]! - first - mean;
          const dd = d * d;
          m2 += dd;
          m3 += dd * d;
          m4 += dd * dd;
        }
        // a third moment that is all rounding: a symmetric window
        if (Math.abs(m3) < 1e-10 * m2 * Math.sqrt(m2)) m3 = carefulThird(x, i, n);
        out![i] = m2 === 0 ? NaN : value(m2 / n, m3 / n, m4 / n, n);
      }
    },
  });
}

export const skew = shape(
  "skew",
  "Rolling skewness",
  "Asymmetry of the last n values: negative with a long tail below.",
  "Adjusted Fisher-Pearson G1 (Joanes and Gill 1998; pandas, Excel SKEW); NaN where the variance is 0.",
  3,
  (m2, m3, _m4, n) => ((Math.sqrt(n * (n - 1)) / (n - 2)) * m3) / m2 ** 1.5,
);

export const kurt = shape(
  "kurt",
  "Rolling kurtosis",
  "Weight of the tails of the last n values over a normal distribution's.",
  "Adjusted excess kurtosis G2 (Joanes and Gill 1998; pandas, Excel KURT); NaN where the variance is 0.",
  4,
  (m2, _m3, m4, n) => (((n + 1) * (m4 / (m2 * m2) - 3) + 6) * (n - 1)) / ((n - 2) * (n - 3)),
);

export const logReturn = pointwise({
  ...about,
  name: "logreturn",
  title: "Log return",
  meaning: "Natural logarithm of the value over that of n bars ago.",
  source: "Definition; NaN where a value is not above 0.",
  params: [window(1, 1, "bars back")],
  back: (p) => p[0]!,
  fill([out], from, to, p, x) {
    const n = p[0]!;
    for (let i = from; i < to; i++) {
      const q = x[i]! / x[i - n]!;
      out![i] = q > 0 ? Math.log(q) : NaN;
    }
  },
});

export const pctChange = pointwise({
  ...about,
  name: "pctchange",
  title: "Simple return",
  meaning: "Change over n bars as a fraction of the old value.",
  source: "Definition; NaN where the old value is 0.",
  params: [window(1, 1, "bars back")],
  back: (p) => p[0]!,
  fill([out], from, to, p, x) {
    const n = p[0]!;
    for (let i = from; i < to; i++) out![i] = x[i - n] === 0 ? NaN : x[i]! / x[i - n]! - 1;
  },
});

export const skewReturns = compose({
  ...about,
  name: "skewreturns",
  title: "Rolling skewness of log returns",
  meaning: "Asymmetry of the last n log returns.",
  source: skew.source,
  params: skew.params,
  build: (g, p) => [g.use(skew, [g.use(logReturn, [g.input("close")], [1])], [p[0]!])],
});

export const kurtReturns = compose({
  ...about,
  name: "kurtreturns",
  title: "Rolling kurtosis of log returns",
  meaning: "Weight of the tails of the last n log returns.",
  source: kurt.source,
  params: kurt.params,
  build: (g, p) => [g.use(kurt, [g.use(logReturn, [g.input("close")], [1])], [p[0]!])],
});

export const hurst = compose({
  ...about,
  name: "hurst",
  title: "Rolling Hurst exponent",
  meaning:
    "Growth of the deviation of k-bar differences with k: 0.5 random, above it trending, below it reverting.",
  source:
    "Slope of ln(population deviation of k-step differences of ln x) on ln k; NaN where a deviation is 0.",
  params: [
    window(100, 8),
    int("least", 2, 1, 10_000, "shortest step"),
    int("most", 20, 2, 10_000, "longest step"),
  ],
  check(p) {
    if (p[1]! >= p[2]!) throw new RangeError("hurst: least must be below most");
    if (p[2]! > p[0]! - 2) throw new RangeError("hurst: most must be at most n - 2");
  },
  build(g, p) {
    const [n, least, most] = [p[0]!, p[1]!, p[2]!];
    const count = most - least + 1;
    const logs = Float64Array.from({ length: count }, (_, k) => Math.log(least + k));
    const mean = logs.reduce((a, b) => a + b, 0) / count;
    const spread = logs.reduce((a, b) => a + (b - mean) ** 2, 0);
    const x = g.map([g.input("close")], (o, f, t, a) => {
      for (let i = f; i < t; i++) o[i] = Math.log(a[i]!);
    });
    return [
      g.mapBack([x], n - 1, (o, f, t, a) => {
        for (let i = f; i < t; i++) {
          let tilt = 0;
          for (let s = least; s <= most; s++) {
            const m = n - s;
            let total = 0;
            for (let k = i - m + 1; k <= i; k++) total += a[k]! - a[k - s]!;
            const middle = total / m;
            let square = 0;
            for (let k = i - m + 1; k <= i; k++) square += (a[k]! - a[k - s]! - middle) ** 2;
            tilt += square > 0 ? (logs[s - least]! - mean) * Math.log(Math.sqrt(square / m)) : NaN;
          }
          o[i] = tilt / spread;
        }
      }),
    ];
  },
});

export const entropy = pointwise({
  ...about,
  name: "entropy",
  title: "Rolling entropy",
  meaning: "Shannon entropy of the last n values as shares of their sum, in bits.",
  source: "Shannon 1948, base 2; of prices, as pandas-ta prints it.",
  params: [window(20)],
  back: (p) => p[0]! - 1,
  fill([out], from, to, p, x) {
    const n = p[0]!;
    for (let i = from; i < to; i++) {
      let total = 0;
      for (let k = i - n + 1; k <= i; k++) total += x[k]!;
      let bits = 0;
      for (let k = i - n + 1; k <= i; k++) bits -= (x[k]! / total) * Math.log2(x[k]! / total);
      out![i] = bits;
    }
  },
});

export const permutationEntropy = compose({
  ...about,
  name: "permutationentropy",
  title: "Permutation entropy",
  meaning: "Entropy of the orderings of neighbouring values in the last n, in bits: low in regular movement.",
  source: "Bandt and Pompe 2002; equal values are ordered by time.",
  params: [window(50, 3), int("order", 3, 2, 6, "values in an ordering")],
  check(p) {
    if (p[1]! > p[0]!) throw new RangeError("permutationentropy: order must be at most n");
  },
  build(g, p) {
    const [n, order] = [p[0]!, p[1]!];
    let patterns = 1;
    for (let k = 2; k <= order; k++) patterns *= k;
    const counts = new Float64Array(patterns);
    const total = n - order + 1;
    return [
      g.mapBack([g.input("close")], n - 1, (o, f, t, x) => {
        for (let i = f; i < t; i++) {
          counts.fill(0);
          for (let k = i - n + 1; k <= i - order + 1; k++) {
            let code = 0;
            for (let a = 0; a < order - 1; a++) {
              let smaller = 0;
              for (let b = a + 1; b < order; b++) smaller += +(x[k + b]! < x[k + a]!);
              code = code * (order - a) + smaller;
            }
            counts[code] = counts[code]! + 1;
          }
          let bits = 0;
          for (let c = 0; c < patterns; c++) {
            if (counts[c]! > 0) bits -= (counts[c]! / total) * Math.log2(counts[c]! / total);
          }
          o[i] = bits + 0;
        }
      }),
    ];
  },
});

export const mavp: Kernel = {
  ...about,
  name: "mavp",
  title: "Moving average with variable period",
  meaning: "Mean of as many of the last values as the second series says on each bar.",
  source: "TA-Lib MAVP with simple averages; the period is cut to whole bars and to the limits.",
  group: "overlap",
  inputs: ["x", "periods"],
  params: [
    int("least", 2, 1, MAX_WINDOW, "shortest period"),
    int("most", 30, 1, MAX_WINDOW, "longest period"),
  ],
  check(p) {
    if (p[0]! > p[1]!) throw new RangeError("mavp: least must not be above most");
  },
  warmup: (p) => p[1]! - 1,
  lookback: (p) => p[1]! - 1,
  stateSize: () => 1,
  run(inputs, outputs, from, to, p, s) {
    const [x, periods] = [inputs[0]!, inputs[1]!];
    const out = outputs[0]!;
    let seen = s[0]!;
    for (let i = from; i < to; i++, seen++) {
      if (seen < p[1]! - 1) {
        out[i] = NaN;
        continue;
      }
      const n = Math.min(p[1]!, Math.max(p[0]!, Math.trunc(periods[i]!)));
      let total = 0;
      for (let k = i - n + 1; k <= i; k++) total += x[k]!;
      out[i] = total / n;
    }
    s[0] = seen;
  },
};
