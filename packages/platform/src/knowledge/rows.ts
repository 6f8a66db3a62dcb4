import type { Chunk } from "@tapedeck/core";
import { termsOf } from "@tapedeck/text";
import { statementFit, statements } from "@tapedeck/text/filings/index";
import type { Statement } from "@tapedeck/text/filings/index";

/** Stands for "not superseded" in indexes, whose filters do not see what is absent. */
export const never = 9_007_199_254_740_991;

/** A passage as the indexes store it. */
export interface ChunkRow {
  id: string;
  document_id: string;
  space: string;
  title: string;
  section: string;
  topic: string;
  kind: string;
  /** "" = not known. */
  company: string;
  /** "" = no filing. */
  period: string;
  text: string;
  /** Of title, section, company, period and text, and what marks a statement, with spaces between. */
  terms: string;
  version: number;
  span_start: number;
  span_end: number;
  published_ms: number;
  superseded_ms: number;
}

/**
 * What is searched: the headings too, since a passage under "Pitfalls" rarely repeats its document's subject, and whose
 * filing of which year it is, which its pages rarely say.
 */
export function indexedText({ title, section, company, period, text }: Chunk): string {
  return [title, section, company, period, text].filter((part) => part !== null).join("\n");
}

/** Stands among the terms of a page that is the statement; no word of a text becomes it. */
export const statementTerm = (statement: Statement) => `statement:${statement}`;

/** From this fit on a page is the statement. */
const isStatement = 0.4;

/** Names the page of a filing that a passage stands on. */
export const pageOf = ({ documentId, version, section }: Chunk) => `${documentId}:${version}:${section}`;

/**
 * The terms of each passage, with spaces between. Passages of a page of a filing carry a mark of the statements that the page is:
 * the rows of one passage are too few to tell. Takes documents whole.
 */
export function termsOfAll(chunks: readonly Chunk[]): string[] {
  const pages = new Map<string, Chunk[]>();
  for (const chunk of chunks) {
    if (chunk.period === null) continue;
    const page = pages.get(pageOf(chunk));
    if (page === undefined) pages.set(pageOf(chunk), [chunk]);
    else page.push(chunk);
  }
  const marks = new Map(
    [...pages].map(([page, parts]) => {
      const text = parts.map((chunk) => chunk.text).join("\n");
      return [page, statements.filter((one) => statementFit(text, one) >= isStatement).map(statementTerm)];
    }),
  );
  return chunks.map((chunk) => {
    const marked = chunk.period === null ? [] : marks.get(pageOf(chunk))!;
    return [...termsOf(indexedText(chunk)), ...marked].join(" ");
  });
}

export function toChunk(row: ChunkRow): Chunk {
  return {
    id: row.id,
    documentId: row.document_id,
    version: row.version,
    space: row.space,
    title: row.title,
    section: row.section,
    topic: row.topic,
    kind: row.kind,
    company: row.company === "" ? null : row.company,
    period: row.period === "" ? null : row.period,
    text: row.text,
    start: row.span_start,
    end: row.span_end,
    publishedMs: row.published_ms,
    ...(row.superseded_ms === never ? {} : { supersededMs: row.superseded_ms }),
  };
}
