import { AppError, Id, newId, withoutQuery } from "@tapedeck/core";
import type { RouteHandlersFor } from "@tapedeck/core";
import type { Selectable } from "kysely";
import type { Deps } from "../deps.ts";
import type { scheduleRoutes, ScheduleView } from "./contract.ts";
import { nextTime, nextTimes } from "./domain.ts";
import type { SchedulesTables } from "./tables.ts";

type Row = Selectable<SchedulesTables["schedules"]>;

function view(row: Row): ScheduleView {
  const { tenantId: _tenant, principalKind: _kind, role: _role, ...shown } = row;
  return {
    ...shown,
    payload: JSON.parse(row.payload) as unknown,
    callbackUrl: row.callbackUrl === null ? null : withoutQuery(row.callbackUrl),
    misfire: row.misfire as ScheduleView["misfire"],
  };
}

async function load(deps: Deps, tenantId: string, id: string): Promise<Row> {
  const row = await deps.db
    .selectFrom("schedules")
    .selectAll()
    .where("id", "=", id)
    .where("tenantId", "=", tenantId)
    .executeTakeFirst();
  if (row === undefined) throw new AppError("resource.unknown", `There is no schedule ${id}.`);
  return row;
}

/** A name that is taken, said plainly. */
function asConflict(error: unknown, name: string): unknown {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return code === "23505"
    ? new AppError("resource.conflict", `There is a schedule named "${name}" already.`)
    : error;
}

export const scheduleRouteHandlers: RouteHandlersFor<typeof scheduleRoutes, Deps> = {
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

  async createSchedule(deps, { body }, caller) {
    deps.jobs.check(caller, body.type, body.payload);
    const nowMs = deps.now();
    const row: Row = {
      ...body,
      id: newId(nowMs),
      tenantId: caller.tenantId,
      payload: JSON.stringify(body.payload),
      submittedBy: caller.principalId,
      principalKind: caller.kind,
      role: caller.role,
      nextMs: body.enabled ? nextTime(body.cron, body.timeZone, nowMs) : null,
      lastDueMs: null,
      lastJobId: null,
      lastError: null,
      createdMs: nowMs,
      updatedMs: nowMs,
    };
    try {
      await deps.db.insertInto("schedules").values(row).execute();
    } catch (error) {
      throw asConflict(error, body.name);
    }
    return view(row);
  },

  async getSchedule(deps, { params }, caller) {
    return view(await load(deps, caller.tenantId, params.id));
  },

  async updateSchedule(deps, { params, body }, caller) {
    const old = await load(deps, caller.tenantId, params.id);
    const nowMs = deps.now();
    const changed: Row = {
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
    await deps.db.deleteFrom("schedules").where("id", "=", params.id).execute();
  },

  async previewSchedule(deps, { query }) {
    return { times: nextTimes(query.cron, query.timeZone, query.fromMs ?? deps.now(), query.count) };
  },
};
