import { dayMs } from "@tapedeck/core";
import { readCalendarDate } from "@tapedeck/text/readers/calendar";
import type { CalendarDate } from "@tapedeck/text/readers/calendar";
import { speaksOf } from "@tapedeck/text/mention";
import { termsOf } from "@tapedeck/text/terms";
import type { EvidenceItem } from "../../evidence/contract.ts";
import type { DocumentText } from "../../knowledge/contract.ts";
import { Declined } from "../answer.ts";
import type { Draft } from "../answer.ts";
import { formatDate, formatTime } from "../format.ts";
import type { Question } from "../question.ts";
import { namesIn, wordsOf } from "./calls.ts";
import { defineFamily } from "./family.ts";

/** Dates of calendars that one answer looks through, the newest told. */
const mostDates = 5_000;
const mostShown = 8;

const release =
  "release|released|releases|report|reports|reported|publication|published|announcement|announced|announce|meeting|meetings|meets|decision|figure|figures|data|print|prints|due|out|come|coming|comes|calendar|scheduled|events?|dates?|numbers?";
const asksWhen = new RegExp(
  ` when (?:is|are|does|do|will) (?:\\S+ )*(?:next|${release}) | (?:next|upcoming|coming) (?:\\S+ ){1,5}(?:${release}) | next (?:fed|fomc|ecb|boe|boj|cpi|ppi|gdp|jobs|payrolls?) `,
);
const asksWhat = new RegExp(
  ` (?:what|which|anything) (?:\\S+ ){0,5}(?:${release}) (?:\\S+ ){0,2}(?:today|tomorrow|(?:this|next) (?:week|month)) | (?:economic|earnings) calendar `,
);
const asksLast = new RegExp(
  ` when (?:was|were) the (?:last|latest|previous) (?:\\S+ ){1,5}(?:${release}) | (?:last|latest|most recent) (?:cpi|ppi|gdp|payrolls?) (?:${release}) `,
);

/** Does a question ask when something is, or was last, published, or what is in a stretch of days? */
export function asksForDates(q: Question): boolean {
  const words = wordsOf(q.original);
  return asksWhen.test(words) || asksWhat.test(words) || asksLast.test(words);
}

/** Words that say that a date is wanted, not of what. */
const idle = new RegExp(
  ` (?:${release}|when|what|which|anything|is|are|was|were|does|do|will|be|there|the|a|an|of|for|in|on|next|upcoming|coming|last|latest|previous|most|recent|today|tomorrow|this|week|month|economic|again)(?= )`,
  "g",
);

/** Short forms of what is released, as calendars may write them in full. */
const written: Record<string, readonly string[]> = {
  cpi: ["consumer price index", "inflation rate"],
  ppi: ["producer price index"],
  gdp: ["gross domestic product"],
  pmi: ["purchasing managers index"],
  nfp: ["non farm payrolls", "nonfarm payrolls"],
  payrolls: ["nonfarm payrolls", "non farm payrolls"],
  fomc: ["federal open market committee", "fed interest rate decision"],
  fed: ["fomc", "federal open market committee", "federal reserve"],
  ecb: ["european central bank"],
  earnings: ["results", "quarterly report"],
  inflation: ["cpi", "consumer price index"],
};

function tells(title: string, word: string): boolean {
  return [word, ...(written[word] ?? [])].some((way) => speaksOf(title, termsOf(way)));
}

interface Span {
  fromMs: number;
  toMs: number;
  label: string;
}

const dayOf = (ms: number) => Math.floor(ms / dayMs) * dayMs;

/** The days that a question names ahead: weeks begin on Monday, UTC. */
function spanIn(words: string, asOfMs: number): Span | undefined {
  const today = dayOf(asOfMs);
  const date = new Date(today);
  const monday = today - ((date.getUTCDay() + 6) % 7) * dayMs;
  const month = (ahead: number) => Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + ahead, 1);
  const span = (fromMs: number, toMs: number): Span => ({
    fromMs,
    toMs,
    label: `from ${formatDate(fromMs)} to ${formatDate(toMs - dayMs)}`,
  });
  if (/ today /.test(words)) return span(today, today + dayMs);
  if (/ tomorrow /.test(words)) return span(today + dayMs, today + 2 * dayMs);
  if (/ next week /.test(words)) return span(monday + 7 * dayMs, monday + 14 * dayMs);
  if (/ this week /.test(words)) return span(monday, monday + 7 * dayMs);
  if (/ next month /.test(words)) return span(month(1), month(2));
  if (/ this month /.test(words)) return span(month(0), month(1));
  return undefined;
}

interface Entry extends CalendarDate {
  document: DocumentText;
}

function passage({ document, start, end }: Entry): EvidenceItem {
  const { documentId, version, title, text } = document;
  return {
    kind: "passage",
    documentId,
    version,
    title,
    section: "",
    page: null,
    start,
    end,
    text: text.slice(start, end),
  };
}

/** Dates as the calendar writes them, so that the check finds them in its words. */
function entryDraft(entry: Entry): Draft {
  const { title, country, atMs, day, actual, document } = entry;
  const when = new Date(atMs).toISOString();
  const name = country === null ? title : `${title} (${country})`;
  const outcome = `Actual: ${actual}.`;
  const start = document.text.indexOf(outcome);
  return {
    text: `${name}: ${day ? when.slice(0, 10) : `${when.slice(0, 16).replace("T", " ")} UTC`}.${actual === null ? "" : ` ${outcome}`}`,
    cite: [
      passage(entry),
      ...(actual === null ? [] : [passage({ ...entry, start, end: start + outcome.length })]),
    ],
    names: [name],
  };
}

interface Args extends Record<string, unknown> {
  question: string;
  names: string[];
  last: boolean;
}

/** When something is published next, or what is in a stretch of days, by the calendars that were ingested. */
export const calendar = defineFamily<Args>({
  name: "calendar",
  takes: ["anything"],
  about:
    "When a figure is released or a company reports next, what is due in a week or month, and when it was last, by the calendars that were ingested",
  examples: [
    "When is the next CPI release?",
    "When does Acme Widgets report next?",
    "What is released next week?",
    "When was the last CPI release?",
  ],
  understand(q, hint) {
    if (!asksForDates(q)) return undefined;
    const last = asksLast.test(wordsOf(q.original));
    return { question: q.original, names: namesIn(q, hint.instruments), last };
  },
  async run({ question, names, last }, tools) {
    const words = wordsOf(question);
    const read = await tools.readDocuments({ kind: "calendar", limit: mostDates });
    if (read.length === 0)
      throw new Declined(
        "There is no calendar in the data. Add one (iCalendar, CSV or JSON) with POST /api/ingests, or npx tapedeck document add.",
      );
    const span = spanIn(words, tools.asOfMs);
    const wanted = [...new Set(words.replaceAll(idle, " ").trim().split(/\s+/))].filter(
      (word) => word !== "" && termsOf(word).length > 0,
    );
    const inTime = ({ atMs, day }: CalendarDate): boolean => {
      const over = day ? atMs + dayMs <= tools.asOfMs : atMs <= tools.asOfMs;
      return span === undefined ? over === last : atMs >= span.fromMs && atMs < span.toMs;
    };
    const entries = read.flatMap((document): Entry[] => {
      const date = readCalendarDate(document.text);
      return date === null ? [] : [{ ...date, document }];
    });
    const named = entries.filter(({ title, country }) => {
      const told = `${title} ${country ?? ""}`;
      return wanted.every(
        (word) => tells(told, word) || names.some((name) => name.includes(word) && tells(told, name)),
      );
    });
    const meant = named
      .filter(inTime)
      .toSorted((one, other) => (last ? other.atMs - one.atMs : one.atMs - other.atMs));
    const [first] = meant;
    if (first === undefined) throw new Declined(nothing(wanted, span, named.length > 0, tools.asOfMs, last));
    const shown = span === undefined ? meant.filter(({ atMs }) => atMs === first.atMs) : meant;
    for (const { document } of shown.slice(0, mostShown)) tools.useDocument(document);
    const drafts = shown.slice(0, mostShown).map(entryDraft);
    return shown.length > mostShown
      ? { drafts, message: `${shown.length - mostShown} more are due ${span?.label ?? "then"}.` }
      : { drafts };
  },
});

function nothing(
  wanted: readonly string[],
  span: Span | undefined,
  isKnown: boolean,
  asOfMs: number,
  last: boolean,
): string {
  const of = wanted.length === 0 ? "" : ` of ${wanted.join(" ")}`;
  if (span !== undefined) return `The calendars that are here have no date${of} ${span.label}.`;
  if (!isKnown) return `The calendars that are here have no date${of}.`;
  return `The calendars that are here have no date${of} ${last ? "up to" : "after"} ${formatTime(asOfMs)}.`;
}
