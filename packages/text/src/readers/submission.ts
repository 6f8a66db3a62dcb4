import type { FilingForm } from "../filings/filing.ts";
import { fiscalYearOf } from "./cover.ts";
import { decodeText } from "./decode.ts";
import { bareDocument, UnreadableError } from "./document.ts";
import type { ReadDocument } from "./document.ts";
import { htmlText } from "./html.ts";
import { withParts } from "./metadata.ts";
import { instantOf, readMoment } from "./moment.ts";

const forms: Record<string, FilingForm> = {
  "10-K": "10-K",
  "10-K405": "10-K",
  "10-KT": "10-K",
  "10-Q": "10-Q",
  "8-K": "8-K",
};
/** EDGAR's clock. */
const zone = "America/New_York";
const dayMs = 86_400_000;
const quarterMs = 91.3 * dayMs;

export function isSubmission(head: string): boolean {
  return /<SEC-(DOCUMENT|HEADER)>|^-----BEGIN PRIVACY-ENHANCED MESSAGE-----/m.test(head);
}

function field(header: string, name: string): string | undefined {
  return new RegExp(`^\\s*<?${name}[:>]\\s*(.+?)\\s*$`, "im").exec(header)?.[1];
}

/** The last day of the fiscal year in which a period ends; `yearEnd` is its month and day (mmdd). */
function yearEndAfter(endMs: number, yearEnd: string): number {
  const end = new Date(endMs);
  const [month, day] = [Number(yearEnd.slice(0, 2)), Number(yearEnd.slice(2))];
  // Years of 52 weeks end some days to either side.
  const same = Date.UTC(end.getUTCFullYear(), month - 1, day);
  return same >= endMs - 15 * dayMs ? same : Date.UTC(end.getUTCFullYear() + 1, month - 1, day);
}

/**
 * Reads EDGAR's full text of a submission: its header tells company, form, period and when it was accepted, its first
 * document is the filing. Throws UnreadableError.
 */
export function readSubmission(bytes: Uint8Array, encoding?: string): ReadDocument {
  const { text, guesses } = decodeText(bytes, encoding);
  const header = text.slice(0, text.indexOf("<DOCUMENT>") + 1 || 20_000);
  const body = /<DOCUMENT>[\s\S]*?<TEXT>([\s\S]*?)<\/TEXT>/i.exec(text)?.[1]?.trim();
  if (body === undefined || body === "")
    throw new UnreadableError("empty", "The submission holds no document.");
  const plain = body.replace(/^<(XBRL|PDF)>|<\/(XBRL|PDF)>$/gi, "");
  const shown = /<(html|body|div|table|p)\b/i.test(plain.slice(0, 20_000))
    ? htmlText(plain)
    : { text: plain.replaceAll(/\n?<PAGE>\n?/gi, "\f"), tables: [] };
  const paged = shown.text.includes("\f") ? shown : withParts(shown.text, shown.tables);
  const company = field(header, "COMPANY CONFORMED NAME");
  const type = field(header, "CONFORMED SUBMISSION TYPE") ?? field(header, "TYPE") ?? "other";
  const period = readMoment(field(header, "CONFORMED PERIOD OF REPORT") ?? "");
  const accepted = readMoment(field(header, "ACCEPTANCE-DATETIME") ?? "");
  const filed = readMoment(field(header, "FILED AS OF DATE") ?? "");
  const form = forms[type.toUpperCase()] ?? "other";
  const document: ReadDocument = {
    ...bareDocument(
      "filing",
      [company, type, field(header, "CONFORMED PERIOD OF REPORT")]
        .filter((one) => one !== undefined)
        .join(" "),
      paged.text,
    ),
    tables: paged.tables,
    key: field(header, "ACCESSION NUMBER") ?? null,
    company: company ?? null,
    publishedMs: accepted === undefined ? (filed?.ms ?? null) : instantOf(accepted.ms, zone)!,
    publisher: "SEC",
    licence: "public domain",
    guesses,
  };
  if (company === undefined || period === undefined) return document;
  const endMs = period.ms - dayMs;
  const day = new Date(endMs).toISOString().slice(0, 10);
  const yearEnd = field(header, "FISCAL YEAR END");
  const closingMs = form === "10-Q" && yearEnd !== undefined ? yearEndAfter(endMs, yearEnd) : endMs;
  document.filing = {
    company,
    form,
    year: form === "8-K" ? Number(day.slice(0, 4)) : fiscalYearOf(closingMs, paged.text, "10-K"),
    ...(form === "10-Q" ? { quarter: 4 - Math.round((closingMs - endMs) / quarterMs) } : {}),
    ...(form === "8-K" ? { day } : {}),
  };
  return document;
}
