import type { FilingForm } from "../filings/filing.ts";
import type { FilingGuess, ReadDocument, ReadGuess } from "./document.ts";
import { readMoment } from "./moment.ts";
import { transcriptText } from "./transcript.ts";

/** What a filing's cover or a call's opening is looked for in. */
const coverCharacters = 8_000;
const dayMs = 86_400_000;
const monthDay =
  "(?:january|february|march|april|may|june|july|august|september|october|november|december)\\s+\\d{1,2},?\\s+\\d{4}";

const forms: readonly (readonly [RegExp, FilingForm])[] = [
  [/\bform\s+10-?k(?!\s*\/\s*a|sb)\b/i, "10-K"],
  [/\bform\s+10-?q(?!\s*\/\s*a)\b/i, "10-Q"],
  [/\bform\s+8-?k(?!\s*\/\s*a)\b/i, "8-K"],
  [/\bform\s+(20-?f|40-?f|6-?k|s-?[1-4]|def ?14a|10-?[kq]\s*\/\s*a|8-?k\s*\/\s*a)\b/i, "other"],
];

/** The name above "(Exact name of registrant as specified in its charter)", or the one that stands alone in capitals. */
function registrantOf(cover: string): string | undefined {
  const lines = cover
    .split(/\n|\f/)
    .map((line) => line.replaceAll(/[*_#]/g, "").replaceAll(/\s+/g, " ").trim());
  const exact = lines.findIndex((line) => /exact name of (the )?registrant/i.test(line));
  if (exact >= 0) {
    const inLine = /^(.{2,80}?)\s*\(exact name/i.exec(lines[exact]!)?.[1];
    const above = lines.slice(Math.max(0, exact - 4), exact).findLast((line) => /\p{L}{2}/u.test(line));
    return inLine ?? above;
  }
  return lines.find(
    (line) =>
      /^[A-Z0-9][A-Z0-9 .,&'’-]{2,60}$/.test(line) &&
      /\b(INC|CORP|CORPORATION|COMPANY|CO|PLC|LTD|GROUP|HOLDINGS)\b/.test(line),
  );
}

/** Fiscal year of a period that ends on a day: the calendar year in which most of it lies. */
function fiscalYearOf(endMs: number): number {
  return new Date(endMs - 31 * dayMs).getUTCFullYear();
}

function endOfPeriod(cover: string): { ms: number; said: string } | undefined {
  const match = new RegExp(
    `(?:(?:fiscal\\s+)?(?:year|quarter|quarterly period)\\s+ended|date of report[^\\n]{0,60}?:?|period ended)[:\\s]+(${monthDay})`,
    "i",
  ).exec(cover.replaceAll(/\s+/g, " "));
  const moment = match === null ? undefined : readMoment(match[1]!);
  return moment === undefined ? undefined : { ms: moment.ms - dayMs, said: match![1]! };
}

/** Quarter that ends on a day, where fiscal years end in December. */
function calendarQuarter(endMs: number): number {
  return Math.floor(new Date(endMs - 15 * dayMs).getUTCMonth() / 3) + 1;
}

/** What a filing's cover says of it; undefined for text that has none. */
export function filingOf(
  text: string,
): { filing: FilingGuess; why: string; guesses: ReadGuess[] } | undefined {
  const cover = text.slice(0, coverCharacters);
  const form = forms
    .map(([pattern, name]) => ({ name, at: cover.search(pattern) }))
    .filter(({ at }) => at >= 0)
    .toSorted((one, other) => one.at - other.at)[0];
  if (form === undefined || !/securities and exchange commission/i.test(cover)) return undefined;
  const company = registrantOf(cover);
  const end = endOfPeriod(cover);
  if (company === undefined || end === undefined) return undefined;
  const base = { company: properName(company), form: form.name, year: fiscalYearOf(end.ms) };
  const guesses: ReadGuess[] = [];
  if (form.name === "8-K") {
    const day = new Date(end.ms).toISOString().slice(0, 10);
    return {
      filing: { ...base, year: Number(day.slice(0, 4)), day },
      why: `its cover names form, registrant and ${end.said}`,
      guesses,
    };
  }
  if (form.name !== "10-Q")
    return { filing: base, why: `its cover names form, registrant and ${end.said}`, guesses };
  const told = /\b(first|second|third) quarter\b/i.exec(cover)?.[1]?.toLowerCase();
  const quarter =
    told === undefined ? calendarQuarter(end.ms) : ["first", "second", "third"].indexOf(told) + 1;
  if (told === undefined) {
    guesses.push({
      what: "fiscal quarter",
      value: String(quarter),
      why: `the quarter ended ${end.said}, if fiscal years end in December`,
    });
  }
  return { filing: { ...base, quarter }, why: `its cover names form, registrant and ${end.said}`, guesses };
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

/** The company and day that a call's opening names. */
function callOf(text: string): {
  company?: string;
  publishedMs?: number;
  said?: string;
  year?: number;
  quarter?: number;
} {
  const head = text.slice(0, 2_000).replaceAll(/[#*]/g, "");
  const company =
    /^\s*(.{2,80}?)\s*(?:\([^)]*\))?\s*(?:,|–|-)?\s*(?:(?:Q[1-4]|first|second|third|fourth)[\s-]|(?:fiscal )?20\d\d\s|earnings|conference call)/im.exec(
      head,
    )?.[1] ??
    /welcome to (?:the )?([A-Z][\w&.,' -]{1,60}?)(?:'s|’s)? (?:Q[1-4]|first|second|third|fourth|fiscal|earnings|conference)/.exec(
      head,
    )?.[1];
  const period = /\b(Q([1-4])|(first|second|third|fourth)[- ]quarter)\b(?:[^.\n]{0,20}?\b(20\d\d))?/i.exec(
    head,
  );
  const day = new RegExp(
    `\\b${monthDay}(?:,?\\s+(?:at\\s+)?\\d{1,2}:\\d{2}(?::\\d{2})?\\s*[ap]\\.?m\\.?\\s*[A-Z]{1,3}\\b)?`,
    "i",
  ).exec(head)?.[0];
  // "ET" is whichever of the two holds.
  const moment =
    day === undefined
      ? undefined
      : (readMoment(day) ?? readMoment(day.replace(/,?\s+(at\s+)?\d{1,2}:.*$/, "")));
  const words = ["first", "second", "third", "fourth"];
  return {
    ...(company === undefined ? {} : { company }),
    ...(moment === undefined ? {} : { publishedMs: moment.ms, said: day! }),
    ...(period?.[4] === undefined ? {} : { year: Number(period[4]) }),
    ...(period === null ? {} : { quarter: Number(period[2] ?? words.indexOf(period[3]!.toLowerCase()) + 1) }),
  };
}

const research =
  /\b(price target|target price|initiat\w+ coverage|we (rate|reiterate|upgrade|downgrade)|(buy|hold|sell|overweight|underweight|outperform) rating|rating:)/i;

/** Pages that a filing without page breaks falls into: its items and its statements. */
const partLine =
  /^(?:#{1,3} )?(?:item\s+\d{1,2}[ab]?\.?(?:\s.{0,120})?|(?:condensed\s+)?(?:consolidated\s+)?(?:balance sheets?|statements? of (?:income|operations|earnings|cash flows|financial position))(?: \(unaudited\))?)\s*$/gim;

/** Fewer characters than this are no part: a line of a table of contents. */
const leastPart = 400;

/** A form feed where a part of a filing begins; spans of tables move along. */
export function withParts(
  text: string,
  tables: ReadDocument["tables"],
): Pick<ReadDocument, "text" | "tables"> {
  const cuts: number[] = [];
  for (const { index } of text.matchAll(partLine)) {
    const inTable = tables.some(({ start, end }) => index >= start && index < end);
    if (!inTable && index - (cuts.at(-1) ?? 0) >= leastPart) cuts.push(index);
  }
  let cut = "";
  let from = 0;
  for (const at of cuts) {
    cut += `${text.slice(from, at)}\f`;
    from = at;
  }
  const before = (at: number) => cuts.filter((one) => one <= at).length;
  return {
    text: cut + text.slice(from),
    tables: tables.map((table) => ({
      ...table,
      start: table.start + before(table.start),
      end: table.end + before(table.end - 1),
    })),
  };
}

/** What a document's own words tell of it, where its format did not: kind, company, period, time. */
export function withMetadata(document: ReadDocument): ReadDocument {
  if (document.kind !== "note") return document;
  const guesses = [...document.guesses];
  const found = filingOf(document.text);
  if (found !== undefined) {
    const { filing, why } = found;
    const value = `${filing.company} ${filing.form} ${filing.year}${filing.quarter === undefined ? "" : ` Q${filing.quarter}`}`;
    guesses.push({ what: "filing", value, why }, ...found.guesses);
    const paged = document.text.includes("\f") ? document : withParts(document.text, document.tables);
    if (paged !== document) {
      guesses.push({
        what: "pages",
        value: String(paged.text.split("\f").length),
        why: "it has no page breaks: cut at its items and statements",
      });
    }
    return {
      ...document,
      text: paged.text,
      tables: paged.tables,
      kind: "filing",
      company: filing.company,
      filing,
      guesses,
    };
  }
  const call = transcriptText(document.text);
  if (call !== null) {
    const { company, publishedMs, said } = callOf(document.text);
    if (company !== undefined)
      guesses.push({ what: "company", value: company, why: "the call's opening names it" });
    if (publishedMs !== undefined && document.publishedMs === null) {
      guesses.push({ what: "published", value: said!, why: "the day of the call" });
    }
    return {
      ...document,
      text: call,
      tables: [],
      kind: "transcript",
      company: company ?? null,
      publishedMs: document.publishedMs ?? publishedMs ?? null,
      guesses,
    };
  }
  const stated = research.exec(document.text.slice(0, coverCharacters))?.[0];
  if (stated !== undefined) {
    guesses.push({ what: "kind", value: "research", why: `it says "${stated}"` });
    return { ...document, kind: "research", guesses };
  }
  return document.publishedMs !== null && document.publisher !== null
    ? { ...document, kind: "news", guesses }
    : document;
}
