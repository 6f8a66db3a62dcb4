import { aroundTheClock } from "./around-the-clock.ts";
import type { CalendarName, TradingCalendar } from "./calendar.ts";
import { newYork } from "./new-york.ts";
import { weekdays } from "./weekdays.ts";

export * from "./calendar.ts";
export * from "./bounds.ts";
export * from "./buckets.ts";

const calendars: Record<CalendarName, TradingCalendar> = {
  XNYS: newYork,
  "24x5": weekdays,
  "24x7": aroundTheClock,
};

/** The calendar of an instrument's `calendar` member. */
export function calendarOf(name: CalendarName): TradingCalendar {
  return calendars[name];
}
