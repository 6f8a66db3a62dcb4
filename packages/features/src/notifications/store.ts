import { randomBytes } from "node:crypto";
import { newId } from "@tapedeck/core";
import { sql } from "kysely";
import type { Db, Tx } from "../db.ts";
import type { NewNotification } from "./contract.ts";

export async function insertNotification(tx: Db | Tx, entry: NewNotification, nowMs: number): Promise<void> {
  await tx
    .insertInto("notifications")
    .values({
      id: newId(nowMs),
      tenantId: entry.tenantId,
      dedupeKey: entry.dedupeKey,
      url: entry.url,
      body: JSON.stringify(entry.body),
      state: "pending",
      attempts: 0,
      nextMs: nowMs,
      lastError: null,
      createdMs: nowMs,
      deliveredMs: null,
    })
    .onConflict((conflict) => conflict.columns(["tenantId", "dedupeKey"]).doNothing())
    .execute();
}

/** The tenant's signing secret; made when there is none. */
export async function loadSecret(
  db: Db,
  tenantId: string,
  nowMs: number,
): Promise<{ secret: string; createdMs: number }> {
  const fresh = { tenantId, secret: `whsec_${randomBytes(32).toString("base64url")}`, createdMs: nowMs };
  await db
    .insertInto("callbackSecrets")
    .values(fresh)
    .onConflict((conflict) => conflict.column("tenantId").doNothing())
    .execute();
  return db
    .selectFrom("callbackSecrets")
    .select(["secret", "createdMs"])
    .where("tenantId", "=", tenantId)
    .executeTakeFirstOrThrow();
}

export interface DueNotification {
  id: string;
  tenantId: string;
  url: string;
  body: string;
  attempts: number;
}

/** Takes due ones; each is due again after `leaseMs` unless its outcome is noted before. */
export async function claimDue(
  db: Db,
  nowMs: number,
  leaseMs: number,
  limit: number,
): Promise<DueNotification[]> {
  const rows = await sql<DueNotification>`
    update notifications n set attempts = n.attempts + 1, next_ms = ${nowMs + leaseMs}
    from (
      select id from notifications where state = 'pending' and next_ms <= ${nowMs}
      order by next_ms limit ${limit} for update skip locked
    ) due
    where n.id = due.id returning n.id, n.tenant_id, n.url, n.body, n.attempts`.execute(db);
  return rows.rows;
}
