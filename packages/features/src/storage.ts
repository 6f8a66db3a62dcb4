import type { BlobStore } from "@tapedeck/core";
import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import type { Db } from "./db.ts";
import { barBytes, datasetKey } from "./series/columns.ts";

/** After how long what is stored is erased. */
export interface StorageLimits {
  /** Uploaded files, from when they came. What was imported from them stays. */
  uploadMs: number;
  /** Kept pages of venues, and dataset files that no job's lineage names and nobody has read: both can be made anew. */
  cacheMs: number;
  /** Audit entries; not less than 90 days. */
  auditMs: number;
  /** What streams noted: findings, closed gaps, triggers of alerts, and alerts from when they were deleted. */
  streamMs: number;
  /** Runs of simulated streams, from their last heartbeat; not less than their ticks are kept, which name them. */
  simulatedRunMs: number;
}

/** Rows erased by one statement, so that a long backlog holds no lock for long. */
const chunk = 1_000;

type TimedTable =
  | "venue_bar_pages"
  | "audit_log"
  | "stream_findings"
  | "stream_gaps"
  | "alerts"
  | "stream_runs";

/** Repeats until a round erases less than a whole chunk. */
async function inChunks(round: () => Promise<number>): Promise<void> {
  while ((await round()) === chunk);
}

/**
 * Erases what is stored beyond its time, jobs aside (the reconciler's business). May be cut off and repeated anywhere, and
 * run in several processes at once: a row goes after its file.
 */
export function createStorageEraser(options: {
  db: Db;
  blobs: BlobStore;
  now: () => number;
  limits: StorageLimits;
}): () => Promise<void> {
  const { db, blobs, now, limits } = options;

  async function eraseUploads(): Promise<number> {
    const rows = await db
      .selectFrom("uploads")
      .select(["id", "blobKey"])
      .where("createdMs", "<", now() - limits.uploadMs)
      .limit(chunk)
      .execute();
    for (const { blobKey } of rows) await blobs.delete(blobKey);
    const ids = rows.map(({ id }) => id);
    if (ids.length > 0) await db.deleteFrom("uploads").where("id", "in", ids).execute();
    return rows.length;
  }

  async function eraseDatasets(): Promise<number> {
    const before = now() - limits.cacheMs;
    const { rows } = await sql<{ hash: string }>`
      select hash from datasets where used_ms < ${before}
        and not exists (select 1 from job_inputs where kind = 'dataset' and ref = datasets.hash)
      limit ${chunk}`.execute(db);
    for (const { hash } of rows) {
      const erased = await db.transaction().execute(async (tx) => {
        // A reader says first that it uses the dataset, and makes it anew where it is gone.
        const held = await sql`
          select 1 from datasets where hash = ${hash} and used_ms < ${before} for update skip locked`.execute(
          tx,
        );
        if (held.rows.length === 0) return false;
        await tx.deleteFrom("datasetIndex").where("hash", "=", hash).execute();
        await blobs.delete(datasetKey(hash));
        await tx.deleteFrom("datasets").where("hash", "=", hash).execute();
        return true;
      });
      if (!erased) return 0;
    }
    return rows.length;
  }

  async function eraseOldest(
    table: TimedTable,
    column: string,
    beforeMs: number,
    spared: RawBuilder<unknown> = sql`false`,
  ) {
    const result = await sql`
      delete from ${sql.table(table)} where ctid = any(array(
        select ctid from ${sql.table(table)}
        where ${sql.ref(column)} < ${beforeMs} and not (${spared}) limit ${chunk}))`.execute(db);
    return Number(result.numAffectedRows ?? 0);
  }

  /** Looks at the oldest numbers alone: no index has the times, and both rise together. */
  async function eraseTriggers(beforeMs: number): Promise<number> {
    const result = await sql`
      delete from alert_triggers where seq in (
        select seq from (select seq, created_ms from alert_triggers order by seq limit ${chunk}) oldest
        where created_ms < ${beforeMs})`.execute(db);
    return Number(result.numAffectedRows ?? 0);
  }

  async function eraseStreamNotes(): Promise<void> {
    const beforeMs = now() - limits.streamMs;
    const open = sql`state = 'open'`;
    await inChunks(() => eraseOldest("stream_findings", "from_ms", beforeMs));
    await inChunks(() => eraseOldest("stream_gaps", "found_ms", beforeMs, open));
    await inChunks(() => eraseTriggers(beforeMs));
    // Their triggers were older, and have gone before them.
    await inChunks(() => eraseOldest("alerts", "deleted_ms", beforeMs));
    const held = sql`not simulated or exists (select 1 from stream_places where run_id = stream_runs.id)`;
    await inChunks(() => eraseOldest("stream_runs", "heartbeat_ms", now() - limits.simulatedRunMs, held));
  }

  return async () => {
    await inChunks(eraseUploads);
    await inChunks(eraseDatasets);
    await inChunks(() => eraseOldest("venue_bar_pages", "fetched_ms", now() - limits.cacheMs));
    await inChunks(() => eraseOldest("audit_log", "at_ms", now() - limits.auditMs));
    await eraseStreamNotes();
  };
}

/** What is stored, by kind: files in bytes, tables as PostgreSQL counts their pages. */
export async function loadStorage(db: Db): Promise<{ kind: string; bytes: number }[]> {
  const { rows } = await sql<{ kind: string; bytes: number }>`
    select 'uploads' as kind, coalesce(sum(bytes), 0)::int8 as bytes from uploads
    union all select 'datasets', coalesce(sum(bars), 0)::int8 * ${barBytes}::int8 from datasets
    union all select 'venue_pages', pg_total_relation_size('venue_bar_pages')
    union all select 'audit_log', pg_total_relation_size('audit_log')
    union all select 'database', pg_database_size(current_database())`.execute(db);
  return rows;
}
