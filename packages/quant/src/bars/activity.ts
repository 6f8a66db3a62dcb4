/** Bars that close when enough has been traded: a number of trades, of shares, of money. */
import type { Bar, BarBuilder } from "./table.ts";
import { checkTicks, createBarTable } from "./table.ts";

export type ActivityMeasure = "ticks" | "volume" | "dollars";

/**
 * Bars of `size` trades, of `size` units traded, or of `size` of money traded (price times size). The trade that
 * reaches it closes the bar and belongs to it whole; the next bar starts from nothing. Source: López de Prado 2018,
 * chapter 2.
 */
export function createActivityBars(measure: ActivityMeasure, size: number): BarBuilder {
  if (!(size > 0) || size === Infinity)
    throw new RangeError(`the size of a bar must be above 0, not ${size}`);
  const closed = createBarTable();
  const bar: Bar = { openMs: 0, closeMs: 0, open: 0, high: 0, low: 0, close: 0, volume: 0, ticks: 0 };
  let traded = 0;
  return {
    closed,
    advance(tick, from, to) {
      checkTicks(tick, from, to);
      const { timeMs, price, size: sizes } = tick;
      for (let i = from; i < to; i++) {
        const [p, v] = [price[i]!, sizes[i]!];
        if (bar.ticks === 0) {
          bar.openMs = timeMs[i]!;
          bar.open = bar.high = bar.low = p;
        }
        if (p > bar.high) bar.high = p;
        if (p < bar.low) bar.low = p;
        bar.volume += v;
        bar.ticks++;
        traded += measure === "ticks" ? 1 : measure === "volume" ? v : p * v;
        bar.close = p;
        bar.closeMs = timeMs[i]!;
        if (traded >= size) {
          closed.add(bar);
          bar.ticks = bar.volume = traded = 0;
        }
      }
    },
    forming: () => (bar.ticks === 0 ? undefined : { ...bar }),
  };
}
