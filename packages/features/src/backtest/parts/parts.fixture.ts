import { newId } from "@tapedeck/core";
import { sql } from "kysely";
import type { Db } from "../../db.ts";
import type { JobService, JobView } from "../../jobs/contract.ts";

/** A deployment with one worker: what a search asks for stays in the queue until the search is over. */
export const noHelp: Pick<JobService, "submit"> = {
  submit: () => Promise.resolve({ job: { id: newId(0) } as JobView, created: true }),
};

/** The row of a sweep that runs, as far as a search reads it. */
export async function putSweepJob(
  db: Db,
  job: { id: string; tenantId: string; payload: object; cancelRequestedMs?: number },
): Promise<void> {
  await sql`
    insert into jobs (id, tenant_id, type, queue, version, state, priority, rank, held, payload, submitted_by, seed, max_attempts,
      failures, attempt, pickups, unended, event_seq, created_ms, cancel_requested_ms)
    values (${job.id}::uuid, ${job.tenantId}::uuid, 'sweep', 'backtest', 1, 'running', 5, 0, false, ${JSON.stringify(job.payload)}, 'u', 1, 3,
      0, 0, 1, 0, 0, 0, ${job.cancelRequestedMs ?? null})`.execute(db);
}
