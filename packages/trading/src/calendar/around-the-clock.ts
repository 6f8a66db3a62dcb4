import { dateMs, dayMs, minuteMs, msDate, utcDay } from "./calendar.ts";
import type { TradingCalendar } from "./calendar.ts";

/** Markets that never close: each UTC day is a session. */
export const aroundTheClock: TradingCalendar = {
  id: "24x7",
  timeZone: "UTC",
  sessionsPerYear: 365,
  sessionMs: dayMs,
  knownFrom: "0001-01-01",
  knownTo: "9999-12-31",
  unknownHolidays: () => 0,
  session: utcDay,
  hours: utcDay,
  dateOf: msDate,
  instant: (date, minutes) => dateMs(date) + minutes * minuteMs,
};
