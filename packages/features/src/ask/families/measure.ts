import { dayMs } from "@tapedeck/core";
import type { EvidenceItem } from "../../evidence/contract.ts";
import { Declined } from "../answer.ts";
import type { Bars, Stretch } from "../bars.ts";

export interface MeasuredReturn {
  base: number;
  end: number;
  value: number;
  item: EvidenceItem;
  cite: EvidenceItem[];
}

/** The first bar that a return over the stretch compares with: the close before a month or year, a named day's own close. */
function baseIndex(stretch: Stretch): number {
  const { period } = stretch;
  if (period === undefined || period.trailingDays !== undefined) return stretch.from;
  if (period.grain === "range" && period.startGrain === "day") return stretch.from;
  return Math.max(0, stretch.from - 1);
}

export function measureReturn(bars: Bars, stretch: Stretch): MeasuredReturn {
  const { close } = bars.dataset.columns;
  let base = baseIndex(stretch);
  // A day named as the start without a session: the last close before it.
  const { period } = stretch;
  if (period?.startGrain === "day" && Number.isFinite(period.fromMs)) {
    const at = bars.onOrBefore(period.fromMs + dayMs);
    if (at >= 0) base = at;
  }
  const end = stretch.to - 1;
  if (end <= base) {
    throw new Declined(
      `There are too few bars of ${bars.name} ${period?.label ?? ""} for a return.`.replaceAll("  ", " "),
    );
  }
  const value = close[end]! / close[base]! - 1;
  const item = bars.value(`close / close ${bars.at(base)} - 1`, end, value, "return");
  return {
    base,
    end,
    value,
    item,
    cite: [
      item,
      bars.value("close", base, close[base]!, bars.unit),
      bars.value("close", end, close[end]!, bars.unit),
    ],
  };
}

/** Simple returns from one bar's close to the next within a stretch, the first from the close before it. [bars] */
export function returnsOf(bars: Bars, stretch: Stretch): Float64Array {
  const { close } = bars.dataset.columns;
  const from = Math.max(1, stretch.from);
  return Float64Array.from(
    { length: Math.max(0, stretch.to - from) },
    (_, i) => close[from + i]! / close[from + i - 1]! - 1,
  );
}

/** The returns of the days, weeks, months or years of a stretch, each from the close before it. */
export function moves(
  bars: Bars,
  stretch: Stretch,
  grain: "day" | "week" | "month" | "year",
): { base: number; end: number; value: number }[] {
  const { close, closeMs } = bars.dataset.columns;
  const bucket = (i: number) => {
    const date = new Date(closeMs[i]! - 1);
    if (grain === "year") return date.getUTCFullYear();
    // Weeks begin on Monday; the epoch was a Thursday.
    if (grain === "week") return Math.floor(((closeMs[i]! - 1) / dayMs + 3) / 7);
    if (grain === "month") return date.getUTCFullYear() * 12 + date.getUTCMonth();
    return Math.floor((closeMs[i]! - 1) / dayMs);
  };
  const found: { base: number; end: number; value: number }[] = [];
  for (let i = stretch.from; i < stretch.to;) {
    let end = i;
    while (end + 1 < stretch.to && bucket(end + 1) === bucket(i)) end++;
    if (i > 0) found.push({ base: i - 1, end, value: close[end]! / close[i - 1]! - 1 });
    i = end + 1;
  }
  return found;
}
