import { addDays, dayMs, msDate, sessionOnOrAfter, sessionOnOrBefore } from "./calendar.ts";
import type { TradingCalendar } from "./calendar.ts";

const pattern = /^([1-9][0-9]{0,3})([smhdw]|mo)$/;
const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: dayMs, w: 7 * dayMs } as const;

/** Is a bar of this timeframe made of whole sessions (days, weeks, months)? */
export function isSessionTimeframe(timeframe: string): boolean {
  return /[dwo]$/.test(timeframe);
}

/** Number and unit of a timeframe. Throws a RangeError where the text is none. */
export function timeframeParts(timeframe: string): { count: number; unit: keyof typeof unitMs | "mo" } {
  const match = pattern.exec(timeframe);
  if (match === null) throw new RangeError(`not a timeframe: ${timeframe}`);
  return { count: Number(match[1]), unit: match[2] as keyof typeof unitMs | "mo" };
}

/**
 * True bounds of the session bar that holds the market date `date`: from the first session's open to the last
 * one's close. Weeks begin on Monday, months on the 1st; `nw` and `nmo` count from the given date's own period.
 * A period without any session has the hours of its first date.
 */
export function sessionBarBounds(
  calendar: TradingCalendar,
  timeframe: string,
  date: string,
): { openMs: number; closeMs: number } {
  const { count, unit } = timeframeParts(timeframe);
  if (unit === "d" && count === 1) {
    const session = calendar.session(date) ?? calendar.hours(date);
    return { openMs: session.openMs, closeMs: session.closeMs };
  }
  let from = date;
  let last = addDays(date, count - 1);
  if (unit === "w") {
    const on = (new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7;
    from = addDays(date, -on);
    last = addDays(from, 7 * count - 1);
  } else if (unit === "mo") {
    const year = Number(date.slice(0, 4));
    const month = Number(date.slice(5, 7)) - 1;
    from = msDate(Date.UTC(year, month, 1));
    last = msDate(Date.UTC(year, month + count, 0));
  }
  const first = sessionOnOrAfter(calendar, from);
  const end = sessionOnOrBefore(calendar, last);
  if (first.date > end.date) {
    const hours = calendar.hours(from);
    return { openMs: hours.openMs, closeMs: hours.closeMs };
  }
  return { openMs: first.openMs, closeMs: end.closeMs };
}

/** Length in ms of a bar shorter than a session. */
export function intradayMs(timeframe: string): number {
  const { count, unit } = timeframeParts(timeframe);
  if (unit === "mo") throw new RangeError(`${timeframe} is not shorter than a session`);
  return count * unitMs[unit];
}
