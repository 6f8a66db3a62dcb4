import { parse } from "csv-parse/sync";
import { bareDocument, isObject, titleOf, UnreadableError } from "./document.ts";
import type { ReadDocument, ReadItem } from "./document.ts";
import { instantOf, readMoment } from "./moment.ts";

/** One date of an economic calendar, as its source tells it; "" = not told. */
interface CalendarEntry {
  id: string;
  title: string;
  country: string;
  /** When it takes place, ms UTC. */
  atMs: number;
  /** Only its day is known. */
  day: boolean;
  importance: string;
  actual: string;
  forecast: string;
  previous: string;
  unit: string;
  notes: string;
  url: string;
  /** When the entry itself became known; undefined: not told. */
  toldMs: number | undefined;
}

const dayMs = 86_400_000;

function shownTime({ atMs, day }: CalendarEntry): string {
  const iso = new Date(day ? atMs - dayMs : atMs).toISOString();
  return day ? iso.slice(0, 10) : `${iso.slice(0, 16).replace("T", " ")} UTC`;
}

/**
 * An entry as a document. With its outcome it was public from the event on; without one, it is an announcement, public
 * since it was told (null: not known).
 */
function documentOf(entry: CalendarEntry): ReadDocument {
  const when = shownTime(entry);
  const unit = entry.unit === "" ? "" : ` ${entry.unit}`;
  const figure = (name: string, value: string) => (value === "" ? [] : [`${name}: ${value}${unit}.`]);
  const place = entry.country === "" ? "" : ` (${entry.country})`;
  const lines = [
    `${entry.title}${place}, ${when}.`,
    ...(entry.importance === "" ? [] : [`Importance: ${entry.importance}.`]),
    ...figure("Actual", entry.actual),
    ...figure("Forecast", entry.forecast),
    ...figure("Previous", entry.previous),
    ...(entry.notes === "" ? [] : ["", entry.notes]),
  ];
  const published = entry.actual === "" ? entry.toldMs : Math.max(entry.atMs, entry.toldMs ?? entry.atMs);
  return {
    ...bareDocument("calendar", titleOf(`${entry.title}${place}, ${when}`), lines.join("\n")),
    key: entry.id || `${entry.country} ${entry.title} ${entry.atMs}`,
    publishedMs: published ?? null,
    url: entry.url || null,
  };
}

/** What a calendar's document says of its date. */
export interface CalendarDate {
  title: string;
  country: string | null;
  /** When it takes place, ms UTC; of a day alone its beginning. */
  atMs: number;
  /** Only its day is known. */
  day: boolean;
  /** With its unit; null: not out yet. */
  actual: string | null;
  /** Span of its first line, which tells the date. */
  start: number;
  end: number;
}

const firstLine = /^(.+?)(?: \(([^()]+)\))?, (\d{4}-\d\d-\d\d)(?: (\d\d:\d\d) UTC)?\.(?:\n|$)/;

/** Reads the text of a calendar's document, as the readers here write it; null for other text. */
export function readCalendarDate(text: string): CalendarDate | null {
  const line = firstLine.exec(text);
  if (line === null) return null;
  const [whole, title, country = null, day, time] = line;
  const atMs = Date.parse(`${day}T${time ?? "00:00"}Z`);
  if (Number.isNaN(atMs)) return null;
  return {
    title: title!,
    country,
    atMs,
    day: time === undefined,
    actual: /^Actual: (.+)\.$/m.exec(text)?.[1] ?? null,
    start: 0,
    end: whole!.trimEnd().length,
  };
}

/** What columns and members of calendars are called, in lower case without signs. */
const names: Record<Exclude<keyof CalendarEntry, "atMs" | "day" | "toldMs">, readonly string[]> & {
  date: readonly string[];
  time: readonly string[];
  told: readonly string[];
} = {
  id: ["id", "eventid", "calendarid"],
  title: ["event", "title", "name", "indicator", "release", "summary"],
  country: ["country", "region", "currency"],
  date: ["date", "datetime", "timestamp", "start"],
  time: ["time", "timegmt", "timeutc"],
  importance: ["importance", "impact", "volatility"],
  actual: ["actual", "value"],
  forecast: ["forecast", "consensus", "estimate", "expected"],
  previous: ["previous", "prior"],
  unit: ["unit"],
  notes: ["notes", "description", "comment"],
  url: ["url", "link", "source"],
  told: ["lastupdate", "updated", "published"],
};

type Cells = Record<string, string>;

function valueOf(cells: Cells, name: keyof typeof names): string {
  for (const wanted of names[name]) {
    const value = cells[wanted]?.trim() ?? "";
    if (value !== "") return value;
  }
  return "";
}

const plainName = (name: string) => name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, "");

function itemOf(source: Record<string, unknown>, place: string): ReadItem {
  const cells = Object.fromEntries(
    Object.entries(source).flatMap(([name, value]) =>
      typeof value === "string" || typeof value === "number" ? [[plainName(name), String(value)]] : [],
    ),
  );
  const title = valueOf(cells, "title");
  const date = valueOf(cells, "date");
  const time = valueOf(cells, "time");
  const at = readMoment(time === "" || /\d:\d/.test(date) ? date : `${date} ${time}`);
  if (title === "" || at === undefined) {
    const message =
      title === ""
        ? `${place} names no event.`
        : `${place} has no date that is understood: "${date} ${time}".`;
    return { ok: false, key: null, reason: "damaged", message };
  }
  const text = (name: keyof typeof names) => valueOf(cells, name);
  const document = documentOf({
    id: text("id"),
    title,
    country: text("country"),
    atMs: at.ms,
    day: at.day,
    importance: text("importance"),
    actual: text("actual"),
    forecast: text("forecast"),
    previous: text("previous"),
    unit: text("unit"),
    notes: text("notes"),
    url: text("url"),
    toldMs: readMoment(text("told"))?.ms,
  });
  if (!at.zoned && !at.day) {
    document.guesses.push({
      what: "time",
      value: `${date} ${time}`.trim(),
      why: "it names no zone: taken as UTC",
    });
  }
  return { ok: true, document };
}

/** Does the header name an event and a date? */
export function isCalendarHeader(header: readonly string[]): boolean {
  const plain = header.map(plainName);
  return names.title.some((name) => plain.includes(name)) && names.date.some((name) => plain.includes(name));
}

/** Reads a calendar from CSV with a header; comma, semicolon or tab. Throws UnreadableError. */
export function readCalendarCsv(text: string): ReadItem[] {
  const [first = ""] = text.split("\n", 1);
  const delimiter = [",", ";", "\t"].toSorted(
    (one, other) => first.split(other).length - first.split(one).length,
  )[0]!;
  let rows: Record<string, unknown>[];
  try {
    rows = parse(text, {
      bom: true,
      columns: true,
      delimiter,
      relax_column_count: true,
      skip_empty_lines: true,
    });
  } catch (error) {
    throw new UnreadableError("damaged", "The calendar's CSV cannot be read.", error);
  }
  if (rows.length === 0) throw new UnreadableError("empty", "The calendar has no rows below its header.");
  return rows.map((row, i) => itemOf(row, `Line ${i + 2}`));
}

/** Reads a calendar from a JSON array of its entries. Throws UnreadableError for none. */
export function readCalendarJson(entries: readonly unknown[]): ReadItem[] {
  if (entries.length === 0) throw new UnreadableError("empty", "The calendar has no entries.");
  return entries.map((entry, i) => itemOf(isObject(entry) ? entry : {}, `Entry ${i + 1}`));
}

interface Property {
  value: string;
  zone: string | undefined;
}

function unescaped(value: string): string {
  return value.replaceAll(/\\([nN,;\\])/g, (_, sign: string) => (/n/i.test(sign) ? "\n" : sign));
}

/** Reads the events of an iCalendar file (RFC 5545). Repetitions are not unrolled. Throws UnreadableError for none. */
export function readIcs(text: string): ReadItem[] {
  const items: ReadItem[] = [];
  let event: Map<string, Property> | undefined;
  for (const line of text.replaceAll(/\r?\n[ \t]/g, "").split(/\r?\n/)) {
    const match = /^([A-Z-]+)((?:;[^:;"]*(?:"[^"]*")?)*):(.*)$/i.exec(line);
    if (match === null) continue;
    const name = match[1]!.toUpperCase();
    if (name === "BEGIN" && match[3] === "VEVENT") event = new Map();
    else if (name === "END" && match[3] === "VEVENT") {
      if (event !== undefined) items.push(eventItem(event, items.length + 1));
      event = undefined;
    } else
      event?.set(name, { value: unescaped(match[3]!), zone: /;TZID="?([^;:"]+)"?/i.exec(match[2]!)?.[1] });
  }
  if (items.length === 0) throw new UnreadableError("empty", "The calendar has no events.");
  return items;
}

function eventItem(event: ReadonlyMap<string, Property>, place: number): ReadItem {
  const text = (name: string) => event.get(name)?.value.trim() ?? "";
  const start = event.get("DTSTART");
  const at = readMoment(start?.value ?? "");
  const zoned =
    start?.zone === undefined || at === undefined || at.zoned || at.day
      ? at?.ms
      : instantOf(at.ms, start.zone);
  if (text("SUMMARY") === "" || zoned === undefined) {
    const what = text("SUMMARY") === "" ? "has no summary" : "has no start that is understood";
    return { ok: false, key: text("UID") || null, reason: "damaged", message: `Event ${place} ${what}.` };
  }
  const told = readMoment(text("LAST-MODIFIED") || text("DTSTAMP"));
  return {
    ok: true,
    document: documentOf({
      id: text("UID"),
      title: text("SUMMARY"),
      country: text("LOCATION"),
      atMs: zoned,
      day: at!.day,
      importance: "",
      actual: "",
      forecast: "",
      previous: "",
      unit: "",
      notes: text("DESCRIPTION"),
      url: text("URL"),
      toldMs: told?.ms,
    }),
  };
}
