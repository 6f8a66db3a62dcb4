import type { FilingForm } from "../filings/filing.ts";
import type { FilingGuess, ReadGuess } from "./document.ts";
import { readMoment } from "./moment.ts";

/** What a filing says of itself stands within its first characters. */
export const coverCharacters = 8_000;
const dayMs = 86_400_000;
export const monthDay =
  "(?:january|february|march|april|may|june|july|august|september|october|november|december)\\s+\\d{1,2},?\\s+\\d{4}";

const forms: readonly (readonly [RegExp, FilingForm])[] = [
  [/\bform\s+10-?k(?!\s*\/\s*a|sb)\b/i, "10-K"],
  [/\bform\s+10-?q(?!\s*\/\s*a)\b/i, "10-Q"],
  [/\bform\s+8-?k(?!\s*\/\s*a)\b/i, "8-K"],
  [/\bform\s+(20-?f|40-?f|6-?k|s-?[1-4]|def ?14a|10-?[kq]\s*\/\s*a|8-?k\s*\/\s*a)\b/i, "other"],
];

const fileNumber = /commission file (?:number|no\.?)s?:?\s*[\d-]+/i;
const companyWords = /\b(INC|CORP|CORPORATION|COMPANY|CO|PLC|LTD|GROUP|HOLDINGS)\b/;

/**
 * The name above "(Exact name of registrant as specified in its charter)"; where the cover's words stand in lines of their
 * own, what is between that and the file number; else a company's name that stands alone in capitals.
 */
function registrantOf(cover: string): string | undefined {
  const lines = cover
    .split(/\n|\f/)
    .map((line) => line.replaceAll(/[*_#]/g, "").replace(fileNumber, "").replaceAll(/\s+/g, " ").trim());
  const flat = cover.replaceAll(/[\s_]+/g, " ");
  const between = new RegExp(`${fileNumber.source}\\s+([^(]{2,80}?)\\s*\\(exact name of`, "i").exec(
    flat,
  )?.[1];
  const exact = lines.findIndex((line) => /exact name of (the )?registrant/i.test(line));
  if (exact >= 0) {
    const inLine = /^(.{2,80}?)\s*\(exact name/i.exec(lines[exact]!)?.[1];
    const above = lines.slice(Math.max(0, exact - 2), exact).findLast((line) => /\p{L}{2}/u.test(line));
    const name = inLine ?? (above !== undefined && between?.endsWith(above) === true ? between : above);
    if (name !== undefined && !/^for the\b|\b(period|report|act of)\b/i.test(name)) return name;
  }
  return (
    between ?? lines.find((line) => /^[A-Z0-9][A-Z0-9 .,&'’-]{2,60}$/.test(line) && companyWords.test(line))
  );
}

function endOfPeriod(cover: string): { ms: number; said: string } | undefined {
  const flat = cover.replaceAll(/\s+/g, " ").replace(/commission file (?=[a-z]+ \d{1,2}, \d{4})/i, "");
  const match = new RegExp(
    `(?:year|quarter|period) ended:? (${monthDay})|date of report[^.]{0,60}? (${monthDay})`,
    "i",
  ).exec(flat);
  const said = match?.[1] ?? match?.[2];
  const moment = said === undefined ? undefined : readMoment(said);
  return moment === undefined ? undefined : { ms: moment.ms - dayMs, said: said! };
}

/** A year that is mentioned at least so often beside the one mentioned most is a year that the filing reports on. */
const leastShare = 0.5;

/**
 * Fiscal year of a period that ends on a day: as the filer names it, who may call a year by the one in which it ends or
 * begins; else the calendar year in which most of it lies.
 */
export function fiscalYearOf(endMs: number, text: string, form: FilingForm): number {
  const year = new Date(endMs - 31 * dayMs).getUTCFullYear();
  // A year that ended in December is nobody's next year; a quarter may be one of it.
  if (form !== "10-Q" && new Date(endMs).getUTCFullYear() === year) return year;
  const counts = new Map<number, number>();
  for (const match of text.matchAll(/\b(?:fiscal(?: year)?|FY) ?(20\d\d)\b/gi)) {
    const named = Number(match[1]);
    counts.set(named, (counts.get(named) ?? 0) + 1);
  }
  const most = Math.max(0, ...counts.values());
  return (counts.get(year + 1) ?? 0) >= Math.max(3, leastShare * most) ? year + 1 : year;
}

/** Reports of a later quarter tell the year so far beside the quarter, this often at least. */
const leastSoFar = 0.2;

/** Quarter of a report by the length of the year so far. */
function quarterOf(text: string): number {
  const count = (words: RegExp) => text.match(words)?.length ?? 0;
  const own = count(/\b(three months|thirteen weeks|1[23] weeks|twelve weeks) ended\b/gi);
  const least = Math.max(2, leastSoFar * own);
  if (count(/\b(nine months|thirty-nine weeks|39 weeks|forty weeks|40 weeks) ended\b/gi) >= least) return 3;
  return count(/\b(six months|twenty-six weeks|26 weeks|twenty-eight weeks|28 weeks) ended\b/gi) >= least
    ? 2
    : 1;
}

/** "ACME WIDGETS, INC." as it is written in text: "Acme Widgets, Inc." Names of few letters stay. */
function properName(name: string): string {
  if (name !== name.toUpperCase()) return name;
  return name.replaceAll(/\p{L}[\p{L}'’]*/gu, (word) =>
    word.length <= 3 && !/^(INC|LTD|CO|THE|AND|OF)$/.test(word)
      ? word
      : word[0]! + word.slice(1).toLowerCase(),
  );
}

export interface FilingCover {
  filing: FilingGuess;
  /** "Acme Widgets, Inc. 10-K 2022" */
  title: string;
  guesses: ReadGuess[];
}

/** What a filing's cover says of it; undefined for text that has none. */
export function filingOf(text: string): FilingCover | undefined {
  const cover = text.slice(0, coverCharacters);
  if (!/securities\s+and\s+exchange\s+commission/i.test(cover)) return undefined;
  const form = forms
    .map(([pattern, name]) => ({ name, at: cover.search(pattern) }))
    .filter(({ at }) => at >= 0)
    .toSorted((one, other) => one.at - other.at)[0]?.name;
  const company = registrantOf(cover);
  const end = endOfPeriod(cover);
  if (form === undefined || company === undefined || end === undefined) return undefined;
  const day = new Date(end.ms).toISOString().slice(0, 10);
  const filing: FilingGuess = {
    company: properName(company),
    form,
    year: form === "8-K" ? Number(day.slice(0, 4)) : fiscalYearOf(end.ms, text, form),
    ...(form === "10-Q" ? { quarter: quarterOf(text) } : {}),
    ...(form === "8-K" ? { day } : {}),
  };
  const period =
    form === "8-K" ? day : `${filing.year}${filing.quarter === undefined ? "" : ` Q${filing.quarter}`}`;
  const title = `${filing.company} ${form} ${period}`;
  const guesses = [{ what: "filing", value: title, why: `its cover names form, registrant and ${end.said}` }];
  if (filing.quarter !== undefined) {
    const why = `the year so far that it tells, ended ${end.said}`;
    guesses.push({ what: "fiscal quarter", value: String(filing.quarter), why });
  }
  return { filing, title, guesses };
}
