import { dateMs, dayMs, minuteMs, msDate } from "./calendar.ts";
import type { Session, TradingCalendar } from "./calendar.ts";

const [sunday, monday, tuesday, wednesday, thursday, friday, saturday] = [0, 1, 2, 3, 4, 5, 6] as const;

/** Closed for one event: attacks of 2001, funerals, the hurricane of 2012. */
const closedOnce = new Set([
  "2001-09-11",
  "2001-09-12",
  "2001-09-13",
  "2001-09-14",
  "2004-06-11",
  "2007-01-02",
  "2012-10-29",
  "2012-10-30",
  "2018-12-05",
  "2025-01-09",
]);

/** Closed at 13:00 outside the rules. */
const earlyOnce = new Set(["1997-12-26", "1999-12-31", "2003-12-26"]);

function weekday(ms: number): number {
  return new Date(ms).getUTCDay();
}

/** UTC midnight of the nth given weekday of a month (month 1 to 12); n = -1 is the last. */
function nthWeekday(year: number, month: number, day: number, n: number): number {
  if (n > 0) {
    const first = Date.UTC(year, month - 1, 1);
    return first + (((day - weekday(first) + 7) % 7) + (n - 1) * 7) * dayMs;
  }
  const last = Date.UTC(year, month, 0);
  return last - ((weekday(last) - day + 7) % 7) * dayMs;
}

/** Western Easter Sunday, by the anonymous Gregorian computus. */
function easter(year: number): number {
  const a = year % 19;
  const b = Math.floor(year / 100);
  const c = year % 100;
  const d = Math.floor(b / 4);
  const e = b % 4;
  const f = Math.floor((b + 8) / 25);
  const g = Math.floor((b - f + 1) / 3);
  const h = (19 * a + b - d - g + 15) % 30;
  const i = Math.floor(c / 4);
  const k = c % 4;
  const l = (32 + 2 * e + 2 * i - h - k) % 7;
  const m = Math.floor((a + 11 * h + 22 * l) / 451);
  const month = Math.floor((h + l - 7 * m + 114) / 31);
  return Date.UTC(year, month - 1, ((h + l - 7 * m + 114) % 31) + 1);
}

/** A fixed holiday on a Sunday is kept on Monday; on a Saturday, on Friday. */
function observed(year: number, month: number, day: number): number {
  const ms = Date.UTC(year, month - 1, day);
  const on = weekday(ms);
  if (on === sunday) return ms + dayMs;
  return on === saturday ? ms - dayMs : ms;
}

function holidaysOf(year: number): Set<string> {
  const days = [
    nthWeekday(year, 2, monday, 3),
    easter(year) - 2 * dayMs,
    nthWeekday(year, 5, monday, -1),
    observed(year, 7, 4),
    nthWeekday(year, 9, monday, 1),
    nthWeekday(year, 11, thursday, 4),
    observed(year, 12, 25),
  ];
  // New Year's Day on a Saturday is not made up on the last day of the old year.
  const newYear = Date.UTC(year, 0, 1);
  if (weekday(newYear) !== saturday) days.push(observed(year, 1, 1));
  if (year >= 1998) days.push(nthWeekday(year, 1, monday, 3));
  if (year >= 2022) days.push(observed(year, 6, 19));
  return new Set(days.map(msDate));
}

const holidays = new Map<number, Set<string>>();

function isHoliday(date: string): boolean {
  const year = Number(date.slice(0, 4));
  let days = holidays.get(year);
  if (days === undefined) {
    days = holidaysOf(year);
    holidays.set(year, days);
  }
  return days.has(date) || closedOnce.has(date);
}

/** 13:00 closes: the day after Thanksgiving, Christmas Eve, and the day beside 4 July. */
function closesEarly(date: string): boolean {
  const ms = dateMs(date);
  const year = Number(date.slice(0, 4));
  const on = weekday(ms);
  if (earlyOnce.has(date)) return true;
  if (year < 1993) return false;
  if (date.endsWith("-12-24")) return on >= monday && on <= thursday;
  if (date.endsWith("-07-03")) {
    return on === monday || on === tuesday || on === thursday || (on === wednesday && year >= 2013);
  }
  if (date.endsWith("-07-05")) return on === friday && year < 2013;
  return ms === nthWeekday(year, 11, thursday, 4) + dayMs;
}

/** Daylight saving begins and ends at 02:00 on Sundays; at session hours the date alone decides. */
function isSummerTime(date: string): boolean {
  const ms = dateMs(date);
  const year = Number(date.slice(0, 4));
  if (year >= 2007) return ms >= nthWeekday(year, 3, sunday, 2) && ms < nthWeekday(year, 11, sunday, 1);
  const start = year >= 1987 ? nthWeekday(year, 4, sunday, 1) : nthWeekday(year, 4, sunday, -1);
  return ms >= start && ms < nthWeekday(year, 10, sunday, -1);
}

/** Wall-clock time in New York; on the two nights of the change, times before 02:00 are off by an hour. */
function instant(date: string, minutes: number): number {
  return dateMs(date) + (minutes + (isSummerTime(date) ? 240 : 300)) * minuteMs;
}

function hours(date: string): Session {
  const early = closesEarly(date);
  return { date, openMs: instant(date, 570), closeMs: instant(date, early ? 780 : 960), early };
}

/**
 * New York Stock Exchange, regular hours 09:30–16:00: holidays and 13:00 closes by the exchange's rules, with the
 * days closed for one event. Known from 1998 to 2030; later by the same rules.
 */
export const newYork: TradingCalendar = {
  id: "XNYS",
  timeZone: "America/New_York",
  sessionsPerYear: 252,
  sessionMs: 390 * minuteMs,
  knownFrom: "1998-01-01",
  knownTo: "2030-12-31",
  unknownHolidays: () => 0,
  session(date) {
    const on = weekday(dateMs(date));
    if (on === sunday || on === saturday || isHoliday(date)) return undefined;
    return hours(date);
  },
  hours,
  dateOf(ms) {
    // Five hours behind, unless that day has summer time.
    const date = msDate(ms - 300 * minuteMs);
    const summer = msDate(ms - 240 * minuteMs);
    return isSummerTime(summer) ? summer : date;
  },
  instant,
};
