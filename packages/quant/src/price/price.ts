import { compose } from "../compose.ts";
import type { Kernel } from "../kernel.ts";
import { window } from "../kernel.ts";
import { pointwise } from "../pointwise.ts";
import { highest, lowest } from "../window/extreme.ts";

const about = { group: "price", params: [], outputs: ["value"] } as const;

export const avgPrice = pointwise({
  ...about,
  name: "avgprice",
  title: "Average price",
  meaning: "Mean of open, high, low and close.",
  source: "Definition; equal to TA-Lib AVGPRICE.",
  inputs: ["open", "high", "low", "close"],
  fill([out], from, to, _p, o, h, l, c) {
    for (let i = from; i < to; i++) out![i] = (o[i]! + h[i]! + l[i]! + c[i]!) / 4;
  },
});

export const medPrice = pointwise({
  ...about,
  name: "medprice",
  title: "Median price",
  meaning: "Middle of high and low.",
  source: "Definition; equal to TA-Lib MEDPRICE.",
  inputs: ["high", "low"],
  fill([out], from, to, _p, h, l) {
    for (let i = from; i < to; i++) out![i] = (h[i]! + l[i]!) / 2;
  },
});

export const typPrice = pointwise({
  ...about,
  name: "typprice",
  title: "Typical price",
  meaning: "Mean of high, low and close.",
  source: "Definition; equal to TA-Lib TYPPRICE.",
  inputs: ["high", "low", "close"],
  fill([out], from, to, _p, h, l, c) {
    for (let i = from; i < to; i++) out![i] = (h[i]! + l[i]! + c[i]!) / 3;
  },
});

export const wclPrice = pointwise({
  ...about,
  name: "wclprice",
  title: "Weighted close",
  meaning: "Mean of high, low and twice the close.",
  source: "Definition; equal to TA-Lib WCLPRICE.",
  inputs: ["high", "low", "close"],
  fill([out], from, to, _p, h, l, c) {
    for (let i = from; i < to; i++) out![i] = (h[i]! + l[i]! + c[i]! * 2) / 4;
  },
});

/** Heikin-Ashi bars. State: started?, open and close of the bar before. */
export const heikinAshi: Kernel = {
  ...about,
  name: "heikinashi",
  title: "Heikin-Ashi bars",
  meaning: "Averaged bars that show a trend with less noise.",
  source: "Valcu 2004; the first open is (open + close)/2, as TA-Lib HA.",
  inputs: ["open", "high", "low", "close"],
  outputs: ["open", "high", "low", "close"],
  warmup: () => 0,
  lookback: () => 0,
  stateSize: () => 3,
  run(x, out, from, to, _p, s) {
    const [o, h, l, c] = [x[0]!, x[1]!, x[2]!, x[3]!];
    const [ao, ah, al, ac] = [out[0]!, out[1]!, out[2]!, out[3]!];
    let [lastOpen, lastClose] = [s[1]!, s[2]!];
    for (let i = from; i < to; i++) {
      const close = (o[i]! + h[i]! + l[i]! + c[i]!) / 4;
      const open = s[0] === 0 ? (o[i]! + c[i]!) / 2 : (lastOpen + lastClose) / 2;
      s[0] = 1;
      ao[i] = open;
      ac[i] = close;
      ah[i] = Math.max(h[i]!, open, close);
      al[i] = Math.min(l[i]!, open, close);
      lastOpen = open;
      lastClose = close;
    }
    s[1] = lastOpen;
    s[2] = lastClose;
  },
};

export const midPoint = compose({
  ...about,
  name: "midpoint",
  title: "Midpoint",
  meaning: "Middle of the highest and lowest of the last n values.",
  source: "Definition; equal to TA-Lib MIDPOINT.",
  group: "overlap",
  inputs: ["close"],
  params: [window(14)],
  build(g, p) {
    const x = g.input("close");
    return [g.scale(g.add(g.use(highest, [x], [p[0]!]), g.use(lowest, [x], [p[0]!])), 0.5)];
  },
});

export const midPrice = compose({
  ...about,
  name: "midprice",
  title: "Midprice",
  meaning: "Middle of the highest high and the lowest low of the last n bars.",
  source: "Definition; equal to TA-Lib MIDPRICE.",
  group: "overlap",
  inputs: ["high", "low"],
  params: [window(14)],
  build: (g, p) => [
    g.scale(g.add(g.use(highest, [g.input("high")], [p[0]!]), g.use(lowest, [g.input("low")], [p[0]!])), 0.5),
  ],
});
