import { addDays, dateMs, dayMs, msDate, sessionOnOrAfter, sessionOnOrBefore } from "./calendar.ts";
import type { TradingCalendar } from "./calendar.ts";
import { intradayMs, isSessionTimeframe, timeframeParts } from "./bounds.ts";

/** 1970-01-05, a Monday. */
const firstMonday = 4 * dayMs;

/**
 * Which bar of a timeframe a finer bar [openMs, closeMs) is part of, as that bar's half-open bounds.
 *
 * Days, weeks (from Monday) and months are counted in market dates and run from their first session's open to their last
 * one's close, whatever holidays, short days and changes of the clocks do to it; a bar that lies outside its date's
 * session is part of none (undefined). Shorter ones are counted from the session's open and end with it; outside sessions
 * they follow the UTC clock.
 */
export function sessionBucket(
  calendar: TradingCalendar,
  timeframe: string,
  openMs: number,
  closeMs: number,
): { startMs: number; endMs: number } | undefined {
  // of its last moment: a day by UTC begins on the evening before in New York
  const date = calendar.dateOf(closeMs - 1);
  const session = calendar.session(date) ?? calendar.hours(date);
  const isInside = closeMs > session.openMs && openMs < session.closeMs;
  if (!isSessionTimeframe(timeframe)) {
    const length = intradayMs(timeframe);
    if (isInside) {
      const startMs = session.openMs + floorTo(Math.max(0, openMs - session.openMs), length);
      return { startMs, endMs: Math.min(startMs + length, session.closeMs) };
    }
    const startMs = floorTo(openMs, length);
    return openMs < session.openMs
      ? { startMs, endMs: Math.min(startMs + length, session.openMs) }
      : { startMs: Math.max(startMs, session.closeMs), endMs: startMs + length };
  }
  if (!isInside) return undefined;
  const { from, last } = periodOf(timeframe, date);
  const first = sessionOnOrAfter(calendar, from);
  const end = sessionOnOrBefore(calendar, last);
  // a date that the calendar does not have belongs to no other session
  if (first.date > date || end.date < date) return { startMs: session.openMs, endMs: session.closeMs };
  return { startMs: first.openMs, endMs: end.closeMs };
}

function floorTo(ms: number, length: number): number {
  return Math.floor(ms / length) * length;
}

/** First and last date of the period that holds a date; periods of several units are counted from 1970. */
function periodOf(timeframe: string, date: string): { from: string; last: string } {
  const { count, unit } = timeframeParts(timeframe);
  if (unit === "mo") {
    const year = Number(date.slice(0, 4));
    const months = year * 12 + Number(date.slice(5, 7)) - 1;
    const start = months - (months % count);
    const [first, month] = [Math.floor(start / 12), start % 12];
    return { from: msDate(Date.UTC(first, month, 1)), last: msDate(Date.UTC(first, month + count, 0)) };
  }
  const length = count * (unit === "w" ? 7 : 1) * dayMs;
  const offset = unit === "w" ? firstMonday : 0;
  const from = msDate(floorTo(dateMs(date) - offset, length) + offset);
  return { from, last: addDays(from, length / dayMs - 1) };
}
