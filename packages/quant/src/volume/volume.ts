import { compose } from "../compose.ts";
import type { Kernel } from "../kernel.ts";
import { window } from "../kernel.ts";
import { sum } from "../window/sum.ts";

export const obv: Kernel = {
  name: "obv",
  title: "On-balance volume",
  meaning: "Running volume, added on rising closes and subtracted on falling ones.",
  source: "Granville 1963; starts at the first bar's volume, as TA-Lib OBV.",
  group: "volume",
  inputs: ["close", "volume"],
  params: [],
  outputs: ["value"],
  warmup: () => 0,
  lookback: () => 1,
  stateSize: () => 2,
  run(inputs, outputs, from, to, _p, s) {
    const close = inputs[0]!;
    const volume = inputs[1]!;
    const out = outputs[0]!;
    let total = s[1]!;
    for (let i = from; i < to; i++) {
      if (s[0] === 0) {
        s[0] = 1;
        total = volume[i]!;
      } else total += volume[i]! * (+(close[i]! > close[i - 1]!) - +(close[i]! < close[i - 1]!));
      out[i] = total;
    }
    s[1] = total;
  },
};

const hlcv = ["high", "low", "close", "volume"] as const;

/** Volume-weighted typical price since the state's start. State: price x volume, volume. */
export const vwap: Kernel = {
  name: "vwap",
  title: "Volume-weighted average price, cumulative",
  meaning: "Average price paid since the first bar.",
  source:
    "Berkowitz, Logue and Noser 1988 on the typical price; equal to TA-Lib VWAP. NaN while no volume has traded.",
  group: "volume",
  inputs: hlcv,
  params: [],
  outputs: ["value"],
  warmup: () => 0,
  lookback: () => 0,
  stateSize: () => 2,
  run(inputs, outputs, from, to, _p, s) {
    const [h, l, c, v] = [inputs[0]!, inputs[1]!, inputs[2]!, inputs[3]!];
    const out = outputs[0]!;
    let paid = s[0]!;
    let traded = s[1]!;
    for (let i = from; i < to; i++) {
      paid += ((h[i]! + l[i]! + c[i]!) / 3) * v[i]!;
      traded += v[i]!;
      out[i] = traded > 0 ? paid / traded : NaN;
    }
    s[0] = paid;
    s[1] = traded;
  },
};

export const vwapRolling = compose({
  name: "vwaprolling",
  title: "Volume-weighted average price of the last bars",
  meaning: "Average price paid over the last n bars.",
  source: "As vwap, over a window; NaN where the window has no volume.",
  group: "volume",
  inputs: hlcv,
  params: [window(20, 1)],
  outputs: ["value"],
  build(g, p) {
    const paid = g.map(g.inputs(hlcv), (o, f, t, h, l, c, v) => {
      for (let i = f; i < t; i++) o[i] = ((h[i]! + l[i]! + c[i]!) / 3) * v[i]!;
    });
    return [g.ratio(g.use(sum, [paid], [p[0]!]), g.use(sum, [g.input("volume")], [p[0]!]))];
  },
});

export const vwma = compose({
  name: "vwma",
  title: "Volume-weighted moving average",
  meaning: "Mean of the last n closes weighted by volume.",
  source: "Definition; equal to TA-Lib VWMA, but NaN (not infinite) where the window has no volume.",
  group: "overlap",
  inputs: ["close", "volume"],
  params: [window(30, 1)],
  outputs: ["value"],
  build(g, p) {
    const paid = g.mul(g.input("close"), g.input("volume"));
    return [g.ratio(g.use(sum, [paid], [p[0]!]), g.use(sum, [g.input("volume")], [p[0]!]))];
  },
});
