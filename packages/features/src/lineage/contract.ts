import { defineQuery, Id } from "@tapedeck/core";
import * as z from "zod";

/** A job as lineage shows it: with what it read and, below that, the jobs that brought it in. */
export interface LineageJob {
  jobId: string;
  type: string;
  state: string;
  payload: unknown;
  seed: number;
  contractVersion: number | null;
  /** Code that ran it; null until it has run. */
  codeVersion: string | null;
  endedMs: number | null;
  reusedFrom: string | null;
  inputs: LineageInput[];
}

export interface LineageInput {
  kind: string;
  /** Content hash or row id. */
  ref: string;
  label: string;
  details: Record<string, unknown>;
  /** The jobs it came from: ingests of a dataset, the job of a job's result. */
  from: LineageJob[];
}

const LineageInput: z.ZodType<LineageInput> = z
  .object({
    kind: z.string(),
    ref: z.string(),
    label: z.string(),
    details: z.record(z.string(), z.unknown()),
    get from() {
      return z.array(LineageJob);
    },
  })
  .meta({ id: "LineageInput" });

export const LineageJob: z.ZodType<LineageJob> = z
  .object({
    jobId: Id,
    type: z.string(),
    state: z.string(),
    payload: z.unknown(),
    seed: z.int(),
    contractVersion: z.int().nullable(),
    codeVersion: z.string().nullable(),
    endedMs: z.int().nullable(),
    reusedFrom: Id.nullable(),
    inputs: z.array(LineageInput),
  })
  .meta({ id: "LineageJob" });

export const lineageRoutes = {
  getLineage: defineQuery({
    name: "getLineage",
    path: "/jobs/{id}/lineage",
    tag: "Jobs",
    summary:
      "Where a result comes from: what it read, the ingests that brought it, their files or venues, code and seed",
    role: "viewer",
    params: z.object({ id: Id }),
    response: LineageJob,
  }),
};
