import { sql } from "kysely";
import type { Db } from "../db.ts";

/**
 * How much each caller and tenant has waiting: read from the rows now and then, counted on in between. Near enough
 * for fairness and limits; replicas differ by what they took in since their last reading.
 */
export interface Backlog {
  /** Jobs the caller had waiting in the queue before this one, which is counted. */
  next(queue: string, tenantId: string, submittedBy: string): number;
  openOf(tenantId: string): number;
  refresh(): Promise<void>;
}

export function createBacklog(db: Db): Backlog {
  let waiting = new Map<string, number>();
  let open = new Map<string, number>();
  let sinceReading: { queue: string; tenantId: string; submittedBy: string }[] = [];

  const count = (queue: string, tenantId: string, submittedBy: string) => {
    const key = `${queue} ${submittedBy}`;
    const before = waiting.get(key) ?? 0;
    waiting.set(key, before + 1);
    open.set(tenantId, (open.get(tenantId) ?? 0) + 1);
    return before;
  };

  return {
    next(queue, tenantId, submittedBy) {
      sinceReading.push({ queue, tenantId, submittedBy });
      return count(queue, tenantId, submittedBy);
    },
    openOf: (tenantId) => open.get(tenantId) ?? 0,
    async refresh() {
      // What was taken in before the reading began is in the rows, or will be at the next reading.
      sinceReading = [];
      const result = await sql<{ queue: string; submittedBy: string; tenantId: string; n: number }>`
        select queue, submitted_by, tenant_id, count(*)::int as n from jobs
        where ended_ms is null and state in ('accepted', 'queued') group by 1, 2, 3`.execute(db);
      const during = sinceReading;
      waiting = new Map();
      open = new Map();
      for (const row of result.rows) {
        const key = `${row.queue} ${row.submittedBy}`;
        waiting.set(key, (waiting.get(key) ?? 0) + row.n);
        open.set(row.tenantId, (open.get(row.tenantId) ?? 0) + row.n);
      }
      for (const entry of during) count(entry.queue, entry.tenantId, entry.submittedBy);
    },
  };
}
