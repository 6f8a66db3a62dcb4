import { compose } from "../compose.ts";
import type { Kernel } from "../kernel.ts";
import { int, MAX_WINDOW, real, window } from "../kernel.ts";
import { moments, runVariance, VARIANCE_STATE } from "../window/moment.ts";
import { highest, lowest } from "../window/extreme.ts";
import { ema, rmaPositive } from "../window/smooth.ts";
import { sma } from "../window/sum.ts";
import { atr, trueRange } from "../volatility/range.ts";
import { average, averageParam } from "./averages.ts";

const hlc = ["high", "low", "close"] as const;

const general = compose({
  name: "bbands",
  title: "Bollinger bands",
  meaning: "A moving average and bands a number of standard deviations above and below.",
  source: "Bollinger 2001: population deviation (ddof 0); equal to TA-Lib BBANDS.",
  group: "overlap",
  inputs: ["close"],
  params: [
    window(20),
    real("up", 2, -100, 100, "deviations to the upper band"),
    real("down", 2, -100, 100, "deviations to the lower band"),
    averageParam("average", "sma", "middle line"),
  ],
  outputs: ["upper", "middle", "lower"],
  build(g, p) {
    const x = g.input("close");
    const [mean, variance] = g.all(moments, [x], [p[0]!]);
    const middle = p[3] === 0 ? mean! : average(g, p[3]!, x, p[0]!);
    const band = (m: number) =>
      g.map([middle, variance!], (o, f, t, a, b) => {
        for (let i = f; i < t; i++) o[i] = a[i]! + m * Math.sqrt(b[i]!);
      });
    return [band(p[1]!), middle, band(-p[2]!)];
  },
});

export const bbands: Kernel = {
  ...general,
  stateSize: (p) => Math.max(general.stateSize(p), VARIANCE_STATE),
  lookback: (p) => Math.max(general.lookback(p), p[0]!),
  run(inputs, outputs, from, to, p, s) {
    if (p[3] !== 0) {
      general.run(inputs, outputs, from, to, p, s);
      return;
    }
    // the usual case, a simple average: the variance is written where the upper band will stand
    const [upper, middle, lower] = [outputs[0]!, outputs[1]!, outputs[2]!];
    const [up, down] = [p[1]!, p[2]!];
    runVariance(inputs[0]!, upper, middle, from, to, p[0]!, s);
    for (let i = from; i < to; i++) {
      const deviation = Math.sqrt(upper[i]!);
      const m = middle[i]!;
      upper[i] = m + up * deviation;
      lower[i] = m - down * deviation;
    }
  },
};

export const donchian = compose({
  name: "donchian",
  title: "Donchian channel",
  meaning: "Highest high and lowest low of the last n bars, this bar included, and their middle.",
  source:
    "Donchian 1960; includes the current bar, as TA-Lib. donchianprev leaves it out, so that a breakout can happen.",
  group: "overlap",
  inputs: ["high", "low"],
  params: [window(20)],
  outputs: ["upper", "middle", "lower"],
  build(g, p) {
    const upper = g.use(highest, [g.input("high")], [p[0]!]);
    const lower = g.use(lowest, [g.input("low")], [p[0]!]);
    return [upper, g.scale(g.add(upper, lower), 0.5), lower];
  },
});

export const donchianPrev = compose({
  name: "donchianprev",
  title: "Donchian channel of the bars before",
  meaning: "Highest high and lowest low of the n bars before this one: a close outside is a breakout.",
  source: "Donchian 1960.",
  group: "overlap",
  inputs: ["high", "low"],
  params: [window(20)],
  outputs: ["upper", "middle", "lower"],
  build: (g, p) => g.all(donchian, [g.input("high"), g.input("low")], [p[0]!]).map((x) => g.lag(x, 1)),
});

/** Channel around a middle line: middle, and middle plus and minus `k` times a width. */
export const keltner = compose({
  name: "keltner",
  title: "Keltner channel",
  meaning: "EMA of the close with bands a number of average true ranges away.",
  source:
    "Raschke and Connors 1995: EMA of the close, Wilder's ATR. keltnertypical centres on the typical price as TA-Lib KC does.",
  group: "overlap",
  inputs: hlc,
  params: [
    window(20, 1),
    int("atr", 10, 1, MAX_WINDOW, "bars of the average true range"),
    real("k", 2, 0, 100, "average true ranges to a band"),
  ],
  outputs: ["upper", "middle", "lower"],
  build(g, p) {
    const middle = g.use(ema, [g.input("close")], [p[0]!]);
    const width = g.use(atr, g.inputs(hlc), [p[1]!]);
    const band = (m: number) =>
      g.map([middle, width], (o, f, t, a, b) => {
        for (let i = f; i < t; i++) o[i] = a[i]! + m * b[i]!;
      });
    const upper = band(p[2]!);
    return [upper, g.blank(middle, g.start(upper)), band(-p[2]!)];
  },
});

export const keltnerTypical = compose({
  ...keltner,
  name: "keltnertypical",
  title: "Keltner channel of the typical price",
  meaning: "EMA of the typical price with bands a number of average true ranges away.",
  source:
    "TA-Lib KC: both averages are seeded to start on the same bar; keltner is the usual version on the close.",
  build(g, p) {
    const typical = g.map(g.inputs(hlc), (o, f, t, a, b, c) => {
      for (let i = f; i < t; i++) o[i] = (a[i]! + b[i]! + c[i]!) / 3;
    });
    const start = Math.max(p[0]! - 1, p[1]!);
    const middle = g.use(ema, [g.blank(typical, start - p[0]! + 1)], [p[0]!]);
    const range = g.use(trueRange, g.inputs(hlc));
    const width = g.use(rmaPositive, [g.blank(range, start - p[1]! + 1)], [p[1]!]);
    const band = (m: number) =>
      g.map([middle, width], (o, f, t, a, b) => {
        for (let i = f; i < t; i++) o[i] = a[i]! + m * b[i]!;
      });
    return [band(p[2]!), middle, band(-p[2]!)];
  },
});

export const keltnerOriginal = compose({
  ...keltner,
  name: "keltneroriginal",
  title: "Keltner channel of 1960",
  meaning: "Average typical price with bands an average bar range away.",
  source: "Keltner 1960: SMA of the typical price, SMA of high - low.",
  params: [window(10, 1), real("k", 1, 0, 100, "average ranges to a band")],
  build(g, p) {
    const typical = g.map(g.inputs(hlc), (o, f, t, a, b, c) => {
      for (let i = f; i < t; i++) o[i] = (a[i]! + b[i]! + c[i]!) / 3;
    });
    const middle = g.use(sma, [typical], [p[0]!]);
    const width = g.use(sma, [g.sub(g.input("high"), g.input("low"))], [p[0]!]);
    const band = (m: number) =>
      g.map([middle, width], (o, f, t, a, b) => {
        for (let i = f; i < t; i++) o[i] = a[i]! + m * b[i]!;
      });
    return [band(p[1]!), middle, band(-p[1]!)];
  },
});

export const accbands = compose({
  name: "accbands",
  title: "Acceleration bands",
  meaning: "Average close between averages of highs and lows stretched by the bar's relative range.",
  source: "Headley 2002; equal to TA-Lib ACCBANDS.",
  group: "overlap",
  inputs: hlc,
  params: [window(20)],
  outputs: ["upper", "middle", "lower"],
  build(g, p) {
    const [high, low, close] = g.inputs(hlc);
    const stretched = (x: typeof high, sign: number) =>
      g.map([high!, low!, x!], (o, f, t, h, l, v) => {
        for (let i = f; i < t; i++) {
          const s = h[i]! + l[i]!;
          o[i] = s === 0 ? v[i]! : v[i]! * (1 + (sign * 4 * (h[i]! - l[i]!)) / s);
        }
      });
    return [
      g.use(sma, [stretched(high, 1)], [p[0]!]),
      g.use(sma, [close!], [p[0]!]),
      g.use(sma, [stretched(low, -1)], [p[0]!]),
    ];
  },
});
