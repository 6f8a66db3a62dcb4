import { AppError, Id, newId, withoutQuery } from "@tapedeck/core";
import type { RouteHandlersFor } from "@tapedeck/core";
import type { Selectable } from "kysely";
import type { Db } from "../db.ts";
import { targetOf } from "./channels.ts";
import { maxChannels } from "./contract.ts";
import type { ChannelView, notificationRoutes } from "./contract.ts";
import {
  deleteChannel,
  insertChannel,
  insertNotification,
  loadChannel,
  loadChannelHealth,
  loadChannels,
  loadPushKeys,
  loadSecret,
} from "./store.ts";
import type { ChannelHealth, ChannelRow } from "./store.ts";
import type { NotificationsTables } from "./tables.ts";

function view(row: Selectable<NotificationsTables["notifications"]>) {
  const { tenantId: _tenant, dedupeKey: _key, body, ...shown } = row;
  return {
    ...shown,
    url: row.url === null ? null : withoutQuery(row.url),
    state: row.state as "pending",
    event: (JSON.parse(body) as { event: string }).event,
    nextMs: row.state === "pending" ? row.nextMs : null,
  };
}

const untried: ChannelHealth = { waiting: 0, deliveredMs: null, lastError: null };

function viewChannel(
  { id, name, settings, createdBy, createdMs }: ChannelRow,
  health: ChannelHealth = untried,
): ChannelView {
  return { id, name, kind: settings.kind, target: targetOf(settings), createdBy, createdMs, ...health };
}

const unknownChannel = (id: string) => new AppError("resource.unknown", `There is no channel ${id}.`);

export interface NotificationDeps {
  db: Db;
  now(): number;
}

export const notificationRouteHandlers: RouteHandlersFor<typeof notificationRoutes, NotificationDeps> = {
  async listChannels({ db, now }, _input, caller) {
    const [rows, health] = await Promise.all([
      loadChannels(db, caller.tenantId, null),
      loadChannelHealth(db, caller.tenantId, now()),
    ]);
    return { items: rows.map((row) => viewChannel(row, health.get(row.id))) };
  },

  async createChannel({ db, now }, { body }, caller) {
    const { tenantId, principalId } = caller;
    const nowMs = now();
    const row = { id: newId(nowMs), tenantId, ...body, createdBy: principalId, createdMs: nowMs };
    if ((await insertChannel(db, row, maxChannels)) === undefined)
      throw new AppError(
        "resource.conflict",
        `There is a channel ${body.name} already, or there are ${maxChannels}, which is the most; delete one.`,
      );
    return viewChannel(row);
  },

  async deleteChannel({ db }, { params }, caller) {
    if (!(await deleteChannel(db, caller.tenantId, params.id))) throw unknownChannel(params.id);
  },

  async testChannel({ db, now }, { params }, caller) {
    const { tenantId } = caller;
    const channel = await loadChannel(db, tenantId, params.id);
    if (channel === undefined) throw unknownChannel(params.id);
    const nowMs = now();
    const dedupeKey = `test ${newId(nowMs)}`;
    const body = { event: "channel.test", text: `Test of the channel ${channel.name}` };
    await insertNotification(db, { tenantId, dedupeKey, channelIds: [channel.id], body }, nowMs);
    const row = await db
      .selectFrom("notifications")
      .selectAll()
      .where("tenantId", "=", tenantId)
      .where("dedupeKey", "=", `${dedupeKey} ${channel.id}`)
      .executeTakeFirstOrThrow();
    return view(row);
  },

  async getPushKey({ db, now }) {
    return { publicKey: (await loadPushKeys(db, now())).publicKey };
  },

  async listNotifications(deps, { query }, caller) {
    let rows = deps.db
      .selectFrom("notifications")
      .selectAll()
      .where("tenantId", "=", caller.tenantId)
      .orderBy("createdMs", "desc")
      .orderBy("id", "desc")
      .limit(query.limit + 1);
    if (query.state !== undefined) rows = rows.where("state", "=", query.state);
    if (query.cursor !== undefined) {
      const [createdMs, id] = query.cursor.split("_");
      if (id === undefined || !/^\d{1,15}$/.test(createdMs!) || !Id.safeParse(id).success) {
        throw new AppError("payload.invalid", "The cursor is not one that a page gave.");
      }
      const before = Number(createdMs);
      rows = rows.where((eb) =>
        eb.or([eb("createdMs", "<", before), eb.and([eb("createdMs", "=", before), eb("id", "<", id)])]),
      );
    }
    const found = await rows.execute();
    const items = found.slice(0, query.limit).map(view);
    const last = items.at(-1);
    return {
      items,
      nextCursor: found.length > query.limit && last !== undefined ? `${last.createdMs}_${last.id}` : null,
    };
  },

  async retryNotification(deps, { params }, caller) {
    const row = await deps.db
      .updateTable("notifications")
      .set({ state: "pending", attempts: 0, nextMs: deps.now() })
      .where("id", "=", params.id)
      .where("tenantId", "=", caller.tenantId)
      .where("state", "=", "failed")
      .returningAll()
      .executeTakeFirst();
    if (row !== undefined) return view(row);
    const found = await deps.db
      .selectFrom("notifications")
      .select("state")
      .where("id", "=", params.id)
      .where("tenantId", "=", caller.tenantId)
      .executeTakeFirst();
    if (found === undefined) throw new AppError("resource.unknown", `There is no notification ${params.id}.`);
    throw new AppError(
      "resource.conflict",
      `The notification is ${found.state}; only a failed one is sent again.`,
    );
  },

  getCallbackSecret: (deps, _input, caller) => loadSecret(deps.db, caller.tenantId, deps.now()),

  async rotateCallbackSecret(deps, _input, caller) {
    await deps.db.deleteFrom("callbackSecrets").where("tenantId", "=", caller.tenantId).execute();
    return loadSecret(deps.db, caller.tenantId, deps.now());
  },
};
