import type { Kernel } from "../kernel.ts";
import { real } from "../kernel.ts";

const speed = (name: string, value: number, meaning: string) => real(name, value, 0, 1e6, meaning);

/** Parabolic stop and reverse with free settings. State: bars seen, long?, sar, extreme, acceleration. */
export const psarExt: Kernel = {
  name: "psarext",
  title: "Parabolic stop and reverse, extended",
  meaning: "Parabolic stop with its own settings for each side; negative while the trend is down.",
  source: "Wilder 1978; equal to TA-Lib SAREXT.",
  group: "overlap",
  inputs: ["high", "low"],
  params: [
    real("start", 0, -1e15, 1e15, "first stop: above 0 long, below 0 short, 0 by the first bar's movement"),
    speed("offset", 0, "share of the stop added when the trend turns"),
    speed("longInit", 0.02, "first acceleration, long"),
    speed("longStep", 0.02, "step of the acceleration, long"),
    speed("longMax", 0.2, "largest acceleration, long"),
    speed("shortInit", 0.02, "first acceleration, short"),
    speed("shortStep", 0.02, "step of the acceleration, short"),
    speed("shortMax", 0.2, "largest acceleration, short"),
  ],
  outputs: ["value"],
  warmup: () => 1,
  lookback: () => 1,
  stateSize: () => 5,
  run(inputs, outputs, from, to, p, s) {
    const high = inputs[0]!;
    const low = inputs[1]!;
    const out = outputs[0]!;
    const [start, offset] = [p[0]!, p[1]!];
    const [longMax, shortMax] = [p[4]!, p[7]!];
    const [longInit, longStep] = [Math.min(p[2]!, longMax), Math.min(p[3]!, longMax)];
    const [shortInit, shortStep] = [Math.min(p[5]!, shortMax), Math.min(p[6]!, shortMax)];
    let [seen, long, sar, extreme, pace] = [s[0]!, s[1]!, s[2]!, s[3]!, s[4]!];
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
        long = start > 0 ? 1 : start < 0 ? 0 : down > 0 && up < down ? 0 : 1;
        extreme = long ? h : l;
        sar = start === 0 ? (long ? l1 : h1) : Math.abs(start);
        pace = long ? longInit : shortInit;
        h1 = h;
        l1 = l;
      }
      if (long === 1) {
        if (l <= sar) {
          long = 0;
          sar = Math.max(extreme, h1, h);
          if (offset !== 0) sar += sar * offset;
          out[i] = -sar;
          pace = shortInit;
          extreme = l;
          sar = Math.max(sar + pace * (extreme - sar), h1, h);
        } else {
          out[i] = sar;
          if (h > extreme) {
            extreme = h;
            pace = Math.min(pace + longStep, longMax);
          }
          sar = Math.min(sar + pace * (extreme - sar), l1, l);
        }
      } else if (h >= sar) {
        long = 1;
        sar = Math.min(extreme, l1, l);
        if (offset !== 0) sar -= sar * offset;
        out[i] = sar;
        pace = longInit;
        extreme = h;
        sar = Math.min(sar + pace * (extreme - sar), l1, l);
      } else {
        out[i] = -sar;
        if (l < extreme) {
          extreme = l;
          pace = Math.min(pace + shortStep, shortMax);
        }
        sar = Math.max(sar + pace * (extreme - sar), h1, h);
      }
    }
    s[0] = seen;
    s[1] = long;
    s[2] = sar;
    s[3] = extreme;
    s[4] = pace;
  },
};
