import { AppError } from "@tapedeck/core";
import { contentHash } from "@tapedeck/core/hash";
import type { Db } from "../db.ts";
import { EvidenceItem } from "./contract.ts";
import type { Evidence, EvidenceStore } from "./contract.ts";

const insertRows = 500;

/** `ev_` and 40 hex digits of the item's sha256: the same item has the same id everywhere. */
export function evidenceId(item: EvidenceItem): string {
  return `ev_${contentHash(item).slice(0, 40)}`;
}

/**
 * Evidence in PostgreSQL. Adding is idempotent, so that it needs no fence: an attempt that lost its job can only
 * write what the attempt that owns it writes too. Items are parsed, so that a NaN never becomes null.
 */
export function createEvidenceStore(options: { db: Db; now(): number }): EvidenceStore {
  const { db } = options;

  async function addAll(tenantId: string, jobId: string, items: readonly EvidenceItem[]): Promise<string[]> {
    const parsed = items.map((item) => EvidenceItem.parse(item));
    const ids = parsed.map(evidenceId);
    const rows = new Map(parsed.map((item, i) => [ids[i]!, item]));
    // Sorted: two jobs that add the same items at once must lock them in one order.
    const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
    for (let start = 0; start < sorted.length; start += insertRows) {
      const values = sorted.slice(start, start + insertRows).map(([id, item]) => ({
        tenantId,
        id,
        jobId,
        lastJobId: jobId,
        item: JSON.stringify(item),
        createdMs: options.now(),
      }));
      await db
        .insertInto("evidence")
        .values(values)
        .onConflict((conflict) =>
          conflict
            .columns(["tenantId", "id"])
            .doUpdateSet({ lastJobId: jobId })
            .where("evidence.lastJobId", "!=", jobId),
        )
        .execute();
    }
    return ids;
  }

  return {
    addAll,
    async add(tenantId, jobId, item) {
      const [id] = await addAll(tenantId, jobId, [item]);
      return id!;
    },
    async get(tenantId, id): Promise<Evidence> {
      const row = await db
        .selectFrom("evidence")
        .select(["id", "jobId", "createdMs", "item"])
        .where("tenantId", "=", tenantId)
        .where("id", "=", id)
        .executeTakeFirst();
      if (row === undefined) {
        throw new AppError(
          "resource.unknown",
          `There is no evidence ${id} here. Evidence ids are those that an answer or result lists.`,
        );
      }
      return { id: row.id, jobId: row.jobId, createdMs: row.createdMs, item: EvidenceItem.parse(row.item) };
    },
  };
}
