import { dateMs, dayMs, minuteMs, msDate } from "./calendar.ts";
import type { Session, TradingCalendar } from "./calendar.ts";

function utcDay(date: string): Session {
  const openMs = dateMs(date);
  return { date, openMs, closeMs: openMs + dayMs, early: false };
}

/** Markets that never close: each UTC day is a session. */
export const aroundTheClock: TradingCalendar = {
  id: "24x7",
  timeZone: "UTC",
  sessionsPerYear: 365,
  sessionMs: dayMs,
  knownFrom: "0001-01-01",
  knownTo: "9999-12-31",
  unknownHolidays: 0,
  session: utcDay,
  hours: utcDay,
  dateOf: msDate,
  instant: (date, minutes) => dateMs(date) + minutes * minuteMs,
};
