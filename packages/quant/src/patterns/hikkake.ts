/** Hikkake: a false break of an inside bar, confirmed by a later close beyond the other side. */
import type { Kernel } from "../kernel.ts";
import { sourceOf } from "./candle.ts";
import * as s from "./shape.ts";
import type { Bars } from "./shape.ts";

/** Bars within which the confirmation must come. */
const PATIENCE = 3;

/** 100 where bar i breaks down out of the inside bar before it (bullish once confirmed), -100 where up, else 0. */
type Break = (b: Bars, i: number) => number;

const isInside = (b: Bars, i: number): boolean =>
  s.high(b, i) < s.high(b, i - 1) && s.low(b, i) > s.low(b, i - 1);

const plain: Break = (b, i) => {
  if (!isInside(b, i - 1)) return 0;
  if (s.high(b, i) < s.high(b, i - 1) && s.low(b, i) < s.low(b, i - 1)) return 100;
  return s.high(b, i) > s.high(b, i - 1) && s.low(b, i) > s.low(b, i - 1) ? -100 : 0;
};

const modified: Break = (b, i) => {
  const value = isInside(b, i - 2) ? plain(b, i) : 0;
  if (value === 0) return 0;
  const near = s.nearDistance(b, i - 2);
  const held =
    value > 0 ? s.close(b, i - 2) <= s.low(b, i - 2) + near : s.close(b, i - 2) >= s.high(b, i - 2) - near;
  return held ? value : 0;
};

/**
 * State: bars seen, the last break's value, bars since it (0 = none is open), and the price a close must pass.
 * `first` is the first bar at which a break can be judged, `warmup` the first that is given out.
 */
function hikkake(
  about: { readonly name: string; readonly title: string; readonly meaning: string },
  judge: Break,
  first: number,
  warmup: number,
): Kernel {
  return {
    ...about,
    source: sourceOf({ note: "A second break before the confirmation takes the first one's place." }),
    group: "pattern",
    inputs: ["open", "high", "low", "close"],
    params: [],
    outputs: ["value"],
    warmup: () => warmup,
    lookback: () => first,
    stateSize: () => 4,
    run([o, h, l, c], [out], from, to, _p, state) {
      const bars: Bars = { open: o!, high: h!, low: l!, close: c! };
      let seen = state[0]!;
      let value = state[1]!;
      let age = state[2]!;
      let price = state[3]!;
      for (let i = from; i < to; i++, seen++) {
        let now = 0;
        const found = seen < first ? 0 : judge(bars, i);
        if (found !== 0) {
          now = value = found;
          age = 1;
          price = found > 0 ? h![i - 1]! : l![i - 1]!;
        } else if (age > 0) {
          if (value > 0 ? c![i]! > price : c![i]! < price) {
            now = 2 * value;
            age = 0;
          } else age = age === PATIENCE ? 0 : age + 1;
        }
        out![i] = seen < warmup ? NaN : now;
      }
      state[0] = seen;
      state[1] = value;
      state[2] = age;
      state[3] = price;
    },
  };
}

export const cdlHikkake = hikkake(
  {
    name: "cdlhikkake",
    title: "Hikkake",
    meaning:
      "A break out of an inside bar: 100 when down, -100 when up; 200 or -200 when one of the next three closes passes its other side.",
  },
  plain,
  2,
  5,
);

export const cdlHikkakeMod = hikkake(
  {
    name: "cdlhikkakemod",
    title: "Modified hikkake",
    meaning:
      "A hikkake of two inside bars of which the first closes near its end: 100, -100, and twice that when confirmed.",
  },
  modified,
  7,
  10,
);
