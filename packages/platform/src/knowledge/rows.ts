import type { Chunk } from "@tapedeck/core";

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
  /** Of title, section, company, period and text, with spaces between. */
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
