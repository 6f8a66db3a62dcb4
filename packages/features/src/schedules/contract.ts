import { defineCommand, defineQuery, EpochMs, Id, pageOf, PageQuery } from "@tapedeck/core";
import type { Caller } from "@tapedeck/core";
import type { Tx } from "../db.ts";
import { CallbackUrl } from "../jobs/contract.ts";
import * as z from "zod";

/** What to do with times that passed while nothing ran: run once for all of them, or leave them out. */
export const Misfire = z.enum(["once", "skip"]);

const fields = {
  /** Unique in the tenant. */
  name: z.string().trim().min(1).max(100),
  type: z.string().max(60),
  payload: z.unknown(),
  /** Five fields (minute hour day month weekday), or six with seconds first. */
  cron: z.string().trim().min(1).max(100),
  /** IANA name. */
  timeZone: z.string().max(60),
  misfire: Misfire,
  enabled: z.boolean(),
  priority: z.int().min(1).max(10),
  callbackUrl: CallbackUrl.nullable(),
};

export const ScheduleBody = z
  .strictObject({
    ...fields,
    timeZone: fields.timeZone.default("UTC"),
    misfire: fields.misfire.default("once"),
    enabled: fields.enabled.default(true),
    priority: fields.priority.default(5),
    callbackUrl: fields.callbackUrl.default(null),
  })
  .meta({
    id: "ScheduleBody",
    examples: [
      {
        name: "evening summary",
        type: "analyze",
        payload: { instrumentId: "SPX.INDEX" },
        cron: "30 16 * * 1-5",
        timeZone: "America/New_York",
      },
    ],
  });
export const SchedulePatch = z.strictObject(fields).partial().meta({ id: "SchedulePatch" });

export const ScheduleView = z
  .object({
    id: Id,
    ...fields,
    callbackUrl: z.string().nullable(),
    /** The next time; null while disabled, or when the expression names no more. */
    nextMs: z.int().nullable(),
    lastDueMs: z.int().nullable(),
    lastJobId: Id.nullable(),
    /** Why the last time submitted no job. */
    lastError: z.string().nullable(),
    submittedBy: z.string(),
    createdMs: z.int(),
    updatedMs: z.int(),
  })
  .meta({ id: "Schedule" });
export type ScheduleView = z.output<typeof ScheduleView>;

/** How other features make and end schedules; `tx` makes it part of their own transaction. */
export interface ScheduleBook {
  create(tx: Tx, caller: Caller, body: z.output<typeof ScheduleBody>): Promise<ScheduleView>;
  remove(tx: Tx, tenantId: string, id: string): Promise<void>;
}

const Params = z.object({ id: Id });

export const scheduleRoutes = {
  // Before /schedules/{id}, which would take its path.
  previewSchedule: defineQuery({
    name: "previewSchedule",
    path: "/schedules/preview",
    tag: "Schedules",
    summary: "The next times of a cron expression",
    role: "viewer",
    query: z.object({
      cron: fields.cron,
      timeZone: fields.timeZone.default("UTC"),
      fromMs: EpochMs.optional(),
      count: z.coerce.number().int().min(1).max(50).default(5),
    }),
    response: z.object({ times: z.array(z.int()) }),
  }),
  listSchedules: defineQuery({
    name: "listSchedules",
    path: "/schedules",
    tag: "Schedules",
    summary: "Schedules of the tenant, newest first",
    role: "viewer",
    query: PageQuery,
    response: pageOf(ScheduleView),
  }),
  createSchedule: defineCommand({
    name: "createSchedule",
    method: "POST",
    path: "/schedules",
    tag: "Schedules",
    summary: "Submit a job at the times of a cron expression in a time zone",
    role: "analyst",
    body: ScheduleBody,
    response: ScheduleView,
    status: 201,
  }),
  getSchedule: defineQuery({
    name: "getSchedule",
    path: "/schedules/{id}",
    tag: "Schedules",
    summary: "One schedule (its jobs: GET /jobs?scheduleId=…)",
    role: "viewer",
    params: Params,
    response: ScheduleView,
  }),
  updateSchedule: defineCommand({
    name: "updateSchedule",
    method: "PATCH",
    path: "/schedules/{id}",
    tag: "Schedules",
    summary: "Change a schedule; times that have passed are not made up for",
    role: "analyst",
    params: Params,
    body: SchedulePatch,
    response: ScheduleView,
  }),
  deleteSchedule: defineCommand({
    name: "deleteSchedule",
    method: "DELETE",
    path: "/schedules/{id}",
    tag: "Schedules",
    summary: "Delete a schedule; jobs it submitted stay",
    role: "analyst",
    params: Params,
  }),
};
