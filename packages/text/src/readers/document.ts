import type { FilingForm } from "../filings/filing.ts";

export const documentKinds = [
  "filing",
  "transcript",
  "news",
  "post",
  "newsletter",
  "calendar",
  "research",
  "note",
  "reference",
] as const;
/** What a document is. `reference` explains terms, `note` is anything not told. */
export type DocumentKind = (typeof documentKinds)[number];

export const readerFormats = [
  "html",
  "pdf",
  "text",
  "submission",
  "companyFacts",
  "feed",
  "jsonFeed",
  "email",
  "mbox",
  "ics",
  "calendarCsv",
  "calendarJson",
] as const;
/** How a file is read. `submission` is the SEC's full text of a filing, `companyFacts` its XBRL figures as JSON. */
export type ReaderFormat = (typeof readerFormats)[number];

/** A table of a document: text.slice(start, end) shows it in columns, `rows` are its cells, all rows equally long. */
export interface ReadTable {
  start: number;
  end: number;
  rows: string[][];
}

/** Something that the source does not state outright, and what it rests on. */
export interface ReadGuess {
  what: string;
  value: string;
  why: string;
}

export interface FilingGuess {
  company: string;
  form: FilingForm;
  year: number;
  quarter?: number;
  /** yyyy-mm-dd, of an event. */
  day?: string;
}

/** A document as a reader found it in a file. Null: the file does not tell. */
export interface ReadDocument {
  /** Names it where its source holds several or new versions come: an entry's id, a message's, an accession number. */
  key: string | null;
  kind: DocumentKind;
  title: string;
  /** Plain text; `## ` starts a section, a form feed a page. */
  text: string;
  tables: ReadTable[];
  company: string | null;
  filing: FilingGuess | null;
  /** When it became public, ms UTC. A day alone counts from its end, so that nobody sees it early. */
  publishedMs: number | null;
  publisher: string | null;
  url: string | null;
  licence: string | null;
  /** ISO 639-3; null too where the text is too short to tell. */
  language: string | null;
  guesses: ReadGuess[];
}

/** Why a file, or a part of it, is no document. */
export type UnreadableReason = "empty" | "scanned" | "encrypted" | "damaged" | "format" | "tooLarge";

export interface UnreadableItem {
  key: string | null;
  reason: UnreadableReason;
  /** For people: what is wrong, and what to do. */
  message: string;
}

export type ReadItem = { ok: true; document: ReadDocument } | ({ ok: false } & UnreadableItem);

/** Thrown by readers for a file of which nothing can be read. */
export class UnreadableError extends Error {
  readonly reason: UnreadableReason;

  constructor(reason: UnreadableReason, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "UnreadableError";
    this.reason = reason;
  }
}

/** Of parsed JSON: neither a plain value, null nor a list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A document with nothing told of it but its text. */
export function bareDocument(kind: DocumentKind, title: string, text: string): ReadDocument {
  return {
    key: null,
    kind,
    title,
    text,
    tables: [],
    company: null,
    filing: null,
    publishedMs: null,
    publisher: null,
    url: null,
    licence: null,
    language: null,
    guesses: [],
  };
}

/** One line of text for a title: no markup, at most 300 characters. */
export function titleOf(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length <= 300 ? line : `${line.slice(0, 299)}…`;
}
