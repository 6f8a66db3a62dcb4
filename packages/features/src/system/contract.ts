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

export const systemRoutes = {
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
