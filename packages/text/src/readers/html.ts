import { decodeText } from "./decode.ts";
import { bareDocument, titleOf, UnreadableError } from "./document.ts";
import type { ReadDocument, ReadGuess } from "./document.ts";
import { cellsOf, isDataTable, mostColumns } from "./htmlTable.ts";
import type { SpanCell } from "./htmlTable.ts";
import { createTextBuilder } from "./layout.ts";
import type { TextBuilder } from "./layout.ts";
import { isElement, parseMarkup } from "./markup.ts";
import type { MarkupElement, MarkupParent } from "./markup.ts";
import { readMoment } from "./moment.ts";

/** Never shown: code, controls, and inline XBRL's own bookkeeping. */
const unseen = new Set(
  "script style noscript template head ix:header svg math select button iframe".split(" "),
);
const blocks = new Set(
  "address article aside blockquote body center dd div dl dt figcaption figure footer header html li main nav ol p pre section ul tr".split(
    " ",
  ),
);
/** What is nested deeper is left out. */
const deepest = 400;

export interface HtmlText {
  text: string;
  tables: ReadDocument["tables"];
}

function isHidden({ name, attribs }: MarkupElement): boolean {
  return unseen.has(name) || /display\s*:\s*none/i.test(attribs["style"] ?? "") || "hidden" in attribs;
}

const pageBreaks = {
  before: /break-before\s*:\s*(always|page)/i,
  after: /break-after\s*:\s*(always|page)/i,
};

/** A break before or after it begins a page: filers put them where their pages end. */
function breaksPage({ attribs }: MarkupElement, where: "before" | "after"): boolean {
  return pageBreaks[where].test(attribs["style"] ?? "");
}

/** Visible text of a node in one line. */
function lineOf(node: MarkupParent, depth: number): string {
  if (depth > deepest) return "";
  let text = "";
  for (const child of node.children) {
    if (child.type === "text") text += child.data;
    else if (isElement(child) && !isHidden(child)) {
      const inner = lineOf(child, depth + 1);
      text += child.name === "br" || blocks.has(child.name) ? ` ${inner} ` : inner;
    }
  }
  return text.replaceAll(/[\s\u00a0]+/g, " ");
}

function* rowsIn(node: MarkupParent, depth = 0): Generator<MarkupElement> {
  for (const child of node.children) {
    if (!isElement(child)) continue;
    if (child.name === "tr") yield child;
    else if (/^(thead|tbody|tfoot)$/.test(child.name) && depth < 3) yield* rowsIn(child, depth + 1);
  }
}

function holdsTable(node: MarkupParent, depth = 0): boolean {
  return (
    depth < deepest &&
    node.children.some(
      (child) => isElement(child) && (child.name === "table" || holdsTable(child, depth + 1)),
    )
  );
}

function spanCells(row: MarkupElement, depth: number): SpanCell[] {
  const cells: SpanCell[] = [];
  let from = 0;
  for (const cell of row.children) {
    if (!isElement(cell) || !/^t[dh]$/.test(cell.name)) continue;
    const span = Math.min(mostColumns, Math.max(1, Number.parseInt(cell.attribs["colspan"] ?? "1", 10) || 1));
    cells.push({ text: isHidden(cell) ? "" : lineOf(cell, depth).trim(), from, to: from + span });
    from += span;
    if (from >= mostColumns) break;
  }
  return cells;
}

/** Writes the visible text of a node: blocks as paragraphs, headings, lists, tables in columns, pages where they break. */
function write(node: MarkupParent, out: TextBuilder, depth: number): void {
  if (depth > deepest) return;
  for (const child of node.children) {
    if (child.type === "text") out.words(child.data);
    else if (isElement(child) && !isHidden(child)) writeElement(child, out, depth);
  }
}

function writeElement(node: MarkupElement, out: TextBuilder, depth: number): void {
  if (breaksPage(node, "before")) out.page();
  const heading = /^h([1-6])$/.exec(node.name);
  if (heading !== null) {
    out.heading(Math.min(3, Math.max(2, Number(heading[1]))), lineOf(node, depth));
  } else if (node.name === "table" && !holdsTable(node)) {
    writeTable(node, out, depth);
  } else if (node.name === "br") {
    out.line();
  } else if (node.name === "li") {
    out.line();
    out.words("- ");
    write(node, out, depth + 1);
    out.line();
  } else if (node.name === "pre") {
    out.paragraph();
    for (const line of textOf(node, depth).split("\n")) {
      out.words(line);
      out.line();
    }
    out.paragraph();
  } else if (blocks.has(node.name) || node.name === "hr") {
    out.paragraph();
    write(node, out, depth + 1);
    out.paragraph();
  } else {
    write(node, out, depth + 1);
  }
  if (breaksPage(node, "after")) out.page();
}

/** Text of a node with its line ends. */
function textOf(node: MarkupParent, depth: number): string {
  if (depth > deepest) return "";
  return node.children
    .map((child) => (child.type === "text" ? child.data : isElement(child) ? textOf(child, depth + 1) : ""))
    .join("");
}

function writeTable(table: MarkupElement, out: TextBuilder, depth: number): void {
  const trs = [...rowsIn(table)];
  const headed = trs.some((row) => row.children.some((cell) => isElement(cell) && cell.name === "th"));
  const rows = cellsOf(trs.map((row) => spanCells(row, depth)));
  if (isDataTable(rows, headed)) {
    out.table(rows);
    return;
  }
  out.paragraph();
  for (const row of rows) {
    for (const cell of row) out.words(`${cell} `);
    out.line();
  }
  out.paragraph();
}

/** The text of HTML, however broken: what cannot be made sense of is left out. */
export function htmlText(html: string): HtmlText {
  const out = createTextBuilder();
  write(parseMarkup(html), out, 0);
  return out.done();
}

function* elements(node: MarkupParent, depth = 0): Generator<MarkupElement> {
  if (depth > deepest) return;
  for (const child of node.children) {
    if (!isElement(child)) continue;
    yield child;
    yield* elements(child, depth + 1);
  }
}

interface Head {
  title?: string;
  published?: string;
  updated?: string;
  publisher?: string;
  url?: string;
  licence?: string;
}

const metaNames: Record<string, Exclude<keyof Head, "title">> = {
  "article:published_time": "published",
  datepublished: "published",
  "dc.date": "published",
  "article:modified_time": "updated",
  datemodified: "updated",
  "dcterms.issued": "published",
  "og:site_name": "publisher",
  "dc.publisher": "publisher",
  "og:url": "url",
  "dc.rights": "licence",
  "dcterms.license": "licence",
  copyright: "licence",
};

function headOf(root: MarkupParent): Head {
  const head: Head = {};
  for (const element of elements(root)) {
    const { name, attribs } = element;
    if (name === "title") head.title ??= textOf(element, 0).trim();
    else if (name === "h1") head.title ??= lineOf(element, 0).trim();
    else if (name === "link" && attribs["rel"] === "license") head.licence ??= attribs["href"] ?? "";
    else if (name === "link" && attribs["rel"] === "canonical") head.url ??= attribs["href"] ?? "";
    else if (name === "meta") {
      const key = (attribs["property"] ?? attribs["name"] ?? attribs["itemprop"] ?? "").toLowerCase();
      const member = metaNames[key];
      const value = attribs["content"]?.trim() ?? "";
      if (member !== undefined && value !== "") head[member] ??= value;
    }
  }
  return head;
}

/** Reads a page of HTML: a filing (inline XBRL is shown text), an article, a note. Throws UnreadableError. */
export function readHtml(bytes: Uint8Array, fallbackTitle: string, encoding?: string): ReadDocument {
  const decoded = decodeText(bytes, encoding);
  const root = parseMarkup(decoded.text);
  const out = createTextBuilder();
  write(root, out, 0);
  const { text, tables } = out.done();
  if (text.trim() === "") throw new UnreadableError("empty", "Its HTML shows no text.");
  const head = headOf(root);
  const guesses: ReadGuess[] = [...decoded.guesses];
  const first = readMoment(head.published ?? "");
  const updated = readMoment(head.updated ?? "");
  // The text is of its last change: nobody could read it before.
  const published = first !== undefined && updated !== undefined && updated.ms > first.ms ? updated : first;
  if (published?.zoned === false && !published.day) {
    guesses.push({
      what: "published",
      value: new Date(published.ms).toISOString(),
      why: "its time names no zone: taken as UTC",
    });
  }
  return {
    ...bareDocument("note", titleOf(head.title ?? "") || fallbackTitle, text),
    tables,
    publishedMs: published?.ms ?? null,
    publisher: head.publisher ?? null,
    url: head.url ?? null,
    licence: head.licence ?? null,
    guesses,
  };
}
