import { compose } from "../compose.ts";
import type { Graph, Ref } from "../compose.ts";
import type { Kernel } from "../kernel.ts";
import { window } from "../kernel.ts";
import { TINY, wilderSum } from "../window/smooth.ts";
import { trueRange } from "../volatility/range.ts";

const hlc = ["high", "low", "close"] as const;
const about = { group: "momentum", inputs: hlc, params: [window(14, 1)], outputs: ["value"] } as const;

/** Every so many bars, counted from the first, decayed sums are set to 0 before they could become denormal. */
const FLUSH = 64;

/** Upward (sign 1) or downward (-1) directional movement of a bar. */
function movement(g: Graph, sign: 1 | -1): Ref {
  return g.mapBack([g.input("high"), g.input("low")], 1, (o, f, t, h, l) => {
    for (let i = f; i < t; i++) {
      const up = h[i]! - h[i - 1]!;
      const down = l[i - 1]! - l[i]!;
      const [mine, other] = sign === 1 ? [up, down] : [down, up];
      o[i] = mine > other && mine > 0 ? mine : 0;
    }
  });
}

function directionalMovement(name: string, title: string, sign: 1 | -1): Kernel {
  return compose({
    ...about,
    name,
    title,
    meaning: `Decaying sum of ${sign === 1 ? "upward" : "downward"} movement of the bar's extremes.`,
    source: "Wilder 1978; seeded with n - 1 values, as TA-Lib.",
    inputs: ["high", "low"],
    build: (g, p) => [g.use(wilderSum, [movement(g, sign)], [p[0]!])],
  });
}

export const plusDm = directionalMovement("plusdm", "Plus directional movement", 1);
export const minusDm = directionalMovement("minusdm", "Minus directional movement", -1);

/** Directional indicator: movement over true range, in percent, from bar n on. */
function indicator(g: Graph, sign: 1 | -1, n: number): Ref {
  const move = g.use(wilderSum, [movement(g, sign)], [n]);
  const range = g.use(wilderSum, [g.use(trueRange, g.inputs(hlc))], [n]);
  const value = g.map([move, range], (o, f, t, a, b) => {
    for (let i = f; i < t; i++) o[i] = b[i] === 0 ? 0 : 100 * (a[i]! / b[i]!);
  });
  return g.blank(value, n);
}

export const plusDi = compose({
  ...about,
  name: "plusdi",
  title: "Plus directional indicator",
  meaning: "Upward movement in percent of the true range.",
  source: "Wilder 1978; equal to TA-Lib PLUS_DI.",
  build: (g, p) => [indicator(g, 1, p[0]!)],
});

export const minusDi = compose({
  ...about,
  name: "minusdi",
  title: "Minus directional indicator",
  meaning: "Downward movement in percent of the true range.",
  source: "Wilder 1978; equal to TA-Lib MINUS_DI.",
  build: (g, p) => [indicator(g, -1, p[0]!)],
});

/** |plus - minus| / (plus + minus) in percent; the value before where both are 0. */
const balance: Kernel = {
  name: "balance",
  title: "Directional balance",
  meaning: "Difference of two directional indicators over their sum, in percent.",
  source: "Wilder 1978; keeps its value where both are 0, as TA-Lib DX.",
  group: "momentum",
  inputs: ["plus", "minus"],
  params: [],
  outputs: ["value"],
  warmup: () => 0,
  lookback: () => 0,
  stateSize: () => 1,
  run(inputs, outputs, from, to, _p, s) {
    const plus = inputs[0]!;
    const minus = inputs[1]!;
    const out = outputs[0]!;
    let last = s[0]!;
    for (let i = from; i < to; i++) {
      const total = plus[i]! + minus[i]!;
      if (total !== 0) last = 100 * (Math.abs(plus[i]! - minus[i]!) / total);
      out[i] = last;
    }
    s[0] = last;
  },
};

export const dx = compose({
  ...about,
  name: "dx",
  title: "Directional movement index",
  meaning: "How one-sided the movement is, 0 to 100.",
  source: "Wilder 1978; equal to TA-Lib DX.",
  build: (g, p) => [g.use(balance, [indicator(g, 1, p[0]!), indicator(g, -1, p[0]!)])],
});

/**
 * ADX in one pass: in the balance of both indicators the true range cancels. State: bars seen, upward and downward
 * sum, balance, average, balances in the seed.
 */
export const adx: Kernel = {
  ...about,
  name: "adx",
  title: "Average directional index",
  meaning: "Strength of a trend in either direction, 0 to 100; above 25 is called a trend.",
  source: "Wilder 1978; seeded with n - 1 values, as TA-Lib ADX.",
  params: [window(14)],
  warmup: (p) => 2 * p[0]! - 1,
  lookback: () => 1,
  stateSize: () => 6,
  run(inputs, outputs, from, to, p, s) {
    const [h, l] = [inputs[0]!, inputs[1]!];
    const out = outputs[0]!;
    const n = p[0]!;
    const k = 1 / n;
    const q = 1 - k;
    let [seen, up, down, balance1, value, seeds] = [s[0]!, s[1]!, s[2]!, s[3]!, s[4]!, s[5]!];
    let i = from;
    for (; i < to && seeds < n; i++, seen++) {
      out[i] = NaN;
      if (seen === 0) continue;
      const rise = h[i]! - h[i - 1]!;
      const fall = l[i - 1]! - l[i]!;
      const decay = seen < n ? 1 : q;
      up = up * decay + (rise > fall && rise > 0 ? rise : 0);
      down = down * decay + (fall > rise && fall > 0 ? fall : 0);
      if (seen < n) continue;
      const total = up + down;
      if (total !== 0) balance1 = 100 * (Math.abs(up - down) / total);
      value += balance1;
      seeds++;
      if (seeds === n) out[i] = value /= n;
    }
    while (i < to) {
      if (seen % FLUSH === 0) {
        if (up < TINY) up = 0;
        if (down < TINY) down = 0;
        if (value < TINY) value = 0;
      }
      const end = Math.min(to, i + FLUSH - (seen % FLUSH));
      seen += end - i;
      let high = h[i - 1]!;
      let low = l[i - 1]!;
      for (; i < end; i++) {
        const rise = h[i]! - high;
        const fall = low - l[i]!;
        high = h[i]!;
        low = l[i]!;
        up = up * q + ((rise + Math.abs(rise)) / 2) * +(rise > fall);
        down = down * q + ((fall + Math.abs(fall)) / 2) * +(fall > rise);
        const total = up + down;
        if (total !== 0) balance1 = 100 * (Math.abs(up - down) / total);
        value = value * q + balance1 * k;
        out[i] = value;
      }
    }
    s[0] = seen;
    s[1] = up;
    s[2] = down;
    s[3] = balance1;
    s[4] = value;
    s[5] = seeds;
  },
};

export const adxr = compose({
  ...about,
  name: "adxr",
  title: "Average directional index rating",
  meaning: "Mean of the ADX now and n - 1 bars ago.",
  source: "Wilder 1978; equal to TA-Lib ADXR.",
  params: [window(14)],
  build(g, p) {
    const x = g.use(adx, g.inputs(hlc), [p[0]!]);
    return [g.scale(g.add(x, g.lag(x, p[0]! - 1)), 0.5)];
  },
});
