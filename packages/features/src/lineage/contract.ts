import { defineCommand, defineQuery, Id } from "@tapedeck/core";
import { JobView } from "../jobs/contract.ts";
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
  /** Inputs that this answer has no room for; GET /jobs/{id}/inputs lists all. */
  moreInputs: number;
}

export interface LineageInput {
  kind: string;
  /** Content hash or row id. */
  ref: string;
  label: string;
  details: Record<string, unknown>;
  /** The jobs it came from: ingests of a dataset, the job of a job's result. */
  from: LineageJob[];
  /** Jobs and stream runs it came from that this answer has no room for, or whose job has been erased. */
  moreFrom: number;
  /** Runs of the live stream that recorded a dataset's bars. */
  streamRuns: LineageStreamRun[];
}

export interface LineageStreamRun {
  runId: string;
  venue: string;
  /** Made-up prices. */
  simulated: boolean;
  /** Of the simulated venue. */
  seed: number | null;
  codeVersion: string;
  startedMs: number;
  /** Null while it runs. */
  stoppedMs: number | null;
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
    moreFrom: z.int(),
    streamRuns: z.array(
      z.object({
        runId: Id,
        venue: z.string(),
        simulated: z.boolean(),
        seed: z.int().nullable(),
        codeVersion: z.string(),
        startedMs: z.int(),
        stoppedMs: z.int().nullable(),
      }),
    ),
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
    moreInputs: z.int(),
  })
  .meta({ id: "LineageJob" });

const Run = z.object({
  jobId: Id,
  state: z.string(),
  contractVersion: z.int(),
  /** Null until it has run. */
  codeVersion: z.string().nullable(),
  /** sha256 of the result without the names of its job and evidence; null where there is none. */
  resultHash: z.string().nullable(),
});

/** A replay beside the run that it repeats. */
export const Replay = z
  .object({
    original: Run,
    replay: Run,
    sameCode: z.boolean(),
    /** Bit for bit; null until both have a result. */
    sameResult: z.boolean().nullable(),
  })
  .meta({ id: "Replay" });

export const lineageRoutes = {
  replayJob: defineCommand({
    name: "replayJob",
    method: "POST",
    path: "/jobs/{id}/replay",
    tag: "Jobs",
    summary:
      "Run an ended job's payload again with its seed, over the data as it was known to it; never for imports and orders",
    role: "analyst",
    params: z.object({ id: Id }),
    response: JobView,
    status: 202,
  }),
  getReplay: defineQuery({
    name: "getReplay",
    path: "/jobs/{id}/replay",
    tag: "Jobs",
    summary: "A replay beside the run that it repeats: whether code and result are the same",
    role: "viewer",
    params: z.object({ id: Id }),
    response: Replay,
  }),
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
