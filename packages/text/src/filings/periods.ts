/** What a question says about time, in the words of filings. */
export interface Periods {
  /** Fiscal years named, ascending; "FY2017 - FY2019" names all three. */
  years: number[];
  /** Quarters named, each with its fiscal year where that is said. A half year is named by its last quarter. */
  quarters: { quarter: number; year: number | null }[];
  /** Days named, as yyyy-mm-dd. */
  days: string[];
  /** Months named, as yyyy-mm; those of the days too. */
  months: string[];
}

const months = [
  "january",
  "february",
  "march",
  "april",
  "may",
  "june",
  "july",
  "august",
  "september",
  "october",
  "november",
  "december",
];
const month = `(${months.map((name) => `${name.slice(0, 3)}(?:${name.slice(3)})?`).join("|")})\\.?`;
const fullYear = "((?:19|20)\\d\\d)";
const monthFirst = new RegExp(`\\b${month}\\s+(\\d{1,2})(?:st|nd|rd|th)?,?\\s+${fullYear}\\b`, "g");
const dayFirst = new RegExp(`\\b(\\d{1,2})(?:st|nd|rd|th)?\\s+(?:of\\s+)?${month},?\\s+${fullYear}\\b`, "g");
const monthOfYear = new RegExp(`\\b${month}\\s+(?:of\\s+)?${fullYear}\\b`, "g");
const isoDay = /\b((?:19|20)\d\d)-(\d\d)-(\d\d)\b/g;

const ofYear =
  "\\s*(?:of|in|for|,|-)?\\s*(?:the\\s+)?(?:(?:fy|fiscal(?: year)?)\\s*'?(\\d{4}|\\d\\d)|'?((?:19|20)\\d\\d))?\\b";
const quarterNumber = new RegExp(`\\bq([1-4])${ofYear}`, "g");
const quarterWord = new RegExp(`\\b(first|second|third|fourth|1st|2nd|3rd|4th)\\s+quarter${ofYear}`, "g");
const shortQuarter = /\b([1-4])q\s*'?(\d{4}|\d\d)?\b/g;
const halfYear = new RegExp(`\\b(?:h([12])|(first|second)\\s+half)${ofYear}`, "g");
const shortYear = /\bfy\s*'?(\d\d)\b(?!\d)/g;
const plainYear = /(?<![\d.,$])(?:fy\s*'?)?((?:19|20)\d\d)\b(?![.,]\d)/g;
const yearSpan = /\b(?:fy\s*)?((?:19|20)\d\d)\s*(?:-|to|through|until)\s*(?:fy\s*)?((?:19|20)\d\d)\b/g;
/** A span longer than this is more likely two years than all between. */
const longestSpan = 15;

const ordinals = ["first", "second", "third", "fourth"];

function yearOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (value >= 100) return value;
  return value < 70 ? 2000 + value : 1900 + value;
}

function monthOf(year: string, name: string): string {
  const at = months.findIndex((one) => one.startsWith(name.slice(0, 3))) + 1;
  return `${year}-${String(at).padStart(2, "0")}`;
}

const dayOf = (year: string, name: string, day: string) => `${monthOf(year, name)}-${day.padStart(2, "0")}`;

/**
 * Reads fiscal years ("FY2019", "fiscal 2019", "FY19", "2019"), spans, quarters ("Q2 of FY2023", "2Q23", "second
 * quarter"), halves, days and months. A quarter without a year takes the only year named.
 */
export function readPeriods(question: string): Periods {
  const text = question.toLowerCase().replaceAll(/[‐-―]/g, "-");
  const days = [
    ...[...text.matchAll(monthFirst)].map((m) => dayOf(m[3]!, m[1]!, m[2]!)),
    ...[...text.matchAll(dayFirst)].map((m) => dayOf(m[3]!, m[2]!, m[1]!)),
    ...[...text.matchAll(isoDay)].map((m) => m[0]),
  ];
  const quarters: Periods["quarters"] = [
    ...[...text.matchAll(quarterNumber)].map((m) => ({ quarter: Number(m[1]), year: yearOf(m[2] ?? m[3]) })),
    ...[...text.matchAll(shortQuarter)].map((m) => ({ quarter: Number(m[1]), year: yearOf(m[2]) })),
    ...[...text.matchAll(quarterWord)].map((m) => ({
      quarter: /\d/.test(m[1]!) ? Number(m[1]![0]) : ordinals.indexOf(m[1]!) + 1,
      year: yearOf(m[2] ?? m[3]),
    })),
    ...[...text.matchAll(halfYear)].map((m) => ({
      quarter: m[1] === "1" || m[2] === "first" ? 2 : 4,
      year: yearOf(m[3] ?? m[4]),
    })),
  ];
  const years = new Set<number>();
  for (const m of text.matchAll(shortYear)) years.add(yearOf(m[1])!);
  for (const m of text.matchAll(plainYear)) years.add(Number(m[1]));
  for (const m of text.matchAll(yearSpan)) {
    const from = Number(m[1]);
    const to = Number(m[2]);
    if (to > from && to - from <= longestSpan) for (let year = from; year <= to; year++) years.add(year);
  }
  for (const { year } of quarters) if (year !== null) years.add(year);
  const ascending = [...years].toSorted((one, other) => one - other);
  if (ascending.length === 1) for (const quarter of quarters) quarter.year ??= ascending[0]!;
  const named = [...text.matchAll(monthOfYear)].map((m) => monthOf(m[2]!, m[1]!));
  return {
    years: ascending,
    quarters,
    days,
    months: [...new Set([...named, ...days.map((day) => day.slice(0, 7))])],
  };
}
