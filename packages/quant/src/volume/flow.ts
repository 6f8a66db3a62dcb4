import { compose } from "../compose.ts";
import type { Kernel } from "../kernel.ts";
import { int, MAX_WINDOW, real, window } from "../kernel.ts";
import { pointwise } from "../pointwise.ts";
import { ema, smooth } from "../window/smooth.ts";
import { sma, sum } from "../window/sum.ts";

const hlcv = ["high", "low", "close", "volume"] as const;
const about = { group: "volume", inputs: hlcv, params: [], outputs: ["value"] } as const;

/** Volume signed by where the close lies in the bar's range; 0 where the range is 0. */
export const moneyFlow = pointwise({
  ...about,
  name: "moneyflow",
  title: "Money flow volume",
  meaning: "Volume weighed by the close's place in the bar's range, -1 at the low to 1 at the high.",
  source: "Chaikin 1966; 0 where the range is 0.",
  fill([out], from, to, _p, h, l, c, v) {
    for (let i = from; i < to; i++) {
      const span = h[i]! - l[i]!;
      out![i] = span > 0 ? ((c[i]! - l[i]! - (h[i]! - c[i]!)) / span) * v[i]! : 0;
    }
  },
});

/** Running sum of a series. State: sum. */
export const cumsum: Kernel = {
  name: "cumsum",
  title: "Cumulative sum",
  meaning: "Sum of all values so far.",
  source: "Definition.",
  group: "math",
  inputs: ["close"],
  params: [],
  outputs: ["value"],
  warmup: () => 0,
  lookback: () => 0,
  stateSize: () => 1,
  run(inputs, outputs, from, to, _p, s) {
    const x = inputs[0]!;
    const out = outputs[0]!;
    let total = s[0]!;
    for (let i = from; i < to; i++) out[i] = total += x[i]!;
    s[0] = total;
  },
};

export const ad = compose({
  ...about,
  name: "ad",
  title: "Accumulation/distribution line",
  meaning: "Running sum of money flow volume.",
  source: "Chaikin; equal to TA-Lib AD.",
  build: (g) => [g.use(cumsum, [g.use(moneyFlow, g.inputs(hlcv))])],
});

export const adosc = compose({
  ...about,
  name: "adosc",
  title: "Chaikin oscillator",
  meaning: "Fast less slow EMA of the accumulation/distribution line.",
  source: "Chaikin; both averages start at the line's first value, as TA-Lib ADOSC.",
  params: [
    int("fast", 3, 1, MAX_WINDOW, "bars of the fast average"),
    int("slow", 10, 1, MAX_WINDOW, "bars of the slow average"),
  ],
  build(g, p) {
    const line = g.use(ad, g.inputs(hlcv));
    const [fast, slow] = [
      g.use(smooth, [line], [1, 2 / (p[0]! + 1)]),
      g.use(smooth, [line], [1, 2 / (p[1]! + 1)]),
    ];
    return [g.blank(g.sub(fast, slow), Math.max(p[0]!, p[1]!) - 1)];
  },
});

export const cmf = compose({
  ...about,
  name: "cmf",
  title: "Chaikin money flow",
  meaning: "Money flow volume of the last n bars over their volume, -1 to 1.",
  source: "Chaikin; 0 where the window has no volume, as TA-Lib CMF.",
  params: [window(20, 1)],
  build(g, p) {
    const flow = g.use(sum, [g.use(moneyFlow, g.inputs(hlcv))], [p[0]!]);
    return [
      g.map([flow, g.use(sum, [g.input("volume")], [p[0]!])], (o, f, t, a, b) => {
        for (let i = f; i < t; i++) o[i] = b[i] === 0 ? 0 : a[i]! / b[i]!;
      }),
    ];
  },
});

export const force = pointwise({
  ...about,
  name: "force",
  title: "Force index of one bar",
  meaning: "Change of the close times volume.",
  source: "Elder 1993.",
  inputs: ["close", "volume"],
  back: () => 1,
  fill([out], from, to, _p, c, v) {
    for (let i = from; i < to; i++) out![i] = (c[i]! - c[i - 1]!) * v[i]!;
  },
});

export const efi = compose({
  ...about,
  name: "efi",
  title: "Elder's force index",
  meaning: "EMA of the change of the close times volume.",
  source: "Elder 1993; equal to TA-Lib EFI.",
  inputs: ["close", "volume"],
  params: [window(13, 1)],
  build: (g, p) => [g.use(ema, [g.use(force, [g.input("close"), g.input("volume")])], [p[0]!])],
});

export const marketFi = pointwise({
  ...about,
  name: "marketfi",
  title: "Market facilitation index",
  meaning: "Range of a bar per unit of volume.",
  source: "Williams 1995; 0 where there is no volume, as TA-Lib MARKETFI.",
  inputs: ["high", "low", "volume"],
  fill([out], from, to, _p, h, l, v) {
    for (let i = from; i < to; i++) out![i] = v[i] === 0 ? 0 : (h[i]! - l[i]!) / v[i]!;
  },
});

/** Price index that moves only on bars whose volume fell (sign -1) or rose (1). State: started?, index. */
function volumeIndex(name: string, title: string, meaning: string, sign: 1 | -1): Kernel {
  return {
    ...about,
    name,
    title,
    meaning,
    source: "Dysart 1936, Fosback 1976; starts at 1000, as TA-Lib.",
    inputs: ["close", "volume"],
    warmup: () => 0,
    lookback: () => 1,
    stateSize: () => 2,
    run(inputs, outputs, from, to, _p, s) {
      const [c, v] = [inputs[0]!, inputs[1]!];
      const out = outputs[0]!;
      let index = s[1]!;
      for (let i = from; i < to; i++) {
        if (s[0] === 0) {
          s[0] = 1;
          index = 1000;
        } else if (sign * v[i]! > sign * v[i - 1]! && c[i - 1] !== 0) {
          index += index * ((c[i]! - c[i - 1]!) / c[i - 1]!);
        }
        out[i] = index;
      }
      s[1] = index;
    },
  };
}

export const nvi = volumeIndex(
  "nvi",
  "Negative volume index",
  "Price index that moves only on bars with less volume.",
  -1,
);
export const pvi = volumeIndex(
  "pvi",
  "Positive volume index",
  "Price index that moves only on bars with more volume.",
  1,
);

/** State: started?, sum. */
export const pvt: Kernel = {
  ...about,
  name: "pvt",
  title: "Price volume trend",
  meaning: "Running sum of volume times the relative change of the close.",
  source: "Definition; starts at 0, as TA-Lib PVT.",
  inputs: ["close", "volume"],
  warmup: () => 0,
  lookback: () => 1,
  stateSize: () => 2,
  run(inputs, outputs, from, to, _p, s) {
    const [c, v] = [inputs[0]!, inputs[1]!];
    const out = outputs[0]!;
    let total = s[1]!;
    for (let i = from; i < to; i++) {
      if (s[0] === 0) s[0] = 1;
      else if (c[i - 1] !== 0) total += v[i]! * ((c[i]! - c[i - 1]!) / c[i - 1]!);
      out[i] = total;
    }
    s[1] = total;
  },
};

/** State: started?, sum. */
export const wad: Kernel = {
  ...about,
  name: "wad",
  title: "Williams accumulation/distribution",
  meaning: "Running sum of the close's distance from the true low on rises and the true high on falls.",
  source: "Williams 1972; equal to TA-Lib WAD.",
  group: "momentum",
  inputs: ["high", "low", "close"],
  warmup: () => 0,
  lookback: () => 1,
  stateSize: () => 2,
  run(inputs, outputs, from, to, _p, s) {
    const [h, l, c] = [inputs[0]!, inputs[1]!, inputs[2]!];
    const out = outputs[0]!;
    let total = s[1]!;
    for (let i = from; i < to; i++) {
      if (s[0] === 0) s[0] = 1;
      else if (c[i]! > c[i - 1]!) total += c[i]! - Math.min(c[i - 1]!, l[i]!);
      else if (c[i]! < c[i - 1]!) total += c[i]! - Math.max(c[i - 1]!, h[i]!);
      out[i] = total;
    }
    s[1] = total;
  },
};

export const rvol = compose({
  ...about,
  name: "rvol",
  title: "Relative volume",
  meaning: "Volume over the mean of the n bars before.",
  source: "Definition; NaN where that mean is 0 (TA-Lib RVOL is infinite there).",
  inputs: ["volume"],
  params: [window(20, 1)],
  build(g, p) {
    const v = g.input("volume");
    return [g.ratio(v, g.lag(g.use(sma, [v], [p[0]!]), 1))];
  },
});

export const eom = compose({
  ...about,
  name: "eom",
  title: "Ease of movement",
  meaning: "Move of the bar's middle per unit of volume and range, averaged over n bars.",
  source: "Arms 1989; NaN while any bar of the window has no volume or no range.",
  inputs: ["high", "low", "volume"],
  params: [window(14, 1), real("divisor", 1e8, 1e-9, 1e15, "volume is divided by it")],
  build(g, p) {
    const [n, divisor] = [p[0]!, p[1]!];
    const one = g.mapBack(g.inputs(["high", "low", "volume"]), 1, (o, f, t, h, l, v) => {
      for (let i = f; i < t; i++) {
        const span = h[i]! - l[i]!;
        const move = (h[i]! + l[i]!) / 2 - (h[i - 1]! + l[i - 1]!) / 2;
        o[i] = v[i]! > 0 && span > 0 ? move / (v[i]! / divisor / span) : NaN;
      }
    });
    return [
      g.mapBack([one], n - 1, (o, f, t, x) => {
        for (let i = f; i < t; i++) {
          let total = 0;
          for (let k = i - n + 1; k <= i; k++) total += x[k]!;
          o[i] = total / n;
        }
      }),
    ];
  },
});

/** State: started?, trend, cumulative range. */
const volumeForce: Kernel = {
  ...about,
  name: "volumeforce",
  title: "Klinger volume force",
  meaning:
    "Volume signed by the trend of the typical price and weighed by the bar's range in that of the trend.",
  source: "Klinger 1997.",
  params: [int("outer", 0, 0, 1, "where the bracket closes")],
  warmup: () => 1,
  lookback: () => 1,
  stateSize: () => 3,
  run(inputs, outputs, from, to, p, s) {
    const [h, l, c, v] = [inputs[0]!, inputs[1]!, inputs[2]!, inputs[3]!];
    const out = outputs[0]!;
    let [started, trend, cumulative] = [s[0]!, s[1]!, s[2]!];
    for (let i = from; i < to; i++) {
      if (started === 0) {
        started = 1;
        out[i] = NaN;
        continue;
      }
      const now = h[i]! + l[i]! + c[i]!;
      const before = h[i - 1]! + l[i - 1]! + c[i - 1]!;
      // less than this share of itself is rounding, not a rise
      const way = now - before > 1e-12 * now ? 1 : -1;
      const range = h[i]! - l[i]!;
      cumulative = way === trend ? cumulative + range : h[i - 1]! - l[i - 1]! + range;
      const q = range / cumulative;
      const weight = p[0] === 1 ? Math.abs(2 * (q - 1)) : Math.abs(2 * q - 1);
      out[i] = cumulative === 0 ? 0 : v[i]! * weight * way * 100;
      trend = way;
    }
    s[0] = started;
    s[1] = trend;
    s[2] = cumulative;
  },
};

export const kvo = compose({
  ...about,
  name: "kvo",
  title: "Klinger volume oscillator",
  meaning: "Fast less slow EMA of the volume force, and the EMA of that as signal.",
  source: "Klinger 1997; form 0 takes |2 dm/cm - 1|, form 1 the other printed bracket |2 (dm/cm - 1)|.",
  params: [
    int("fast", 34, 1, MAX_WINDOW, "bars of the fast average"),
    int("slow", 55, 1, MAX_WINDOW, "bars of the slow average"),
    int("signal", 13, 1, MAX_WINDOW, "bars of the signal"),
    int("form", 0, 0, 1, "which of the two printed formulas"),
  ],
  outputs: ["value", "signal"],
  build(g, p) {
    const x = g.use(volumeForce, g.inputs(hlcv), [p[3]!]);
    const line = g.sub(g.use(ema, [x], [p[0]!]), g.use(ema, [x], [p[1]!]));
    return [line, g.use(ema, [line], [p[2]!])];
  },
});

const DAY = 86_400_000;
const SESSIONS = ["day", "week", "month"] as const;

function sessionOf(kind: number, ms: number): number {
  if (kind === 0) return Math.floor(ms / DAY);
  if (kind === 1) return Math.floor((ms - 4 * DAY) / (7 * DAY));
  const date = new Date(ms);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

/** State: started?, session, price x volume, volume. */
export const vwapSession: Kernel = {
  ...about,
  name: "vwapsession",
  title: "Volume-weighted average price of the session",
  meaning: "Average price paid since the UTC day, week or month began.",
  source: "Berkowitz, Logue and Noser 1988 on the typical price; NaN while the session has no volume.",
  inputs: ["openMs", "high", "low", "close", "volume"],
  params: [{ ...int("session", 0, 0, 2, "where the average starts anew"), choices: SESSIONS }],
  warmup: () => 0,
  lookback: () => 0,
  stateSize: () => 4,
  run(inputs, outputs, from, to, p, s) {
    const [time, h, l, c, v] = [inputs[0]!, inputs[1]!, inputs[2]!, inputs[3]!, inputs[4]!];
    const out = outputs[0]!;
    let [started, session, paid, traded] = [s[0]!, s[1]!, s[2]!, s[3]!];
    for (let i = from; i < to; i++) {
      const now = sessionOf(p[0]!, time[i]!);
      if (started === 0 || now !== session) {
        started = 1;
        session = now;
        paid = 0;
        traded = 0;
      }
      paid += ((h[i]! + l[i]! + c[i]!) / 3) * v[i]!;
      traded += v[i]!;
      out[i] = traded > 0 ? paid / traded : NaN;
    }
    s[0] = started;
    s[1] = session;
    s[2] = paid;
    s[3] = traded;
  },
};

/** State: bars seen, price x volume, volume. */
export const vwapAnchored: Kernel = {
  ...about,
  name: "vwapanchored",
  title: "Anchored volume-weighted average price",
  meaning: "Average price paid since a given bar.",
  source: "As vwap, from the anchor on; NaN before it.",
  params: [int("anchor", 0, 0, 1e9, "bar at which the average starts, counted from the first")],
  warmup: (p) => p[0]!,
  lookback: () => 0,
  stateSize: () => 3,
  run(inputs, outputs, from, to, p, s) {
    const [h, l, c, v] = [inputs[0]!, inputs[1]!, inputs[2]!, inputs[3]!];
    const out = outputs[0]!;
    let [seen, paid, traded] = [s[0]!, s[1]!, s[2]!];
    for (let i = from; i < to; i++, seen++) {
      if (seen >= p[0]!) {
        paid += ((h[i]! + l[i]! + c[i]!) / 3) * v[i]!;
        traded += v[i]!;
      }
      out[i] = traded > 0 ? paid / traded : NaN;
    }
    s[0] = seen;
    s[1] = paid;
    s[2] = traded;
  },
};
