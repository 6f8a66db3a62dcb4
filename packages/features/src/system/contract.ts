import { defineQuery, queueNames, Role } from "@tapedeck/core";
import * as z from "zod";

const JsonSchema = z.record(z.string(), z.unknown()).meta({ description: "JSON Schema 2020-12" });

export const JobType = z
  .object({
    name: z.string(),
    path: z.string(),
    queue: z.enum(queueNames),
    summary: z.string(),
    role: Role,
    version: z.int(),
    reuse: z.boolean(),
    /** Running jobs submit it for themselves. */
    internal: z.boolean(),
    attempts: z.int(),
    timeoutMs: z.int(),
    payload: JsonSchema,
    progress: JsonSchema,
    result: JsonSchema,
    examples: z.array(z.unknown()),
  })
  .meta({ id: "JobType" });
export type JobType = z.output<typeof JobType>;

export const ErrorCodeView = z
  .object({ code: z.string(), status: z.int(), title: z.string() })
  .meta({ id: "ErrorCode" });

export const Health = z
  .object({
    /** unavailable: the database does not answer, so that nothing is served. Without the queue jobs are taken and wait. */
    status: z.enum(["ready", "unavailable"]),
    checks: z.object({ database: z.boolean(), queue: z.boolean() }),
  })
  .meta({ id: "Health" });

export const Status = z
  .object({
    ...Health.shape,
    atMs: z.int(),
    /** Worker processes that are heard. */
    workers: z.int(),
    /** Stream processes that are heard. */
    feeds: z.array(
      z.object({ venue: z.string(), simulated: z.boolean(), startedMs: z.int(), heartbeatMs: z.int() }),
    ),
    /** The caller's tenant's jobs that have not ended. */
    openJobs: z.int(),
    /** The caller's tenant's messages that wait to be sent. */
    pendingNotifications: z.int(),
  })
  .meta({ id: "Status" });

export const systemRoutes = {
  getHealth: defineQuery({
    name: "getHealth",
    path: "/health",
    tag: "System",
    summary: "Whether requests can be served: 200, or 503",
    role: "public",
    response: Health,
  }),
  getStatus: defineQuery({
    name: "getStatus",
    path: "/status",
    tag: "System",
    summary: "What runs: database, queue, workers, feeds, and what of the caller's waits",
    role: "viewer",
    response: Status,
  }),
  listJobTypes: defineQuery({
    name: "listJobTypes",
    path: "/job-types",
    tag: "System",
    summary: "Every job type with the schemas of its payload, progress and result",
    role: "viewer",
    response: z.object({ items: z.array(JobType) }),
  }),
  listErrors: defineQuery({
    name: "listErrors",
    path: "/errors",
    tag: "System",
    summary: "Every error code with its status and title",
    role: "public",
    response: z.object({ items: z.array(ErrorCodeView) }),
  }),
};
