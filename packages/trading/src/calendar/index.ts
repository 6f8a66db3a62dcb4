import { aroundTheClock } from "./around-the-clock.ts";
import type { CalendarName, TradingCalendar } from "./calendar.ts";
import { newYork } from "./new-york.ts";

export * from "./calendar.ts";
export * from "./bounds.ts";

/** The calendar of an instrument's `calendar` member. */
export function calendarOf(name: CalendarName): TradingCalendar {
  return name === "XNYS" ? newYork : aroundTheClock;
}
