import { randomBytes } from "node:crypto";
import { newId } from "@tapedeck/core";
import { sql } from "kysely";
import type { Selectable } from "kysely";
import type { Db, Tx } from "../db.ts";
import { ChannelSettings } from "./contract.ts";
import type { NewNotification } from "./contract.ts";
import { newPushKeys } from "./push.ts";
import type { PushKeys } from "./push.ts";
import type { NotificationsTables } from "./tables.ts";

export async function insertNotification(tx: Db | Tx, entry: NewNotification, nowMs: number): Promise<void> {
  const { tenantId, dedupeKey, url, channelIds } = entry;
  const targets: { url: string | null; channelId: string | null; dedupeKey: string }[] = [];
  if (url !== undefined && url !== null) targets.push({ url, channelId: null, dedupeKey });
  if (channelIds !== undefined)
    for (const { id } of await loadChannels(tx, tenantId, channelIds))
      targets.push({ url: null, channelId: id, dedupeKey: `${dedupeKey} ${id}` });
  if (targets.length === 0) return;
  const rows = targets.map((target) => ({
    id: newId(nowMs),
    tenantId,
    ...target,
    body: JSON.stringify(entry.body),
    state: "pending",
    attempts: 0,
    nextMs: nowMs,
    lastError: null,
    createdMs: nowMs,
    deliveredMs: null,
  }));
  await tx
    .insertInto("notifications")
    .values(rows)
    .onConflict((conflict) => conflict.columns(["tenantId", "dedupeKey"]).doNothing())
    .execute();
}

export interface ChannelRow extends Omit<
  Selectable<NotificationsTables["notificationChannels"]>,
  "settings"
> {
  settings: ChannelSettings;
}

function channelOf(row: Selectable<NotificationsTables["notificationChannels"]>): ChannelRow {
  return { ...row, settings: ChannelSettings.parse(JSON.parse(row.settings)) };
}

/** A tenant's channels in the order of their making: all, or those of the ids that there are. */
export async function loadChannels(
  db: Db | Tx,
  tenantId: string,
  ids: readonly string[] | null,
): Promise<ChannelRow[]> {
  if (ids?.length === 0) return [];
  let rows = db.selectFrom("notificationChannels").selectAll().where("tenantId", "=", tenantId).orderBy("id");
  if (ids !== null) rows = rows.where("id", "in", ids);
  return (await rows.execute()).map(channelOf);
}

export async function loadChannel(db: Db, tenantId: string, id: string): Promise<ChannelRow | undefined> {
  const [row] = await loadChannels(db, tenantId, [id]);
  return row;
}

/** Undefined: the tenant has a channel of that name, or as many as it may have. */
export async function insertChannel(db: Db, row: ChannelRow, most: number): Promise<ChannelRow | undefined> {
  return db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${`channels ${row.tenantId}`}, 0))`.execute(tx);
    if ((await loadChannels(tx, row.tenantId, null)).length >= most) return undefined;
    const inserted = await tx
      .insertInto("notificationChannels")
      .values({ ...row, settings: JSON.stringify(row.settings) })
      .onConflict((conflict) => conflict.columns(["tenantId", "name"]).doNothing())
      .returning("id")
      .executeTakeFirst();
    return inserted === undefined ? undefined : row;
  });
}

/** False: there is none. */
export async function deleteChannel(db: Db, tenantId: string, id: string): Promise<boolean> {
  const result = await db
    .deleteFrom("notificationChannels")
    .where("tenantId", "=", tenantId)
    .where("id", "=", id)
    .executeTakeFirst();
  return result.numDeletedRows === 1n;
}

/** The keys that sign this deployment's pushes; made when there are none. Browsers are subscribed to the public one. */
export async function loadPushKeys(db: Db, nowMs: number): Promise<PushKeys> {
  await db
    .insertInto("pushKeys")
    .values({ ...newPushKeys(), createdMs: nowMs })
    .onConflict((conflict) => conflict.column("single").doNothing())
    .execute();
  return db.selectFrom("pushKeys").select(["publicKey", "privateKey"]).executeTakeFirstOrThrow();
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
  /** One of the two is null. */
  url: string | null;
  channelId: string | null;
  body: string;
  attempts: number;
}

/**
 * Takes due ones, save those for a channel or an address among `except`; each is due again after `leaseMs` unless its outcome
 * is noted before.
 */
export async function claimDue(
  db: Db,
  nowMs: number,
  leaseMs: number,
  limit: number,
  except: readonly string[],
): Promise<DueNotification[]> {
  // Materialized: a plan that asked for the due ones once for each row would take them all.
  const rows = await sql<DueNotification>`
    with due as materialized (
      select id from notifications where state = 'pending' and next_ms <= ${nowMs}
        and coalesce(channel_id::text, url) <> all(${except}::text[])
      order by next_ms limit ${limit} for update skip locked
    )
    update notifications n set attempts = n.attempts + 1, next_ms = ${nowMs + leaseMs}
    from due where n.id = due.id returning n.id, n.tenant_id, n.url, n.channel_id, n.body, n.attempts`.execute(
    db,
  );
  return rows.rows;
}

/** Puts claimed ones back as they were: nothing was sent of them. */
export async function putBack(db: Db, ids: readonly string[], nowMs: number): Promise<void> {
  await db
    .updateTable("notifications")
    .set((eb) => ({ attempts: eb("attempts", "-", 1), nextMs: nowMs }))
    .where("id", "in", ids)
    .execute();
}

/** How a channel does, by its messages of the last day. */
export interface ChannelHealth {
  waiting: number;
  deliveredMs: number | null;
  lastError: string | null;
}

const dayMs = 86_400_000;

/** Of a tenant's channels that had messages within a day, by id. */
export async function loadChannelHealth(
  db: Db,
  tenantId: string,
  nowMs: number,
): Promise<Map<string, ChannelHealth>> {
  const { rows } = await sql<ChannelHealth & { channelId: string }>`
    select channel_id, count(*) filter (where state = 'pending')::int as waiting, max(delivered_ms) as delivered_ms,
      (array_agg(last_error order by created_ms desc, id desc) filter (where attempts > 0))[1] as last_error
    from notifications
    where tenant_id = ${tenantId} and channel_id is not null and created_ms > ${nowMs - dayMs}
    group by channel_id`.execute(db);
  return new Map(rows.map(({ channelId, ...health }) => [channelId, health]));
}
