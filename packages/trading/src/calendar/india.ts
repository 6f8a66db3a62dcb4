import { dateMs, minuteMs, msDate } from "./calendar.ts";
import type { Session, TradingCalendar } from "./calendar.ts";

/** India keeps one time all year: UTC+5:30. */
const offsetMs = 330 * minuteMs;
const [openMinutes, closeMinutes] = [9 * 60 + 15, 15 * 60 + 30];

const instant = (date: string, minutes: number) => dateMs(date) + minutes * minuteMs - offsetMs;

const hours = (date: string): Session => ({
  date,
  openMs: instant(date, openMinutes),
  closeMs: instant(date, closeMinutes),
  early: false,
});

function isWeekend(date: string): boolean {
  const on = new Date(dateMs(date)).getUTCDay();
  return on === 0 || on === 6;
}

/**
 * National Stock Exchange of India and BSE, equities: 09:15 to 15:30, Monday to Friday
 * (https://www.nseindia.com/resources/exchange-communication-holidays). Holidays are set each year by circular and are not
 * known here; sessions on a weekend (Muhurat) lie outside.
 */
export const india: TradingCalendar = {
  id: "XNSE",
  timeZone: "Asia/Kolkata",
  sessionsPerYear: 248,
  sessionMs: (closeMinutes - openMinutes) * minuteMs,
  knownFrom: "0001-01-01",
  knownTo: "9999-12-31",
  // Two holidays beside each other are the most there have been.
  unknownHolidays: 2,
  session: (date) => (isWeekend(date) ? undefined : hours(date)),
  hours,
  dateOf: (ms) => msDate(ms + offsetMs),
  instant,
};
