import { dayMs } from "@tapedeck/core";
import { formatDate, formatMonth, monthNames } from "./format.ts";

/** A stretch of time that a question names: half-open, UTC days. */
export interface Period {
  /** −Infinity: from the beginning. */
  fromMs: number;
  /** Infinity: to the end. */
  toMs: number;
  grain: "day" | "month" | "quarter" | "year" | "range";
  /** As an answer says it: `in 2008`, `on 16 March 2020`, `since 3 January 2000`. */
  label: string;
  /** How exactly the start of a range was named: a day's own close is its base, a month's or year's the close before it. */
  startGrain?: "day" | "month" | "quarter" | "year" | "range";
  /** Counted back from the newest bar rather than from today ("the past 5 years"): its length in days. */
  trailingDays?: number;
}

export interface DateReading {
  period: Period | undefined;
  /** All single dates and stretches, in the order written. */
  periods: Period[];
  /** From "as of …": what may be known. */
  asOfMs: number | undefined;
  /** The text with what was read cut out. */
  rest: string;
  /** A numeric date that reads two ways, as both ways. */
  ambiguous: string[] | undefined;
  /** A date that does not exist, as written. */
  impossible: string | undefined;
}

const monthWord =
  "(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\\.?";
const year = "((?:18|19|20|21)\\d{2})";

function monthIndex(word: string): number {
  return monthNames.findIndex((name) => name.startsWith(word.slice(0, 3)));
}

const utc = (y: number, m: number, d: number) => Date.UTC(y, m, d);

function day(y: number, m: number, d: number): Period | undefined {
  const fromMs = utc(y, m, d);
  const date = new Date(fromMs);
  if (date.getUTCMonth() !== m || date.getUTCDate() !== d) return undefined;
  return { fromMs, toMs: fromMs + dayMs, grain: "day", label: `on ${formatDate(fromMs)}` };
}

function month(y: number, m: number): Period {
  const fromMs = utc(y, m, 1);
  return { fromMs, toMs: utc(y, m + 1, 1), grain: "month", label: `in ${formatMonth(fromMs)}` };
}

function quarter(y: number, q: number): Period {
  return {
    fromMs: utc(y, q * 3 - 3, 1),
    toMs: utc(y, q * 3, 1),
    grain: "quarter",
    label: `from ${formatDate(utc(y, q * 3 - 3, 1))} to ${formatDate(utc(y, q * 3, 1) - dayMs)}`,
  };
}

function wholeYear(y: number): Period {
  return { fromMs: utc(y, 0, 1), toMs: utc(y + 1, 0, 1), grain: "year", label: `in ${y}` };
}

const ordinals: Record<string, number> = {
  first: 1,
  second: 2,
  third: 3,
  fourth: 4,
  "1st": 1,
  "2nd": 2,
  "3rd": 3,
  "4th": 4,
};
const smallNumbers: Record<string, number> = {
  a: 1,
  an: 1,
  one: 1,
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  ten: 10,
  twelve: 12,
  fifteen: 15,
  twenty: 20,
  thirty: 30,
  ninety: 90,
};
const unitDays: Record<string, number> = {
  day: 1,
  week: 7,
  month: 30.4375,
  quarter: 91.3125,
  year: 365.25,
  decade: 3652.5,
};

interface Found {
  start: number;
  end: number;
  period: Period | undefined;
  written: string;
  twoWays?: string[];
}

type Rule = [
  pattern: RegExp,
  read: (match: RegExpExecArray, todayMs: number) => Period | undefined | { twoWays: string[] },
];

const rules: Rule[] = [
  [/\b(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})\b/g, (m) => day(+m[1]!, +m[2]! - 1, +m[3]!)],
  [
    new RegExp(`\\b(\\d{1,2})(?:st|nd|rd|th)?(?: of)? ${monthWord},? ${year}\\b`, "g"),
    (m) => day(+m[3]!, monthIndex(m[2]!), +m[1]!),
  ],
  [
    new RegExp(`\\b${monthWord} (?:the )?(\\d{1,2})(?:st|nd|rd|th)?,? ${year}\\b`, "g"),
    (m) => day(+m[3]!, monthIndex(m[1]!), +m[2]!),
  ],
  [/\b(\d{1,2})\.(\d{1,2})\.(\d{4})\b/g, (m) => day(+m[3]!, +m[2]! - 1, +m[1]!)],
  [
    /\b(\d{1,2})[/-](\d{1,2})[/-](\d{4})\b/g,
    (m) => {
      const [a, b, y] = [+m[1]!, +m[2]!, +m[3]!];
      const monthFirst = day(y, a - 1, b);
      const dayFirst = day(y, b - 1, a);
      if (monthFirst !== undefined && dayFirst !== undefined && a !== b) {
        return { twoWays: [formatDate(monthFirst.fromMs), formatDate(dayFirst.fromMs)] };
      }
      return monthFirst ?? dayFirst;
    },
  ],
  [
    new RegExp(`\\b(first|second|third|fourth|1st|2nd|3rd|4th) quarter(?: of)? ${year}\\b`, "g"),
    (m) => quarter(+m[2]!, ordinals[m[1]!]!),
  ],
  [new RegExp(`\\bq([1-4])[ -]?(?:of )?${year}\\b`, "g"), (m) => quarter(+m[2]!, +m[1]!)],
  [new RegExp(`\\b${year}[ -]?q([1-4])\\b`, "g"), (m) => quarter(+m[1]!, +m[2]!)],
  [
    new RegExp(`\\b(first|second) half(?: of)? ${year}\\b`, "g"),
    (m) => {
      const [fromMs, toMs] =
        m[1] === "first"
          ? [utc(+m[2]!, 0, 1), utc(+m[2]!, 6, 1)]
          : [utc(+m[2]!, 6, 1), utc(+m[2]! + 1, 0, 1)];
      return {
        fromMs,
        toMs,
        grain: "range",
        label: `from ${formatDate(fromMs)} to ${formatDate(toMs - dayMs)}`,
      };
    },
  ],
  [
    new RegExp(`\\b(?:at )?(?:the )?(end|close|start|beginning|open) of ${year}\\b`, "g"),
    (m) => (/^(end|close)/.test(m[1]!) ? day(+m[2]!, 11, 31) : day(+m[2]!, 0, 1)),
  ],
  [
    new RegExp(`\\b(?:at )?(?:the )?(end|start|beginning) of ${monthWord},? ${year}\\b`, "g"),
    (m) =>
      m[1] === "end"
        ? day(+m[3]!, monthIndex(m[2]!), new Date(utc(+m[3]!, monthIndex(m[2]!) + 1, 0)).getUTCDate())
        : day(+m[3]!, monthIndex(m[2]!), 1),
  ],
  [new RegExp(`\\b${monthWord},?(?: of)? ${year}\\b`, "g"), (m) => month(+m[2]!, monthIndex(m[1]!))],
  [/\b(\d{4})-(0[1-9]|1[0-2])\b/g, (m) => month(+m[1]!, +m[2]! - 1)],
  [
    /\b(?:the )?((?:18|19|20)\d)0'?s\b/g,
    (m) => ({
      fromMs: utc(+m[1]! * 10, 0, 1),
      toMs: utc(+m[1]! * 10 + 10, 0, 1),
      grain: "range",
      label: `from ${formatDate(utc(+m[1]! * 10, 0, 1))} to ${formatDate(utc(+m[1]! * 10 + 9, 11, 31))}`,
    }),
  ],
  [
    /\b(?:over |in |during |for )?(?:the )?(?:last|past|previous|trailing) (\d+|a|an|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|ninety) (?:trading |calendar )?(day|week|month|quarter|year|decade)s?\b/g,
    (m) => {
      const count = smallNumbers[m[1]!] ?? Number(m[1]);
      return trailing(count, m[2]!);
    },
  ],
  [
    /\b(?:over|in|during|for) (?:the )?(?:past|trailing) (week|month|quarter|year|decade)\b/g,
    (m) => trailing(1, m[1]!),
  ],
  [
    /\b(?:year[ -]to[ -]date|ytd|(?:so far )?this year)\b/g,
    (_m, today) => ({
      fromMs: utc(new Date(today).getUTCFullYear(), 0, 1),
      toMs: today + dayMs,
      grain: "range",
      label: `since ${formatDate(utc(new Date(today).getUTCFullYear(), 0, 1))}`,
    }),
  ],
  [
    /\b(?:(?:this )?(?:last|past|previous)|on) (monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b(?!s)/g,
    (m, today) => dayOf(lastWeekday(weekdays.indexOf(m[1]!), today)),
  ],
  [
    /\b(last|previous|this) week\b/g,
    (m, today) => {
      const monday = lastWeekday(1, today + dayMs);
      return m[1] === "this" ? range(monday, today + dayMs) : range(monday - 7 * dayMs, monday);
    },
  ],
  [
    /\b(last|previous|this) quarter\b|\b(quarter[ -]to[ -]date|qtd)\b/g,
    (m, today) => {
      const date = new Date(today);
      const now = Math.floor(date.getUTCMonth() / 3) + 1;
      const current = quarter(date.getUTCFullYear(), now);
      if (m[1] !== "last" && m[1] !== "previous") return range(current.fromMs, today + dayMs);
      return now === 1 ? quarter(date.getUTCFullYear() - 1, 4) : quarter(date.getUTCFullYear(), now - 1);
    },
  ],
  [
    /\b(?:month[ -]to[ -]date|mtd)\b/g,
    (_m, today) => month(new Date(today).getUTCFullYear(), new Date(today).getUTCMonth()),
  ],
  [/\blast year\b/g, (_m, today) => wholeYear(new Date(today).getUTCFullYear() - 1)],
  [
    /\blast month\b/g,
    (_m, today) => month(new Date(today).getUTCFullYear(), new Date(today).getUTCMonth() - 1),
  ],
  [/\bthis month\b/g, (_m, today) => month(new Date(today).getUTCFullYear(), new Date(today).getUTCMonth())],
  [/\byesterday\b/g, (_m, today) => dayOf(today - dayMs)],
  [/\btoday\b/g, (_m, today) => dayOf(today)],
  // "Above 2000" is a level, "2000 invested" an amount.
  [
    new RegExp(
      `(?<!\\b(?:above|below|beneath|beyond|exceed(?:ed|s)?|hit|reach(?:ed|es)?|topped|surpass(?:ed)?|than|clos(?:e|ed|es) (?:over|under))(?: the)?(?: level)?(?: of)? )\\b${year}\\b(?! (?:invested|put|dollars|usd|shares|points)\\b)`,
      "g",
    ),
    (m) => wholeYear(+m[1]!),
  ],
];

const weekdays = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/** The day's beginning, UTC, of the newest such weekday before the day of `todayMs`. */
function lastWeekday(weekday: number, todayMs: number): number {
  const today = Math.floor(todayMs / dayMs) * dayMs;
  const back = (new Date(today).getUTCDay() - weekday + 7) % 7;
  return today - (back === 0 ? 7 : back) * dayMs;
}

function dayOf(ms: number): Period | undefined {
  const date = new Date(ms);
  return day(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate());
}

function trailing(count: number, unit: string): Period {
  const days = Math.max(1, Math.round(count * unitDays[unit]!));
  return {
    fromMs: Number.NEGATIVE_INFINITY,
    toMs: Number.POSITIVE_INFINITY,
    grain: "range",
    label: `over the ${days} days to the last bar`,
    trailingDays: days,
  };
}

/** Finds dates, longest reading first; each found stretch of text is read once. */
function find(text: string, todayMs: number): Found[] {
  const found: Found[] = [];
  let masked = text;
  for (const [pattern, read] of rules) {
    for (const match of masked.matchAll(pattern)) {
      const reading = read(match as RegExpExecArray, todayMs);
      const base = { start: match.index, end: match.index + match[0].length, written: match[0] };
      if (reading !== undefined && "twoWays" in reading) {
        found.push({ ...base, period: undefined, twoWays: reading.twoWays });
      } else {
        found.push({ ...base, period: reading });
      }
    }
    for (const one of found) {
      masked = masked.slice(0, one.start) + "\u0001".repeat(one.end - one.start) + masked.slice(one.end);
    }
  }
  return found.sort((a, b) => a.start - b.start);
}

function range(fromMs: number, toMs: number, startGrain: Period["grain"] = "range"): Period {
  const label =
    fromMs === Number.NEGATIVE_INFINITY
      ? `up to ${formatDate(toMs - dayMs)}`
      : toMs === Number.POSITIVE_INFINITY
        ? `since ${formatDate(fromMs)}`
        : `from ${formatDate(fromMs)} to ${formatDate(toMs - dayMs)}`;
  return { fromMs, toMs, grain: "range", label, startGrain };
}

const asOfBefore =
  /(?:^|[ ,(])(?:as of|as at|as known on|with (?:the )?data (?:known )?(?:up )?to|knowing only what was known (?:on|by))(?: the)? ?$/;
const betweenBefore = /\b(?:between|from)(?: the)? ?$/;
const sinceBefore = /\b(?:since|after|starting(?: in| on| from)?|from)(?: the)? ?$/;
const beforeBefore = /\b(?:before|prior to|until|till|up to|through)(?: the)? ?$/;
const joins = /^ ?(?:and|to|until|till|through|[-–—]) ?(?:the )?$/;

/**
 * Reads every date of a lower-case question. A pair ("between 2007 and 2009", "from March 2009 to 2013") becomes one
 * stretch; "since", "after", "before" open one end; "as of" sets what may be known.
 */
export function readDates(text: string, todayMs: number): DateReading {
  const found = find(text, todayMs);
  const reading: DateReading = {
    period: undefined,
    periods: [],
    asOfMs: undefined,
    rest: text,
    ambiguous: found.find((one) => one.twoWays !== undefined)?.twoWays,
    impossible: found.find((one) => one.period === undefined && one.twoWays === undefined)?.written,
  };
  const cuts: [number, number][] = [];
  for (let i = 0; i < found.length; i++) {
    const one = found[i]!;
    if (one.period === undefined) continue;
    const before = text.slice(i === 0 ? 0 : found[i - 1]!.end, one.start);
    const cut = (pattern: RegExp) => {
      const match = pattern.exec(before);
      return match === null ? one.start : one.start - match[0].length;
    };
    if (asOfBefore.test(before)) {
      reading.asOfMs = one.period.toMs - 1;
      cuts.push([cut(asOfBefore), one.end]);
      continue;
    }
    const next = found[i + 1];
    const between = next === undefined ? "" : text.slice(one.end, next.start);
    const paired = next?.period !== undefined && joins.test(between);
    if (paired && (betweenBefore.test(before) || !/and/.test(between))) {
      reading.periods.push(range(one.period.fromMs, next.period!.toMs, one.period.grain));
      cuts.push([cut(betweenBefore), next.end]);
      i++;
    } else if (/\bafter(?: the)? ?$/.test(before)) {
      reading.periods.push(range(one.period.toMs, Number.POSITIVE_INFINITY));
      cuts.push([cut(sinceBefore), one.end]);
    } else if (sinceBefore.test(before)) {
      reading.periods.push(range(one.period.fromMs, Number.POSITIVE_INFINITY, one.period.grain));
      cuts.push([cut(sinceBefore), one.end]);
    } else if (beforeBefore.test(before)) {
      const whole = /\b(?:until|till|up to|through)(?: the)? ?$/.test(before);
      reading.periods.push(range(Number.NEGATIVE_INFINITY, whole ? one.period.toMs : one.period.fromMs));
      cuts.push([cut(beforeBefore), one.end]);
    } else {
      reading.periods.push(one.period);
      cuts.push([cut(/\b(?:in|on|at|during|over|for|of)(?: the)?(?: year)? ?$/), one.end]);
    }
  }
  for (const [start, end] of cuts.reverse()) {
    reading.rest = `${reading.rest.slice(0, start)} ${reading.rest.slice(end)}`;
  }
  reading.rest = reading.rest.replaceAll(/\s+/g, " ").trim();
  reading.period = reading.periods[0];
  return reading;
}
