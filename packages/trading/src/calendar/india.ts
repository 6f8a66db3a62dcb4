import { dateMs, minuteMs, msDate } from "./calendar.ts";
import type { Session, TradingCalendar } from "./calendar.ts";

/** India keeps one time all year: UTC+5:30. */
const offsetMs = 330 * minuteMs;
const [openMinutes, closeMinutes] = [9 * 60 + 15, 15 * 60 + 30];

/**
 * Days without trading, Monday to Friday, as the exchanges' circulars of each year set them
 * (https://www.nseindia.com/resources/exchange-communication-holidays,
 * https://www.bseindia.com/static/markets/marketinfo/listholi.aspx), those that were added during the year among them. Of
 * other years none are known.
 */
const holidays: Readonly<Record<string, string>> = {
  2021: "01-26 03-11 03-29 04-02 04-14 04-21 05-13 07-21 08-19 09-10 10-15 11-04 11-05 11-19",
  2022: "01-26 03-01 03-18 04-14 04-15 05-03 08-09 08-15 08-31 10-05 10-24 10-26 11-08",
  2023: "01-26 03-07 03-30 04-04 04-07 04-14 05-01 06-29 08-15 09-19 10-02 10-24 11-14 11-27 12-25",
  2024: "01-22 01-26 03-08 03-25 03-29 04-11 04-17 05-01 05-20 06-17 07-17 08-15 10-02 11-01 11-15 11-20 12-25",
  2025: "02-26 03-14 03-31 04-10 04-14 04-18 05-01 08-15 08-27 10-02 10-21 10-22 11-05 12-25",
  2026: "01-15 01-26 03-03 03-26 03-31 04-03 04-14 05-01 05-28 06-26 09-14 10-02 10-20 11-10 11-24 12-25",
};

const closed = new Set(
  Object.entries(holidays).flatMap(([year, days]) => days.split(" ").map((day) => `${year}-${day}`)),
);

/**
 * Sessions outside the rule, from and to in minutes of the day: the hour of Muhurat on the evening (2025: afternoon) of
 * Diwali, and days at a weekend that the exchanges traded on. That of Diwali 2026 is not known here.
 */
const special: Readonly<Record<string, readonly [number, number]>> = {
  "2021-11-04": [18 * 60 + 15, 19 * 60 + 15],
  "2022-10-24": [18 * 60 + 15, 19 * 60 + 15],
  "2023-11-12": [18 * 60 + 15, 19 * 60 + 15],
  "2024-01-20": [openMinutes, closeMinutes],
  "2024-03-02": [openMinutes, 12 * 60 + 30],
  "2024-05-18": [openMinutes, 12 * 60 + 40],
  "2024-11-01": [18 * 60, 19 * 60],
  "2025-02-01": [openMinutes, closeMinutes],
  "2025-10-21": [13 * 60 + 45, 14 * 60 + 45],
  "2026-02-01": [openMinutes, closeMinutes],
};

const instant = (date: string, minutes: number) => dateMs(date) + minutes * minuteMs - offsetMs;

function sessionOf(date: string, [from, to]: readonly [number, number]): Session {
  return { date, openMs: instant(date, from), closeMs: instant(date, to), early: to < closeMinutes };
}

const hours = (date: string) => sessionOf(date, special[date] ?? [openMinutes, closeMinutes]);

function isWeekend(date: string): boolean {
  const on = new Date(dateMs(date)).getUTCDay();
  return on === 0 || on === 6;
}

/** National Stock Exchange of India and BSE, equities: 09:15 to 15:30, Monday to Friday. */
export const india: TradingCalendar = {
  id: "XNSE",
  timeZone: "Asia/Kolkata",
  sessionsPerYear: 248,
  sessionMs: (closeMinutes - openMinutes) * minuteMs,
  knownFrom: "0001-01-01",
  knownTo: "9999-12-31",
  // Two holidays beside each other are the most there have been.
  unknownHolidays: (date) => (holidays[date.slice(0, 4)] === undefined ? 2 : 0),
  session: (date) =>
    special[date] === undefined && (isWeekend(date) || closed.has(date)) ? undefined : hours(date),
  hours,
  dateOf: (ms) => msDate(ms + offsetMs),
  instant,
};
