import { readCalendarCsv, readCalendarJson, readIcs, isCalendarHeader } from "./calendar.ts";
import { isCompanyFacts, readCompanyFacts } from "./companyFacts.ts";
import { decodeText } from "./decode.ts";
import { bareDocument, isObject, titleOf, UnreadableError } from "./document.ts";
import type { ReadDocument, ReaderFormat, ReadItem } from "./document.ts";
import { readEmail, readMbox } from "./email.ts";
import { readFeed, readJsonFeed } from "./feed.ts";
import type { ReadFeed } from "./feed.ts";
import { readHtml } from "./html.ts";
import { languageOf } from "./language.ts";
import { layoutTables } from "./layoutTables.ts";
import { withMetadata } from "./metadata.ts";
import { readPdf } from "./pdf.ts";
import { isSubmission, readSubmission } from "./submission.ts";

export interface ReadOptions {
  /** Last part of the name: a title where nothing else tells one, and a hint of the format. */
  filename: string;
  /** As the caller says; absent: guessed from the bytes. */
  format?: ReaderFormat | undefined;
  /** As the caller or the sender says. */
  encoding?: string | undefined;
  /** Looked at between the pages of a PDF. */
  signal?: AbortSignal | undefined;
}

/** What a file holds: documents one by one, and where its next page is (feeds). */
export interface ReadFile {
  format: ReaderFormat;
  items: AsyncIterable<ReadItem>;
  next: string | null;
}

const headBytes = 8_192;
const markdown = /\.(md|markdown)$/i;
const mailHeader =
  /^(return-path|received|from|to|subject|date|message-id|mime-version|delivered-to|x-[\w-]+):/im;

function jsonFormat(json: unknown): ReaderFormat {
  if (isCompanyFacts(json)) return "companyFacts";
  const isFeed =
    typeof json === "object" &&
    json !== null &&
    "version" in json &&
    String(json.version).includes("jsonfeed.org");
  if (isFeed) return "jsonFeed";
  if (Array.isArray(json)) return "calendarJson";
  throw new UnreadableError(
    "format",
    "It is JSON, and no company facts, JSON Feed or array of calendar entries.",
  );
}

function parsedJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decodeText(bytes, "utf-8").text);
  } catch (error) {
    if (error instanceof UnreadableError) throw error;
    throw new UnreadableError("damaged", "It begins like JSON and is none: it may be cut off.", error);
  }
}

/** The format of a file by its first bytes, its name only where they leave it open. Throws UnreadableError. */
export function formatOf(bytes: Uint8Array, filename: string): ReaderFormat {
  const raw = Buffer.from(bytes.subarray(0, headBytes)).toString("latin1");
  if (raw.slice(0, 1_024).includes("%PDF-")) return "pdf";
  if (raw.startsWith("PK\u0003\u0004")) {
    throw new UnreadableError(
      "format",
      "It is a zip archive or an Office file: save it as PDF, HTML or text.",
    );
  }
  const head = decodeText(bytes.subarray(0, headBytes)).text.trimStart();
  if (/^[[{]/.test(head) && !/\.(txt|md|markdown)$/i.test(filename)) return jsonFormat(parsedJson(bytes));
  if (isSubmission(head)) return "submission";
  if (/<(rss|feed|rdf:rdf)[\s>]/i.test(head) && !/<html[\s>]/i.test(head)) return "feed";
  if (/^BEGIN:VCALENDAR/i.test(head)) return "ics";
  if (/^From \S+ .*\d{4}\r?\n/.test(head)) return "mbox";
  const mailLines = head.split(/\r?\n\r?\n/, 1)[0]!;
  if (/\.eml$/i.test(filename) || (mailLines.match(new RegExp(mailHeader, "gim"))?.length ?? 0) >= 3)
    return "email";
  if (/<(!doctype html|html|body|div|table|p|h1)[\s>]/i.test(head) && !/\.(txt|md|markdown)$/i.test(filename))
    return "html";
  const header = head
    .split(/\r?\n/, 1)[0]!
    .split(/[,;\t]/)
    .map((name) => name.replaceAll('"', ""));
  if (header.length >= 3 && isCalendarHeader(header)) return "calendarCsv";
  return "text";
}

function fallbackTitle(filename: string): string {
  return titleOf(filename.replace(/\.[a-z0-9]{1,8}$/i, "").replaceAll(/[_-]+/g, " ")) || "Untitled";
}

/** Plain text or Markdown; its first heading, else its first short line, is its title. */
function readText(bytes: Uint8Array, filename: string, encoding?: string): ReadDocument {
  const decoded = decodeText(bytes, encoding);
  const text = decoded.text.replaceAll("\r\n", "\n").trimEnd();
  if (text.trim() === "") throw new UnreadableError("empty", "There is no text in it.");
  const heading = /^#{1,3}[ \t]+(.+)$/m.exec(text)?.[1];
  const first = text.split("\n").find((line) => line.trim() !== "")!;
  const title = heading ?? (first.length <= 120 ? first : "");
  return {
    ...bareDocument("note", titleOf(title) || fallbackTitle(filename), text),
    tables: markdown.test(filename) ? [] : layoutTables(text),
    guesses: decoded.guesses,
  };
}

async function* one(item: Promise<ReadItem>): AsyncGenerator<ReadItem> {
  yield await item;
}

async function* each(items: Iterable<ReadItem>): AsyncGenerator<ReadItem> {
  yield* items;
}

const whole = async (document: Promise<ReadDocument> | ReadDocument): Promise<ReadItem> => ({
  ok: true,
  document: await document,
});

type Read = Omit<ReadFile, "format">;

const single = (item: Promise<ReadItem>): Read => ({ items: one(item), next: null });
const several = (items: Iterable<ReadItem>): Read => ({ items: each(items), next: null });
const paged = ({ items, next }: ReadFeed): Read => ({ items: each(items), next });

const readers: Record<ReaderFormat, (bytes: Uint8Array, options: ReadOptions) => Read> = {
  pdf: (bytes, { filename, signal }) => single(whole(readPdf(bytes, fallbackTitle(filename), signal))),
  html: (bytes, { filename, encoding }) => single(whole(readHtml(bytes, fallbackTitle(filename), encoding))),
  submission: (bytes, { encoding }) => single(whole(readSubmission(bytes, encoding))),
  text: (bytes, { filename, encoding }) => single(whole(readText(bytes, filename, encoding))),
  email: (bytes) => single(readEmail(bytes)),
  mbox: (bytes) => ({ items: readMbox(bytes), next: null }),
  ics: (bytes, { encoding }) => several(readIcs(decodeText(bytes, encoding).text)),
  calendarCsv: (bytes, { encoding }) => several(readCalendarCsv(decodeText(bytes, encoding).text)),
  feed: (bytes, { encoding }) => paged(readFeed(bytes, encoding)),
  jsonFeed(bytes) {
    const json = parsedJson(bytes);
    if (!isObject(json)) throw new UnreadableError("format", "It is no JSON Feed.");
    return paged(readJsonFeed(json));
  },
  companyFacts(bytes) {
    const json = parsedJson(bytes);
    if (!isCompanyFacts(json)) throw new UnreadableError("format", "It is no JSON of company facts.");
    return several(readCompanyFacts(json));
  },
  calendarJson(bytes) {
    const json = parsedJson(bytes);
    if (!Array.isArray(json)) throw new UnreadableError("format", "It is no JSON array of calendar entries.");
    return several(readCalendarJson(json));
  },
};

async function* completed(items: AsyncIterable<ReadItem>): AsyncGenerator<ReadItem> {
  for await (const item of items) {
    if (!item.ok) {
      yield item;
      continue;
    }
    const document = withMetadata(item.document);
    yield { ok: true, document: { ...document, language: document.language ?? languageOf(document.text) } };
  }
}

/**
 * Reads a file of any format that is known here. Documents come as they are read; one that cannot be read is told with
 * its reason, and the others go on. Throws UnreadableError, also from `items`, where the file as a whole is none.
 */
export function readFile(bytes: Uint8Array, options: ReadOptions): ReadFile {
  if (bytes.length === 0) throw new UnreadableError("empty", "The file is empty.");
  const format = options.format ?? formatOf(bytes, options.filename);
  const { items, next } = readers[format](bytes, options);
  return { format, items: completed(items), next };
}
