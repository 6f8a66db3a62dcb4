import { AppError, Id, withoutQuery } from "@tapedeck/core";
import type { RouteHandlersFor } from "@tapedeck/core";
import type { Selectable } from "kysely";
import type { Deps } from "../deps.ts";
import type { notificationRoutes } from "./contract.ts";
import { loadSecret } from "./store.ts";
import type { NotificationsTables } from "./tables.ts";

function view(row: Selectable<NotificationsTables["notifications"]>) {
  const { tenantId: _tenant, dedupeKey: _key, body, ...shown } = row;
  return {
    ...shown,
    url: withoutQuery(row.url),
    state: row.state as "pending",
    event: (JSON.parse(body) as { event: string }).event,
    nextMs: row.state === "pending" ? row.nextMs : null,
  };
}

export const notificationRouteHandlers: RouteHandlersFor<typeof notificationRoutes, Deps> = {
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
