import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { JobContext, JobInput, ProgressOf } from "@tapedeck/core";
import { newId } from "@tapedeck/core";
import { testBlobs, testDatabase } from "@tapedeck/testkit";
import type { z } from "zod";
import type { Database, Tx } from "../db.ts";
import { createSeriesReader } from "../series/reader.ts";
import { createSeriesWriter } from "../series/writer.ts";
import { createUploadStore } from "../uploads/store.ts";
import { ingest } from "./contract.ts";
import type { BarSources } from "./contract.ts";
import type { IngestDeps } from "./deps.ts";
import { createPageFetcher } from "./documents/fetch.ts";
import { runIngest } from "./run.ts";

export const tenantId = "01900000-0000-7000-8000-000000000001";

type Progress = ProgressOf<typeof ingest>;

export interface RunOptions {
  jobId?: string;
  tenantId?: string;
  /** Called before each commit; throws to cut the job off there. */
  onCommit?: (commits: number) => void;
  signal?: AbortSignal;
}

const noVenue: BarSources = (venue) => {
  throw new Error(`no venue ${venue} in this test`);
};

/** A database, blobs, an import folder and the handler, as a worker would have them. */
export async function ingestFixture(barSources: BarSources = noVenue) {
  const { db, url, close: closeDb } = await testDatabase<Database>();
  const { blobs, close: closeBlobs } = await testBlobs();
  const dir = await mkdtemp(path.join(tmpdir(), "tapedeck-import-"));
  const clock = { ms: Date.parse("2026-01-01T00:00:00Z") };
  const now = (): number => clock.ms;
  const series = createSeriesReader({ db, blobs, now });
  const seriesWriter = createSeriesWriter({ db });
  const uploads = createUploadStore({ db, blobs, now, maxBytes: 64 * 1024 * 1024, quotaBytes: 2 ** 30 });
  const deps: IngestDeps = {
    db,
    blobs,
    series,
    seriesWriter,
    uploads,
    importFiles: { importDir: dir },
    barSources,
    fetchPage: createPageFetcher({ allowPrivate: true }),
  };
  const inputs: JobInput[] = [];
  const progress: Progress[] = [];

  async function run(payload: z.input<typeof ingest.payload>, options: RunOptions = {}) {
    let commits = 0;
    const ctx: JobContext<Progress, Tx> = {
      jobId: options.jobId ?? newId(Date.now()),
      tenantId: options.tenantId ?? tenantId,
      submittedBy: "test",
      replayOf: null,
      pickup: 1,
      signal: options.signal ?? new AbortController().signal,
      seed: 0,
      now,
      random: () => () => 0.5,
      progress: (item) => void progress.push(ingest.progress.parse(item)),
      log: () => undefined,
      step: () => undefined,
      sentence: () => undefined,
      input: (item) => void inputs.push(item),
      async commit(write) {
        options.onCommit?.(commits++);
        return db.transaction().execute(write);
      },
    };
    return ingest.result.parse(await runIngest(deps, ingest.payload.parse(payload), ctx));
  }

  return {
    db,
    url,
    blobs,
    deps,
    series,
    uploads,
    clock,
    dir,
    inputs,
    progress,
    run,
    /** Writes a file into the import folder and imports it. */
    async runFile(
      name: string,
      content: string | Uint8Array,
      payload: object = {},
      options: RunOptions = {},
    ) {
      await writeFile(path.join(dir, name), content);
      return run({ source: { kind: "file", path: name }, ...payload }, options);
    },
    async close() {
      await closeDb();
      await closeBlobs();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
