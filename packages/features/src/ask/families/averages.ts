import { Declined } from "../answer.ts";
import type { Bars, Stretch } from "../bars.ts";
import { formatCount } from "../format.ts";
import type { Question } from "../question.ts";

export function averageKind(question: Question): "sma" | "ema" {
  return question.matches(/ (?:exponential|ema) /) ? "ema" : "sma";
}

export const averageNames = { sma: "simple moving average", ema: "exponential moving average" } as const;

/** `200-day`, `12-month`: the window in the bars' own unit. */
export function windowName(bars: Bars, window: number): string {
  const names: Record<string, string> = {
    "1d": "day",
    "1w": "week",
    "1mo": "month",
    "1h": "hour",
    "1m": "minute",
  };
  return `${window}-${names[bars.dataset.timeframe] ?? "bar"}`;
}

/** Where the stretch meets a condition, by the picks of the question. */
export function pickIndex(holds: (i: number) => boolean, stretch: Stretch, pick: "last" | "first"): number {
  if (pick === "first") {
    for (let i = stretch.from; i < stretch.to; i++) if (holds(i)) return i;
  } else {
    for (let i = stretch.to - 1; i >= stretch.from; i--) if (holds(i)) return i;
  }
  return -1;
}

export function tooShort(bars: Bars, label: string): Declined {
  return new Declined(
    `The data of ${bars.name} (${formatCount(bars.dataset.length)} bars of ${bars.dataset.timeframe}) is too short for its ${label} there.`,
  );
}
