import { AppError, Id } from "@tapedeck/core";
import type { RouteHandlersFor } from "@tapedeck/core";
import type { ApiDeps } from "../deps.ts";
import { asConflict, view } from "./book.ts";
import type { ScheduleRow } from "./book.ts";
import type { scheduleRoutes } from "./contract.ts";
import { nextTime, nextTimes } from "./domain.ts";

type ScheduleDeps = Pick<ApiDeps, "db" | "jobs" | "now" | "schedules">;

async function load(deps: ScheduleDeps, tenantId: string, id: string): Promise<ScheduleRow> {
  const row = await deps.db
    .selectFrom("schedules")
    .selectAll()
    .where("id", "=", id)
    .where("tenantId", "=", tenantId)
    .executeTakeFirst();
  if (row === undefined) throw new AppError("resource.unknown", `There is no schedule ${id}.`);
  return row;
}

export const scheduleRouteHandlers: RouteHandlersFor<typeof scheduleRoutes, ScheduleDeps> = {
  async listSchedules(deps, { query }, caller) {
    let rows = deps.db
      .selectFrom("schedules")
      .selectAll()
      .where("tenantId", "=", caller.tenantId)
      .orderBy("id", "desc")
      .limit(query.limit + 1);
    if (query.cursor !== undefined) {
      if (!Id.safeParse(query.cursor).success) {
        throw new AppError("payload.invalid", "The cursor is not one that a page gave.");
      }
      rows = rows.where("id", "<", query.cursor);
    }
    const found = await rows.execute();
    const items = found.slice(0, query.limit).map(view);
    return { items, nextCursor: found.length > query.limit ? items.at(-1)!.id : null };
  },

  createSchedule: (deps, { body }, caller) =>
    deps.db.transaction().execute((tx) => deps.schedules.create(tx, caller, body)),

  async getSchedule(deps, { params }, caller) {
    return view(await load(deps, caller.tenantId, params.id));
  },

  async updateSchedule(deps, { params, body }, caller) {
    const old = await load(deps, caller.tenantId, params.id);
    const nowMs = deps.now();
    const changed: ScheduleRow = {
      ...old,
      ...Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined)),
      payload: body.payload === undefined ? old.payload : JSON.stringify(body.payload),
      // It runs as whoever changed it last: nobody gains a role by another's schedule.
      submittedBy: caller.principalId,
      principalKind: caller.kind,
      role: caller.role,
      updatedMs: nowMs,
    };
    deps.jobs.check(caller, changed.type, JSON.parse(changed.payload));
    const next = nextTime(changed.cron, changed.timeZone, nowMs);
    changed.nextMs = changed.enabled ? next : null;
    try {
      await deps.db.updateTable("schedules").set(changed).where("id", "=", old.id).execute();
    } catch (error) {
      throw asConflict(error, changed.name);
    }
    return view(changed);
  },

  async deleteSchedule(deps, { params }, caller) {
    await load(deps, caller.tenantId, params.id);
    await deps.db.transaction().execute((tx) => deps.schedules.remove(tx, caller.tenantId, params.id));
  },

  async previewSchedule(deps, { query }) {
    return { times: nextTimes(query.cron, query.timeZone, query.fromMs ?? deps.now(), query.count) };
  },
};
