import { compose } from "../compose.ts";
import type { Graph, Ref } from "../compose.ts";
import type { Kernel } from "../kernel.ts";
import { int, MAX_WINDOW, window } from "../kernel.ts";
import { pointwise } from "../pointwise.ts";
import { rangePosition, stoch } from "./stoch.ts";
import { macd } from "./macd.ts";
import { rsi } from "./rsi.ts";
import { average, averageParam } from "../overlap/averages.ts";
import { barsSinceHighest, barsSinceLowest, highest, lowest } from "../window/extreme.ts";
import { ema, emaSteady, rmaPositive, smooth, TINY } from "../window/smooth.ts";
import { sma, sum } from "../window/sum.ts";

const about = { group: "momentum", inputs: ["close"], outputs: ["value"] } as const;
const hlc = ["high", "low", "close"] as const;
const bars = (name: string, value: number, meaning: string, min = 1) =>
  int(name, value, min, MAX_WINDOW, meaning);

/** Rises and falls from bar to bar, both as positive numbers. */
export function risesAndFalls(g: Graph, x: Ref): [Ref, Ref] {
  const change = g.mapBack([x], 1, (o, f, t, a) => {
    for (let i = f; i < t; i++) o[i] = a[i]! - a[i - 1]!;
  });
  const up = g.map([change], (o, f, t, d) => {
    for (let i = f; i < t; i++) o[i] = (d[i]! + Math.abs(d[i]!)) / 2;
  });
  const down = g.map([change], (o, f, t, d) => {
    for (let i = f; i < t; i++) o[i] = (Math.abs(d[i]!) - d[i]!) / 2;
  });
  return [up, down];
}

export const cmo = compose({
  ...about,
  name: "cmo",
  title: "Chande momentum oscillator, smoothed",
  meaning: "Rises less falls over all movement, -100 to 100, smoothed as Wilder does.",
  source: "TA-Lib CMO (= 2 RSI - 100). Chande's own plain sums are cmou.",
  params: [window(14)],
  build(g, p) {
    const [up, down] = risesAndFalls(g, g.input("close"));
    return [
      g.map([g.use(rmaPositive, [up], [p[0]!]), g.use(rmaPositive, [down], [p[0]!])], (o, f, t, u, d) => {
        for (let i = f; i < t; i++) {
          const s = u[i]! + d[i]!;
          o[i] = s === 0 ? 0 : 100 * ((u[i]! - d[i]!) / s);
        }
      }),
    ];
  },
});

export const cmou = compose({
  ...about,
  name: "cmou",
  title: "Chande momentum oscillator",
  meaning: "Rises less falls over all movement of the last n bars, -100 to 100.",
  source: "Chande 1994: plain sums; equal to TA-Lib CMOU.",
  params: [window(14, 1)],
  build(g, p) {
    const [up, down] = risesAndFalls(g, g.input("close"));
    return [
      g.map([g.use(sum, [up], [p[0]!]), g.use(sum, [down], [p[0]!])], (o, f, t, u, d) => {
        for (let i = f; i < t; i++) {
          const s = u[i]! + d[i]!;
          o[i] = s === 0 ? 0 : 100 * ((u[i]! - d[i]!) / s);
        }
      }),
    ];
  },
});

const ema1 = averageParam("average", "ema", "kind of average");

export const apo = compose({
  ...about,
  name: "apo",
  title: "Absolute price oscillator",
  meaning: "Fast average less slow average, in price.",
  source: "Equal to TA-Lib APO (EMA by default since 0.8).",
  params: [
    bars("fast", 12, "bars of the fast average", 2),
    bars("slow", 26, "bars of the slow average", 2),
    ema1,
  ],
  build: (g, p) => [
    g.sub(average(g, p[2]!, g.input("close"), p[0]!), average(g, p[2]!, g.input("close"), p[1]!)),
  ],
});

export const ppo = compose({
  ...about,
  name: "ppo",
  title: "Percentage price oscillator",
  meaning: "Fast average less slow average, in percent of the slow one.",
  source: "Appel 2005; equal to TA-Lib PPO (EMA by default since 0.8).",
  params: apo.params,
  build(g, p) {
    const x = g.input("close");
    return [
      g.map([average(g, p[2]!, x, p[0]!), average(g, p[2]!, x, p[1]!)], (o, f, t, a, b) => {
        for (let i = f; i < t; i++) o[i] = b[i] === 0 ? 0 : ((a[i]! - b[i]!) / b[i]!) * 100;
      }),
    ];
  },
});

export const pvo = compose({
  ...ppo,
  name: "pvo",
  title: "Percentage volume oscillator",
  meaning: "Fast average of volume less the slow one, in percent of the slow one.",
  source: "Equal to TA-Lib PVO; 0 where the slow average is 0.",
  group: "volume",
  inputs: ["volume"],
  params: apo.params,
  build: (g, p) => [g.use(ppo, [g.input("volume")], p)],
});

function signalled(g: Graph, line: Ref, signal: Ref): Ref[] {
  const start = g.start(signal);
  return [g.blank(line, start), signal, g.sub(line, signal)];
}

export const macdExt = compose({
  ...macd,
  name: "macdext",
  title: "MACD with chosen averages",
  meaning:
    "Fast less slow average, an average of that as signal, and the difference; each average of a chosen kind.",
  source: "Equal to TA-Lib MACDEXT.",
  params: [
    bars("fast", 12, "bars of the fast average", 2),
    averageParam("fastAverage", "sma", "kind of fast average"),
    bars("slow", 26, "bars of the slow average", 2),
    averageParam("slowAverage", "sma", "kind of slow average"),
    bars("signal", 9, "bars of the signal"),
    averageParam("signalAverage", "sma", "kind of signal"),
  ],
  build(g, p) {
    const x = g.input("close");
    const slowest = Math.max(g.start(average(g, p[1]!, x, p[0]!)), g.start(average(g, p[3]!, x, p[2]!)));
    const aligned = (kind: number, n: number): Ref => {
      const late = slowest - g.start(average(g, kind, x, n));
      return average(g, kind, late > 0 ? g.blank(x, late) : x, n, true);
    };
    const line = g.sub(aligned(p[1]!, p[0]!), aligned(p[3]!, p[2]!));
    return signalled(g, line, average(g, p[5]!, line, p[4]!, true));
  },
});

export const macdFix = compose({
  ...macd,
  name: "macdfix",
  title: "MACD with Appel's fixed factors",
  meaning: "MACD with smoothing factors 0.15 and 0.075.",
  source: "Appel 1979; equal to TA-Lib MACDFIX (0.15 and 0.075, not 2/(n+1)).",
  params: [bars("signal", 9, "bars of the signal")],
  build(g, p) {
    const x = g.input("close");
    const fast = g.use(smooth, [g.blank(x, 14)], [12, 0.15]);
    const line = g.sub(fast, g.use(smooth, [x], [26, 0.075]));
    return signalled(g, line, g.use(ema, [line], [p[0]!]));
  },
});

export const macdUnaligned = compose({
  ...macd,
  name: "macdunaligned",
  title: "MACD, each average seeded on its own",
  meaning: macd.meaning,
  source: "Appel 1979; each EMA is seeded at its own bar, as most charting packages do. Converges to macd.",
  params: macd.params,
  build(g, p) {
    const x = g.input("close");
    const line = g.sub(g.use(emaSteady, [x], [p[0]!]), g.use(emaSteady, [x], [p[1]!]));
    const signal = g.use(emaSteady, [line], [p[2]!]);
    return [line, signal, g.sub(line, signal)];
  },
});

export const ppoSignal = compose({
  ...macd,
  name: "pposignal",
  title: "Percentage price oscillator with signal",
  meaning: "EMA(fast) over EMA(slow) in percent, its EMA as signal, and the difference.",
  source: "Appel 2005; each EMA is seeded at its own bar.",
  params: macd.params,
  outputs: ["line", "signal", "hist"],
  build(g, p) {
    const x = g.input("close");
    const line = g.map([g.use(ema, [x], [p[0]!]), g.use(ema, [x], [p[1]!])], (o, f, t, a, b) => {
      for (let i = f; i < t; i++) o[i] = b[i] === 0 ? NaN : 100 * ((a[i]! - b[i]!) / b[i]!);
    });
    const signal = g.use(ema, [line], [p[2]!]);
    return [line, signal, g.sub(line, signal)];
  },
});

function changeKernel(
  name: string,
  title: string,
  meaning: string,
  source: string,
  fill: (o: Float64Array, f: number, t: number, a: Float64Array, n: number) => void,
) {
  return pointwise({
    ...about,
    name,
    title,
    meaning,
    source,
    params: [window(10, 1, "bars back")],
    back: (p) => p[0]!,
    fill: ([o], f, t, p, a) => fill(o!, f, t, a, p[0]!),
  });
}

export const mom = changeKernel(
  "mom",
  "Momentum",
  "Change over n bars, in price.",
  "Definition.",
  (o, f, t, a, n) => {
    for (let i = f; i < t; i++) o[i] = a[i]! - a[i - n]!;
  },
);

export const roc = changeKernel(
  "roc",
  "Rate of change",
  "Change over n bars, in percent.",
  "Definition; 0 where the old value is 0, as TA-Lib ROC.",
  (o, f, t, a, n) => {
    for (let i = f; i < t; i++) o[i] = a[i - n] === 0 ? 0 : ((a[i]! - a[i - n]!) / a[i - n]!) * 100;
  },
);

export const rocp = changeKernel(
  "rocp",
  "Rate of change as a fraction",
  "Change over n bars, as a fraction.",
  "Definition; 0 where the old value is 0, as TA-Lib ROCP.",
  (o, f, t, a, n) => {
    for (let i = f; i < t; i++) o[i] = a[i - n] === 0 ? 0 : (a[i]! - a[i - n]!) / a[i - n]!;
  },
);

export const rocr = changeKernel(
  "rocr",
  "Rate of change as a ratio",
  "Value over the value n bars ago.",
  "Definition; 0 where the old value is 0, as TA-Lib ROCR.",
  (o, f, t, a, n) => {
    for (let i = f; i < t; i++) o[i] = a[i - n] === 0 ? 0 : a[i]! / a[i - n]!;
  },
);

export const rocr100 = changeKernel(
  "rocr100",
  "Rate of change as a ratio times 100",
  "100 times the value over the value n bars ago.",
  "Definition; 0 where the old value is 0, as TA-Lib ROCR100.",
  (o, f, t, a, n) => {
    for (let i = f; i < t; i++) o[i] = a[i - n] === 0 ? 0 : (a[i]! / a[i - n]!) * 100;
  },
);

export const trix = compose({
  ...about,
  name: "trix",
  title: "Rate of change of a triple EMA",
  meaning: "One-bar change of a triple smoothed average, in percent.",
  source: "Hutson 1983: over the previous value, as TA-Lib TRIX.",
  params: [window(30, 1)],
  build(g, p) {
    let e: Ref = g.input("close");
    for (let k = 0; k < 3; k++) e = g.use(ema, [e], [p[0]!]);
    return [g.use(roc, [e], [1])];
  },
});

export const stochf = compose({
  ...stoch,
  name: "stochf",
  title: "Fast stochastic oscillator",
  meaning: "Position of the close in the range of the last bars (k), and the average of that (d).",
  source: "Lane 1957; equal to TA-Lib STOCHF; 0 where the range is 0.",
  params: [
    bars("n", 5, "bars of the range"),
    bars("d", 3, "bars of d"),
    averageParam("dAverage", "sma", "average that makes d"),
  ],
  build(g, p) {
    const k = rangePosition(g, g.input("high"), g.input("low"), g.input("close"), p[0]!);
    const d = average(g, p[2]!, k, p[1]!, true);
    return [g.blank(k, g.start(d)), d];
  },
});

/** RSI in TA-Lib's order of operations: of its last digits the stochastic makes a value where prices stand still. */
const rsiSteady: Kernel = {
  ...rsi,
  name: "rsisteady",
  lookback: () => 1,
  stateSize: () => 3,
  run(inputs, outputs, from, to, p, s) {
    const x = inputs[0]!;
    const out = outputs[0]!;
    const n = p[0]!;
    const k = 1 / n;
    let [seen, up, down] = [s[0]!, s[1]!, s[2]!];
    for (let i = from; i < to; i++, seen++) {
      if (seen === 0) {
        out[i] = NaN;
        continue;
      }
      const d = x[i]! - x[i - 1]!;
      const rise = (d + Math.abs(d)) / 2;
      const fall = (Math.abs(d) - d) / 2;
      if (seen <= n) {
        up += rise;
        down += fall;
        if (seen === n) {
          up *= k;
          down *= k;
        }
      } else {
        up = (up * (n - 1) + rise) * k;
        down = (down * (n - 1) + fall) * k;
        if (up < TINY) up = 0;
        if (down < TINY) down = 0;
      }
      const total = up + down;
      out[i] = seen < n ? NaN : total === 0 ? 0 : 100 * (up / total);
    }
    s[0] = seen;
    s[1] = up;
    s[2] = down;
  },
};

export const stochRsi = compose({
  ...stoch,
  name: "stochrsi",
  title: "Stochastic RSI",
  meaning: "Position of the RSI in its own recent range (k), and the average of that (d).",
  source: "Chande and Kroll 1994; equal to TA-Lib STOCHRSI: k is not smoothed.",
  inputs: ["close"],
  params: [
    bars("n", 14, "bars of the RSI", 2),
    bars("range", 5, "bars of the range"),
    bars("d", 3, "bars of d"),
    averageParam("dAverage", "sma", "average that makes d"),
  ],
  build(g, p) {
    const x = g.use(rsiSteady, [g.input("close")], [p[0]!]);
    // an RSI that moves by less is rounding
    const k = rangePosition(g, x, x, x, p[1]!, 1e-13);
    const d = average(g, p[3]!, k, p[2]!, true);
    return [g.blank(k, g.start(d)), d];
  },
});

export const willr = compose({
  ...about,
  name: "willr",
  title: "Williams %R",
  meaning: "Distance of the close from the highest high in the range of the last n bars, -100 to 0.",
  source: "Williams 1973; equal to TA-Lib WILLR; 0 where the range is 0.",
  inputs: hlc,
  params: [window(14)],
  build(g, p) {
    const hi = g.use(highest, [g.input("high")], [p[0]!]);
    const lo = g.use(lowest, [g.input("low")], [p[0]!]);
    return [
      g.map([g.input("close"), hi, lo], (o, f, t, c, h, l) => {
        for (let i = f; i < t; i++) {
          const span = h[i]! - l[i]!;
          o[i] = span === 0 ? 0 : ((h[i]! - c[i]!) / span) * -100;
        }
      }),
    ];
  },
});

export const aroon = compose({
  ...about,
  name: "aroon",
  title: "Aroon",
  meaning: "How recent the lowest low (down) and the highest high (up) of the last n + 1 bars are, 0 to 100.",
  source: "Chande 1995; of equal extremes the latest counts, as TA-Lib AROON.",
  inputs: ["high", "low"],
  params: [window(14)],
  outputs: ["down", "up"],
  build(g, p) {
    const recent = (x: Ref) =>
      g.map([x], (o, f, t, a) => {
        for (let i = f; i < t; i++) o[i] = (100 * (p[0]! - a[i]!)) / p[0]!;
      });
    return [
      recent(g.use(barsSinceLowest, [g.input("low")], [p[0]!])),
      recent(g.use(barsSinceHighest, [g.input("high")], [p[0]!])),
    ];
  },
});

export const aroonOsc = compose({
  ...about,
  name: "aroonosc",
  title: "Aroon oscillator",
  meaning: "Aroon up less Aroon down, -100 to 100.",
  source: "Chande 1995; equal to TA-Lib AROONOSC.",
  inputs: ["high", "low"],
  params: [window(14)],
  build(g, p) {
    const [down, up] = g.all(aroon, [g.input("high"), g.input("low")], p);
    return [g.sub(up!, down!)];
  },
});

export const bop = pointwise({
  ...about,
  name: "bop",
  title: "Balance of power",
  meaning: "Where the bar closed against its open, as a share of its range.",
  source: "Livshin 2001; 0 where the range is 0, as TA-Lib BOP.",
  inputs: ["open", "high", "low", "close"],
  params: [],
  fill([out], from, to, _p, o, h, l, c) {
    for (let i = from; i < to; i++) {
      const span = h[i]! - l[i]!;
      out![i] = span <= 0 ? 0 : (c[i]! - o[i]!) / span;
    }
  },
});

export const cci = compose({
  ...about,
  name: "cci",
  title: "Commodity channel index",
  meaning: "Distance of the typical price from its average, in mean absolute deviations over 0.015.",
  source: "Lambert 1980; 0 where the deviation is 0, as TA-Lib CCI.",
  inputs: hlc,
  params: [window(14)],
  build(g, p) {
    const n = p[0]!;
    const typical = g.map(g.inputs(hlc), (o, f, t, h, l, c) => {
      for (let i = f; i < t; i++) o[i] = (h[i]! + l[i]! + c[i]!) / 3;
    });
    return [
      g.mapBack([typical], n - 1, (o, f, t, x) => {
        for (let i = f; i < t; i++) {
          const first = x[i - n + 1]!;
          let total = 0;
          for (let k = i - n + 2; k <= i; k++) total += x[k]! - first;
          const mean = total / n;
          let away = 0;
          for (let k = i - n + 1; k <= i; k++) away += Math.abs(x[k]! - first - mean);
          o[i] = away === 0 ? 0 : (x[i]! - first - mean) / ((0.015 * away) / n);
        }
      }),
    ];
  },
});

/** Typical prices whose sum differs by no more than this share of itself count as equal: it is rounding. */
const TIE = 1e-12;

export const mfi = compose({
  ...about,
  name: "mfi",
  title: "Money flow index",
  meaning: "RSI of the money that changed hands: share of the flow on rising typical prices, 0 to 100.",
  source:
    "Quong and Soudack 1989; equal typical prices count as equal although their sums may differ in the last bit, as TA-Lib MFI.",
  inputs: ["high", "low", "close", "volume"],
  params: [window(14)],
  build(g, p) {
    const total = g.map(g.inputs(hlc), (o, f, t, h, l, c) => {
      for (let i = f; i < t; i++) o[i] = h[i]! + l[i]! + c[i]!;
    });
    const flow = (sign: number) =>
      g.mapBack([total, g.input("volume")], 1, (o, f, t, x, v) => {
        for (let i = f; i < t; i++) {
          const d = (x[i]! - x[i - 1]!) * sign;
          o[i] = d > TIE * Math.abs(x[i]!) ? (x[i]! * v[i]!) / 3 : 0;
        }
      });
    const up = g.use(sum, [flow(1)], [p[0]!]);
    const down = g.use(sum, [flow(-1)], [p[0]!]);
    return [
      g.map([up, down], (o, f, t, a, b) => {
        for (let i = f; i < t; i++) {
          const s = a[i]! + b[i]!;
          o[i] = s === 0 ? 0 : 100 * (a[i]! / s);
        }
      }),
    ];
  },
});

export const dpo = compose({
  ...about,
  name: "dpo",
  title: "Detrended price oscillator",
  meaning: "Price of n/2 + 1 bars ago less today's average: shows cycles without the trend.",
  source: "Causal form, as TA-Lib DPO.",
  params: [window(20)],
  build(g, p) {
    const x = g.input("close");
    return [g.sub(g.lag(x, Math.floor(p[0]! / 2) + 1), g.use(sma, [x], [p[0]!]))];
  },
});
