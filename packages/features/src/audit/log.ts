import { idCursor, newId, withoutQuery } from "@tapedeck/core";
import type { Kysely } from "kysely";
import type { Database } from "../db.ts";
import type { AuditLog, AuditRecord } from "./contract.ts";

const maxRowsPerInsert = 500;
const maxDetailsBytes = 4_096;
const secretName =
  /pass(word|phrase)|token|secret|authorization|api_?key|cookie|credential|webhook|^(auth|p256dh|endpoint)$/i;

/** A copy in which every member with a secret's name is blacked out, and addresses lose their query. */
export function redactSecrets(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return /^https?:\/\//i.test(value) ? withoutQuery(value) : value;
  if (typeof value !== "object" || value === null) return value;
  if (depth > 8) return "[deep]";
  if (Array.isArray(value)) return value.map((item) => redactSecrets(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      secretName.test(name) ? "[redacted]" : redactSecrets(member, depth + 1),
    ]),
  );
}

/** Characters that PostgreSQL's jsonb refuses are taken out. */
function detailsText(details: unknown): string | null {
  if (details === undefined) return null;
  const text = JSON.stringify(redactSecrets(details)).replaceAll("\\u0000", "");
  return text.length > maxDetailsBytes ? null : text;
}

/** Entries that arrive while an insert is under way go together in the next one. */
export function createAuditLog(deps: { db: Kysely<Database>; now: () => number }): AuditLog {
  let waiting: { row: Row; done: () => void; failed: (error: unknown) => void }[] = [];
  let flushing = false;

  type Row = ReturnType<typeof rowOf>;

  function rowOf(entry: AuditRecord) {
    const atMs = deps.now();
    return {
      id: newId(atMs),
      tenantId: entry.tenantId ?? null,
      atMs,
      principalId: entry.principalId,
      principalKind: entry.principalKind,
      action: entry.action,
      target: entry.target.slice(0, 500),
      status: entry.status,
      requestId: entry.requestId,
      address: entry.address ?? null,
      details: detailsText(entry.details),
    };
  }

  async function flush(): Promise<void> {
    flushing = true;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, maxRowsPerInsert);
      waiting = waiting.slice(maxRowsPerInsert);
      try {
        await deps.db
          .insertInto("auditLog")
          .values(batch.map((item) => item.row))
          .execute();
        for (const item of batch) item.done();
      } catch (error) {
        for (const item of batch) item.failed(error);
      }
    }
    flushing = false;
  }

  return {
    record(entry) {
      return new Promise((done, failed) => {
        waiting.push({ row: rowOf(entry), done, failed });
        if (!flushing) {
          flushing = true;
          setImmediate(() => void flush());
        }
      });
    },

    async list(tenantId, query) {
      let select = deps.db.selectFrom("auditLog").selectAll().where("tenantId", "=", tenantId);
      const before = idCursor(query.cursor);
      if (before !== undefined) select = select.where("id", "<", before);
      if (query.principalId !== undefined) select = select.where("principalId", "=", query.principalId);
      if (query.action !== undefined) select = select.where("action", "=", query.action);
      if (query.from !== undefined) select = select.where("atMs", ">=", query.from);
      if (query.to !== undefined) select = select.where("atMs", "<", query.to);
      const rows = await select
        .orderBy("id", "desc")
        .limit(query.limit + 1)
        .execute();
      const items = rows.slice(0, query.limit).map(({ tenantId: _tenant, ...entry }) => entry);
      return { items, nextCursor: rows.length > query.limit ? items[items.length - 1]!.id : null };
    },
  };
}
