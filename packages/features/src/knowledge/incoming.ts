import { AppError, newId } from "@tapedeck/core";
import type { KnowledgeIndex, Log } from "@tapedeck/core";
import { nearKeysOf, shinglesOf, similarityOf } from "@tapedeck/text/nearDuplicate";
import { sql } from "kysely";
import type { Db, Tx } from "../db.ts";
import type { DocumentWriter, IncomingDocument, StoredDocument } from "./contract.ts";
import { hashOf, insertDocument, insertVersion, supersede, unfold } from "./store.ts";
import { indexChanges } from "./sync.ts";

/** Texts of which more shingles agree tell the same. */
const leastSimilarity = 0.8;
/** Documents that share a key with a new one and are compared with it, those that share most first. */
const mostCompared = 20;
/** Shorter texts agree by chance: dates of a calendar, one-line posts. */
const leastShingles = 20;
/** Long texts are compared by their beginnings, so that a comparison takes milliseconds. */
const comparedCharacters = 200_000;

const shinglesIn = (text: string) => shinglesOf(text.slice(0, comparedCharacters));

interface Near {
  id: string;
  publishedMs: number;
}

/** Of the documents that a text is near to, the one it tells the same as; filings are told apart by company and period. */
async function findNear(
  tx: Tx,
  space: string,
  documentId: string,
  document: IncomingDocument,
  shingles: ReadonlySet<number>,
  keys: readonly string[],
): Promise<Near | undefined> {
  const filing = document.filing === undefined ? null : JSON.stringify(document.filing);
  // Apart, so that the keys are looked up first, however many documents there are.
  const candidates = await tx
    .with(
      (cte) => cte("near").materialized(),
      (db) =>
        db
          .selectFrom("documentNearKeys")
          .select((eb) => ["documentId", eb.fn.countAll().as("shared")])
          .where("space", "=", space)
          .where("nearKey", "in", keys)
          .where("documentId", "!=", documentId)
          .groupBy("documentId")
          .orderBy("shared", "desc")
          .orderBy("documentId")
          .limit(mostCompared),
    )
    .selectFrom("near")
    .innerJoin("documents", "documents.id", "near.documentId")
    .innerJoin("documentVersions", (join) =>
      join
        .onRef("documentVersions.documentId", "=", "documents.id")
        .onRef("documentVersions.version", "=", "documents.currentVersion"),
    )
    .select(["documents.id", "publishedMs", "text"])
    .where("duplicateOf", "is", null)
    .where("retiredMs", "is", null)
    .where("kind", "=", document.kind)
    .where("filing", filing === null ? "is" : "=", filing)
    .orderBy("shared", "desc")
    .orderBy("documents.id")
    .execute();
  return candidates.find(({ text }) => similarityOf(shinglesIn(text), shingles) >= leastSimilarity);
}

/**
 * Folds a document and one that tells the same: the one published later becomes a duplicate of the earlier, so that
 * searches as of any time find the one that was there. Returns what the new one is a duplicate of.
 */
async function fold(
  tx: Tx,
  space: string,
  documentId: string,
  document: IncomingDocument,
): Promise<string | null> {
  const shingles = shinglesIn(document.text);
  if (shingles.size < leastShingles) return null;
  const keys = nearKeysOf(shingles);
  const near = await findNear(tx, space, documentId, document, shingles, keys);
  await tx
    .insertInto("documentNearKeys")
    .values(keys.map((nearKey) => ({ space, nearKey, documentId })))
    .execute();
  if (near === undefined) return null;
  if (near.publishedMs <= document.publishedMs) {
    await tx.updateTable("documents").set({ duplicateOf: near.id }).where("id", "=", documentId).execute();
    return near.id;
  }
  await tx
    .updateTable("documents")
    .set({ duplicateOf: documentId, indexed: false })
    .where((where) => where.or([where("id", "=", near.id), where("duplicateOf", "=", near.id)]))
    .execute();
  return null;
}

const sameSource = (document: IncomingDocument): string => {
  const { title, text, kind, company, filing } = document;
  return hashOf({ title, text, kind, company, filing });
};

async function insertFirstVersion(
  tx: Tx,
  space: string,
  document: IncomingDocument,
  nowMs: number,
): Promise<StoredDocument> {
  const id = newId(nowMs);
  await insertDocument(tx, { id, space, sourceKey: document.sourceKey }, nowMs);
  await insertVersion(tx, id, 1, { ...document, formulas: [] }, document, {
    publishedMs: document.publishedMs,
    recordedMs: nowMs,
    contentHash: sameSource(document),
  });
  const duplicateOf = await fold(tx, space, id, document);
  return { documentId: id, version: 1, status: duplicateOf === null ? "added" : "duplicate", duplicateOf };
}

async function insertNextVersion(
  tx: Tx,
  space: string,
  known: { id: string; currentVersion: number; publishedMs: number },
  document: IncomingDocument,
  nowMs: number,
): Promise<StoredDocument> {
  const { id, currentVersion } = known;
  // Later versions are visible from when they were recorded; never from before the one they replace.
  const publishedMs = Math.max(nowMs, known.publishedMs + 1);
  const version = currentVersion + 1;
  await supersede(tx, id, publishedMs);
  await insertVersion(tx, id, version, { ...document, formulas: [] }, document, {
    publishedMs,
    recordedMs: nowMs,
    contentHash: sameSource(document),
  });
  await unfold(tx, id);
  await tx.deleteFrom("documentNearKeys").where("documentId", "=", id).execute();
  await tx
    .updateTable("documents")
    .set({ currentVersion: version, retiredMs: null, indexed: false, duplicateOf: null })
    .where("id", "=", id)
    .execute();
  const duplicateOf = await fold(tx, space, id, { ...document, publishedMs });
  return { documentId: id, version, status: duplicateOf === null ? "changed" : "duplicate", duplicateOf };
}

async function saveIncoming(
  tx: Tx,
  space: string,
  document: IncomingDocument,
  nowMs: number,
): Promise<StoredDocument> {
  // Two imports of one document at the same time: the second sees what the first made.
  await sql`select pg_advisory_xact_lock(hashtextextended(${`documents ${space}`}, 0))`.execute(tx);
  const known = await tx
    .selectFrom("documents")
    .innerJoin("documentVersions", (join) =>
      join
        .onRef("documentVersions.documentId", "=", "documents.id")
        .onRef("documentVersions.version", "=", "documents.currentVersion"),
    )
    .select(["documents.id", "currentVersion", "duplicateOf", "contentHash", "publishedMs"])
    .where("space", "=", space)
    .where("sourceKey", "=", document.sourceKey)
    .executeTakeFirst();
  if (known === undefined) return insertFirstVersion(tx, space, document, nowMs);
  if (known.contentHash !== sameSource(document)) return insertNextVersion(tx, space, known, document, nowMs);
  const { id, currentVersion, duplicateOf } = known;
  return { documentId: id, version: currentVersion, status: "unchanged", duplicateOf };
}

export function createDocumentWriter(deps: { db: Db; knowledge: KnowledgeIndex; log: Log }): DocumentWriter {
  return {
    save: saveIncoming,
    async index() {
      try {
        await indexChanges(deps);
        return true;
      } catch (error) {
        if (!(error instanceof AppError) || !error.retryable) throw error;
        deps.log.warn({ err: error }, "documents could not be indexed yet");
        return false;
      }
    },
  };
}
