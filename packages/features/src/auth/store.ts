import { sql } from "kysely";
import type { Kysely, Selectable } from "kysely";
import type { Database } from "../db.ts";
import type { ApiKey, Session, Tenant, User } from "./contract.ts";
import type { AuthTables } from "./tables.ts";

type Db = Kysely<Database>;

export interface Principal {
  userId: string | null;
  keyId: string | null;
}

export function userView(row: Selectable<AuthTables["users"]>): User {
  const { id, tenantId, email, name, role, createdMs, disabledMs } = row;
  return { id, tenantId, email, name, role, createdMs, disabledMs };
}

export function tenantView(row: Selectable<AuthTables["tenants"]>): Tenant {
  const { id, name, operating, createdMs, disabledMs } = row;
  return { id, name, operating, createdMs, disabledMs };
}

export function keyView(row: Selectable<AuthTables["apiKeys"]>): ApiKey {
  const { id, name, prefix, role, createdBy, createdMs, expiresMs, lastUsedMs, revokedMs } = row;
  return { id, name, prefix, role, createdBy, createdMs, expiresMs, lastUsedMs, revokedMs };
}

export function sessionView(row: Selectable<AuthTables["sessions"]>, currentId: string | undefined): Session {
  const { id, kind, userAgent, address, createdMs, expiresMs } = row;
  return { id, kind, userAgent, address, createdMs, expiresMs, current: id === currentId };
}

/** A key with its tenant, and the user who made it where that was a user. */
export async function loadKeyByHash(db: Db, hash: string) {
  return keyQuery(db).where("apiKeys.hash", "=", hash).executeTakeFirst();
}

export async function loadKeyById(db: Db, id: string) {
  return keyQuery(db).where("apiKeys.id", "=", id).executeTakeFirst();
}

function keyQuery(db: Db) {
  return db
    .selectFrom("apiKeys")
    .innerJoin("tenants", "tenants.id", "apiKeys.tenantId")
    .leftJoin("users as maker", (join) =>
      join.on((eb) => eb(eb.cast<string>("maker.id", "text"), "=", eb.ref("apiKeys.createdBy"))),
    )
    .selectAll("apiKeys")
    .select([
      "tenants.operating as operating",
      "tenants.disabledMs as tenantDisabledMs",
      "maker.role as makerRole",
      "maker.disabledMs as makerDisabledMs",
    ]);
}

export type KeyRow = NonNullable<Awaited<ReturnType<typeof loadKeyByHash>>>;

function sessionQuery(db: Db) {
  return db
    .selectFrom("sessions")
    .innerJoin("tenants", "tenants.id", "sessions.tenantId")
    .leftJoin("users", "users.id", "sessions.userId")
    .selectAll("sessions")
    .select([
      "tenants.operating as operating",
      "tenants.disabledMs as tenantDisabledMs",
      "users.role as userRole",
      "users.disabledMs as userDisabledMs",
    ]);
}

export async function loadSession(db: Db, id: string) {
  return sessionQuery(db).where("sessions.id", "=", id).executeTakeFirst();
}

export async function loadSessionByCookie(db: Db, hash: string) {
  return sessionQuery(db).where("sessions.secretHash", "=", hash).executeTakeFirst();
}

export type SessionRow = NonNullable<Awaited<ReturnType<typeof loadSession>>>;

/** Sessions of a principal that can still be used, newest first. */
export async function loadLiveSessions(db: Db, principal: Principal, nowMs: number) {
  return db
    .selectFrom("sessions")
    .selectAll()
    .where((eb) =>
      principal.userId !== null ? eb("userId", "=", principal.userId) : eb("keyId", "=", principal.keyId),
    )
    .where("revokedMs", "is", null)
    .where("expiresMs", ">", nowMs)
    .orderBy("id", "desc")
    .limit(500)
    .execute();
}

/** Ends sessions of a user (all, or all but one). */
export async function revokeUserSessions(
  db: Db,
  userId: string,
  nowMs: number,
  exceptId?: string,
): Promise<void> {
  let query = db
    .updateTable("sessions")
    .set({ revokedMs: nowMs })
    .where("userId", "=", userId)
    .where("revokedMs", "is", null);
  if (exceptId !== undefined) query = query.where("id", "!=", exceptId);
  await query.execute();
}

/** A key and every key that was made with it, or with one of those. */
export async function loadKeysBelow(db: Db, id: string): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    with recursive below as (
      select id from api_keys where id = ${id}::uuid
      union select made.id from api_keys made join below on made.created_by = below.id::text
    ) select id from below`.execute(db);
  return rows.map((row) => row.id);
}

/** Revokes keys, and the sessions that were opened with them. */
export async function revokeKeys(db: Db, ids: readonly string[], nowMs: number): Promise<void> {
  await db
    .updateTable("apiKeys")
    .set({ revokedMs: nowMs })
    .where("id", "in", ids)
    .where("revokedMs", "is", null)
    .execute();
  await db
    .updateTable("sessions")
    .set({ revokedMs: nowMs })
    .where("keyId", "in", ids)
    .where("revokedMs", "is", null)
    .execute();
}

/** A page of rows newest first; the cursor is the last id. */
export function pageFrom<Row extends { id: string }, T>(
  rows: Row[],
  limit: number,
  view: (row: Row) => T,
): { items: T[]; nextCursor: string | null } {
  const items = rows.slice(0, limit);
  return {
    items: items.map(view),
    nextCursor: rows.length > limit ? items[items.length - 1]!.id : null,
  };
}

/** Deletes what can no longer be used. */
export async function eraseExpired(db: Db, nowMs: number): Promise<void> {
  const dayAgo = nowMs - 86_400_000;
  await db.deleteFrom("sessions").where("expiresMs", "<", dayAgo).execute();
  await db.deleteFrom("refreshTokens").where("expiresMs", "<", dayAgo).execute();
  await db.deleteFrom("signInLinks").where("expiresMs", "<", dayAgo).execute();
  await db.deleteFrom("rateBuckets").where("updatedMs", "<", dayAgo).execute();
}
