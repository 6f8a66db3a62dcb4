import type { Log } from "@tapedeck/core";
import { createLoop } from "@tapedeck/core/loop";
import type { Loop } from "@tapedeck/core/loop";
import { sql } from "kysely";
import type { Db } from "../db.ts";
import type { JobService } from "../jobs/contract.ts";

/** Submits the job that reads documents wherever some are unread, in one process at a time. */
export interface ReadingRequester extends Loop {
  /** Submits what is due; returns for how many tenants. */
  runOnce(): Promise<number>;
}

const lockSpace = 0x74617065;
const readingLock = 3;
/** Documents that a job failed at are tried again after this. */
const retryMs = 600_000;
/** Whom such jobs name as their submitter. */
const submitter = "documents";

/** Tenants with unread documents, or with instruments that read documents have not been searched for, and no such job. */
async function tenantsDue(db: Db, nowMs: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    with due as (
      select distinct d.space from documents d
        join document_versions v on v.document_id = d.id
        left join document_readings r on r.document_id = v.document_id and r.version = v.version
        where r.read_ms is null and v.kind <> 'reference'
      union
      select i.space from instruments i
        left join swept_instruments s on s.space = i.space and s.instrument_id = i.instrument_id
        where s.swept_ms is null and exists (select from document_readings)
    )
    select t.id::text as id from tenants t
    where (t.id::text in (select space from due) or (t.operating and exists (select from due where space = 'shared')))
      and not exists (
        select from jobs j where j.tenant_id = t.id and j.type = 'extract'
          and (j.state in ('accepted', 'queued', 'running')
            or (j.state in ('failed', 'cancelled') and j.ended_ms > ${nowMs - retryMs})))`.execute(db);
  return rows.map(({ id }) => id);
}

export function createReadingRequester(options: {
  db: Db;
  jobs: Pick<JobService, "submit">;
  now: () => number;
  log: Log;
  everyMs?: number;
}): ReadingRequester {
  const { db, jobs, now, log } = options;

  const runOnce = () =>
    db.connection().execute(async (holder) => {
      const lock = await sql<{ held: boolean }>`
        select pg_try_advisory_lock(${lockSpace}, ${readingLock}) as held`.execute(holder);
      if (lock.rows[0]?.held !== true) return 0;
      try {
        const tenants = await tenantsDue(db, now());
        for (const tenantId of tenants) {
          const caller = {
            principalId: submitter,
            kind: "key",
            tenantId,
            role: "analyst",
            requestId: submitter,
          } as const;
          await jobs.submit({ caller, type: "extract", payload: {} });
        }
        return tenants.length;
      } finally {
        await sql`select pg_advisory_unlock(${lockSpace}, ${readingLock})`.execute(holder);
      }
    });

  const loop = createLoop({
    work: runOnce,
    everyMs: options.everyMs ?? 5_000,
    log,
    failure: "unread documents could not be looked for",
  });
  return { ...loop, runOnce };
}
