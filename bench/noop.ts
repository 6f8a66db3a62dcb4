/** A job type that does nothing, loaded by TAPEDECK_EXTRA_JOBS: what is left is what a job costs. */
import { defineJob } from "@tapedeck/core";
import * as z from "zod";

export const contracts = {
  noop: defineJob({
    name: "noop",
    path: "/noops",
    queue: "sentiment",
    summary: "Do nothing",
    version: 1,
    reuse: false,
    role: "analyst",
    attempts: 1,
    timeoutMs: 60_000,
    cpu: false,
    payload: z.strictObject({ n: z.int() }),
    progress: z.strictObject({}),
    result: z.strictObject({ n: z.int() }),
  }),
};

export const handlers = {
  noop: (_deps: unknown, payload: { n: number }) => Promise.resolve({ n: payload.n }),
};
