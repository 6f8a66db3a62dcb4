import { recordingContext, testBlobs, testDatabase } from "@tapedeck/testkit";
import type { Caller, ProgressOf } from "@tapedeck/core";
import { newId } from "@tapedeck/core";
import { sql } from "kysely";
import type { Database, Tx } from "../db.ts";
import type { DocumentKind } from "../knowledge/contract.ts";
import { saveSentDocument } from "../knowledge/store.ts";
import { createSentimentReader, sentimentWriter } from "../sentiment/reader.ts";
import { createSeriesReader } from "../series/reader.ts";
import type { extract } from "./contract.ts";
import { createEventReader } from "./reader.ts";
import { runExtract } from "./run.ts";
import { fixtureInstrument } from "../series/instrument.fixture.ts";

export const tenantA = "0197a000-0000-7000-8000-00000000000a";
export const tenantB = "0197a000-0000-7000-8000-00000000000b";
export const callerOf = (tenantId: string): Caller => ({
  tenantId,
  principalId: newId(0),
  kind: "user",
  role: "analyst",
  requestId: newId(0),
});

interface NewsOptions {
  tenantId?: string;
  title?: string;
  kind?: DocumentKind;
  company?: string;
}

/** A database with documents to be read, and the job that reads them. */
export async function eventsFixture(nowMs: number) {
  const database = await testDatabase<Database>();
  const blobs = await testBlobs();
  const { db } = database;
  const now = () => nowMs;
  const sentiments = createSentimentReader({ db, now });
  const series = createSeriesReader({ db, blobs: blobs.blobs, now, sentiments });
  const deps = { db, events: createEventReader({ db, now }), sentiments, sentimentWriter, series, now };

  return {
    db,
    blobs: blobs.blobs,
    deps,
    async addInstrument(instrumentId: string, name: string, space = "shared") {
      await db
        .insertInto("instruments")
        .values({
          ...fixtureInstrument(instrumentId, { name, space }),
          createdMs: nowMs,
          jobId: null,
        })
        .execute();
    },
    /** A news item published then, in the shared space or a tenant's own; returns its id. */
    add: (text: string, published: string, options: NewsOptions = {}) =>
      saveSentDocument(
        db,
        options.tenantId ?? "shared",
        {
          title: options.title ?? "News",
          topic: "news",
          sources: [],
          formulas: [],
          publishedMs: Date.parse(published),
          text,
        },
        nowMs,
        { kind: options.kind ?? "news", company: options.company ?? null },
      ),
    /** A job of the kind that failed then. */
    async failedJob(tenantId: string, endedMs: number) {
      await sql`insert into jobs (id, tenant_id, type, queue, version, state, priority, rank, payload, submitted_by,
          seed, max_attempts, created_ms, ended_ms)
        values (${newId(endedMs)}, ${tenantId}, 'extract', 'sentiment', 1, 'failed', 5, 5, '{}', 'documents',
          0, 3, ${endedMs}, ${endedMs})`.execute(db);
    },
    /** Runs the job; `commits` stops it with an error after so many. */
    extract(
      tenantId = tenantA,
      options: { commits?: number; signal?: AbortSignal; documentIds?: string[] } = {},
    ) {
      let done = 0;
      const ctx = recordingContext<ProgressOf<typeof extract>, Tx>({
        nowMs,
        tenantId,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
        commit: (fn) => {
          if (done++ === options.commits) throw new Error("cut off");
          return db.transaction().execute(fn);
        },
      });
      const { documentIds } = options;
      return runExtract(deps, documentIds === undefined ? {} : { documentIds }, ctx);
    },
    async close() {
      await database.close();
      await blobs.close();
    },
  };
}
