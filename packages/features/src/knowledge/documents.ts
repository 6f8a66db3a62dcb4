import { AppError } from "@tapedeck/core";
import { sql } from "kysely";
import type { Db } from "../db.ts";
import { FilingDescription, pageBreak } from "./contract.ts";
import type { DocumentReader, DocumentSummary, DocumentView } from "./contract.ts";
import { spacesOf } from "./store.ts";

const summaryColumns = [
  "documents.id",
  "documents.space",
  "documents.path",
  "documents.indexed",
  "documents.duplicateOf",
  "documentVersions.title",
  "documentVersions.topic",
  "documentVersions.version",
  "documentVersions.publishedMs",
  "documentVersions.supersededMs",
  "documentVersions.filing",
  "documentVersions.kind",
  "documentVersions.company",
  "documentVersions.publisher",
  "documentVersions.url",
  "documentVersions.licence",
  "documentVersions.language",
] as const;

function summaryOf(
  row: Omit<DocumentSummary, "space" | "filing"> & { space: string; filing: string | null },
): DocumentSummary {
  const { id, title, topic, version, publishedMs, characters, indexed, duplicateOf } = row;
  const { kind, company, publisher, url, licence, language } = row;
  return {
    id,
    space: row.space === "shared" ? "shared" : "own",
    title,
    topic,
    version,
    publishedMs,
    characters,
    indexed,
    filing: row.filing === null ? null : FilingDescription.parse(JSON.parse(row.filing)),
    kind,
    company,
    publisher,
    url,
    licence,
    language,
    duplicateOf,
  };
}

export interface DocumentFilter {
  limit: number;
  cursor?: string | undefined;
  topic?: string | undefined;
  kind?: DocumentSummary["kind"] | undefined;
  company?: string | undefined;
  title?: string | undefined;
  asOf?: number | undefined;
}

/** The place behind the last document of a page: when it was published, and its id. */
function placeOf(cursor: string): { publishedMs: number; id: string } {
  const match = /^(\d{1,15}) (\S+)$/.exec(cursor);
  if (match !== null) return { publishedMs: Number(match[1]), id: match[2]! };
  throw new AppError(
    "payload.invalid",
    "The cursor is not one that a page gave; leave it out to start anew.",
  );
}

/** Words as they stand, whatever they mean to LIKE. */
const containing = (words: string) => `%${words.replaceAll(/[\\%_]/g, (sign) => `\\${sign}`)}%`;

export async function listDocuments(
  db: Db,
  tenantId: string,
  filter: DocumentFilter,
): Promise<{ items: DocumentSummary[]; nextCursor: string | null }> {
  const { asOf, cursor } = filter;
  let query = db
    .selectFrom("documents")
    .innerJoin("documentVersions", "documentVersions.documentId", "documents.id")
    .select(summaryColumns)
    .select(sql<number>`length(document_versions.text)`.as("characters"))
    .where("documents.space", "in", spacesOf(tenantId))
    .orderBy("documentVersions.publishedMs", "desc")
    .orderBy("documents.id")
    .limit(filter.limit + 1);
  query =
    asOf === undefined
      ? query.whereRef("version", "=", "currentVersion").where("retiredMs", "is", null)
      : query
          .where("publishedMs", "<=", asOf)
          .where((or) => or.or([or("supersededMs", "is", null), or("supersededMs", ">", asOf)]));
  if (cursor !== undefined) {
    const { publishedMs, id } = placeOf(cursor);
    query = query.where((where) =>
      where.or([
        where("publishedMs", "<", publishedMs),
        where.and([where("publishedMs", "=", publishedMs), where("documents.id", ">", id)]),
      ]),
    );
  }
  if (filter.topic !== undefined) query = query.where("topic", "=", filter.topic);
  if (filter.kind !== undefined) query = query.where("kind", "=", filter.kind);
  if (filter.company !== undefined) query = query.where("company", "ilike", containing(filter.company));
  if (filter.title !== undefined) query = query.where("title", "ilike", containing(filter.title));
  const rows = await query.execute();
  const items = rows.slice(0, filter.limit).map(summaryOf);
  const last = items.at(-1);
  const more = rows.length > filter.limit && last !== undefined;
  return { items, nextCursor: more ? `${last.publishedMs} ${last.id}` : null };
}

/** The newest version, the one of that number, or the one that was the newest at `asOfMs`. Throws `resource.unknown`. */
export async function readDocument(
  db: Db,
  tenantId: string,
  id: string,
  which: { version?: number | undefined; asOfMs?: number | undefined } = {},
): Promise<DocumentView & { path: string | null }> {
  const versions = await db
    .selectFrom("documentVersions")
    .innerJoin("documents", "documents.id", "documentVersions.documentId")
    .select(["version", "publishedMs", "supersededMs"])
    .where("documentId", "=", id)
    .where("space", "in", spacesOf(tenantId))
    .orderBy("version")
    .execute();
  const { version, asOfMs } = which;
  const chosen =
    version !== undefined
      ? versions.find((one) => one.version === version)
      : asOfMs !== undefined
        ? versions.find((one) => one.publishedMs <= asOfMs && (one.supersededMs ?? Infinity) > asOfMs)
        : versions.at(-1);
  if (chosen === undefined) {
    throw new AppError(
      "resource.unknown",
      versions.length === 0
        ? `There is no document ${id} here. GET /api/documents lists those there are.`
        : `Document ${id} has no such version${asOfMs === undefined ? "" : " at that time"}.`,
    );
  }
  const row = await db
    .selectFrom("documents")
    .innerJoin("documentVersions", "documentVersions.documentId", "documents.id")
    .select(summaryColumns)
    .select(["text", "sources", "formulas", "tables", "guesses"])
    .where("documents.id", "=", id)
    .where("version", "=", chosen.version)
    .executeTakeFirstOrThrow();
  const passages = await db
    .selectFrom("documentChunks")
    .select(["id", "section", "spanStart as start", "spanEnd as end"])
    .where("documentId", "=", id)
    .where("version", "=", row.version)
    .orderBy("ordinal")
    .execute();
  return {
    ...summaryOf({ ...row, characters: row.text.length }),
    path: row.path,
    sources: row.sources,
    formulas: row.formulas,
    text: row.text,
    supersededMs: row.supersededMs,
    pages: pagesOf(row.text),
    tables: row.tables,
    guesses: row.guesses,
    passages,
    versions,
  };
}

/** Pages of a text, from 1, by their spans without the breaks between them. */
export function pagesOf(text: string): { page: number; start: number; end: number }[] {
  let start = 0;
  return text.split(pageBreak).map((page, at) => {
    const span = { page: at + 1, start, end: start + page.length };
    start = span.end + pageBreak.length;
    return span;
  });
}

export function createDocumentReader({ db }: { db: Db }): DocumentReader {
  return {
    async texts(tenantId, { asOfMs, kinds, company, fromMs, toMs, after, newestFirst = false, limit }) {
      let query = db
        .selectFrom("documents")
        .innerJoin("documentVersions", "documentVersions.documentId", "documents.id")
        .select([
          "documents.id as documentId",
          "version",
          "kind",
          "title",
          "company",
          "publisher",
          "language",
          "publishedMs",
          "duplicateOf",
          "guesses",
          "text",
        ])
        .where("space", "in", spacesOf(tenantId))
        .where("publishedMs", "<=", asOfMs)
        .where((or) => or.or([or("supersededMs", "is", null), or("supersededMs", ">", asOfMs)]))
        .orderBy("publishedMs", newestFirst ? "desc" : "asc")
        .orderBy("documents.id")
        .limit(limit);
      if (kinds !== undefined) query = query.where("kind", "in", kinds);
      if (newestFirst) query = query.where("duplicateOf", "is", null);
      if (company !== undefined) query = query.where("company", "=", company);
      if (fromMs !== undefined) query = query.where("publishedMs", ">=", fromMs);
      if (toMs !== undefined) query = query.where("publishedMs", "<", toMs);
      if (after !== undefined) {
        query = query.where((where) =>
          where.or([
            where("publishedMs", ">", after.publishedMs),
            where.and([
              where("publishedMs", "=", after.publishedMs),
              where("documents.id", ">", after.documentId),
            ]),
          ]),
        );
      }
      return query.execute();
    },

    async companies(tenantId, kind, asOfMs) {
      const rows = await db
        .selectFrom("documents")
        .innerJoin("documentVersions", "documentVersions.documentId", "documents.id")
        .select("company")
        .distinct()
        .where("space", "in", spacesOf(tenantId))
        .where("kind", "=", kind)
        .where("company", "is not", null)
        .where("publishedMs", "<=", asOfMs)
        .where((or) => or.or([or("supersededMs", "is", null), or("supersededMs", ">", asOfMs)]))
        .orderBy("company")
        .execute();
      return rows.map(({ company }) => company!);
    },
  };
}
