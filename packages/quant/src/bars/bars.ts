/** Bars from trades by one rule, and Heikin-Ashi bars from bars. */
import { runKernel } from "../drive.ts";
import { heikinAshi } from "../price/price.ts";
import { createActivityBars } from "./activity.ts";
import { createRangeBars, createRenkoBars } from "./movement.ts";
import type { BarBuilder, BarColumns, Ticks } from "./table.ts";
import type { TimeBarOptions } from "./time.ts";
import { createTimeBars } from "./time.ts";

export type BarRule =
  | ({ readonly kind: "time" } & TimeBarOptions)
  | { readonly kind: "ticks" | "volume" | "dollars" | "range" | "renko"; readonly size: number };

/** A builder for the rule. Throws a RangeError at a size that is not above 0. */
export function createBarBuilder(rule: BarRule): BarBuilder {
  switch (rule.kind) {
    case "time":
      return createTimeBars(rule);
    case "range":
      return createRangeBars(rule.size);
    case "renko":
      return createRenkoBars(rule.size);
    case "ticks":
    case "volume":
    case "dollars":
      return createActivityBars(rule.kind, rule.size);
  }
}

/**
 * The closed bars of trades. The bar still open at the end is left out; time bars whose bucket has ended by
 * `untilMs`, the time up to which the trades are known to be complete, are closed.
 */
export function barsFromTicks(ticks: Ticks, rule: BarRule, untilMs?: number): BarColumns {
  const { timeMs, price, size } = ticks;
  if (timeMs.length !== price.length || price.length !== size.length) {
    throw new RangeError(`trades differ in length (${timeMs.length}, ${price.length}, ${size.length})`);
  }
  if (rule.kind !== "time") {
    const builder = createBarBuilder(rule);
    builder.advance(ticks, 0, timeMs.length);
    return builder.closed.copy();
  }
  const builder = createTimeBars(rule);
  builder.advance(ticks, 0, timeMs.length);
  if (untilMs !== undefined) builder.closeUntil(untilMs);
  return builder.closed.copy();
}

/** Heikin-Ashi bars of bars: times, volume and trades stay. The prices are averages: nothing was traded at them. */
export function heikinAshiBars(bars: BarColumns): BarColumns {
  const [open, high, low, close] = runKernel(heikinAshi, [bars.open, bars.high, bars.low, bars.close]) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  return { ...bars, open, high, low, close };
}
