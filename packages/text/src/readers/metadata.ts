import { coverCharacters, filingOf, monthDay } from "./cover.ts";
import type { ReadDocument } from "./document.ts";
import { readMoment } from "./moment.ts";
import { transcriptText } from "./transcript.ts";

/** The company and day that a call's opening names. */
function callOf(text: string): { company: string | undefined; day: string | undefined } {
  const head = text.slice(0, 2_000).replaceAll(/[#*]/g, "");
  const titled =
    /^\s*(.{2,80}?)\s*(?:\([^)]*\))?\s*(?:,|–|-)?\s*(?:(?:Q[1-4]|first|second|third|fourth)[\s-]|(?:fiscal )?20\d\d\s|earnings|conference call)/im.exec(
      head,
    )?.[1];
  const welcomed =
    /welcome to (?:the )?([A-Z][\w&.,' -]{1,60}?)(?:'s|’s)? (?:Q[1-4]|first|second|third|fourth|fiscal|earnings|conference)/.exec(
      head,
    )?.[1];
  return { company: titled ?? welcomed, day: new RegExp(`\\b${monthDay}`, "i").exec(head)?.[0] };
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
    const { filing, title } = found;
    guesses.push(...found.guesses);
    const paged = document.text.includes("\f") ? document : withParts(document.text, document.tables);
    if (paged !== document) {
      guesses.push({
        what: "pages",
        value: String(paged.text.split("\f").length),
        why: "it has no page breaks: cut at its items and statements",
      });
    }
    const { text, tables } = paged;
    return { ...document, kind: "filing", title, text, tables, company: filing.company, filing, guesses };
  }
  const call = transcriptText(document.text);
  if (call !== null) {
    const { company, day } = callOf(document.text);
    // Its hour may be told in a zone that is not: the day's end is never too early.
    const held = day === undefined ? undefined : readMoment(day);
    if (company !== undefined)
      guesses.push({ what: "company", value: company, why: "the call's opening names it" });
    if (held !== undefined && document.publishedMs === null) {
      guesses.push({ what: "published", value: day!, why: "the day of the call" });
    }
    return {
      ...document,
      text: call,
      tables: [],
      kind: "transcript",
      company: company ?? null,
      publishedMs: document.publishedMs ?? held?.ms ?? null,
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
