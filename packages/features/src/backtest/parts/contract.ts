import { defineJob, Id } from "@tapedeck/core";
import * as z from "zod";

export const BacktestPartPayload = z
  .strictObject({
    /** The sweep or walk-forward to help. */
    jobId: Id,
    /** Of what it reads: a worker that sees other data or other saved formulas does not help. */
    inputHashes: z
      .array(z.string().regex(/^[0-9a-f]{64}$/))
      .min(1)
      .max(100),
  })
  .meta({ id: "BacktestPartPayload" });

export const BacktestPartResult = z.object({ parts: z.int() }).meta({ id: "BacktestPartResult" });

/** What a running search submits for itself, so that other workers share its work. */
export const backtestPart = defineJob({
  name: "backtestPart",
  path: "/backtest-parts",
  queue: "backtest",
  summary: "Compute parts of a running sweep or walk-forward until none waits (they submit it themselves)",
  version: 1,
  reuse: false,
  role: "analyst",
  attempts: 1,
  timeoutMs: 3_600_000,
  cpu: true,
  payload: BacktestPartPayload,
  progress: z.object({ parts: z.int() }),
  result: BacktestPartResult,
});
