import { AppError, Id } from "@tapedeck/core";
import { sql } from "kysely";
import type { Db } from "../db.ts";
import type { BatchView } from "./contract.ts";

interface Row {
  id: string;
  label: string | null;
  total: number;
  completed: number;
  failed: number;
  cancelled: number;
  running: number;
  afterwardsJobId: string | null;
  submittedBy: string;
  createdMs: number;
  endedMs: number | null;
}

/** Batches newest first, or one; each with its counters and the sums of its jobs' progress. */
export async function loadBatches(
  db: Db,
  tenantId: string,
  query: { id?: string; before?: string; limit: number },
): Promise<BatchView[]> {
  if (query.before !== undefined && !Id.safeParse(query.before).success) {
    throw new AppError(
      "payload.invalid",
      "The cursor is not one that a page gave; leave it out to start anew.",
    );
  }
  const rows = await sql<Row>`
    select b.id, b.label, b.total, b.completed, b.failed, b.cancelled, b.afterwards_job_id, b.submitted_by, b.created_ms, b.ended_ms,
      (select count(*)::int from jobs j where j.parent_id = b.id and j.state = 'running') as running
    from batches b
    where b.tenant_id = ${tenantId}::uuid
      and (${query.id ?? null}::uuid is null or b.id = ${query.id ?? null}::uuid)
      and (${query.before ?? null}::uuid is null or b.id < ${query.before ?? null}::uuid)
    order by b.id desc limit ${query.limit}`.execute(db);
  const sums = await sql<{ parentId: string; member: string; sum: number }>`
    select j.parent_id, p.key as member, sum(p.value::text::float8) as sum
    from jobs j cross join lateral json_each(j.progress::json) p
    where j.parent_id = any(${rows.rows.map((row) => row.id)}::uuid[]) and j.progress is not null
      and json_typeof(p.value) = 'number' and json_typeof(j.progress::json) = 'object'
    group by 1, 2`.execute(db);
  return rows.rows.map(({ running, ...row }) => ({
    ...row,
    state: row.endedMs === null ? "running" : "ended",
    running,
    waiting: row.total - row.completed - row.failed - row.cancelled - running,
    progress: Object.fromEntries(
      sums.rows.filter((sum) => sum.parentId === row.id).map((sum) => [sum.member, sum.sum]),
    ),
  }));
}

/** Jobs of a batch that have not ended, and the one that waits for them. */
export async function loadOpenChildren(db: Db, tenantId: string, id: string): Promise<string[]> {
  const rows = await sql<{ id: string }>`
    select id from jobs where tenant_id = ${tenantId}::uuid and ended_ms is null
      and (parent_id = ${id}::uuid or id = (select afterwards_job_id from batches where id = ${id}::uuid))
    order by held desc, id`.execute(db);
  return rows.rows.map((row) => row.id);
}
