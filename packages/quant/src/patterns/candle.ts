import type { Kernel } from "../kernel.ts";
import { real } from "../kernel.ts";
import type { Bars } from "./shape.ts";

const ohlc = ["open", "high", "low", "close"] as const;

/** 100 or -100 where the pattern ends with bar i, else 0. Reads `lookback` bars before i. */
export type Judge = (b: Bars, i: number, penetration: number) => number;

export interface CandlePattern {
  readonly name: string;
  readonly title: string;
  readonly meaning: string;
  readonly lookback: number;
  /** Default depth into an earlier body, as a share of it, of patterns that have one. */
  readonly penetration?: number;
  /** Where the definition differs from what a reader may expect. */
  readonly note?: string;
  readonly judge: Judge;
}

const WARNING = "Judges the shape, not the trend before it.";

export function sourceOf(pattern: { readonly note?: string }): string {
  return `TA-Lib 0.8 with its default candle settings, bar by bar. ${pattern.note ?? WARNING}`;
}

/** A candlestick pattern as a kernel: bars in, -100, 0 or 100 out. */
export function candle(pattern: CandlePattern): Kernel {
  const { judge, lookback, penetration } = pattern;
  return {
    name: pattern.name,
    title: pattern.title,
    meaning: pattern.meaning,
    source: sourceOf(pattern),
    group: "pattern",
    inputs: ohlc,
    params:
      penetration === undefined
        ? []
        : [
            real(
              "penetration",
              penetration,
              0,
              1,
              "depth of the close in the earlier body, as a share of it",
            ),
          ],
    outputs: ["value"],
    warmup: () => lookback,
    lookback: () => lookback,
    stateSize: () => 1,
    run([o, h, l, c], [out], from, to, p, s) {
      const bars: Bars = { open: o!, high: h!, low: l!, close: c! };
      const seen = s[0]!;
      const begin = Math.min(to, from + Math.max(0, lookback - seen));
      const depth = p[0] ?? 0;
      out!.fill(NaN, from, begin);
      for (let i = begin; i < to; i++) out![i] = judge(bars, i, depth);
      s[0] = seen + to - from;
    },
  };
}
