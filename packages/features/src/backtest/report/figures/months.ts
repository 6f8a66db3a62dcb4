import type { YearRow } from "./contract.ts";

/**
 * Returns of a curve by UTC month: each from the last close of the month before (the initial cash at first) to its own
 * last close. A close at midnight belongs to the day that it ends. The months of all years compound to the total return.
 */
export function monthTable(closeMs: Float64Array, equity: Float64Array, initialCash: number): YearRow[] {
  const years: YearRow[] = [];
  const n = equity.length;
  let monthStart = initialCash;
  let yearStart = initialCash;
  for (let i = 0; i < n;) {
    const day = new Date(closeMs[i]! - 1);
    const [year, month] = [day.getUTCFullYear(), day.getUTCMonth()];
    const monthEnd = Date.UTC(year, month + 1);
    while (i < n && closeMs[i]! <= monthEnd) i++;
    const close = equity[i - 1]!;
    if (years.at(-1)?.year !== year) {
      yearStart = monthStart;
      years.push({ year, months: Array.from({ length: 12 }, () => null), total: 0 });
    }
    const row = years.at(-1)!;
    row.months[month] = close / monthStart - 1;
    row.total = close / yearStart - 1;
    monthStart = close;
  }
  return years;
}
