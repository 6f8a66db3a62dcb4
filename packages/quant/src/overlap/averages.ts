import { compose } from "../compose.ts";
import type { Graph, Ref } from "../compose.ts";
import type { Kernel, Param } from "../kernel.ts";
import { real, window } from "../kernel.ts";
import { ema, emaSteady, rma } from "../window/smooth.ts";
import { sma, smaRunning } from "../window/sum.ts";

const about = { group: "overlap", inputs: ["close"], outputs: ["value"] } as const;

/** Weights 1, 2 ... n, the newest heaviest. */
export const wma: Kernel = {
  ...about,
  name: "wma",
  title: "Weighted moving average",
  meaning: "Mean of the last n values with weights 1 to n, the newest heaviest.",
  source: "Definition; equal to TA-Lib WMA. Each window is summed anew: no drift.",
  params: [window(30, 1)],
  warmup: (p) => p[0]! - 1,
  lookback: (p) => p[0]! - 1,
  stateSize: () => 1,
  run(inputs, outputs, from, to, p, s) {
    const x = inputs[0]!;
    const out = outputs[0]!;
    const n = p[0]!;
    const total = (n * (n + 1)) / 2;
    let seen = s[0]!;
    for (let i = from; i < to; i++, seen++) {
      if (seen < n - 1) {
        out[i] = NaN;
        continue;
      }
      const base = i - n;
      let weighted = 0;
      for (let k = 1; k <= n; k++) weighted += x[base + k]! * k;
      out[i] = weighted / total;
    }
    s[0] = seen;
  },
};

export const dema = compose({
  ...about,
  name: "dema",
  title: "Double exponential moving average",
  meaning: "2 EMA - EMA(EMA): an average with less lag.",
  source: "Mulloy 1994; equal to TA-Lib DEMA.",
  params: [window(30)],
  build(g, p) {
    const e1 = g.use(ema, [g.input("close")], [p[0]!]);
    const e2 = g.use(ema, [e1], [p[0]!]);
    return [
      g.map([e1, e2], (o, f, t, a, b) => {
        for (let i = f; i < t; i++) o[i] = 2 * a[i]! - b[i]!;
      }),
    ];
  },
});

export const tema = compose({
  ...about,
  name: "tema",
  title: "Triple exponential moving average",
  meaning: "3 EMA - 3 EMA(EMA) + EMA(EMA(EMA)): an average with little lag.",
  source: "Mulloy 1994; equal to TA-Lib TEMA.",
  params: [window(30)],
  build(g, p) {
    const e1 = g.use(ema, [g.input("close")], [p[0]!]);
    const e2 = g.use(ema, [e1], [p[0]!]);
    const e3 = g.use(ema, [e2], [p[0]!]);
    return [
      g.map([e1, e2, e3], (o, f, t, a, b, c) => {
        for (let i = f; i < t; i++) o[i] = 3 * (a[i]! - b[i]!) + c[i]!;
      }),
    ];
  },
});

export const trima = compose({
  ...about,
  name: "trima",
  title: "Triangular moving average",
  meaning: "Mean of the last n values with weights that rise to the middle and fall again.",
  source: "A simple average of a simple average; equal to TA-Lib TRIMA.",
  params: [window(30)],
  build(g, p) {
    const n = p[0]!;
    const [a, b] = n % 2 ? [(n + 1) / 2, (n + 1) / 2] : [n / 2, n / 2 + 1];
    return [g.use(sma, [g.use(sma, [g.input("close")], [a])], [b])];
  },
});

export const hma = compose({
  ...about,
  name: "hma",
  title: "Hull moving average",
  meaning: "WMA(2 WMA(n/2) - WMA(n), sqrt n): smooth with little lag.",
  source: "Hull 2005; n/2 and sqrt n rounded down, as in TA-Lib HMA.",
  params: [window(20)],
  build(g, p) {
    const n = p[0]!;
    const x = g.input("close");
    const half = g.use(wma, [x], [Math.max(1, Math.floor(n / 2))]);
    const whole = g.use(wma, [x], [n]);
    const raw = g.map([half, whole], (o, f, t, a, b) => {
      for (let i = f; i < t; i++) o[i] = 2 * a[i]! - b[i]!;
    });
    return [g.use(wma, [raw], [Math.max(1, Math.floor(Math.sqrt(n)))])];
  },
});

export const zlema = compose({
  ...about,
  name: "zlema",
  title: "Zero-lag exponential moving average",
  meaning: "EMA of a value plus its change over (n-1)/2 bars.",
  source: "Ehlers and Way 2010; equal to TA-Lib ZLEMA.",
  params: [window(30)],
  build(g, p) {
    const x = g.input("close");
    const back = Math.floor((p[0]! - 1) / 2);
    const ahead = g.map([x, g.lag(x, back)], (o, f, t, a, b) => {
      for (let i = f; i < t; i++) o[i] = 2 * a[i]! - b[i]!;
    });
    return [g.use(ema, [ahead], [p[0]!])];
  },
});

export const kama: Kernel = {
  ...about,
  name: "kama",
  title: "Kaufman's adaptive moving average",
  meaning: "Average that follows fast in a trend and slowly in noise.",
  source:
    "Kaufman 1995: smoothing between 2/3 and 2/31 by the efficiency ratio; seeded by the close before, as TA-Lib KAMA.",
  params: [window(30)],
  warmup: (p) => p[0]!,
  lookback: (p) => p[0]!,
  stateSize: () => 2,
  run(inputs, outputs, from, to, p, s) {
    const x = inputs[0]!;
    const out = outputs[0]!;
    const n = p[0]!;
    let seen = s[0]!;
    let value = s[1]!;
    for (let i = from; i < to; i++, seen++) {
      if (seen < n) {
        out[i] = NaN;
        value = x[i]!;
        continue;
      }
      let path = 0;
      for (let k = i - n + 1; k <= i; k++) path += Math.abs(x[k]! - x[k - 1]!);
      const move = Math.abs(x[i]! - x[i - n]!);
      const ratio = path <= move || path === 0 ? 1 : move / path;
      const k = ratio * (2 / 3 - 2 / 31) + 2 / 31;
      value += (x[i]! - value) * (k * k);
      out[i] = value;
    }
    s[0] = seen;
    s[1] = value;
  },
};

export const t3 = compose({
  ...about,
  name: "t3",
  title: "Tillson T3",
  meaning: "A smooth average with little lag: generalised DEMA applied three times.",
  source: "Tillson 1998; equal to TA-Lib T3.",
  params: [window(5), real("factor", 0.7, 0, 1, "volume factor: 0 is a plain triple EMA")],
  build(g, p) {
    const [n, v] = [p[0]!, p[1]!];
    let e: Ref = g.input("close");
    const all: Ref[] = [];
    for (let k = 0; k < 6; k++) all.push((e = g.use(ema, [e], [n])));
    const c1 = -v * v * v;
    const c2 = 3 * v * v + 3 * v * v * v;
    const c3 = -6 * v * v - 3 * v - 3 * v * v * v;
    const c4 = 1 + 3 * v + v * v * v + 3 * v * v;
    return [
      g.map([all[5]!, all[4]!, all[3]!, all[2]!], (o, f, t, a, b, c, d) => {
        for (let i = f; i < t; i++) o[i] = c1 * a[i]! + c2 * b[i]! + c3 * c[i]! + c4 * d[i]!;
      }),
    ];
  },
});

const AVERAGES: Readonly<Record<string, Kernel>> = {
  sma,
  ema,
  wma,
  dema,
  tema,
  trima,
  kama,
  t3,
  rma,
  hma,
  zlema,
};

/** Names of the averages that a parameter `average` chooses from, in the order of its values. */
export const AVERAGE_NAMES = Object.keys(AVERAGES);

/** A parameter that chooses an average. */
export function averageParam(name: string, value: string, meaning: string): Param {
  return {
    name,
    default: AVERAGE_NAMES.indexOf(value),
    min: 0,
    max: AVERAGE_NAMES.length - 1,
    integer: true,
    meaning,
    choices: AVERAGE_NAMES,
  };
}

/** The chosen average of a node; n = 1 is the series itself. `steady` keeps TA-Lib's order of operations. */
export function average(g: Graph, choice: number, x: Ref, n: number, steady = false): Ref {
  if (n === 1) return x;
  let kernel = AVERAGES[AVERAGE_NAMES[choice]!]!;
  if (steady && kernel === sma) kernel = smaRunning;
  if (steady && kernel === ema) kernel = emaSteady;
  return g.use(kernel, [x], kernel === t3 ? [n, 0.7] : [n]);
}

export const ma = compose({
  ...about,
  name: "ma",
  title: "Moving average of a chosen kind",
  meaning: "Any of the moving averages, chosen by name.",
  source: "See the average chosen; equal to TA-Lib MA.",
  params: [window(30, 1), averageParam("average", "sma", "kind of average")],
  build: (g, p) => [average(g, p[1]!, g.input("close"), p[0]!)],
});
