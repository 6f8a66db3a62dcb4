import { pointwise } from "../pointwise.ts";
import type { Pointwise } from "../pointwise.ts";

type Levels = (o: number, h: number, l: number, c: number, level: Float64Array) => void;

/** Pivot levels of this bar, from the bar before. */
function pivots(name: string, title: string, source: string, outputs: readonly string[], levels: Levels) {
  const level = new Float64Array(outputs.length);
  const fill: Pointwise["fill"] = (out, from, to, _p, o, h, l, c) => {
    for (let i = from; i < to; i++) {
      levels(o[i - 1]!, h[i - 1]!, l[i - 1]!, c[i - 1]!, level);
      for (let k = 0; k < outputs.length; k++) out[k]![i] = level[k]!;
    }
  };
  return pointwise({
    name,
    title,
    meaning: "Support and resistance levels computed from the bar before.",
    source,
    group: "price",
    inputs: ["open", "high", "low", "close"],
    params: [],
    outputs,
    back: () => 1,
    fill,
  });
}

const SEVEN = ["p", "r1", "s1", "r2", "s2", "r3", "s3"] as const;

export const pivotClassic = pivots(
  "pivotclassic",
  "Classic pivot points",
  "Floor-trader pivots.",
  SEVEN,
  (_o, h, l, c, x) => {
    const p = (h + l + c) / 3;
    x[0] = p;
    x[1] = 2 * p - l;
    x[2] = 2 * p - h;
    x[3] = p + (h - l);
    x[4] = p - (h - l);
    x[5] = h + 2 * (p - l);
    x[6] = l - 2 * (h - p);
  },
);

export const pivotFibonacci = pivots(
  "pivotfibonacci",
  "Fibonacci pivot points",
  "Floor pivot plus and minus 0.382, 0.618 and 1 of the range.",
  SEVEN,
  (_o, h, l, c, x) => {
    const p = (h + l + c) / 3;
    const range = h - l;
    x[0] = p;
    x[1] = p + 0.382 * range;
    x[2] = p - 0.382 * range;
    x[3] = p + 0.618 * range;
    x[4] = p - 0.618 * range;
    x[5] = p + range;
    x[6] = p - range;
  },
);

export const pivotCamarilla = pivots(
  "pivotcamarilla",
  "Camarilla pivot points",
  "Stott 1989: close plus and minus 1.1 range over 12, 6, 4 and 2.",
  ["r1", "s1", "r2", "s2", "r3", "s3", "r4", "s4"],
  (_o, h, l, c, x) => {
    const range = 1.1 * (h - l);
    x[0] = c + range / 12;
    x[1] = c - range / 12;
    x[2] = c + range / 6;
    x[3] = c - range / 6;
    x[4] = c + range / 4;
    x[5] = c - range / 4;
    x[6] = c + range / 2;
    x[7] = c - range / 2;
  },
);

export const pivotWoodie = pivots(
  "pivotwoodie",
  "Woodie pivot points",
  "(H + L + 2C)/4 with the previous bar's close; another version takes the current open.",
  ["p", "r1", "s1", "r2", "s2"],
  (_o, h, l, c, x) => {
    const p = (h + l + 2 * c) / 4;
    x[0] = p;
    x[1] = 2 * p - l;
    x[2] = 2 * p - h;
    x[3] = p + (h - l);
    x[4] = p - (h - l);
  },
);

export const pivotDemark = pivots(
  "pivotdemark",
  "DeMark pivot points",
  "DeMark 1994: weighs high, low or close by the close against the open.",
  ["p", "r1", "s1"],
  (o, h, l, c, x) => {
    const sum = c < o ? h + 2 * l + c : c > o ? 2 * h + l + c : h + l + 2 * c;
    x[0] = sum / 4;
    x[1] = sum / 2 - l;
    x[2] = sum / 2 - h;
  },
);
