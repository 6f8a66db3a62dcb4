import type { Kernel } from "../kernel.ts";
import { int, MAX_WINDOW, real } from "../kernel.ts";
import { pointwise } from "../pointwise.ts";

export const fractal = pointwise({
  name: "fractal",
  title: "Fractal swings",
  meaning: "100 on the bar that confirms a swing high or a swing low, `right` bars after it; else 0.",
  source: "Williams 1995; causal: marked when known, as TA-Lib FRACTAL.",
  group: "price",
  inputs: ["high", "low"],
  params: [
    int("left", 2, 1, MAX_WINDOW, "bars before the swing"),
    int("right", 2, 1, MAX_WINDOW, "bars after the swing"),
  ],
  outputs: ["high", "low"],
  back: (p) => p[0]! + p[1]!,
  fill([up, down], from, to, p, h, l) {
    const [left, right] = [p[0]!, p[1]!];
    for (let i = from; i < to; i++) {
      const at = i - right;
      let top = true;
      let bottom = true;
      for (let k = at - left; k <= i; k++) {
        if (k === at) continue;
        if (h[k]! >= h[at]!) top = false;
        if (l[k]! <= l[at]!) bottom = false;
      }
      up![i] = top ? 100 : 0;
      down![i] = bottom ? 100 : 0;
    }
  },
});

/**
 * The reversal filter on closes. State: bars seen, direction, age of the extreme, extreme, age of the highest and of
 * the lowest since the start, both values, last confirmed pivot.
 */
function reversal(name: string, title: string, meaning: string, lookAhead: boolean): Kernel {
  return {
    name,
    title,
    meaning,
    source:
      "Merrill 1977: a pivot is confirmed by a close a percentage beyond it; the first of equal extremes counts.",
    group: "price",
    inputs: ["close"],
    params: [real("percent", 5, 0.001, 99, "reversal that confirms a pivot")],
    outputs: ["value"],
    ...(lookAhead ? { lookAhead } : {}),
    warmup: () => (lookAhead ? 0 : 1),
    lookback: () => 0,
    stateSize: () => 9,
    run(inputs, outputs, from, to, p, s) {
      const x = inputs[0]!;
      const out = outputs[0]!;
      const share = p[0]! / 100;
      let [seen, way, age, extreme] = [s[0]!, s[1]!, s[2]!, s[3]!];
      let [highAge, lowAge, high, low, last] = [s[4]!, s[5]!, s[6]!, s[7]!, s[8]!];
      for (let i = from; i < to; i++, seen++) {
        const c = x[i]!;
        if (lookAhead) out[i] = NaN;
        if (seen === 0) {
          high = c;
          low = c;
          highAge = -1;
          lowAge = -1;
          last = NaN;
        }
        age++;
        highAge++;
        lowAge++;
        const mark = (back: number, value: number): void => {
          last = value;
          if (lookAhead) out[i - back] = value;
        };
        if (way === 0) {
          if (c > high) {
            high = c;
            highAge = 0;
          }
          if (c < low) {
            low = c;
            lowAge = 0;
          }
          if (c >= low * (1 + share)) {
            mark(lowAge, low);
            way = 1;
          } else if (c <= high * (1 - share)) {
            mark(highAge, high);
            way = -1;
          }
          extreme = c;
          age = 0;
        } else if (way === 1 ? c > extreme : c < extreme) {
          extreme = c;
          age = 0;
        } else if (way === 1 ? c <= extreme * (1 - share) : c >= extreme * (1 + share)) {
          mark(age, extreme);
          way = -way;
          extreme = c;
          age = 0;
        }
        if (!lookAhead) out[i] = last;
      }
      s[0] = seen;
      s[1] = way;
      s[2] = age;
      s[3] = extreme;
      s[4] = highAge;
      s[5] = lowAge;
      s[6] = high;
      s[7] = low;
      s[8] = last;
    },
  };
}

export const zigzag = reversal(
  "zigzag",
  "ZigZag, confirmed",
  "Price of the last pivot confirmed by this bar.",
  false,
);

export const zigzagPivot = reversal(
  "zigzagpivot",
  "ZigZag pivots",
  "Price of a pivot on its own bar, NaN elsewhere. Looks ahead: a pivot is known only later; for charts only.",
  true,
);
