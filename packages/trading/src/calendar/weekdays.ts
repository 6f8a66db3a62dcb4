import { dateMs, dayMs, minuteMs, msDate, utcDay } from "./calendar.ts";
import type { TradingCalendar } from "./calendar.ts";

function isWeekend(date: string): boolean {
  const on = new Date(dateMs(date)).getUTCDay();
  return on === 0 || on === 6;
}

/** Markets that rest at weekends and whose hours and holidays are not known: the UTC days Monday to Friday. */
export const weekdays: TradingCalendar = {
  id: "24x5",
  timeZone: "UTC",
  sessionsPerYear: 261,
  sessionMs: dayMs,
  knownFrom: "0001-01-01",
  knownTo: "9999-12-31",
  // The longest that exchanges close for is the ten days of a golden week, of which eight are weekdays.
  unknownHolidays: () => 8,
  session: (date) => (isWeekend(date) ? undefined : utcDay(date)),
  hours: utcDay,
  dateOf: msDate,
  instant: (date, minutes) => dateMs(date) + minutes * minuteMs,
};
