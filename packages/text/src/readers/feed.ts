import { decodeText } from "./decode.ts";
import { bareDocument, isObject, titleOf, UnreadableError } from "./document.ts";
import type { ReadDocument, ReadGuess, ReadItem } from "./document.ts";
import { htmlText } from "./html.ts";
import { isElement, parseMarkup } from "./markup.ts";
import type { MarkupElement, MarkupParent } from "./markup.ts";
import { readMoment } from "./moment.ts";

/** Entries of a feed and where its next page is, where it has several. */
export interface ReadFeed {
  items: ReadItem[];
  next: string | null;
}

function children(node: MarkupParent, ...names: string[]): MarkupElement[] {
  return node.children.filter(
    (child): child is MarkupElement => isElement(child) && names.includes(child.name.toLowerCase()),
  );
}

/** All text inside, markup of entries (escaped or in CDATA) as it stands. */
function inner(node: MarkupParent | undefined): string {
  if (node === undefined) return "";
  return node.children
    .map((child) => ("data" in child ? child.data : "children" in child ? inner(child) : ""))
    .join("");
}

function firstText(node: MarkupParent, ...names: string[]): string {
  for (const name of names) {
    const text = inner(children(node, name)[0]).trim();
    if (text !== "") return text;
  }
  return "";
}

/** Atom says it by attributes, RSS as text. */
function linkOf(entry: MarkupElement): string {
  const links = children(entry, "link");
  const alternate = links.find(
    ({ attribs }) => attribs["href"] !== undefined && (attribs["rel"] ?? "alternate") === "alternate",
  );
  return (
    alternate?.attribs["href"] ?? inner(links.find(({ attribs }) => attribs["href"] === undefined)).trim()
  );
}

interface EntryFacts {
  id: string;
  title: string;
  html: string;
  url: string;
  published: string;
  /** When it was last changed: its text is of then. */
  updated: string;
  publisher: string;
  licence: string;
  /** A post's author, where posts have no titles. */
  author: string;
}

const shortTitle = 80;

/** When an entry's text became public, and what had to be guessed of that. */
function publicationOf({ published, updated }: EntryFacts): { ms: number | null; guesses: ReadGuess[] } {
  const first = readMoment(published);
  const changed = readMoment(updated);
  const later = changed !== undefined && (first === undefined || changed.ms > first.ms);
  const moment = later ? changed : first;
  const guess = (value: string, why: string) => [{ what: "published", value, why }];
  if (moment === undefined) {
    return {
      ms: null,
      guesses: published === "" ? [] : guess("unknown", `"${published}" is no time that is understood`),
    };
  }
  if (later && first !== undefined) {
    return { ms: moment.ms, guesses: guess(updated, "it was changed then: this text is not older") };
  }
  const unzoned = !moment.zoned && !moment.day;
  return {
    ms: moment.ms,
    guesses: unzoned ? guess(later ? updated : published, "its time names no zone: taken as UTC") : [],
  };
}

/** One entry; without text and title it is none. */
function entryOf(facts: EntryFacts, place: number, guesses: readonly ReadGuess[]): ReadItem {
  const { text, tables } = htmlText(facts.html);
  const headline = titleOf(htmlText(facts.title).text);
  const key = facts.id || facts.url || null;
  if (text === "" && headline === "") {
    return { ok: false, key, reason: "empty", message: `Entry ${place} has no title and no text.` };
  }
  const published = publicationOf(facts);
  const opening = `${facts.author === "" ? "Post" : facts.author}: ${text.slice(0, shortTitle)}`;
  const document: ReadDocument = {
    ...bareDocument(headline === "" ? "post" : "news", headline || titleOf(opening), text || headline),
    key,
    tables,
    publishedMs: published.ms,
    publisher: facts.publisher || null,
    url: facts.url || null,
    licence: facts.licence || null,
    guesses: [...guesses, ...published.guesses],
  };
  return { ok: true, document };
}

/** Reads RSS 0.9–2.0, RDF and Atom, entries in the feed's order. Throws UnreadableError: no feed, or one without entries. */
export function readFeed(bytes: Uint8Array, encoding?: string): ReadFeed {
  const { text, guesses } = decodeText(bytes, encoding);
  const root = parseMarkup(text, true);
  const top = children(root, "rss", "feed", "rdf:rdf")[0];
  if (top === undefined) throw new UnreadableError("format", "It is XML, and no RSS or Atom feed.");
  const channel = children(top, "channel")[0] ?? top;
  const entries = [...children(channel, "item", "entry"), ...(channel === top ? [] : children(top, "item"))];
  if (entries.length === 0) throw new UnreadableError("empty", "The feed has no entries.");
  const publisher = firstText(channel, "title");
  const licence = firstText(channel, "copyright", "rights", "dc:rights", "creativecommons:license");
  const items = entries.map((entry, i) =>
    entryOf(
      {
        id: firstText(entry, "guid", "id"),
        title: firstText(entry, "title"),
        html: firstText(entry, "content:encoded", "content", "description", "summary"),
        url: linkOf(entry),
        published: firstText(entry, "pubdate", "published", "dc:date"),
        updated: firstText(entry, "updated"),
        publisher: firstText(entry, "source") || publisher,
        licence: firstText(entry, "rights", "dc:rights") || licence,
        author: firstText(children(entry, "author")[0] ?? entry, "name", "dc:creator", "author"),
      },
      i + 1,
      guesses,
    ),
  );
  const next = children(channel, "link", "atom:link").find(({ attribs }) => attribs["rel"] === "next");
  return { items, next: next?.attribs["href"] ?? null };
}

const textIn = (value: unknown) => (typeof value === "string" ? value.trim() : "");

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("\n", "<br>");
}

/** Reads JSON Feed 1.0 and 1.1. Throws UnreadableError for a feed without items. */
export function readJsonFeed(feed: Record<string, unknown>): ReadFeed {
  const items = Array.isArray(feed["items"]) ? feed["items"].filter(isObject) : [];
  if (items.length === 0) throw new UnreadableError("empty", "The feed has no items.");
  return {
    items: items.map((item, i) => {
      const authors = Array.isArray(item["authors"]) ? item["authors"] : [item["author"]];
      const [author] = authors.filter(isObject);
      return entryOf(
        {
          id: typeof item["id"] === "number" ? String(item["id"]) : textIn(item["id"]),
          title: escaped(textIn(item["title"])),
          html:
            textIn(item["content_html"]) || escaped(textIn(item["content_text"]) || textIn(item["summary"])),
          url: textIn(item["url"]) || textIn(item["external_url"]),
          published: textIn(item["date_published"]),
          updated: textIn(item["date_modified"]),
          publisher: textIn(feed["title"]),
          licence: "",
          author: textIn(author?.["name"]),
        },
        i + 1,
        [],
      );
    }),
    next: textIn(feed["next_url"]) || null,
  };
}
