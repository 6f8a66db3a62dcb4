import type { DocumentView } from "@tapedeck/features/knowledge/contract";

/** A stretch of a document's text: text.slice(start, end). */
export interface Span {
  start: number;
  end: number;
}

/** What is shown at once: a page, or a part of a long one. */
export interface Sheet extends Span {
  page: number;
  /** From 1, of a page in several parts; 0 where it is whole. */
  part: number;
}

export type Block =
  | (Span & { kind: "text" })
  | (Span & { kind: "heading"; level: number; text: string })
  | (Span & { kind: "table"; rows: readonly { cells: readonly string[]; span: Span }[] });

/** A stretch with what is marked in it. */
export interface Piece extends Span {
  mark: "evidence" | "match" | null;
}

/** Longer pages are shown in parts, cut at line ends. */
const longestSheet = 40_000;
const mostMatches = 2_000;

export function sheetsOf({ text, pages }: Pick<DocumentView, "text" | "pages">): Sheet[] {
  return pages.flatMap(({ page, start, end }) => {
    if (end - start <= longestSheet) return [{ page, part: 0, start, end }];
    const parts: Sheet[] = [];
    for (let from = start; from < end;) {
      const line = from + longestSheet >= end ? -1 : text.lastIndexOf("\n", from + longestSheet);
      const to = from + longestSheet >= end ? end : line > from ? line + 1 : from + longestSheet;
      parts.push({ page, part: parts.length + 1, start: from, end: to });
      from = to;
    }
    return parts;
  });
}

/** Place of the sheet that holds a character; the last one for a place behind all. */
export function sheetAt(sheets: readonly Sheet[], at: number): number {
  const found = sheets.findIndex(({ end }) => at < end);
  return found < 0 ? sheets.length - 1 : found;
}

/** Blanks before the first word keep its column. */
function withoutEmptyLines(text: string, { start, end }: Span): Block[] {
  const part = text.slice(start, end);
  const kept = part.replace(/^(?:[ \t]*\n)+/, "");
  const from = start + part.length - kept.length;
  return kept.trim() === "" ? [] : [{ kind: "text", start: from, end: from + kept.trimEnd().length }];
}

function textBlocks(text: string, start: number, end: number): Block[] {
  const blocks: Block[] = [];
  let from = start;
  for (const match of text.slice(start, end).matchAll(/^(#{1,3})[ \t]+(.+)$/gm)) {
    const at = start + match.index;
    if (at > from) blocks.push({ kind: "text", start: from, end: at });
    from = at + match[0].length;
    blocks.push({ kind: "heading", level: match[1]!.length, text: match[2]!, start: at, end: from });
  }
  if (from < end) blocks.push({ kind: "text", start: from, end });
  return blocks.flatMap((block) => (block.kind === "text" ? withoutEmptyLines(text, block) : [block]));
}

/** Headings, tables and the text between them on a sheet. A table's rows are its lines. */
export function blocksOf({ text, tables }: Pick<DocumentView, "text" | "tables">, sheet: Span): Block[] {
  const blocks: Block[] = [];
  let from = sheet.start;
  for (const table of tables) {
    if (table.start < from || table.end > sheet.end) continue;
    blocks.push(...textBlocks(text, from, table.start));
    let at = table.start;
    const lines = text.slice(table.start, table.end).split("\n");
    const rows = table.rows.map((cells, i) => {
      const span = { start: at, end: at + (lines[i]?.length ?? 0) };
      at = span.end + 1;
      return { cells, span };
    });
    blocks.push({ kind: "table", start: table.start, end: table.end, rows });
    from = table.end;
  }
  return [...blocks, ...textBlocks(text, from, sheet.end)];
}

/** Where the words stand, whatever their case; the first 2,000. */
export function matchesOf(text: string, words: string): Span[] {
  if (words.trim() === "") return [];
  const pattern = new RegExp(
    words
      .trim()
      .replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")
      .replaceAll(/\s+/g, "\\s+"),
    "gi",
  );
  const found: Span[] = [];
  for (const match of text.matchAll(pattern)) {
    found.push({ start: match.index, end: match.index + match[0].length });
    if (found.length === mostMatches) break;
  }
  return found;
}

export const overlap = (one: Span, other: Span) => one.start < other.end && other.start < one.end;

/** A stretch cut where marks begin and end; evidence is marked before matches. */
export function piecesOf(span: Span, evidence: Span | null, matches: readonly Span[]): Piece[] {
  const marks = [...(evidence === null ? [] : [evidence]), ...matches].filter((mark) => overlap(mark, span));
  const cuts = [span.start, span.end, ...marks.flatMap(({ start, end }) => [start, end])]
    .filter((at) => at >= span.start && at <= span.end)
    .toSorted((one, other) => one - other);
  const pieces: Piece[] = [];
  for (const [i, start] of cuts.entries()) {
    const end = cuts[i + 1];
    if (end === undefined || end === start) continue;
    const within = (mark: Span) => mark.start <= start && end <= mark.end;
    const mark = evidence !== null && within(evidence) ? "evidence" : matches.some(within) ? "match" : null;
    pieces.push({ start, end, mark });
  }
  return pieces;
}
