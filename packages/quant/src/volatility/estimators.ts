import { compose } from "../compose.ts";
import type { Graph, Ref } from "../compose.ts";
import { int, MAX_WINDOW, real, window } from "../kernel.ts";
import { roc } from "../momentum/oscillators.ts";
import { highest, lowest } from "../window/extreme.ts";
import { moments } from "../window/moment.ts";
import { emaDecaying, emaSteady, rmaPositive, smoothPositive } from "../window/smooth.ts";
import { sma, sum } from "../window/sum.ts";
import { atr, trueRange } from "./range.ts";

const hlc = ["high", "low", "close"] as const;
const ohlc = ["open", "high", "low", "close"] as const;
const about = { group: "volatility", inputs: ["close"], outputs: ["value"] } as const;
const PER_BAR = "Per bar: multiply by the root of bars a year.";

export const adr = compose({
  ...about,
  name: "adr",
  title: "Average bar range",
  meaning: "Mean of high less low over the last n bars.",
  source: "Definition; equal to TA-Lib ADR.",
  inputs: ["high", "low"],
  params: [window(14, 1)],
  build: (g, p) => [g.use(sma, [g.sub(g.input("high"), g.input("low"))], [p[0]!])],
});

export const cvi = compose({
  ...about,
  name: "cvi",
  title: "Chaikin volatility",
  meaning: "Change over some bars of the averaged range, in percent.",
  source: "Chaikin; equal to TA-Lib CVI.",
  inputs: ["high", "low"],
  params: [window(10, 1), int("back", 10, 1, MAX_WINDOW, "bars of the change")],
  build: (g, p) => [
    g.use(roc, [g.use(emaSteady, [g.sub(g.input("high"), g.input("low"))], [p[0]!])], [p[1]!]),
  ],
});

export const massi = compose({
  ...about,
  name: "massi",
  title: "Mass index",
  meaning: "Sum of the ratio of an averaged range to its own average: bulges before reversals.",
  source: "Dorsey 1992; a ratio is 1 where the range is 0, as TA-Lib MASSI.",
  inputs: ["high", "low"],
  params: [int("fast", 9, 1, MAX_WINDOW, "bars of the averages"), int("n", 25, 1, MAX_WINDOW, "bars summed")],
  build(g, p) {
    const e = g.use(emaDecaying, [g.sub(g.input("high"), g.input("low"))], [p[0]!]);
    const ratio = g.map([e, g.use(emaDecaying, [e], [p[0]!])], (o, f, t, a, b) => {
      for (let i = f; i < t; i++) o[i] = b[i] === 0 ? 1 : a[i]! / b[i]!;
    });
    return [g.use(sum, [ratio], [p[1]!])];
  },
});

/** Share of the deviation on rising values, in percent; `none` where nothing moved. */
function volatilityIndex(g: Graph, x: Ref, n: number, m: number, none: number): Ref {
  const change = g.mapBack([x], 1, (o, f, t, a) => {
    for (let i = f; i < t; i++) o[i] = a[i]! - a[i - 1]!;
  });
  const [, variance] = g.all(moments, [x], [m]);
  const side = (sign: number) =>
    g.map([change, variance!], (o, f, t, d, v) => {
      for (let i = f; i < t; i++) o[i] = sign * d[i]! > 0 ? Math.sqrt(v[i]!) : 0;
    });
  return g.map([g.use(rmaPositive, [side(1)], [n]), g.use(rmaPositive, [side(-1)], [n])], (o, f, t, u, d) => {
    for (let i = f; i < t; i++) o[i] = u[i]! + d[i]! === 0 ? none : 100 * (u[i]! / (u[i]! + d[i]!));
  });
}

const volatilityParams = [
  window(14, 1, "bars of the smoothing"),
  int("sd", 10, 2, MAX_WINDOW, "bars of the deviation"),
];

export const rvi = compose({
  ...about,
  name: "rvi",
  title: "Relative volatility index",
  meaning: "Share of the deviation that falls on rising closes, 0 to 100.",
  source: "Dorsey 1993: population deviation, Wilder's smoothing; 50 where nothing moved, as TA-Lib RVI.",
  params: volatilityParams,
  build: (g, p) => [volatilityIndex(g, g.input("close"), p[0]!, p[1]!, 50)],
});

export const rviDorsey = compose({
  ...about,
  name: "rvidorsey",
  title: "Relative volatility index, undefined where nothing moved",
  meaning: rvi.meaning,
  source: "Dorsey 1993; NaN where nothing moved.",
  params: volatilityParams,
  build: (g, p) => [volatilityIndex(g, g.input("close"), p[0]!, p[1]!, NaN)],
});

export const rviRevised = compose({
  ...about,
  name: "rvirevised",
  title: "Relative volatility index, revised",
  meaning: "Mean of the relative volatility index of highs and of lows.",
  source: "Dorsey 1995; NaN where nothing moved.",
  inputs: ["high", "low"],
  params: volatilityParams,
  build(g, p) {
    const one = (name: string) => volatilityIndex(g, g.input(name), p[0]!, p[1]!, NaN);
    return [g.scale(g.add(one("high"), one("low")), 0.5)];
  },
});

export const chandelier = compose({
  ...about,
  name: "chandelier",
  title: "Chandelier exit",
  meaning: "Highest high less (long) and lowest low plus (short) some average true ranges.",
  source: "LeBeau 1992, Elder 2002; includes the current bar, no ratchet.",
  group: "overlap",
  inputs: hlc,
  params: [window(22, 1), real("k", 3, 0, 100, "average true ranges")],
  outputs: ["long", "short"],
  build(g, p) {
    const width = g.use(atr, g.inputs(hlc), [p[0]!]);
    const away = (x: Ref, m: number) =>
      g.map([x, width], (o, f, t, a, w) => {
        for (let i = f; i < t; i++) o[i] = a[i]! + m * w[i]!;
      });
    return [
      away(g.use(highest, [g.input("high")], [p[0]!]), -p[1]!),
      away(g.use(lowest, [g.input("low")], [p[0]!]), p[1]!),
    ];
  },
});

export const chop = compose({
  ...about,
  name: "chop",
  title: "Choppiness index",
  meaning: "Path walked over the range covered, on a log scale: 100 in chop, low in a trend.",
  source: "Dreiss 1993; NaN where the range is 0.",
  inputs: hlc,
  params: [window(14)],
  build(g, p) {
    const n = p[0]!;
    const path = g.use(sum, [g.use(trueRange, g.inputs(hlc))], [n]);
    const hi = g.use(highest, [g.input("high")], [n]);
    const lo = g.use(lowest, [g.input("low")], [n]);
    return [
      g.map([path, hi, lo], (o, f, t, a, h, l) => {
        for (let i = f; i < t; i++) {
          o[i] = h[i] === l[i] ? NaN : (100 * Math.log10(a[i]! / (h[i]! - l[i]!))) / Math.log10(n);
        }
      }),
    ];
  },
});

export const ulcer = compose({
  ...about,
  name: "ulcer",
  title: "Ulcer index",
  meaning: "Root mean square of the percent fall from the highest of n closes, over n bars.",
  source: "Martin 1987; each bar's fall is from its own n-bar high.",
  params: [window(14, 1)],
  build(g, p) {
    const x = g.input("close");
    const square = g.map([x, g.use(highest, [x], [p[0]!])], (o, f, t, a, h) => {
      for (let i = f; i < t; i++) {
        const fall = 100 * (a[i]! / h[i]! - 1);
        o[i] = fall * fall;
      }
    });
    return [root(g, g.use(sma, [square], [p[0]!]))];
  },
});

function root(g: Graph, x: Ref): Ref {
  return g.map([x], (o, f, t, a) => {
    for (let i = f; i < t; i++) o[i] = Math.sqrt(Math.max(0, a[i]!));
  });
}

/** Logarithm of x over the value of y `back` bars before. */
function logRatio(g: Graph, x: Ref, y: Ref, back: number): Ref {
  return g.mapBack([x, y], back, (o, f, t, a, b) => {
    for (let i = f; i < t; i++) o[i] = Math.log(a[i]! / b[i - back]!);
  });
}

/** Sample variance of a node over n bars. */
function sampleVariance(g: Graph, x: Ref, n: number): Ref {
  return g.scale(g.all(moments, [x], [n])[1]!, n / (n - 1));
}

export const volClose = compose({
  ...about,
  name: "volclose",
  title: "Close-to-close volatility",
  meaning: "Standard deviation of log returns.",
  source: `Definition, ddof 1. ${PER_BAR}`,
  params: [window(20)],
  build: (g, p) => [root(g, sampleVariance(g, logRatio(g, g.input("close"), g.input("close"), 1), p[0]!))],
});

export const volParkinson = compose({
  ...about,
  name: "volparkinson",
  title: "Parkinson volatility",
  meaning: "Volatility from the bar's high and low.",
  source: `Parkinson 1980. ${PER_BAR}`,
  inputs: ["high", "low"],
  params: [window(20, 1)],
  build(g, p) {
    const square = g.map(g.inputs(["high", "low"]), (o, f, t, h, l) => {
      for (let i = f; i < t; i++) o[i] = Math.log(h[i]! / l[i]!) ** 2;
    });
    return [root(g, g.scale(g.use(sma, [square], [p[0]!]), 1 / (4 * Math.LN2)))];
  },
});

export const volGarmanKlass = compose({
  ...about,
  name: "volgarmanklass",
  title: "Garman-Klass volatility",
  meaning: "Volatility from open, high, low and close, without the night.",
  source: `Garman and Klass 1980, the practical estimator. ${PER_BAR}`,
  inputs: ohlc,
  params: [window(20, 1)],
  build(g, p) {
    const part = g.map(g.inputs(ohlc), (o, f, t, a, h, l, c) => {
      for (let i = f; i < t; i++) {
        o[i] = 0.5 * Math.log(h[i]! / l[i]!) ** 2 - (2 * Math.LN2 - 1) * Math.log(c[i]! / a[i]!) ** 2;
      }
    });
    return [root(g, g.use(sma, [part], [p[0]!]))];
  },
});

function rogersSatchell(g: Graph): Ref {
  return g.map(g.inputs(ohlc), (o, f, t, a, h, l, c) => {
    for (let i = f; i < t; i++) {
      const [up, down, end] = [Math.log(h[i]! / a[i]!), Math.log(l[i]! / a[i]!), Math.log(c[i]! / a[i]!)];
      o[i] = up * (up - end) + down * (down - end);
    }
  });
}

export const volRogersSatchell = compose({
  ...about,
  name: "volrogerssatchell",
  title: "Rogers-Satchell volatility",
  meaning: "Volatility from open, high, low and close that allows for a drift.",
  source: `Rogers and Satchell 1991. ${PER_BAR}`,
  inputs: ohlc,
  params: [window(20, 1)],
  build: (g, p) => [root(g, g.use(sma, [rogersSatchell(g)], [p[0]!]))],
});

export const volYangZhang = compose({
  ...about,
  name: "volyangzhang",
  title: "Yang-Zhang volatility",
  meaning: "Volatility from open, high, low and close, the night included.",
  source: `Yang and Zhang 2000: k = 0.34/(1.34 + (n+1)/(n-1)), variances with ddof 1. ${PER_BAR}`,
  inputs: ohlc,
  params: [window(20)],
  build(g, p) {
    const n = p[0]!;
    const k = 0.34 / (1.34 + (n + 1) / (n - 1));
    const night = logRatio(g, g.input("open"), g.input("close"), 1);
    // one window for all three terms: the n bars whose night is known
    const day = g.blank(logRatio(g, g.input("close"), g.input("open"), 0), 1);
    const inside = g.use(sma, [g.blank(rogersSatchell(g), 1)], [n]);
    return [
      root(
        g,
        g.map([sampleVariance(g, night, n), sampleVariance(g, day, n), inside], (o, f, t, a, b, c) => {
          for (let i = f; i < t; i++) o[i] = a[i]! + k * b[i]! + (1 - k) * c[i]!;
        }),
      ),
    ];
  },
});

export const volEwma = compose({
  ...about,
  name: "volewma",
  title: "Exponentially weighted volatility",
  meaning: "Volatility forecast for the next bar that weighs recent squared returns most.",
  source: `RiskMetrics 1996: zero mean, seeded by the first squared log return. ${PER_BAR}`,
  params: [real("lambda", 0.94, 0.01, 0.9999, "weight of the past")],
  build(g, p) {
    const x = logRatio(g, g.input("close"), g.input("close"), 1);
    return [root(g, g.use(smoothPositive, [g.mul(x, x)], [1, 1 - p[0]!]))];
  },
});
