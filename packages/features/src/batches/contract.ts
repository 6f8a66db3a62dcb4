import { defineCommand, defineQuery, Id, pageOf, PageQuery } from "@tapedeck/core";
import * as z from "zod";
import { CallbackUrl, SubmitOptions } from "../jobs/contract.ts";

const BatchJob = z.object({
  type: z.string().max(60),
  payload: z.unknown(),
  options: SubmitOptions.omit({ callbackUrl: true }).optional(),
});

/** Either any jobs, or many of one type. All of them or none are accepted. */
export const BatchBody = z
  .strictObject({
    label: z.string().max(200).optional(),
    jobs: z.array(BatchJob).min(1).max(10_000).optional(),
    type: z.string().max(60).optional(),
    payloads: z.array(z.unknown()).min(1).max(10_000).optional(),
    options: SubmitOptions.omit({ callbackUrl: true }).optional(),
    /** Runs when all the others have ended, however they ended. */
    afterwards: BatchJob.optional(),
    callbackUrl: CallbackUrl.optional(),
  })
  .refine((body) => (body.jobs === undefined) !== (body.type === undefined || body.payloads === undefined), {
    error: "give either jobs, or type and payloads",
  })
  .meta({
    id: "BatchBody",
    examples: [
      {
        label: "two summaries",
        type: "analyze",
        payloads: [{ instrumentId: "SPX.INDEX" }, { instrumentId: "AAPL.XNAS" }],
      },
    ],
  });

export const BatchView = z
  .object({
    id: Id,
    label: z.string().nullable(),
    state: z.enum(["running", "ended"]),
    total: z.int(),
    waiting: z.int(),
    running: z.int(),
    completed: z.int(),
    failed: z.int(),
    cancelled: z.int(),
    /** Sums over all jobs of the numbers in their progress, by member. */
    progress: z.record(z.string(), z.number()),
    afterwardsJobId: Id.nullable(),
    submittedBy: z.string(),
    createdMs: z.int(),
    endedMs: z.int().nullable(),
  })
  .meta({ id: "Batch" });
export type BatchView = z.output<typeof BatchView>;

const Params = z.object({ id: Id });

export const batchRoutes = {
  createBatch: defineCommand({
    name: "createBatch",
    method: "POST",
    path: "/batches",
    tag: "Batches",
    summary: "Submit many jobs at once; their batch shows the sum of their progress",
    role: "analyst",
    body: BatchBody,
    response: BatchView,
    status: 202,
  }),
  listBatches: defineQuery({
    name: "listBatches",
    path: "/batches",
    tag: "Batches",
    summary: "Batches of the tenant, newest first",
    role: "viewer",
    query: PageQuery,
    response: pageOf(BatchView),
  }),
  getBatch: defineQuery({
    name: "getBatch",
    path: "/batches/{id}",
    tag: "Batches",
    summary: "One batch: its counters and the sum of its jobs' progress (its jobs: GET /jobs?parentId=…)",
    role: "viewer",
    params: Params,
    response: BatchView,
  }),
  cancelBatch: defineCommand({
    name: "cancelBatch",
    method: "DELETE",
    path: "/batches/{id}",
    tag: "Batches",
    summary: "Cancel every job of a batch that has not ended",
    role: "analyst",
    params: Params,
    response: BatchView,
  }),
};
