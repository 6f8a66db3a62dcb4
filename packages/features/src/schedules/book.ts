import { AppError, newId, withoutQuery } from "@tapedeck/core";
import type { Selectable } from "kysely";
import type { JobService } from "../jobs/contract.ts";
import type { ScheduleBook, ScheduleView } from "./contract.ts";
import { nextTime } from "./domain.ts";
import type { SchedulesTables } from "./tables.ts";

export type ScheduleRow = Selectable<SchedulesTables["schedules"]>;

export function view(row: ScheduleRow): ScheduleView {
  const { tenantId: _tenant, principalKind: _kind, role: _role, ...shown } = row;
  return {
    ...shown,
    payload: JSON.parse(row.payload) as unknown,
    callbackUrl: row.callbackUrl === null ? null : withoutQuery(row.callbackUrl),
    misfire: row.misfire as ScheduleView["misfire"],
  };
}

/** A name that is taken, said plainly. */
export function asConflict(error: unknown, name: string): unknown {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return code === "23505"
    ? new AppError("resource.conflict", `There is a schedule named "${name}" already.`)
    : error;
}

export function createScheduleBook(options: {
  jobs: Pick<JobService, "check">;
  now(): number;
}): ScheduleBook {
  const { jobs, now } = options;
  return {
    async create(tx, caller, body) {
      jobs.check(caller, body.type, body.payload);
      const nowMs = now();
      const row: ScheduleRow = {
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
        await tx.insertInto("schedules").values(row).execute();
      } catch (error) {
        throw asConflict(error, body.name);
      }
      return view(row);
    },

    async remove(tx, tenantId, id) {
      await tx.deleteFrom("schedules").where("id", "=", id).where("tenantId", "=", tenantId).execute();
    },
  };
}
