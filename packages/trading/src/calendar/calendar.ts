/**
 * When a market trades. Dates are `YYYY-MM-DD` of the market's own day; instants are ms UTC.
 * A session is the regular one; half-open `[openMs, closeMs)`.
 */
export interface Session {
  date: string;
  openMs: number;
  closeMs: number;
  /** Closes before the usual time. */
  early: boolean;
}

export interface TradingCalendar {
  readonly id: CalendarName;
  /** IANA zone of its dates. */
  readonly timeZone: string;
  /** Sessions a year, for annualising. */
  readonly sessionsPerYear: number;
  /** Length of a whole session in ms. */
  readonly sessionMs: number;
  /** First and last date for which holidays are known; outside them gaps cannot be told from holidays. */
  readonly knownFrom: string;
  readonly knownTo: string;
  /** Sessions in a row before a date that may be a holiday which the calendar does not know; 0 where it knows them all. */
  unknownHolidays(date: string): number;
  /** The date's session; undefined when the market is closed that day. */
  session(date: string): Session | undefined;
  /** Hours that the date would have if it were a session: for rows that a source has on a closed day. */
  hours(date: string): Session;
  /** Market date of an instant. */
  dateOf(ms: number): string;
  /** Instant of a wall-clock time of the market, `minutes` after its midnight. */
  instant(date: string, minutes: number): number;
}

export type CalendarName = "XNYS" | "XNSE" | "24x5" | "24x7";

export const dayMs = 86_400_000;
export const minuteMs = 60_000;

/** UTC midnight of `YYYY-MM-DD`. */
export function dateMs(date: string): number {
  return Date.UTC(Number(date.slice(0, 4)), Number(date.slice(5, 7)) - 1, Number(date.slice(8, 10)));
}

/** `YYYY-MM-DD` of an instant, UTC. */
export function msDate(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** A session that is the whole UTC day. */
export function utcDay(date: string): Session {
  const openMs = dateMs(date);
  return { date, openMs, closeMs: openMs + dayMs, early: false };
}

/** The date `days` later. */
export function addDays(date: string, days: number): string {
  return msDate(dateMs(date) + days * dayMs);
}

/** Sessions of the dates `[from, to]`, both included, in order. */
export function* sessionsBetween(calendar: TradingCalendar, from: string, to: string): Generator<Session> {
  const end = dateMs(to);
  for (let ms = dateMs(from); ms <= end; ms += dayMs) {
    const session = calendar.session(msDate(ms));
    if (session !== undefined) yield session;
  }
}

/** The first session whose date is `date` or later. */
export function sessionOnOrAfter(calendar: TradingCalendar, date: string): Session {
  for (let day = date; ; day = addDays(day, 1)) {
    const session = calendar.session(day);
    if (session !== undefined) return session;
  }
}

/** The last session whose date is `date` or earlier. */
export function sessionOnOrBefore(calendar: TradingCalendar, date: string): Session {
  for (let day = date; ; day = addDays(day, -1)) {
    const session = calendar.session(day);
    if (session !== undefined) return session;
  }
}
