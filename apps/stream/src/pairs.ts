import type { Topic } from "@tapedeck/features/ticks/contract";
import type { Bar, FormulaRun } from "@tapedeck/formula";
import { registry, runKernel } from "@tapedeck/quant";
import { correlation, engleGrangerTest, halfLifeOf, ols, QuantError } from "@tapedeck/quant/statistics/index";
import type { WatchRequest } from "./watch.ts";

export type PairTopic = Extract<Topic, { channel: "pairs" }>;

/** What a pair's run gives at each bar, in this order. */
export const pairOutputs = [
  "hedgeRatio",
  "intercept",
  "spread",
  "zScore",
  "correlation",
  "adf",
  "adfP",
  "halfLife",
] as const;

const differences = (levels: Float64Array) =>
  Float64Array.from({ length: levels.length - 1 }, (_, i) => levels[i + 1]! - levels[i]!);

function rollingZScore(spread: Float64Array, window: number): number {
  const kernel = registry.get("zscore")!;
  const params = kernel.params.map((one, i) => (i === 0 ? window : one.name === "ddof" ? 1 : one.default));
  return runKernel(kernel, [spread], params)[0]!.at(-1)!;
}

/**
 * `pairOutputs` of the logarithms of closes [window] of y and x: the figures that an analysis of kind `pairs` gives
 * over the same bars. NaN where one is undefined, such as the ratio to a price that does not move.
 */
export function computePair(y: Float64Array, x: Float64Array, zWindow: number): Float64Array {
  const values = new Float64Array(pairOutputs.length).fill(Number.NaN);
  try {
    const [intercept, ratio] = ols(y, [x]).coefficients as unknown as [number, number];
    const spread = y.map((value, i) => value - ratio * x[i]! - intercept);
    values.set([ratio, intercept, spread.at(-1)!, rollingZScore(spread, zWindow)]);
    values[4] = correlation(differences(y), differences(x));
    const { statistic, p } = engleGrangerTest(y, x, { terms: "c" });
    values.set([statistic, p, halfLifeOf(spread).halfLife ?? Number.NaN], 5);
  } catch (error) {
    if (!(error instanceof QuantError)) throw error;
  }
  return values;
}

/** Of memory that a bar's levels take. */
const bytesPerBar = 32;

/** A pair as a watch: y's bars are the base; those without a bar of x of the same time are passed over. */
export function pairWatch(topic: PairTopic, tenantId: string, keepValues: number): WatchRequest {
  const { y, x, timeframe, window, zWindow } = topic;

  function begin(): FormulaRun {
    let levels: { y: number; x: number }[] = [];
    const nothing = new Float64Array(pairOutputs.length).fill(Number.NaN);
    let other: Bar | undefined;
    return {
      instruments: [x],
      pushOther(_name, bar) {
        other = bar;
      },
      push(bar) {
        if (other?.closeMs !== bar.closeMs) return nothing;
        levels.push({ y: Math.log(bar.close), x: Math.log(other.close) });
        if (levels.length > window) levels.shift();
        if (levels.length < window) return nothing;
        return computePair(
          Float64Array.from(levels, (one) => one.y),
          Float64Array.from(levels, (one) => one.x),
          zWindow,
        );
      },
      save: () => ({ bytes: levels.length * bytesPerBar, state: { levels: [...levels], other } }),
      restore({ state }) {
        const saved = state as { levels: typeof levels; other: Bar | undefined };
        levels = [...saved.levels];
        ({ other } = saved);
      },
    };
  }
  return { instrumentId: y, timeframe, tenantId, begin, historyBars: window + keepValues };
}
