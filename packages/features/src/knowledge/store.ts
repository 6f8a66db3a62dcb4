import { AppError, newId } from "@tapedeck/core";
import type { Chunk } from "@tapedeck/core";
import { contentHash } from "@tapedeck/core/hash";
import { sql } from "kysely";
import type { Db, Tx } from "../db.ts";
import { passagesOf } from "./chunk.ts";
import { FilingDescription } from "./contract.ts";
import type { DocumentSummary, DocumentView } from "./contract.ts";
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

async function insertVersion(
  tx: Tx,
  documentId: string,
  version: number,
  document: SourceDocument,
  times: { publishedMs: number; recordedMs: number },
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
      text: document.text,
      contentHash: hashOf(document),
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

function hashOf(document: SourceDocument): string {
  return contentHash({ ...document, passageRules });
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
      await tx
        .insertInto("documents")
        .values({
          id: documentId,
          space: "shared",
          path,
          currentVersion: 1,
          createdMs: nowMs,
          retiredMs: null,
        })
        .execute();
      await insertVersion(tx, documentId, 1, document, {
        publishedMs: document.publishedMs,
        recordedMs: nowMs,
      });
      return "added";
    }
    if (row.retiredMs === null && row.contentHash === hashOf(document)) return "unchanged";
    // Later versions are visible from when they were recorded; never from before the one they replace.
    const fromMs = Math.max(nowMs, row.publishedMs + 1);
    await supersede(tx, documentId, fromMs);
    const version = row.currentVersion + 1;
    await insertVersion(tx, documentId, version, document, { publishedMs: fromMs, recordedMs: nowMs });
    await tx
      .updateTable("documents")
      .set({ currentVersion: version, retiredMs: null, indexed: false })
      .where("id", "=", documentId)
      .execute();
    return row.retiredMs === null ? "changed" : "added";
  });
}

async function supersede(tx: Tx, documentId: string, atMs: number): Promise<void> {
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
): Promise<string> {
  const id = newId(nowMs);
  await db.transaction().execute(async (tx) => {
    await tx
      .insertInto("documents")
      .values({ id, space, path: null, currentVersion: 1, createdMs: nowMs, retiredMs: null })
      .execute();
    await insertVersion(tx, id, 1, document, { publishedMs: document.publishedMs, recordedMs: nowMs });
  });
  return id;
}

export async function eraseDocument(db: Db, id: string): Promise<void> {
  await db.deleteFrom("documents").where("id", "=", id).execute();
}

const summaryColumns = [
  "documents.id",
  "documents.space",
  "documents.path",
  "documents.indexed",
  "documentVersions.title",
  "documentVersions.topic",
  "documentVersions.version",
  "documentVersions.publishedMs",
  "documentVersions.supersededMs",
  "documentVersions.filing",
] as const;

function summaryOf(row: {
  id: string;
  space: string;
  indexed: boolean;
  title: string;
  topic: string;
  version: number;
  publishedMs: number;
  characters: number;
  filing: string | null;
}): DocumentSummary {
  return {
    id: row.id,
    space: row.space === "shared" ? "shared" : "own",
    title: row.title,
    topic: row.topic,
    version: row.version,
    publishedMs: row.publishedMs,
    characters: row.characters,
    indexed: row.indexed,
    filing: row.filing === null ? null : FilingDescription.parse(JSON.parse(row.filing)),
  };
}

export async function listDocuments(
  db: Db,
  tenantId: string,
  page: { limit: number; cursor?: string | undefined; topic?: string | undefined },
): Promise<{ items: DocumentSummary[]; nextCursor: string | null }> {
  let query = db
    .selectFrom("documents")
    .innerJoin("documentVersions", (join) =>
      join
        .onRef("documentVersions.documentId", "=", "documents.id")
        .onRef("documentVersions.version", "=", "documents.currentVersion"),
    )
    .select(summaryColumns)
    .select(sql<number>`length(document_versions.text)`.as("characters"))
    .where("documents.space", "in", spacesOf(tenantId))
    .where("retiredMs", "is", null)
    .orderBy("documents.id")
    .limit(page.limit + 1);
  if (page.cursor !== undefined) query = query.where("documents.id", ">", page.cursor);
  if (page.topic !== undefined) query = query.where("documentVersions.topic", "=", page.topic);
  const rows = await query.execute();
  const items = rows.slice(0, page.limit).map(summaryOf);
  return { items, nextCursor: rows.length > page.limit ? items.at(-1)!.id : null };
}

/** The newest version, the one of that number, or the one that was the newest at `asOfMs`. Throws `resource.unknown`. */
export async function readDocument(
  db: Db,
  tenantId: string,
  id: string,
  which: { version?: number | undefined; asOfMs?: number | undefined } = {},
): Promise<DocumentView & { path: string | null }> {
  const versions = await db
    .selectFrom("documents")
    .innerJoin("documentVersions", "documentVersions.documentId", "documents.id")
    .select(summaryColumns)
    .select(["text", "sources", "formulas"])
    .where("documents.id", "=", id)
    .where("documents.space", "in", spacesOf(tenantId))
    .orderBy("version")
    .execute();
  const { version, asOfMs } = which;
  const row =
    version !== undefined
      ? versions.find((one) => one.version === version)
      : asOfMs !== undefined
        ? versions.find((one) => one.publishedMs <= asOfMs && (one.supersededMs ?? Infinity) > asOfMs)
        : versions.at(-1);
  if (row === undefined) {
    throw new AppError(
      "resource.unknown",
      versions.length === 0
        ? `There is no document ${id} here. GET /api/documents lists those there are.`
        : `Document ${id} has no such version${asOfMs === undefined ? "" : " at that time"}.`,
    );
  }
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
    passages,
    versions: versions.map((one) => ({
      version: one.version,
      publishedMs: one.publishedMs,
      supersededMs: one.supersededMs,
    })),
  };
}

/** Passages of all versions of these documents, as the index takes them. */
export async function chunksOf(db: Db, documentIds: readonly string[]): Promise<Chunk[]> {
  if (documentIds.length === 0) return [];
  const versions = await db
    .selectFrom("documents")
    .innerJoin("documentVersions", "documentVersions.documentId", "documents.id")
    .select(summaryColumns)
    .select("text")
    .where("documents.id", "in", documentIds)
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
      text: row.text.slice(chunk.spanStart, chunk.spanEnd),
      start: chunk.spanStart,
      end: chunk.spanEnd,
      publishedMs: row.publishedMs,
      ...(row.supersededMs === null ? {} : { supersededMs: row.supersededMs }),
    };
  });
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
  const rows = await db.selectFrom("documentChunks").select("id").execute();
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
