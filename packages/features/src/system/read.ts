import { errorCodes } from "@tapedeck/core";
import type { JobContract, RouteHandlersFor } from "@tapedeck/core";
import * as z from "zod";
import type { JobType, systemRoutes } from "./contract.ts";

/** JSON Schema 2020-12 of what a client sends ("input") or gets ("output"). */
export function jsonSchemaOf(schema: z.ZodType, io: "input" | "output"): Record<string, unknown> {
  return z.toJSONSchema(schema, { io, unrepresentable: "any", reused: "inline" }) as Record<string, unknown>;
}

export function jobTypeOf(contract: JobContract): JobType {
  const { name, path, queue, summary, role, version, reuse, attempts, timeoutMs } = contract;
  return {
    name,
    path: `/api${path}`,
    queue,
    summary,
    role,
    version,
    reuse,
    attempts,
    timeoutMs,
    payload: jsonSchemaOf(contract.payload, "input"),
    progress: jsonSchemaOf(contract.progress, "output"),
    result: jsonSchemaOf(contract.result, "output"),
    examples: [...(contract.examples ?? [])],
  };
}

export const systemRouteHandlers = {
  listJobTypes: async ({ jobContracts }) => ({
    items: Object.values(jobContracts).map(jobTypeOf),
  }),
  listErrors: async () => ({
    items: Object.entries(errorCodes).map(([code, { status, title }]) => ({ code, status, title })),
  }),
} satisfies RouteHandlersFor<typeof systemRoutes, { jobContracts: Record<string, JobContract> }>;
