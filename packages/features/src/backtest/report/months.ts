import type { YearRow } from "./contract.ts";

/**
 * Returns of a curve by UTC month: each from the last close of the month before (the initial cash at first) to its own
 * last close. A close at midnight belongs to the day that it ends. The months of all years compound to the total return.
 */
export function monthTable(closeMs: Float64Array, equity: Float64Array, initialCash: number): YearRow[] {
  const years: YearRow[] = [];
  let monthStart = initialCash;
  let yearStart = initialCash;
  for (let i = 0; i < equity.length; i++) {
    const day = new Date(closeMs[i]! - 1);
    const next = i + 1 < equity.length ? new Date(closeMs[i + 1]! - 1) : undefined;
    const year = day.getUTCFullYear();
    const isYearEnd = next?.getUTCFullYear() !== year;
    if (!isYearEnd && next?.getUTCMonth() === day.getUTCMonth()) continue;
    if (years.at(-1)?.year !== year) {
      years.push({ year, months: Array.from({ length: 12 }, () => null), total: 0 });
    }
    const row = years.at(-1)!;
    row.months[day.getUTCMonth()] = equity[i]! / monthStart - 1;
    monthStart = equity[i]!;
    if (!isYearEnd) continue;
    row.total = equity[i]! / yearStart - 1;
    yearStart = equity[i]!;
  }
  return years;
}
