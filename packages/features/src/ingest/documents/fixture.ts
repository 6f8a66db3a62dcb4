import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { KnowledgeIndex } from "@tapedeck/core";
import { createLanceIndex } from "@tapedeck/platform/knowledge/lance";
import { recordingContext, testBlobs, testDatabase, testLog } from "@tapedeck/testkit";
import type { z } from "zod";
import type { Database } from "../../db.ts";
import { createDocumentReader, listDocuments, readDocument } from "../../knowledge/documents.ts";
import { createDocumentWriter } from "../../knowledge/incoming.ts";
import { spacesOf } from "../../knowledge/store.ts";
import { rebuildKnowledge } from "../../knowledge/sync.ts";
import { createUploadStore } from "../../uploads/store.ts";
import { documentIngest } from "./contract.ts";
import { createPageFetcher } from "./fetch.ts";
import { runDocumentIngest } from "./run.ts";

export const tenantId = "01900000-0000-7000-8000-000000000001";

export interface ImportOptions {
  jobId?: string;
  tenantId?: string;
  signal?: AbortSignal;
  /** Called before each commit; throws to cut the job off there. */
  onCommit?: (commits: number) => void;
}

/** A database, an index, an import folder and the handler, as a worker has them. */
export async function documentFixture() {
  const { db, close: closeDb } = await testDatabase<Database>();
  const { blobs, close: closeBlobs } = await testBlobs();
  const dir = await mkdtemp(path.join(tmpdir(), "tapedeck-documents-"));
  const clock = { ms: Date.parse("2026-01-01T00:00:00Z") };
  const now = () => clock.ms;
  const knowledge: KnowledgeIndex = createLanceIndex({ dir: path.join(dir, "index"), now });
  await rebuildKnowledge({ db, knowledge });
  const uploads = createUploadStore({ db, blobs, now, maxBytes: 2 ** 30, quotaBytes: 2 ** 40 });
  const deps = {
    db,
    blobs,
    uploads,
    importFiles: { importDir: dir },
    documentWriter: createDocumentWriter({ db, knowledge, log: testLog() }),
    fetchPage: createPageFetcher({ allowPrivate: true }),
  };

  async function run(payload: z.input<typeof documentIngest.payload>, options: ImportOptions = {}) {
    let commits = 0;
    const context = recordingContext<z.input<typeof documentIngest.progress>, never>({
      ...options,
      tenantId: options.tenantId ?? tenantId,
      nowMs: clock.ms,
      async commit(write) {
        options.onCommit?.(commits++);
        return db.transaction().execute((tx) => write(tx as never));
      },
    });
    const result = await runDocumentIngest(deps, documentIngest.payload.parse(payload), context as never);
    return { ...documentIngest.result.parse(result), progress: context.recorded.progress };
  }

  return {
    db,
    deps,
    dir,
    clock,
    knowledge,
    reader: createDocumentReader({ db }),
    run,
    /** Writes files into the import folder and imports them in order. */
    async runFiles(
      files: Record<string, string | Uint8Array>,
      payload: object = {},
      options: ImportOptions = {},
    ) {
      for (const [name, content] of Object.entries(files)) await writeFile(path.join(dir, name), content);
      const sources = Object.keys(files).map((name) => ({ kind: "file" as const, path: name }));
      return run({ ...payload, sources }, options);
    },
    read: (id: string, which: { version?: number; asOfMs?: number } = {}) =>
      readDocument(db, tenantId, id, which),
    list: (filter: Partial<Parameters<typeof listDocuments>[2]> = {}, who = tenantId) =>
      listDocuments(db, who, { limit: 200, ...filter }),
    search: (text: string, asOfMs?: number, who = tenantId) =>
      knowledge.search({
        text,
        limit: 20,
        spaces: spacesOf(who),
        ...(asOfMs === undefined ? {} : { asOfMs }),
      }),
    async close() {
      await knowledge.close();
      await closeDb();
      await closeBlobs();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
