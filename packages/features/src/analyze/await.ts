import { AppError } from "@tapedeck/core";
import type { Caller } from "@tapedeck/core";
import type { JobService, JobView } from "../jobs/contract.ts";
import { AnalyzeResult, notAnAnalysis } from "./contract.ts";

/** How long a GET that computes waits before it answers 202. */
const waitMs = 10_000;

export function analysisResult(job: JobView): AnalyzeResult {
  if (job.type !== "analyze") throw notAnAnalysis(job.id, job.type);
  if (job.state !== "completed") {
    throw new AppError("job.notEnded", `Analysis ${job.id} is ${job.state}; it has no series.`);
  }
  return AnalyzeResult.parse(job.result);
}

/** A failed job's error, as the caller would have got it had it been no job. */
function throwUnlessCompleted(job: JobView): void {
  if (job.state === "failed" && job.error !== null) {
    const { code, message, details } = job.error;
    throw new AppError(code as AppError["code"], message, details === undefined ? {} : { details });
  }
  if (job.state === "cancelled") throw new AppError("job.cancelled", `Job ${job.id} was cancelled.`);
}

/** Submits an analysis for a GET and waits for it; `pending`: it goes on, and is asked for again. */
export async function analyzeAndWait(
  deps: { jobs: JobService },
  caller: Caller,
  payload: Record<string, unknown>,
): Promise<{ jobId: string; result: AnalyzeResult } | { pending: string }> {
  const { job } = await deps.jobs.submit({ caller, type: "analyze", payload });
  const ended = await deps.jobs.waitForEnd(caller.tenantId, job.id, waitMs);
  throwUnlessCompleted(ended);
  if (ended.state !== "completed") return { pending: job.id };
  return { jobId: job.id, result: analysisResult(ended) };
}
