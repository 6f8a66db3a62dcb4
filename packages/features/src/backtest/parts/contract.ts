import { defineJob, Id } from "@tapedeck/core";
import * as z from "zod";

export const BacktestPartPayload = z
  .strictObject({
    /** The sweep, walk-forward or Monte Carlo to help. */
    jobId: Id,
    /** sha256 over the hashes of what it reads: a worker that sees other data or other saved formulas does not help. */
    inputsHash: z.string().regex(/^[0-9a-f]{64}$/),
  })
  .meta({ id: "BacktestPartPayload" });

export const BacktestPartResult = z.object({ parts: z.int() }).meta({ id: "BacktestPartResult" });

/** What a running search or simulation submits for itself, so that other workers share its work. */
export const backtestPart = defineJob({
  name: "backtestPart",
  path: "/backtest-parts",
  queue: "backtest",
  summary:
    "Compute parts of a running sweep, walk-forward or Monte Carlo until none waits (they submit it themselves)",
  version: 2,
  reuse: false,
  internal: true,
  role: "analyst",
  attempts: 1,
  timeoutMs: 3_600_000,
  cpu: true,
  payload: BacktestPartPayload,
  progress: z.object({ parts: z.int() }),
  result: BacktestPartResult,
});
