import { compose } from "../compose.ts";
import type { Kernel } from "../kernel.ts";
import { int, MAX_WINDOW, real, window } from "../kernel.ts";
import { highest, lowest } from "../window/extreme.ts";
import { atr } from "../volatility/range.ts";

const hlc = ["high", "low", "close"] as const;

/** Parabolic stop and reverse. State: bars seen, long?, sar, extreme, acceleration. */
export const psar: Kernel = {
  name: "psar",
  title: "Parabolic stop and reverse",
  meaning: "A stop that follows a trend and accelerates; the trend turns where a price touches it.",
  source:
    "Wilder 1978; a touch reverses, as TA-Lib SAR; the first direction comes from the first bar's movement.",
  group: "overlap",
  inputs: ["high", "low"],
  params: [
    real("acceleration", 0.02, 0, 1, "first acceleration and its step"),
    real("maximum", 0.2, 0, 1, "largest acceleration"),
  ],
  outputs: ["value"],
  warmup: () => 1,
  lookback: () => 1,
  stateSize: () => 5,
  run(inputs, outputs, from, to, p, s) {
    const high = inputs[0]!;
    const low = inputs[1]!;
    const out = outputs[0]!;
    const [step, top] = [Math.min(p[0]!, p[1]!), p[1]!];
    let [seen, long, sar, extreme, speed] = [s[0]!, s[1]!, s[2]!, s[3]!, s[4]!];
    for (let i = from; i < to; i++, seen++) {
      if (seen === 0) {
        out[i] = NaN;
        continue;
      }
      const h = high[i]!;
      const l = low[i]!;
      let h1 = high[i - 1]!;
      let l1 = low[i - 1]!;
      if (seen === 1) {
        const down = l1 - l;
        const up = h - h1;
        long = down > 0 && up < down ? 0 : 1;
        extreme = long ? h : l;
        sar = long ? l1 : h1;
        speed = step;
        h1 = h;
        l1 = l;
      }
      if (long === 1) {
        if (l <= sar) {
          long = 0;
          sar = Math.max(extreme, h1, h);
          out[i] = sar;
          speed = step;
          extreme = l;
          sar = Math.max(sar + speed * (extreme - sar), h1, h);
        } else {
          out[i] = sar;
          if (h > extreme) {
            extreme = h;
            speed = Math.min(speed + step, top);
          }
          sar = Math.min(sar + speed * (extreme - sar), l1, l);
        }
      } else if (h >= sar) {
        long = 1;
        sar = Math.min(extreme, l1, l);
        out[i] = sar;
        speed = step;
        extreme = h;
        sar = Math.min(sar + speed * (extreme - sar), l1, l);
      } else {
        out[i] = sar;
        if (l < extreme) {
          extreme = l;
          speed = Math.min(speed + step, top);
        }
        sar = Math.max(sar + speed * (extreme - sar), h1, h);
      }
    }
    s[0] = seen;
    s[1] = long;
    s[2] = sar;
    s[3] = extreme;
    s[4] = speed;
  },
};

/** Bands that only tighten while the trend lasts. State: started?, upper, lower, trend. */
const ratchet: Kernel = {
  name: "ratchet",
  title: "Ratcheting bands",
  meaning: "Bands that only move towards the price until it closes beyond one.",
  source: "Seban 2008.",
  group: "overlap",
  inputs: ["upper", "lower", "close"],
  params: [],
  outputs: ["value", "trend"],
  warmup: () => 0,
  lookback: () => 1,
  stateSize: () => 4,
  run(inputs, outputs, from, to, _p, s) {
    const [up, down, close] = [inputs[0]!, inputs[1]!, inputs[2]!];
    const [value, trend] = [outputs[0]!, outputs[1]!];
    let [started, upper, lower, way] = [s[0]!, s[1]!, s[2]!, s[3]!];
    for (let i = from; i < to; i++) {
      const c = close[i]!;
      if (started === 0) {
        upper = up[i]!;
        lower = down[i]!;
        way = c < lower ? -1 : 1;
        started = 1;
      } else {
        const before = close[i - 1]!;
        if (up[i]! < upper || before > upper) upper = up[i]!;
        if (down[i]! > lower || before < lower) lower = down[i]!;
        if (way === -1) way = c > upper ? 1 : -1;
        else way = c < lower ? -1 : 1;
      }
      value[i] = way === 1 ? lower : upper;
      trend[i] = way;
    }
    s[0] = started;
    s[1] = upper;
    s[2] = lower;
    s[3] = way;
  },
};

export const supertrend = compose({
  name: "supertrend",
  title: "SuperTrend",
  meaning:
    "A trailing band a number of average true ranges from the middle price, and its direction (1 up, -1 down).",
  source: "Seban 2008, Wilder's ATR; equal to TA-Lib SUPERTREND. The first trend is a convention.",
  group: "overlap",
  inputs: hlc,
  params: [
    window(10, 1, "bars of the average true range"),
    real("k", 3, 0, 100, "average true ranges to the band"),
  ],
  outputs: ["value", "trend"],
  build(g, p) {
    const width = g.use(atr, g.inputs(hlc), [p[0]!]);
    const band = (m: number) =>
      g.map([g.input("high"), g.input("low"), width], (o, f, t, h, l, w) => {
        for (let i = f; i < t; i++) o[i] = (h[i]! + l[i]!) / 2 + m * w[i]!;
      });
    return g.all(ratchet, [band(p[1]!), band(-p[1]!), g.input("close")]);
  },
});

export const ichimoku = compose({
  name: "ichimoku",
  title: "Ichimoku cloud",
  meaning: "Middles of three ranges, and the cloud that stands over this bar (computed `shift` bars ago).",
  source:
    "Hosoda 1969, shift 26; raw lines are those known at this bar, before they are drawn ahead. The lagging line is chikou.",
  group: "overlap",
  inputs: ["high", "low"],
  params: [
    int("tenkan", 9, 1, MAX_WINDOW, "bars of the conversion line"),
    int("kijun", 26, 1, MAX_WINDOW, "bars of the base line"),
    int("senkou", 52, 1, MAX_WINDOW, "bars of the second leading line"),
    int("shift", 26, 0, MAX_WINDOW, "bars the cloud is drawn ahead"),
  ],
  outputs: ["tenkan", "kijun", "senkouA", "senkouB", "rawA", "rawB"],
  build(g, p) {
    const middle = (n: number) =>
      g.scale(g.add(g.use(highest, [g.input("high")], [n]), g.use(lowest, [g.input("low")], [n])), 0.5);
    const [tenkan, kijun, b] = [middle(p[0]!), middle(p[1]!), middle(p[2]!)];
    const a = g.scale(g.add(tenkan, kijun), 0.5);
    return [tenkan, kijun, g.lag(a, p[3]!), g.lag(b, p[3]!), a, b];
  },
});

/** The close of `shift` bars later: for charts only. */
export const chikou: Kernel = {
  name: "chikou",
  title: "Ichimoku lagging line",
  meaning: "The close of `shift` bars later, drawn on this bar. Looks ahead: for charts only.",
  source: "Hosoda 1969.",
  group: "overlap",
  inputs: ["close"],
  params: [int("shift", 26, 1, MAX_WINDOW, "bars drawn back")],
  outputs: ["value"],
  lookAhead: true,
  warmup: () => 0,
  lookback: () => 0,
  stateSize: () => 1,
  run(inputs, outputs, from, to, p, s) {
    const x = inputs[0]!;
    const out = outputs[0]!;
    const n = p[0]!;
    let seen = s[0]!;
    for (let i = from; i < to; i++, seen++) {
      out[i] = NaN;
      if (seen >= n) out[i - n] = x[i]!;
    }
    s[0] = seen;
  },
};
