import { AppError } from "@tapedeck/core";
import type { RouteHandlersFor } from "@tapedeck/core";
import type { Deps } from "../deps.ts";
import type { batchRoutes, BatchView } from "./contract.ts";
import { loadBatches, loadOpenChildren } from "./store.ts";

async function one(deps: Deps, tenantId: string, id: string): Promise<BatchView> {
  const [batch] = await loadBatches(deps.db, tenantId, { id, limit: 1 });
  if (batch === undefined) throw new AppError("resource.unknown", `There is no batch ${id}.`);
  return batch;
}

/** Cancelled at the same time, so that a large batch does not take the database's connections. */
const cancelTogether = 8;

export const batchRouteHandlers: RouteHandlersFor<typeof batchRoutes, Deps> = {
  async createBatch(deps, { body, request }, caller) {
    const jobs =
      body.jobs ??
      body.payloads!.map((payload) => ({
        type: body.type!,
        payload,
        ...(body.options === undefined ? {} : { options: body.options }),
      }));
    const key = request.headers.get("idempotency-key");
    const traceParent = request.headers.get("traceparent");
    const { batchId } = await deps.jobs.submitBatch({
      caller,
      jobs: jobs.map(({ type, payload, options }) => ({
        type,
        payload,
        ...(options === undefined ? {} : { options }),
      })),
      ...(body.afterwards === undefined
        ? {}
        : {
            afterwards: {
              type: body.afterwards.type,
              payload: body.afterwards.payload,
              ...(body.afterwards.options === undefined ? {} : { options: body.afterwards.options }),
            },
          }),
      ...(body.label === undefined ? {} : { label: body.label }),
      ...(body.callbackUrl === undefined ? {} : { callbackUrl: body.callbackUrl }),
      ...(key === null ? {} : { idempotencyKey: key }),
      ...(traceParent === null ? {} : { traceParent }),
    });
    return one(deps, caller.tenantId, batchId);
  },

  async listBatches(deps, { query }, caller) {
    const items = await loadBatches(deps.db, caller.tenantId, {
      limit: query.limit + 1,
      ...(query.cursor === undefined ? {} : { before: query.cursor }),
    });
    const page = items.slice(0, query.limit);
    return { items: page, nextCursor: items.length > query.limit ? page.at(-1)!.id : null };
  },

  getBatch: (deps, { params }, caller) => one(deps, caller.tenantId, params.id),

  async cancelBatch(deps, { params }, caller) {
    const batch = await one(deps, caller.tenantId, params.id);
    if (batch.state === "ended") throw new AppError("job.ended", "The batch has already ended.");
    const ids = await loadOpenChildren(deps.db, caller.tenantId, params.id);
    for (let at = 0; at < ids.length; at += cancelTogether) {
      await Promise.all(
        ids.slice(at, at + cancelTogether).map((id) =>
          deps.jobs.cancel(caller, id).catch((error: unknown) => {
            // It ended in the meantime: that is what was asked for.
            if (!(error instanceof AppError && error.code === "job.ended")) throw error;
          }),
        ),
      );
    }
    return one(deps, caller.tenantId, params.id);
  },
};
