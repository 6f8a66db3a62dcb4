import { aroundTheClock } from "./around-the-clock.ts";
import type { CalendarName, TradingCalendar } from "./calendar.ts";
import { india } from "./india.ts";
import { newYork } from "./new-york.ts";
import { weekdays } from "./weekdays.ts";
import { sessionBucket } from "./buckets.ts";

export * from "./calendar.ts";
export * from "./bounds.ts";
export * from "./buckets.ts";

const calendars: Record<CalendarName, TradingCalendar> = {
  XNYS: newYork,
  XNSE: india,
  "24x5": weekdays,
  "24x7": aroundTheClock,
};

/** The calendar of an instrument's `calendar` member. */
export function calendarOf(name: CalendarName): TradingCalendar {
  return calendars[name];
}

/** `sessionBucket` of one calendar, as datasets of formulas take it. */
export function bucketRule(
  name: CalendarName,
): (timeframe: string, openMs: number, closeMs: number) => { startMs: number; endMs: number } | undefined {
  const calendar = calendars[name];
  return (timeframe, openMs, closeMs) => sessionBucket(calendar, timeframe, openMs, closeMs);
}
