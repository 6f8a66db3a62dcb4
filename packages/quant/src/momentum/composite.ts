import { compose } from "../compose.ts";
import type { Graph, Ref } from "../compose.ts";
import type { Kernel } from "../kernel.ts";
import { int, MAX_WINDOW, real, window } from "../kernel.ts";
import { pointwise } from "../pointwise.ts";
import { wma } from "../overlap/averages.ts";
import { slope, tsf } from "../statistic/regression.ts";
import { trueRange } from "../volatility/range.ts";
import { highest, lowest } from "../window/extreme.ts";
import { moments } from "../window/moment.ts";
import { ema, emaDecaying, emaSteady, rma, rmaPositive } from "../window/smooth.ts";
import { sma, smaRunning, sum } from "../window/sum.ts";
import { risesAndFalls, roc } from "./oscillators.ts";
import { rangePosition } from "./stoch.ts";

const hlc = ["high", "low", "close"] as const;
const about = { group: "momentum", inputs: ["close"], outputs: ["value"] } as const;
const bars = (name: string, value: number, meaning: string, min = 1) =>
  int(name, value, min, MAX_WINDOW, meaning);

function middle(g: Graph): Ref {
  return g.map(g.inputs(["high", "low"]), (o, f, t, h, l) => {
    for (let i = f; i < t; i++) o[i] = (h[i]! + l[i]!) / 2;
  });
}

export const ao = compose({
  ...about,
  name: "ao",
  title: "Awesome oscillator",
  meaning: "Fast less slow average of the middle price.",
  source: "Williams 1998; equal to TA-Lib AO.",
  inputs: ["high", "low"],
  params: [bars("fast", 5, "bars of the fast average"), bars("slow", 34, "bars of the slow average")],
  build(g, p) {
    const x = middle(g);
    return [g.sub(g.use(smaRunning, [x], [p[0]!]), g.use(smaRunning, [x], [p[1]!]))];
  },
});

export const ac = compose({
  ...about,
  name: "ac",
  title: "Accelerator oscillator",
  meaning: "Awesome oscillator less its own average.",
  source: "Williams 1998; equal to TA-Lib AC.",
  inputs: ["high", "low"],
  params: [...ao.params, bars("signal", 5, "bars of the average taken off")],
  build(g, p) {
    const x = g.use(ao, g.inputs(["high", "low"]), [p[0]!, p[1]!]);
    return [g.sub(x, g.use(smaRunning, [x], [p[2]!]))];
  },
});

export const coppock = compose({
  ...about,
  name: "coppock",
  title: "Coppock curve",
  meaning: "Weighted average of two rates of change: turns up after bear markets.",
  source: "Coppock 1962; equal to TA-Lib COPPOCK.",
  params: [
    bars("n", 10, "bars of the average"),
    bars("roc1", 11, "bars of the first rate"),
    bars("roc2", 14, "bars of the second rate"),
  ],
  build(g, p) {
    const x = g.input("close");
    return [g.use(wma, [g.add(g.use(roc, [x], [p[1]!]), g.use(roc, [x], [p[2]!]))], [p[0]!])];
  },
});

export const er = compose({
  ...about,
  name: "er",
  title: "Efficiency ratio",
  meaning: "Net move over the path walked, 0 in noise to 1 in a straight trend.",
  source: "Kaufman 1995; 1 where nothing moved, as TA-Lib ER.",
  params: [window(10)],
  build(g, p) {
    const x = g.input("close");
    const [up, down] = risesAndFalls(g, x);
    const path = g.use(sum, [g.add(up, down)], [p[0]!]);
    return [
      g.map([x, g.lag(x, p[0]!), path], (o, f, t, a, b, c) => {
        for (let i = f; i < t; i++) o[i] = c[i] === 0 ? 1 : Math.abs(a[i]! - b[i]!) / c[i]!;
      }),
    ];
  },
});

export const eri = compose({
  ...about,
  name: "eri",
  title: "Elder-Ray index",
  meaning: "High (bull) and low (bear) against the EMA of the close.",
  source: "Elder 1993; equal to TA-Lib ERI.",
  inputs: hlc,
  params: [window(13, 1)],
  outputs: ["bull", "bear"],
  build(g, p) {
    const e = g.use(ema, [g.input("close")], [p[0]!]);
    return [g.sub(g.input("high"), e), g.sub(g.input("low"), e)];
  },
});

export const fosc = compose({
  ...about,
  name: "fosc",
  title: "Forecast oscillator",
  meaning: "Close against the forecast made on the bar before, in percent of the close.",
  source: "Chande and Kroll 1994; equal to TA-Lib FOSC.",
  params: [window(5)],
  build(g, p) {
    const x = g.input("close");
    return [
      g.map([x, g.lag(g.use(tsf, [x], [p[0]!]), 1)], (o, f, t, a, b) => {
        for (let i = f; i < t; i++) o[i] = a[i] === 0 ? 0 : (100 * (a[i]! - b[i]!)) / a[i]!;
      }),
    ];
  },
});

export const imi = compose({
  ...about,
  name: "imi",
  title: "Intraday momentum index",
  meaning: "Share of the gains between open and close in all moves of the last n bars, 0 to 100.",
  source: "Chande 1994; 50 where nothing moved, as TA-Lib IMI.",
  inputs: ["open", "close"],
  params: [window(14)],
  build(g, p) {
    const x = g.sub(g.input("close"), g.input("open"));
    const up = g.map([x], (o, f, t, d) => {
      for (let i = f; i < t; i++) o[i] = (d[i]! + Math.abs(d[i]!)) / 2;
    });
    const all = g.map([x], (o, f, t, d) => {
      for (let i = f; i < t; i++) o[i] = Math.abs(d[i]!);
    });
    return [
      g.map([g.use(sum, [up], [p[0]!]), g.use(sum, [all], [p[0]!])], (o, f, t, a, b) => {
        for (let i = f; i < t; i++) o[i] = b[i] === 0 ? 50 : 100 * (a[i]! / b[i]!);
      }),
    ];
  },
});

export const kdj = compose({
  ...about,
  name: "kdj",
  title: "KDJ",
  meaning: "Stochastic with Wilder's averages (k, d), and j = 3k - 2d.",
  source: "As TA-Lib KDJ: averages seeded by their mean (charting packages start at 50).",
  inputs: hlc,
  params: [
    bars("n", 9, "bars of the range"),
    bars("k", 3, "bars that smooth k"),
    bars("d", 3, "bars that smooth d"),
  ],
  outputs: ["k", "d", "j"],
  build(g, p) {
    const raw = rangePosition(g, g.input("high"), g.input("low"), g.input("close"), p[0]!);
    const k = g.use(rma, [raw], [p[1]!]);
    const d = g.use(rma, [k], [p[2]!]);
    const j = g.map([k, d], (o, f, t, a, b) => {
      for (let i = f; i < t; i++) o[i] = 3 * a[i]! - 2 * b[i]!;
    });
    return [g.blank(k, g.start(d)), d, j];
  },
});

export const qstick = compose({
  ...about,
  name: "qstick",
  title: "Qstick",
  meaning: "Mean of close less open over the last n bars.",
  source: "Chande 1994; equal to TA-Lib QSTICK.",
  inputs: ["open", "close"],
  params: [window(10, 1)],
  build: (g, p) => [g.use(sma, [g.sub(g.input("close"), g.input("open"))], [p[0]!])],
});

export const smi = compose({
  ...about,
  name: "smi",
  title: "Stochastic momentum index",
  meaning: "Distance of the close from the middle of its range, twice smoothed, -100 to 100, and its signal.",
  source: "Blau 1993; slow EMA first, as TA-Lib SMI.",
  inputs: hlc,
  params: [
    bars("n", 13, "bars of the range"),
    bars("fast", 2, "bars of the second smoothing"),
    bars("slow", 25, "bars of the first smoothing"),
    bars("signal", 9, "bars of the signal"),
  ],
  outputs: ["smi", "signal"],
  build(g, p) {
    const hi = g.use(highest, [g.input("high")], [p[0]!]);
    const lo = g.use(lowest, [g.input("low")], [p[0]!]);
    const away = g.map([g.input("close"), hi, lo], (o, f, t, c, h, l) => {
      for (let i = f; i < t; i++) o[i] = c[i]! - (h[i]! + l[i]!) / 2;
    });
    const twice = (x: Ref) => g.use(emaDecaying, [g.use(emaDecaying, [x], [p[2]!])], [p[1]!]);
    const value = g.map([twice(away), twice(g.sub(hi, lo))], (o, f, t, a, b) => {
      for (let i = f; i < t; i++) o[i] = b[i] === 0 ? 0 : (100 * a[i]!) / (b[i]! / 2);
    });
    const signal = g.use(ema, [value], [p[3]!]);
    return [g.blank(value, g.start(signal)), signal];
  },
});

export const tsi = compose({
  ...about,
  name: "tsi",
  title: "True strength index",
  meaning: "Twice smoothed change over the twice smoothed size of changes, -100 to 100.",
  source: "Blau 1991; 0 where nothing moved, as TA-Lib TSI.",
  params: [bars("slow", 25, "bars of the first smoothing"), bars("fast", 13, "bars of the second smoothing")],
  build(g, p) {
    const change = g.mapBack([g.input("close")], 1, (o, f, t, a) => {
      for (let i = f; i < t; i++) o[i] = a[i]! - a[i - 1]!;
    });
    const size = g.map([change], (o, f, t, a) => {
      for (let i = f; i < t; i++) o[i] = Math.abs(a[i]!);
    });
    const twice = (x: Ref) => g.use(emaDecaying, [g.use(emaDecaying, [x], [p[0]!])], [p[1]!]);
    return [
      g.map([twice(change), twice(size)], (o, f, t, a, b) => {
        for (let i = f; i < t; i++) o[i] = b[i] === 0 ? 0 : (100 * a[i]!) / b[i]!;
      }),
    ];
  },
});

export const ultosc = compose({
  ...about,
  name: "ultosc",
  title: "Ultimate oscillator",
  meaning: "Buying pressure over true range of three windows, weighed 4, 2 and 1, 0 to 100.",
  source: "Williams 1985; equal to TA-Lib ULTOSC.",
  inputs: hlc,
  params: [
    bars("n1", 7, "bars of the first window"),
    bars("n2", 14, "bars of the second"),
    bars("n3", 28, "bars of the third"),
  ],
  build(g, p) {
    const pressure = g.mapBack([g.input("low"), g.input("close")], 1, (o, f, t, l, c) => {
      for (let i = f; i < t; i++) o[i] = c[i]! - Math.min(l[i]!, c[i - 1]!);
    });
    const range = g.use(trueRange, g.inputs(hlc));
    const share = (n: number) =>
      g.map([g.use(sum, [pressure], [n]), g.use(sum, [range], [n])], (o, f, t, a, b) => {
        for (let i = f; i < t; i++) o[i] = b[i] === 0 ? 0 : a[i]! / b[i]!;
      });
    const [n1, n2, n3] = [p[0]!, p[1]!, p[2]!].sort((a, b) => a - b);
    return [
      g.map([share(n1!), share(n2!), share(n3!)], (o, f, t, a, b, c) => {
        for (let i = f; i < t; i++) o[i] = (100 * (4 * a[i]! + 2 * b[i]! + c[i]!)) / 7;
      }),
    ];
  },
});

export const vhf = compose({
  ...about,
  name: "vhf",
  title: "Vertical horizontal filter",
  meaning: "Range of the last n closes over the path walked: high in a trend.",
  source: "White 1991; equal to TA-Lib VHF.",
  params: [window(28)],
  build(g, p) {
    const x = g.input("close");
    const [up, down] = risesAndFalls(g, x);
    const path = g.use(sum, [g.add(up, down)], [p[0]!]);
    return [
      g.map([g.use(highest, [x], [p[0]!]), g.use(lowest, [x], [p[0]!]), path], (o, f, t, a, b, c) => {
        for (let i = f; i < t; i++) o[i] = c[i] === 0 ? 0 : (a[i]! - b[i]!) / c[i]!;
      }),
    ];
  },
});

export const vortex = compose({
  ...about,
  name: "vortex",
  title: "Vortex indicator",
  meaning: "Upward and downward movement against the bar before, over true range.",
  source: "Botes and Siepman 2010; equal to TA-Lib VORTEX.",
  inputs: hlc,
  params: [window(14)],
  outputs: ["plus", "minus"],
  build(g, p) {
    const [h, l] = [g.input("high"), g.input("low")];
    const away = (x: Ref, y: Ref) =>
      g.mapBack([x, y], 1, (o, f, t, a, b) => {
        for (let i = f; i < t; i++) o[i] = Math.abs(a[i]! - b[i - 1]!);
      });
    const range = g.use(sum, [g.use(trueRange, g.inputs(hlc))], [p[0]!]);
    const share = (x: Ref) =>
      g.map([g.use(sum, [x], [p[0]!]), range], (o, f, t, a, b) => {
        for (let i = f; i < t; i++) o[i] = b[i] === 0 ? 0 : a[i]! / b[i]!;
      });
    return [share(away(h, l)), share(away(l, h))];
  },
});

export const kst = compose({
  ...about,
  name: "kst",
  title: "Know sure thing",
  meaning: "Weighted sum of four smoothed rates of change, in percent, and its signal.",
  source: "Pring 1992: rates of 10, 15, 20, 30 bars, averages of 10, 10, 10, 15, weights 1 to 4.",
  params: [bars("signal", 9, "bars of the signal")],
  outputs: ["value", "signal"],
  build(g, p) {
    const x = g.input("close");
    const part = (n: number, m: number) => g.use(sma, [g.use(roc, [x], [n])], [m]);
    const value = g.map([part(10, 10), part(15, 10), part(20, 10), part(30, 15)], (o, f, t, a, b, c, d) => {
      for (let i = f; i < t; i++) o[i] = a[i]! + 2 * b[i]! + 3 * c[i]! + 4 * d[i]!;
    });
    return [value, g.use(sma, [value], [p[0]!])];
  },
});

/** State: started?, run length. */
export const streak: Kernel = {
  ...about,
  name: "streak",
  title: "Streak",
  meaning: "Length of the run of rising (+) or falling (-) closes; 0 after an unchanged close.",
  source: "Connors and Alvarez 2012.",
  params: [],
  warmup: () => 0,
  lookback: () => 1,
  stateSize: () => 2,
  run(inputs, outputs, from, to, _p, s) {
    const x = inputs[0]!;
    const out = outputs[0]!;
    let run = s[1]!;
    for (let i = from; i < to; i++) {
      const way = s[0] === 0 ? 0 : Math.sign(x[i]! - x[i - 1]!);
      s[0] = 1;
      run = way === 0 ? 0 : run * way > 0 ? run + way : way;
      out[i] = run;
    }
    s[1] = run;
  },
};

export const connorsRank = pointwise({
  ...about,
  name: "connorsrank",
  title: "Percent rank of the one-bar change",
  meaning: "Share of the n one-bar changes before that lie below this one, 0 to 100.",
  source: "Connors and Alvarez 2012; changes in percent closer than 1e-10 count as equal.",
  params: [window(100, 1)],
  back: (p) => p[0]! + 1,
  fill([out], from, to, p, x) {
    const n = p[0]!;
    for (let i = from; i < to; i++) {
      const now = 100 * (x[i]! / x[i - 1]! - 1);
      let below = 0;
      for (let k = i - n; k < i; k++) below += +(now - 100 * (x[k]! / x[k - 1]! - 1) > 1e-10);
      out![i] = (100 * below) / n;
    }
  },
});

/** RSI that is NaN where nothing ever moved. */
function strictRsi(g: Graph, x: Ref, n: number): Ref {
  const [up, down] = risesAndFalls(g, x);
  return g.map([g.use(rmaPositive, [up], [n]), g.use(rmaPositive, [down], [n])], (o, f, t, u, d) => {
    for (let i = f; i < t; i++) o[i] = u[i]! + d[i]! === 0 ? NaN : 100 * (u[i]! / (u[i]! + d[i]!));
  });
}

export const connorsRsi = compose({
  ...about,
  name: "connorsrsi",
  title: "Connors RSI",
  meaning: "Mean of a short RSI, the RSI of the streak and the percent rank of the change, 0 to 100.",
  source: "Connors and Alvarez 2012; NaN where an RSI is 0/0.",
  params: [
    bars("rsi", 3, "bars of the RSI"),
    bars("streak", 2, "bars of the streak's RSI"),
    bars("rank", 100, "changes ranked"),
  ],
  build(g, p) {
    const x = g.input("close");
    return [
      g.map(
        [strictRsi(g, x, p[0]!), strictRsi(g, g.use(streak, [x]), p[1]!), g.use(connorsRank, [x], [p[2]!])],
        (o, f, t, a, b, c) => {
          for (let i = f; i < t; i++) o[i] = (a[i]! + b[i]! + c[i]!) / 3;
        },
      ),
    ];
  },
});

/** State: smoothed position, value. */
const fisherTransform: Kernel = {
  ...about,
  name: "fishertransform",
  title: "Fisher transform of a position",
  meaning: "Fisher transform of a smoothed position between -0.5 and 0.5.",
  source: "Ehlers 2002: clipped beyond 0.99 to 0.999, and the clipped value is carried.",
  params: [],
  warmup: () => 0,
  lookback: () => 0,
  stateSize: () => 2,
  run(inputs, outputs, from, to, _p, s) {
    const x = inputs[0]!;
    const out = outputs[0]!;
    let [value, fish] = [s[0]!, s[1]!];
    for (let i = from; i < to; i++) {
      value = 0.33 * 2 * x[i]! + 0.67 * value;
      if (value > 0.99) value = 0.999;
      if (value < -0.99) value = -0.999;
      fish = 0.5 * Math.log((1 + value) / (1 - value)) + 0.5 * fish;
      if (Math.abs(fish) < 1e-200) fish = 0;
      if (Math.abs(value) < 1e-200) value = 0;
      out[i] = fish;
    }
    s[0] = value;
    s[1] = fish;
  },
};

export const fisher = compose({
  ...about,
  name: "fisher",
  title: "Fisher transform",
  meaning:
    "Position of the middle price in its range, made nearly normal: sharp turning points; signal is the bar before.",
  source: "Ehlers 2002; the position is 0 where the range is.",
  inputs: ["high", "low"],
  params: [window(10)],
  outputs: ["value", "signal"],
  build(g, p) {
    const x = middle(g);
    const position = g.map(
      [x, g.use(highest, [x], [p[0]!]), g.use(lowest, [x], [p[0]!])],
      (o, f, t, a, h, l) => {
        for (let i = f; i < t; i++) o[i] = h[i]! > l[i]! ? (a[i]! - l[i]!) / (h[i]! - l[i]!) - 0.5 : 0;
      },
    );
    const value = g.use(fisherTransform, [position]);
    return [value, g.lag(value, 1)];
  },
});

export const squeeze = compose({
  ...about,
  name: "squeeze",
  title: "TTM squeeze",
  meaning: "1 while the Bollinger bands lie inside the Keltner channel, and the momentum that follows.",
  source: "Carter 2005: population deviation, SMA of the true range; momentum as published by LazyBear 2014.",
  inputs: hlc,
  params: [
    window(20),
    real("bb", 2, 0, 100, "deviations of the bands"),
    real("kc", 1.5, 0, 100, "ranges of the channel"),
  ],
  outputs: ["on", "momentum"],
  build(g, p) {
    const n = p[0]!;
    const c = g.input("close");
    const [mean, variance] = g.all(moments, [c], [n]);
    const range = g.use(sma, [g.use(trueRange, g.inputs(hlc))], [n]);
    const on = g.map([mean!, variance!, range], (o, f, t, m, v, r) => {
      for (let i = f; i < t; i++) {
        const band = p[1]! * Math.sqrt(v[i]!);
        const width = p[2]! * r[i]!;
        o[i] = +(m[i]! + band < m[i]! + width && m[i]! - band > m[i]! - width);
      }
    });
    const hi = g.use(highest, [g.input("high")], [n]);
    const lo = g.use(lowest, [g.input("low")], [n]);
    const away = g.map([c, hi, lo, g.use(sma, [c], [n])], (o, f, t, x, h, l, m) => {
      for (let i = f; i < t; i++) o[i] = x[i]! - ((h[i]! + l[i]!) / 2 + m[i]!) / 2;
    });
    const end = g.map([g.use(sma, [away], [n]), g.use(slope, [away], [n])], (o, f, t, m, b) => {
      for (let i = f; i < t; i++) o[i] = m[i]! + (b[i]! * (n - 1)) / 2;
    });
    return [on, end];
  },
});

export const vigor = compose({
  ...about,
  name: "vigor",
  title: "Relative vigor index",
  meaning: "Smoothed close less open over smoothed range, and its signal.",
  source: "Ehlers 2002; NaN where the ranges sum to 0.",
  inputs: ["open", "high", "low", "close"],
  params: [window(10, 1)],
  outputs: ["value", "signal"],
  build(g, p) {
    const weigh = (x: Ref) =>
      g.mapBack([x], 3, (o, f, t, a) => {
        for (let i = f; i < t; i++) o[i] = (a[i]! + 2 * a[i - 1]! + 2 * a[i - 2]! + a[i - 3]!) / 6;
      });
    const body = weigh(g.sub(g.input("close"), g.input("open")));
    const range = weigh(g.sub(g.input("high"), g.input("low")));
    const value = g.ratio(g.use(sma, [body], [p[0]!]), g.use(sma, [range], [p[0]!]));
    return [value, weigh(value)];
  },
});

/** Stochastic of a series, 0 to 100, that keeps its last value where the range is 0. State: last value. */
const heldStochastic: Kernel = {
  ...about,
  name: "heldstochastic",
  title: "Held stochastic",
  meaning: "Position in the range; the last value where the range is 0.",
  source: "Schaff 1999.",
  inputs: ["x", "high", "low"],
  params: [],
  warmup: () => 0,
  lookback: () => 0,
  stateSize: () => 1,
  run(inputs, outputs, from, to, _p, s) {
    const [x, h, l] = [inputs[0]!, inputs[1]!, inputs[2]!];
    const out = outputs[0]!;
    let last = s[0]!;
    for (let i = from; i < to; i++) {
      if (h[i]! > l[i]!) last = (100 * (x[i]! - l[i]!)) / (h[i]! - l[i]!);
      out[i] = last;
    }
    s[0] = last;
  },
};

/** Smoothing e += k (x - e) from the first value on. State: started?, value. */
const follow: Kernel = {
  ...about,
  name: "follow",
  title: "Smoothing from the first value",
  meaning: "Average that starts at the first value.",
  source: "Schaff 1999.",
  params: [real("k", 0.5, 1e-6, 1, "weight of the newest value")],
  warmup: () => 0,
  lookback: () => 0,
  stateSize: () => 2,
  run(inputs, outputs, from, to, p, s) {
    const x = inputs[0]!;
    const out = outputs[0]!;
    let e = s[1]!;
    for (let i = from; i < to; i++) {
      e = s[0] === 0 ? x[i]! : e + p[0]! * (x[i]! - e);
      s[0] = 1;
      if (Math.abs(e) < 1e-200) e = 0;
      out[i] = e;
    }
    s[1] = e;
  },
};

export const stc = compose({
  ...about,
  name: "stc",
  title: "Schaff trend cycle",
  meaning: "Stochastic of the MACD, smoothed, twice: 0 to 100.",
  source: "Schaff 1999; the stochastic keeps its last value where the range is 0.",
  params: [
    bars("cycle", 10, "bars of the stochastic"),
    bars("fast", 23, "bars of the fast average"),
    bars("slow", 50, "bars of the slow average"),
    real("k", 0.5, 1e-6, 1, "weight of the newest value in each smoothing"),
  ],
  build(g, p) {
    const x = g.input("close");
    let line = g.sub(g.use(emaSteady, [x], [p[1]!]), g.use(emaSteady, [x], [p[2]!]));
    for (let k = 0; k < 2; k++) {
      const held = g.use(heldStochastic, [
        line,
        g.use(highest, [line], [p[0]!]),
        g.use(lowest, [line], [p[0]!]),
      ]);
      line = g.use(follow, [held], [p[3]!]);
    }
    return [line];
  },
});
