import { AppError, isoDate } from "@tapedeck/core";
import type { Adjustment, CorporateAction, SeriesColumns } from "./contract.ts";

/** The last bar that closed by `ms`; -1 when there is none. */
function lastClosedBy(closeMs: Float64Array, ms: number): number {
  let low = 0;
  let high = closeMs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (closeMs[middle]! <= ms) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/**
 * Multiplies raw columns in place, so that the newest bar stays as traded. split: prices × Π split factors of later
 * actions, volumes divided by the same. total: prices also × Π (1 − dividend / raw close before it).
 */
export function adjustColumns(
  columns: SeriesColumns,
  actions: readonly CorporateAction[],
  adjustment: Adjustment,
): void {
  if (adjustment === "raw" || actions.length === 0) return;
  const steps = actions
    .map((action) => ({ action, last: lastClosedBy(columns.closeMs, action.exMs) }))
    .filter((step) => step.last >= 0)
    .map(({ action, last }) => ({ last, ...multipliers(action, columns.close[last]!) }))
    .sort((a, b) => b.last - a.last);

  let split = 1;
  let price = 1;
  let at = steps.length === 0 ? -1 : steps[0]!.last;
  let next = 0;
  const { open, high, low, close, volume } = columns;
  for (; at >= 0; at--) {
    for (; next < steps.length && steps[next]!.last >= at; next++) {
      split *= steps[next]!.split;
      price *= steps[next]!.price;
    }
    const factor = adjustment === "total" ? split * price : split;
    open[at] = open[at]! * factor;
    high[at] = high[at]! * factor;
    low[at] = low[at]! * factor;
    close[at] = close[at]! * factor;
    volume[at] = volume[at]! / split;
  }
}

function multipliers(action: CorporateAction, closeBefore: number): { split: number; price: number } {
  if (action.kind === "split") return { split: 1 / action.ratio, price: 1 };
  if (action.kind === "factor") return { split: action.splitRatio, price: action.priceRatio };
  if (!(action.amount < closeBefore)) {
    throw new AppError(
      "data.invalid",
      `The dividend of ${action.amount} on ${isoDate(action.exMs)} is not below the close before it, ${closeBefore}. Correct the corporate actions, or read with adjustment "split".`,
    );
  }
  return { split: 1, price: 1 - action.amount / closeBefore };
}
