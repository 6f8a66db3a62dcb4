import { errorCodes } from "@tapedeck/core";
import type { JobContract, QueuePort, RouteHandlersFor } from "@tapedeck/core";
import * as z from "zod";
import type { Db } from "../db.ts";
import type { Health, JobType, systemRoutes } from "./contract.ts";
import { loadStatus, ping } from "./store.ts";

/** JSON Schema 2020-12 of what a client sends ("input") or gets ("output"). */
export function jsonSchemaOf(schema: z.ZodType, io: "input" | "output"): Record<string, unknown> {
  return z.toJSONSchema(schema, { io, unrepresentable: "any", reused: "inline" }) as Record<string, unknown>;
}

export function jobTypeOf(contract: JobContract): JobType {
  const {
    name,
    path,
    queue,
    summary,
    role,
    version,
    reuse,
    internal = false,
    attempts,
    timeoutMs,
  } = contract;
  return {
    name,
    path: `/api${path}`,
    queue,
    summary,
    role,
    version,
    reuse,
    internal,
    attempts,
    timeoutMs,
    payload: jsonSchemaOf(contract.payload, "input"),
    progress: jsonSchemaOf(contract.progress, "output"),
    result: jsonSchemaOf(contract.result, "output"),
    examples: [...(contract.examples ?? [])],
  };
}

export interface SystemDeps {
  db: Db;
  queue: Pick<QueuePort, "ping">;
  jobContracts: Record<string, JobContract>;
  now(): number;
}

const patienceMs = 450;

async function healthOf({ db, queue }: SystemDeps): Promise<z.output<typeof Health>> {
  const [database, queueAnswers] = await Promise.all([
    ping(db).then(
      () => true,
      () => false,
    ),
    queue.ping(patienceMs).catch(() => false),
  ]);
  return { status: database ? "ready" : "unavailable", checks: { database, queue: queueAnswers } };
}

export const systemRouteHandlers = {
  async getHealth(deps) {
    const health = await healthOf(deps);
    return health.status === "ready" ? health : Response.json(health, { status: 503 });
  },
  async getStatus(deps, _input, caller) {
    const nowMs = deps.now();
    const [health, status] = await Promise.all([healthOf(deps), loadStatus(deps.db, caller.tenantId, nowMs)]);
    return { ...health, atMs: nowMs, ...status };
  },
  listJobTypes: async ({ jobContracts }) => ({
    items: Object.values(jobContracts).map(jobTypeOf),
  }),
  listErrors: async () => ({
    items: Object.entries(errorCodes).map(([code, { status, title }]) => ({ code, status, title })),
  }),
} satisfies RouteHandlersFor<typeof systemRoutes, SystemDeps>;
