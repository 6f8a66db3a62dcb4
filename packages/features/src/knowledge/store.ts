import { AppError, newId } from "@tapedeck/core";
import type { Chunk } from "@tapedeck/core";
import { contentHash } from "@tapedeck/core/hash";
import { sql } from "kysely";
import type { Db, Tx } from "../db.ts";
import { passagesOf } from "./chunk.ts";
import { FilingDescription } from "./contract.ts";
import type { DocumentKind, IncomingDocument } from "./contract.ts";
import type { SourceDocument } from "./source.ts";

/** "knowledge" in numbers: one writer of documents and index at a time. */
const writerLock = 7_265_055;
/** Changes when passages are cut differently, so that documents are cut anew. */
const passageRules = 1;

export const spacesOf = (tenantId: string): string[] => ["shared", tenantId];

/** Runs `work` while no other process of this deployment runs such work. Waits for it, at most `waitMs`. */
export async function asOnlyWriter<T>(db: Db, work: () => Promise<T>, waitMs = 120_000): Promise<T> {
  return db.connection().execute(async (connection) => {
    for (let waited = 0; ; waited += 100) {
      const { rows } = await sql<{
        held: boolean;
      }>`select pg_try_advisory_lock(${writerLock}) as held`.execute(connection);
      if (rows[0]!.held) break;
      if (waited >= waitMs) {
        throw new AppError("service.unavailable", "The knowledge index is being written; try again.", {
          retryable: true,
        });
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    try {
      return await work();
    } finally {
      await sql`select pg_advisory_unlock(${writerLock})`.execute(connection);
    }
  });
}

/** What is known of a document besides what it says. */
export type DocumentDetails = { kind: DocumentKind } & Partial<
  Pick<IncomingDocument, "company" | "publisher" | "url" | "licence" | "language" | "tables" | "guesses">
>;

export async function insertVersion(
  tx: Tx,
  documentId: string,
  version: number,
  document: SourceDocument,
  details: DocumentDetails,
  times: { publishedMs: number; recordedMs: number; contentHash: string },
): Promise<void> {
  await tx
    .insertInto("documentVersions")
    .values({
      documentId,
      version,
      title: document.title,
      topic: document.topic,
      sources: JSON.stringify(document.sources),
      formulas: JSON.stringify(document.formulas),
      filing: document.filing === undefined ? null : JSON.stringify(document.filing),
      kind: details.kind,
      company: details.company ?? document.filing?.company ?? null,
      publisher: details.publisher ?? null,
      url: details.url ?? null,
      licence: details.licence ?? null,
      language: details.language ?? null,
      tables: JSON.stringify(details.tables ?? []),
      guesses: JSON.stringify(details.guesses ?? []),
      text: document.text,
      supersededMs: null,
      ...times,
    })
    .execute();
  const chunks = passagesOf(document.text).map((passage, ordinal) => ({
    id: `${documentId}:${version}:${ordinal}`,
    documentId,
    version,
    ordinal,
    section: passage.section,
    spanStart: passage.start,
    spanEnd: passage.end,
  }));
  for (let i = 0; i < chunks.length; i += 1_000) {
    await tx
      .insertInto("documentChunks")
      .values(chunks.slice(i, i + 1_000))
      .execute();
  }
}

/** Of all that makes a version: an unchanged document is left alone. */
export function hashOf(document: Record<string, unknown> | SourceDocument): string {
  return contentHash({ ...document, passageRules });
}

/** A document without a version yet. */
export async function insertDocument(
  tx: Tx,
  document: { id: string; space: string; path?: string; sourceKey?: string },
  nowMs: number,
): Promise<void> {
  const { id, space, path = null, sourceKey = null } = document;
  await tx
    .insertInto("documents")
    .values({
      id,
      space,
      path,
      sourceKey,
      currentVersion: 1,
      createdMs: nowMs,
      retiredMs: null,
      duplicateOf: null,
    })
    .execute();
}

/** Adds the document of a file, or a version to it when it changed. */
export async function saveFileDocument(
  db: Db,
  documentId: string,
  path: string,
  document: SourceDocument,
  nowMs: number,
): Promise<"added" | "changed" | "unchanged"> {
  return db.transaction().execute(async (tx) => {
    const row = await tx
      .selectFrom("documents")
      .innerJoin("documentVersions", (join) =>
        join
          .onRef("documentVersions.documentId", "=", "documents.id")
          .onRef("documentVersions.version", "=", "documents.currentVersion"),
      )
      .select(["currentVersion", "retiredMs", "contentHash", "publishedMs"])
      .where("documents.id", "=", documentId)
      .forUpdate("documents")
      .executeTakeFirst();
    if (row === undefined) {
      await insertDocument(tx, { id: documentId, space: "shared", path }, nowMs);
      await insertVersion(
        tx,
        documentId,
        1,
        document,
        { kind: "reference" },
        { publishedMs: document.publishedMs, recordedMs: nowMs, contentHash: hashOf(document) },
      );
      return "added";
    }
    if (row.retiredMs === null && row.contentHash === hashOf(document)) return "unchanged";
    // Later versions are visible from when they were recorded; never from before the one they replace.
    const fromMs = Math.max(nowMs, row.publishedMs + 1);
    await supersede(tx, documentId, fromMs);
    const version = row.currentVersion + 1;
    await insertVersion(
      tx,
      documentId,
      version,
      document,
      { kind: "reference" },
      { publishedMs: fromMs, recordedMs: nowMs, contentHash: hashOf(document) },
    );
    await tx
      .updateTable("documents")
      .set({ currentVersion: version, retiredMs: null, indexed: false })
      .where("id", "=", documentId)
      .execute();
    return row.retiredMs === null ? "changed" : "added";
  });
}

export async function supersede(tx: Tx, documentId: string, atMs: number): Promise<void> {
  await tx
    .updateTable("documentVersions")
    .set({ supersededMs: atMs })
    .where("documentId", "=", documentId)
    .where("supersededMs", "is", null)
    .execute();
}

/** Files that are gone: their documents are found no more, but for reads as of before. Returns how many. */
export async function retireFileDocuments(db: Db, kept: readonly string[], nowMs: number): Promise<number> {
  return db.transaction().execute(async (tx) => {
    let query = tx
      .updateTable("documents")
      .set({ retiredMs: nowMs, indexed: false })
      .where("path", "is not", null)
      .where("retiredMs", "is", null);
    if (kept.length > 0) query = query.where("id", "not in", kept);
    const rows = await query.returning("id").execute();
    for (const { id } of rows) await supersede(tx, id, nowMs);
    return rows.length;
  });
}

/** A document that was sent. Returns its id. */
export async function saveSentDocument(
  db: Db,
  space: string,
  document: SourceDocument,
  nowMs: number,
  details: DocumentDetails = { kind: document.filing === undefined ? "note" : "filing" },
): Promise<string> {
  const id = newId(nowMs);
  await db.transaction().execute(async (tx) => {
    await insertDocument(tx, { id, space }, nowMs);
    await insertVersion(tx, id, 1, document, details, {
      publishedMs: document.publishedMs,
      recordedMs: nowMs,
      contentHash: hashOf(document),
    });
  });
  return id;
}

/** Documents that were folded into it stand for themselves again. */
export async function eraseDocument(db: Db, id: string): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await unfold(tx, id);
    await tx.deleteFrom("documents").where("id", "=", id).execute();
  });
}

/** Near-duplicates of a document that changes or goes are searched again. */
export async function unfold(tx: Tx, documentId: string): Promise<void> {
  await tx
    .updateTable("documents")
    .set({ duplicateOf: null, indexed: false })
    .where("duplicateOf", "=", documentId)
    .execute();
}

/** Passages of all versions of these documents, as the index takes them; none of those that are folded into others. */
export async function chunksOf(db: Db, documentIds: readonly string[]): Promise<Chunk[]> {
  if (documentIds.length === 0) return [];
  const versions = await db
    .selectFrom("documents")
    .innerJoin("documentVersions", "documentVersions.documentId", "documents.id")
    .select(["documents.id", "space", "title", "topic", "kind", "company", "filing", "version"])
    .select(["publishedMs", "supersededMs", "text"])
    .where("documents.id", "in", documentIds)
    .where("duplicateOf", "is", null)
    .execute();
  const byVersion = new Map(versions.map((row) => [`${row.id}:${row.version}`, row]));
  const chunks = await db
    .selectFrom("documentChunks")
    .selectAll()
    .where("documentId", "in", documentIds)
    .orderBy("documentId")
    .orderBy("version")
    .orderBy("ordinal")
    .execute();
  return chunks.flatMap((chunk) => {
    const row = byVersion.get(`${chunk.documentId}:${chunk.version}`);
    if (row === undefined) return [];
    return {
      id: chunk.id,
      documentId: chunk.documentId,
      version: chunk.version,
      space: row.space,
      title: row.title,
      section: chunk.section === "" ? "Overview" : chunk.section,
      topic: row.topic,
      kind: row.kind,
      company: row.company,
      period: row.filing === null ? null : periodOf(FilingDescription.parse(JSON.parse(row.filing))),
      text: row.text.slice(chunk.spanStart, chunk.spanEnd),
      start: chunk.spanStart,
      end: chunk.spanEnd,
      publishedMs: row.publishedMs,
      ...(row.supersededMs === null ? {} : { supersededMs: row.supersededMs }),
    };
  });
}

/** "10-Q 2022 Q3". */
function periodOf({ form, fiscalYear, fiscalQuarter }: FilingDescription): string {
  return `${form} ${fiscalYear}${fiscalQuarter === undefined ? "" : ` Q${fiscalQuarter}`}`;
}

const documentsAtOnce = 50;

/** All passages, some documents at a time. */
export async function* allChunks(db: Db): AsyncGenerator<Chunk[]> {
  let after = "";
  for (;;) {
    const rows = await db
      .selectFrom("documents")
      .select("id")
      .where("id", ">", after)
      .orderBy("id")
      .limit(documentsAtOnce)
      .execute();
    if (rows.length === 0) return;
    yield await chunksOf(
      db,
      rows.map((row) => row.id),
    );
    after = rows.at(-1)!.id;
  }
}

export async function expectedChunkIds(db: Db): Promise<string[]> {
  const rows = await db
    .selectFrom("documentChunks")
    .innerJoin("documents", "documents.id", "documentChunks.documentId")
    .select("documentChunks.id")
    .where("duplicateOf", "is", null)
    .execute();
  return rows.map((row) => row.id);
}

export async function unindexedDocuments(
  db: Db,
): Promise<{ id: string; currentVersion: number; retiredMs: number | null }[]> {
  return db
    .selectFrom("documents")
    .select(["id", "currentVersion", "retiredMs"])
    .where("indexed", "=", false)
    .orderBy("id")
    .limit(documentsAtOnce)
    .execute();
}

/** Only those that have not changed since they were read. */
export async function markIndexed(
  db: Db,
  documents: readonly { id: string; currentVersion: number; retiredMs: number | null }[],
): Promise<void> {
  for (const { id, currentVersion, retiredMs } of documents) {
    await db
      .updateTable("documents")
      .set({ indexed: true })
      .where("id", "=", id)
      .where("currentVersion", "=", currentVersion)
      .where("retiredMs", retiredMs === null ? "is" : "=", retiredMs)
      .execute();
  }
}

export async function countDocuments(
  db: Db,
): Promise<{ documents: number; versions: number; pending: number }> {
  const { rows } = await sql<{ documents: number; versions: number; pending: number }>`
    select
      (select count(*) from documents where retired_ms is null) as documents,
      (select count(*) from document_versions) as versions,
      (select count(*) from documents where not indexed) as pending
  `.execute(db);
  return rows[0]!;
}
