import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { AppError } from "@tapedeck/core";
import type { KnowledgeIndex } from "@tapedeck/core";
import type { Db } from "../db.ts";
import type { KnowledgeCheck, KnowledgeStatus } from "./contract.ts";
import { parseDocument } from "./source.ts";
import type { SourceDocument } from "./source.ts";
import {
  allChunks,
  asOnlyWriter,
  chunksOf,
  countDocuments,
  expectedChunkIds,
  markIndexed,
  retireFileDocuments,
  saveFileDocument,
  unindexedDocuments,
} from "./store.ts";

export interface KnowledgeDeps {
  db: Db;
  knowledge: KnowledgeIndex;
  now(): number;
}

export interface SyncReport {
  added: number;
  changed: number;
  retired: number;
  unchanged: number;
  /** What had to be done so that the index holds what PostgreSQL does. */
  index: "ready" | "updated" | "rebuilt";
}

/** `risk/var.md` is document `kb.risk.var`. */
export function fileDocumentId(file: string): string {
  const stem = file.replace(/\.md$/, "").split(/[/\\]/).join(".");
  return `kb.${stem.replaceAll(/[^A-Za-z0-9._-]+/g, "-")}`;
}

/**
 * Brings PostgreSQL, then the index, in line with the folder of documents: new and changed files become versions,
 * files that are gone are retired. Run it at every start, in as many processes as there are: it changes nothing when
 * nothing changed, one process at a time does it, and what a killed one left is done by the next.
 */
export async function syncKnowledgeBase(options: {
  db: Db;
  index: KnowledgeIndex;
  dir: string;
  now(): number;
}): Promise<SyncReport> {
  const { db, index, dir, now } = options;
  const report: SyncReport = { added: 0, changed: 0, retired: 0, unchanged: 0, index: "ready" };
  const files = await readdir(dir, { recursive: true }).catch((error: unknown) => {
    throw new AppError("config.invalid", `The knowledge base's folder ${dir} cannot be read.`, {
      cause: error,
    });
  });
  const documents: { id: string; file: string; document: SourceDocument }[] = [];
  for (const file of files.filter((name) => name.endsWith(".md")).toSorted()) {
    const document = parseDocument(file, await readFile(path.join(dir, file), "utf8"));
    documents.push({ id: fileDocumentId(file), file, document });
  }
  return asOnlyWriter(db, async () => {
    for (const { id, file, document } of documents) {
      report[await saveFileDocument(db, id, file, document, now())]++;
    }
    report.retired = await retireFileDocuments(
      db,
      documents.map((one) => one.id),
      now(),
    );
    report.index = await settleIndex(db, index);
    return report;
  });
}

/** The document of a passage, by its id. */
const documentOf = (chunkId: string) => chunkId.slice(0, chunkId.indexOf(":"));

/** To be called as the only writer. */
async function settleIndex(db: Db, index: KnowledgeIndex): Promise<SyncReport["index"]> {
  const expected = await expectedChunkIds(db);
  const { pending } = await countDocuments(db);
  // An index that is lost, or was made with other embeddings, says so here.
  const found = await index.check(expected).catch((error: unknown) => {
    if (error instanceof AppError && error.code === "knowledge.unavailable") return undefined;
    throw error;
  });
  const off = found === undefined ? Infinity : found.missing.length + found.unexpected.length;
  if (off === 0 && pending === 0) {
    // Nothing expected and nothing there: still to be built, so that it answers.
    if (expected.length > 0) return "ready";
    await rebuildAll(db, index);
    return "rebuilt";
  }
  const few = Math.max(200, expected.length / 5);
  if (found === undefined || off > few || (await index.count()) === 0) {
    await rebuildAll(db, index);
    return "rebuilt";
  }
  const ids = new Set([...found.missing, ...found.unexpected].map(documentOf));
  for (const id of ids) await reindex(db, index, [id]);
  await indexPending(db, index);
  return "updated";
}

async function rebuildAll(db: Db, index: KnowledgeIndex): Promise<void> {
  // Noted before the passages are read: what changes meanwhile stays marked.
  const pending = await db
    .selectFrom("documents")
    .select(["id", "currentVersion", "retiredMs"])
    .where("indexed", "=", false)
    .execute();
  await index.rebuild(allChunks(db));
  await markIndexed(db, pending);
}

async function reindex(db: Db, index: KnowledgeIndex, ids: readonly string[]): Promise<void> {
  const chunks = await chunksOf(db, ids);
  const there = new Set(chunks.map((chunk) => chunk.documentId));
  for (const id of ids) if (!there.has(id)) await index.removeDocument(id);
  await index.put(chunks);
}

/** Indexes documents that changed since. To be called as the only writer. */
async function indexPending(db: Db, index: KnowledgeIndex): Promise<void> {
  for (;;) {
    const documents = await unindexedDocuments(db);
    if (documents.length === 0) return;
    await reindex(
      db,
      index,
      documents.map((one) => one.id),
    );
    await markIndexed(db, documents);
  }
}

/** After documents were written: brings them into the index. */
export async function indexChanges(deps: Pick<KnowledgeDeps, "db" | "knowledge">): Promise<void> {
  await asOnlyWriter(deps.db, () => indexPending(deps.db, deps.knowledge));
}

/** After documents were erased. */
export async function forgetDocument(
  deps: Pick<KnowledgeDeps, "db" | "knowledge">,
  documentId: string,
): Promise<void> {
  await asOnlyWriter(deps.db, () => deps.knowledge.removeDocument(documentId));
}

/** The index anew from PostgreSQL, which is the truth; searches go on meanwhile. */
export async function rebuildKnowledge(deps: Pick<KnowledgeDeps, "db" | "knowledge">): Promise<void> {
  await asOnlyWriter(deps.db, () => rebuildAll(deps.db, deps.knowledge));
}

/** Mends what the index lacks, holds too much, or does not find by its vectors. */
export async function checkKnowledge(deps: Pick<KnowledgeDeps, "db" | "knowledge">): Promise<KnowledgeCheck> {
  const { db, knowledge } = deps;
  const mended = await asOnlyWriter(db, async () => {
    const { missing } = await knowledge.check(await expectedChunkIds(db));
    await settleIndex(db, knowledge);
    const lost = await knowledge.findLost();
    for (const id of new Set(lost.map(documentOf))) {
      // Put over what is there, a lost vector stays lost.
      await knowledge.removeDocument(id);
      await reindex(db, knowledge, [id]);
    }
    return new Set([...missing, ...lost]).size;
  });
  return { ...(await knowledgeStatus(deps)), mended };
}

export async function knowledgeStatus(
  deps: Pick<KnowledgeDeps, "db" | "knowledge">,
): Promise<KnowledgeStatus> {
  const { db, knowledge } = deps;
  const expected = await expectedChunkIds(db);
  const counts = await countDocuments(db);
  const { missing, unexpected } = await knowledge.check(expected);
  return {
    backend: knowledge.backend,
    ...counts,
    passages: expected.length,
    indexed: await knowledge.count(),
    missing: missing.length,
    unexpected: unexpected.length,
    consistent: missing.length === 0 && unexpected.length === 0 && counts.pending === 0,
  };
}
